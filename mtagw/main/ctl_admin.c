/*
 * ctl_admin: schema and accounts. Passwords are read from standard input, never from the command
 * line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/main/ctl.h"
#include "mtagw/store/account.h"
#include "mtagw/store/migrate.h"

struct applied {
	bool json;
	int count;
};

static void told(int n, const char *name, void *ctx)
{
	struct applied *a = ctx;

	if (a->json)
		printf("%s{\"n\": %d, \"name\": \"%s\"}", a->count > 0 ? ", " : "", n, name);
	else
		printf("applied %s\n", name);
	a->count++;
}

int ctl_db_migrate(struct ctl *c)
{
	struct db *owner = db_new(c->settings, "owner", NULL);
	struct applied a = {.json = c->o.json};
	int rc;

	if (a.json)
		printf("{\"applied\": [");
	rc = migrate_run(owner, NULL, clock_now_ms(), told, &a, &c->err);
	if (a.json)
		printf("], \"done\": %s}\n", rc < 0 ? "false" : "true");
	else if (rc > 0)
		puts("the schema is up to date");
	db_free(&owner);
	return rc < 0;
}

/* --- accounts --------------------------------------------------------------------------------- */

static const char *read_password(struct ctl *c)
{
	char line[ACCOUNT_PASSWORD_MAX + 2];
	const char *hash;

	if (fgets(line, sizeof(line), stdin) == NULL) {
		(void)err_set(&c->err, "no password on standard input");
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	hash = account_hash(line, c->arena, &c->err);
	mem_wipe(line, sizeof(line));
	return hash;
}

static char *lower_login(struct ctl *c)
{
	char *login = arena_strdup(c->arena, c->args[0]);

	for (char *p = login; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	return login;
}

/* A known login: an address of ours, so nothing in it needs escaping. */
static int say_login(const struct ctl *c, const char *login, const char *done)
{
	if (c->o.json)
		printf("{\"login\": \"%s\"}\n", login);
	else
		printf("%s %s\n", login, done);
	return 0;
}

int ctl_account_add(struct ctl *c)
{
	char *login = lower_login(c), *at = strchr(login, '@');
	struct account account = {.login = login,
	    .name = c->o.name,
	    .nip = c->o.nip,
	    .rank_title = c->o.rank,
	    .pay_grade = c->o.grade,
	    .capacity = c->o.capacity[0] ? c->o.capacity : "substantive",
	    .actor = c->actor,
	    .at_ms = clock_now_ms()};

	if (at == NULL || strcmp(at + 1, c->settings->domain) != 0) {
		(void)err_set(&c->err, "%s: a login is the whole address, <position>@%s", login,
		    c->settings->domain);
		return 1;
	}
	if (c->o.name[0] == '\0') {
		(void)err_set(&c->err, "--name is missing: who holds the position?");
		return 1;
	}
	account.position = arena_strndup(c->arena, login, (size_t)(at - login));
	account.password_hash = read_password(c);
	if (account.password_hash == NULL || account_add(c->db, &c->ids, &account, &c->err) != 1)
		return 1;
	return say_login(c, login, "added");
}

int ctl_account_list(struct ctl *c)
{
	return ctl_print_report(c, &report_accounts, NULL);
}

int ctl_account_passwd(struct ctl *c)
{
	const char *login = lower_login(c), *hash = read_password(c);
	int rc;

	if (hash == NULL)
		return 1;
	rc = account_set_password(c->db, &c->ids, login, hash, &c->actor, clock_now_ms(), &c->err);
	if (rc == 0)
		(void)err_set(&c->err, "no login %s", login);
	return rc == 1 ? say_login(c, login, "has a new password") : 1;
}

int ctl_account_disable(struct ctl *c)
{
	const char *login = lower_login(c);
	int rc = account_disable(c->db, &c->ids, login, &c->actor, clock_now_ms(), &c->err);

	if (rc == 0)
		(void)err_set(&c->err, "no active login %s", login);
	return rc == 1 ? say_login(c, login, "may not log in any more") : 1;
}
