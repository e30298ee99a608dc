/*
 * account: who holds a position and may log in as it. Structure (positions) comes from policy and
 * is never written here; people and incumbencies are rows and only rows. Nothing is deleted: a
 * login is switched off, an incumbency gets its end.
 */
#include "mtagw/store/account.h"

static const struct stmt look = {"account_look",
    "select exists (select 1 from org.position where id = $2 and active),"
    " (select active from org.account where login = $1 for update),"
    " (select max(id) from org.person where nip = $3 and nip <> '')"};
static const struct stmt put_person = {"account_put_person",
    "insert into org.person (id, name, nip, rank_title, pay_grade) values ($1, $2, $3, $4, $5)"
    " on conflict (id) do update set name = excluded.name, nip = excluded.nip,"
    " rank_title = excluded.rank_title, pay_grade = excluded.pay_grade"};
static const struct stmt end_incumbencies = {"account_end_incumbencies",
    "update org.incumbency set valid_to = $2 where position = $1 and valid_to is null"};
static const struct stmt add_incumbency = {"account_add_incumbency",
    "insert into org.incumbency (id, position, person, capacity, valid_from)"
    " values ($1, $2, $3, $4, $5)"};
static const struct stmt put_account = {"account_put",
    "insert into org.account (login, position, password, created_at) values ($1, $2, $3, $4)"
    " on conflict (login) do update set position = excluded.position,"
    " password = excluded.password, active = true"};
static const struct stmt set_password = {"account_set_password",
    "update org.account set password = $2 where login = $1 returning position"};
static const struct stmt disable = {"account_disable",
    "update org.account set active = false where login = $1 and active returning position"};

const struct stmt *const account_statements[] = {&look, &put_person, &end_incumbencies,
    &add_incumbency, &put_account, &set_password, &disable, NULL};

static int add_exchange(struct db *db, struct ids *ids, const char *event,
    const struct exchange_actor *actor, int64_t at_ms, const char *const *details,
    struct err *error_r)
{
	struct exchanges *list = exchanges_new();
	struct exchange x = {.at_ms = at_ms, .event = event, .outcome = "done", .actor = *actor};
	int rc = exchanges_add(list, db, ids, &x, details, error_r);

	if (rc > 0)
		exchanges_queue(list, db);
	exchanges_free(&list);
	return rc;
}

/* The person's id: the known one with this NIP, else a new one. */
static int look_up(
    struct db *db, struct ids *ids, const struct account *a, int64_t *person_r, struct err *error_r)
{
	struct db_param params[] = {db_text(a->login), db_text(a->position), db_text(a->nip)};
	struct db_result *r = NULL;
	int rc = 1;

	if (db_query(db, &look, params, 3, &r, error_r) < 0)
		return -1;
	*person_r = db_get_int(r, 0, 2);
	if (!db_get_bool(r, 0, 0)) {
		(void)err_set(error_r, "the active policy has no position \"%s\"", a->position);
		rc = 0;
	} else if (db_get_bool(r, 0, 1)) {
		(void)err_set(
		    error_r, "%s is in use: account passwd, or account disable first", a->login);
		rc = 0;
	}
	db_result_free(&r);
	if (rc > 0 && *person_r == 0)
		rc = ids_next(ids, db, a->at_ms, person_r, error_r);
	return rc;
}

static int add(struct db *db, struct ids *ids, const struct account *a, struct err *error_r)
{
	const char *details[] = {
	    "login", a->login, "name", a->name, "nip", a->nip, "capacity", a->capacity, NULL};
	int64_t person, incumbency;
	int rc = look_up(db, ids, a, &person, error_r);

	if (rc <= 0)
		return rc;
	if (ids_next(ids, db, a->at_ms, &incumbency, error_r) < 0)
		return -1;
	db_queue(db, &put_person,
	    (struct db_param[]){db_int(person), db_text(a->name), db_text(a->nip),
	        db_text(a->rank_title), db_text(a->pay_grade)},
	    5);
	db_queue(
	    db, &end_incumbencies, (struct db_param[]){db_text(a->position), db_int(a->at_ms)}, 2);
	db_queue(db, &add_incumbency,
	    (struct db_param[]){db_int(incumbency), db_text(a->position), db_int(person),
	        db_text(a->capacity), db_int(a->at_ms)},
	    5);
	db_queue(db, &put_account,
	    (struct db_param[]){db_text(a->login), db_text(a->position), db_text(a->password_hash),
	        db_int(a->at_ms)},
	    4);
	return add_exchange(db, ids, "AccountAdded", &a->actor, a->at_ms, details, error_r);
}

/* Commits what rc tells is whole, else rolls back. */
static int end(struct db *db, int rc, struct err *error_r)
{
	if (rc > 0)
		return db_commit(db, error_r);
	db_rollback(db);
	return rc;
}

int account_add(struct db *db, struct ids *ids, const struct account *account, struct err *error_r)
{
	if (db_begin(db, error_r) < 0)
		return -1;
	return end(db, add(db, ids, account, error_r), error_r);
}

/* One updating statement that returns a row where the login was there. */
static int change(struct db *db, struct ids *ids, const struct stmt *stmt,
    const struct db_param *params, size_t count, const char *event, const char *login,
    const struct exchange_actor *actor, int64_t at_ms, struct err *error_r)
{
	const char *details[] = {"login", login, NULL};
	struct db_result *r = NULL;
	int rc;

	if (db_begin(db, error_r) < 0)
		return -1;
	rc = db_query(db, stmt, params, count, &r, error_r);
	if (rc > 0 && db_rows(r) == 0) {
		(void)err_set(error_r, "no login \"%s\" is in use", login);
		rc = 0;
	}
	db_result_free(&r);
	if (rc > 0)
		rc = add_exchange(db, ids, event, actor, at_ms, details, error_r);
	return end(db, rc, error_r);
}

int account_set_password(struct db *db, struct ids *ids, const char *login, const char *hash,
    const struct exchange_actor *actor, int64_t at_ms, struct err *error_r)
{
	struct db_param params[] = {db_text(login), db_text(hash)};

	return change(
	    db, ids, &set_password, params, 2, "PasswordChanged", login, actor, at_ms, error_r);
}

int account_disable(struct db *db, struct ids *ids, const char *login,
    const struct exchange_actor *actor, int64_t at_ms, struct err *error_r)
{
	struct db_param params[] = {db_text(login)};

	return change(
	    db, ids, &disable, params, 1, "AccountDisabled", login, actor, at_ms, error_r);
}
