/*
 * ctl_key: seal keys and DKIM keys. They are made and shown by signd, which alone holds them and
 * answers in JSON: programs get it as it is, people get tables, an armored key, or zone records.
 */
#include <stdio.h>

#include <jansson.h>

#include "mtagw/base/clock.h"
#include "mtagw/crypto/signer.h"
#include "mtagw/main/ctl.h"

#define ASK_MS 30000 /* an RSA key may take seconds to find */

/* A key that was made is a change: its row in the trail. The key stands already, so a failure here
 * says that. */
static int tell_trail(struct ctl *c, const char *kind)
{
	struct exchanges *list = exchanges_new();
	const char *const details[] = {"kind", kind, "key", c->args[0], NULL};
	struct exchange x = {
	    .at_ms = clock_now_ms(), .event = "KeyCreated", .outcome = "done", .actor = c->actor};
	int rc = db_begin(c->db, &c->err);

	if (rc == 1) {
		rc = exchanges_add(list, c->db, &c->ids, &x, details, &c->err);
		if (rc == 1) {
			exchanges_queue(list, c->db);
			rc = db_commit(c->db, &c->err);
		} else {
			db_rollback(c->db);
		}
	}
	exchanges_free(&list);
	if (rc != 1)
		(void)err_prefix(&c->err, "the key is made, but the trail has no row of it");
	return rc != 1;
}

/* signd's answer, to be freed by json_decref; NULL when there is none, or when --json had it
 * printed already: then *rc_r is 0. */
static json_t *ask_signd(struct ctl *c, const char *verb, int *rc_r)
{
	struct signer *signer = signer_new(
	    arena_printf(c->arena, "unix:%s/signd.sock", c->settings->runtime_dir), ASK_MS);
	const char *args[3] = {c->args[0], c->args[1], c->args[2]};
	struct buf text = {0};
	json_t *answer = NULL;

	*rc_r = signer_admin(signer, verb, args, &text, &c->err) != 1;
	signer_free(&signer);
	if (*rc_r == 0 && c->o.json) {
		(void)puts(buf_str(&text));
	} else if (*rc_r == 0) {
		answer = json_loadb(buf_range(&text).p, text.len, 0, NULL);
		if (answer == NULL) {
			*rc_r = 1;
			(void)err_set(&c->err, "signd's answer to %s is not JSON", verb);
		}
	}
	buf_free(&text);
	return answer;
}

static const char *value_text(const json_t *value)
{
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	return json_string_length(value) > 0 ? json_string_value(value) : "-";
}

/* Objects as a table; columns are their keys, as `--json` has them, and end with NULL. */
static void print_objects(struct ctl *c, const json_t *list, const char *const *columns)
{
	size_t rows = json_array_size(list), count = 0;
	const char **cells;

	while (columns[count] != NULL)
		count++;
	cells = arena_alloc(c->arena, (rows + 1) * count * sizeof(*cells));
	for (size_t i = 0; i < count; i++)
		cells[i] = columns[i];
	for (size_t row = 0; row < rows; row++)
		for (size_t i = 0; i < count; i++)
			cells[(row + 1) * count + i] =
			    value_text(json_object_get(json_array_get(list, row), columns[i]));
	ctl_print_cells(cells, rows + 1, count);
}

/* One object as a table of one row. */
static void print_object(struct ctl *c, json_t *object, const char *const *columns)
{
	json_t *list = json_array();

	json_array_append(list, object);
	print_objects(c, list, columns);
	json_decref(list);
}

int ctl_key_list(struct ctl *c)
{
	static const char *const seal[] = {
	    "address", "fingerprint", "created", "expires", "usable", "reason", NULL};
	static const char *const dkim[] = {
	    "selector", "algorithm", "name", "usable", "reason", NULL};
	int rc;
	json_t *answer = ask_signd(c, "key.list", &rc);

	if (answer == NULL)
		return rc;
	(void)puts("Seal keys");
	print_objects(c, json_object_get(answer, "seal"), seal);
	(void)puts("\nDKIM keys");
	print_objects(c, json_object_get(answer, "dkim"), dkim);
	json_decref(answer);
	return 0;
}

int ctl_key_create_seal(struct ctl *c)
{
	static const char *const columns[] = {"address", "fingerprint", NULL};
	int rc;
	json_t *answer = ask_signd(c, "key.create-seal", &rc);

	if (answer != NULL)
		print_object(c, answer, columns);
	json_decref(answer);
	return rc || tell_trail(c, "seal");
}

int ctl_key_create_dkim(struct ctl *c)
{
	static const char *const columns[] = {"selector", "algorithm", "name", NULL};
	int rc;
	json_t *answer = ask_signd(c, "key.create-dkim", &rc);

	if (answer != NULL)
		print_object(c, answer, columns);
	json_decref(answer);
	return rc || tell_trail(c, "dkim");
}

/* The armored key as it is: for a file, or `gpg --import`. */
int ctl_key_show_seal(struct ctl *c)
{
	int rc;
	json_t *answer = ask_signd(c, "key.show-seal", &rc);

	if (answer != NULL)
		(void)fputs(value_text(json_object_get(answer, "armor")), stdout);
	json_decref(answer);
	return rc;
}

/* Lines of a zone file. */
int ctl_key_show_dkim(struct ctl *c)
{
	int rc;
	json_t *answer = ask_signd(c, "key.show-dkim", &rc), *record;
	size_t i;

	json_array_foreach(json_object_get(answer, "records"), i, record)
	{
		(void)puts(value_text(json_object_get(record, "zone")));
	}
	json_decref(answer);
	return rc;
}
