/* The blocking side against a real server: values there and back, transactions, refusals, lost
 * connections, notices, migration, every statement parsed. */
#include "test_db.h"

#include "mtagw/store/id.h"
#include "mtagw/store/migrate.h"
#include "mtagw/store/stmt.h"

static const struct stmt echo = {"test_echo",
    "select $1::bigint, $2::boolean, $3::text, $4::bytea, $5::bigint[], $6::text[], "
    "$7::text, $8::integer, $9::smallint"};
static const struct stmt temp = {
    "test_temp", "create temp table if not exists t (n integer primary key, s text)"};
static const struct stmt put = {"test_put", "insert into t (n, s) values ($1, $2)"};
static const struct stmt put_many = {"test_put_many",
    "insert into t (n, s) select n, s || flag::text || coalesce(encode(b, 'hex'), '-')"
    " from unnest($1::bigint[], $2::text[], $3::boolean[], $4::bytea[]) as u(n, s, flag, b)"};
static const struct stmt count = {"test_count", "select count(*) from t"};
static const struct stmt clear = {"test_clear", "delete from t"};
static const struct stmt bad = {"test_bad", "select 1 / $1::integer"};
static const struct stmt kill_me = {"test_kill", "select pg_terminate_backend(pg_backend_pid())"};
static const struct stmt pid = {"test_pid", "select pg_backend_pid()"};
static const struct stmt kill_pid = {
    "test_kill_pid", "select pg_terminate_backend($1::integer, 5000)"};
static struct db *db;
static struct err error;

static void test_migrate(void **state)
{
	struct db *owner = db_new(&test_settings, "owner", NULL);
	int64_t built_in;

	(void)state;
	ASSERT_DONE(migrate_run(owner, NULL, clock_now_ms(), NULL, NULL, &error), error);
	ASSERT_DONE(migrate_run(owner, NULL, clock_now_ms(), NULL, NULL, &error), error);
	built_in = test_number(owner, "select count(*) from public.schema_migration");
	ASSERT_DONE(
	    migrate_run(owner, "mtagw/store/migrations", clock_now_ms(), NULL, NULL, &error),
	    error);
	ASSERT_DONE(stmt_check_all(owner, &error), error);
	/* a file that the program does not hold would be applied only now */
	assert_int_equal(
	    test_number(owner, "select count(*) from public.schema_migration"), built_in);
	db_free(&owner);
}

static void test_migrate_refuses(void **state)
{
	char dir[] = "/tmp/mtagw-migrate-XXXXXX", cmd[256];
	struct db *owner = db_new(&test_settings, "owner", NULL);
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "%s/0001_base.sql", dir);
	f = fopen(cmd, "w");
	fputs("select 1;\n", f);
	fclose(f);
	assert_int_equal(migrate_run(owner, dir, clock_now_ms(), NULL, NULL, &error), -1);
	assert_non_null(strstr(error.text, "was changed after it was applied"));
	remove(cmd);
	assert_int_equal(migrate_run(owner, dir, clock_now_ms(), NULL, NULL, &error), -1);
	assert_non_null(strstr(error.text, "does not know it"));
	snprintf(cmd, sizeof(cmd), "%s/0002_more.sql", dir);
	f = fopen(cmd, "w");
	fclose(f);
	assert_int_equal(migrate_run(owner, dir, clock_now_ms(), NULL, NULL, &error), -1);
	assert_non_null(strstr(error.text, "number 1 is due"));
	remove(cmd);
	remove(dir);
	db_free(&owner);
}

static void test_values(void **state)
{
	static const int64_t ints[] = {0, -1, INT64_MAX, INT64_MIN};
	static const char *const texts[] = {"", "satu", "kop \xc3\xa9 \"x\" {,}", "NULL"};
	const struct range bytes = {"\0\1\xff", 3};
	struct db_result *r = NULL;
	struct arena *arena = arena_new();
	size_t n;

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct db_param params[] = {db_int(INT64_MIN + 5), db_bool(true),
		    db_text("Surat \xe2\x9c\x93"), db_bytes(bytes), db_ints(ints, round ? 0 : 4),
		    db_texts(texts, round ? 0 : 4), round ? db_null() : db_text(NULL), db_int(-7),
		    db_int(-9)};

		ASSERT_DONE(db_query(db, &echo, params, 9, &r, &error), error);
		assert_int_equal(db_rows(r), 1);
		assert_true(db_get_int(r, 0, 0) == INT64_MIN + 5);
		assert_true(db_get_bool(r, 0, 1));
		assert_string_equal(db_get_text(r, 0, 2), "Surat \xe2\x9c\x93");
		assert_true(range_equal(db_get_bytes(r, 0, 3), bytes));
		const int64_t *back = db_get_ints(r, 0, 4, arena, &n);
		assert_int_equal(n, round ? 0 : 4);
		for (size_t i = 0; i < n; i++)
			assert_true(back[i] == ints[i]);
		const char *const *words = db_get_texts(r, 0, 5, arena, &n);
		assert_int_equal(n, round ? 0 : 4);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(words[i], texts[i]);
		assert_true(db_is_null(r, 0, 6));
		assert_string_equal(db_get_text(r, 0, 6), "");
		assert_int_equal(db_get_int(r, 0, 7), -7);
		assert_int_equal(db_get_int(r, 0, 8), -9);
		assert_true(db_is_null(r, 7, 0)); /* out of range is no crash */
		db_result_free(&r);
	}
	arena_free(&arena);
}

static void put_row(int n, const char *s)
{
	struct db_param params[] = {db_int(n), db_text(s)};

	db_queue(db, &put, params, 2);
}

static void test_transaction(void **state)
{
	struct db_result *r = NULL;
	char *big = mem_alloc(300001);

	(void)state;
	memset(big, 'x', 300000);
	big[300000] = '\0';
	ASSERT_DONE(db_query(db, &temp, NULL, 0, NULL, &error), error);
	ASSERT_DONE(db_query(db, &clear, NULL, 0, NULL, &error), error);
	ASSERT_DONE(db_begin(db, &error), error);
	for (int i = 0; i < 200; i++)
		put_row(i, i % 10 == 0 ? big : "kecil"); /* 6 MB: more than both sockets' buffers */
	ASSERT_DONE(db_query(db, &count, NULL, 0, &r, &error), error);
	assert_int_equal(db_get_int(r, 0, 0), 200);
	db_result_free(&r);
	ASSERT_DONE(db_commit(db, &error), error);
	/* a refused statement in the queue appears at the commit, nothing of it stays */
	ASSERT_DONE(db_begin(db, &error), error);
	put_row(1000, "a");
	put_row(5, "again");
	put_row(1001, "b");
	assert_int_equal(db_commit(db, &error), -1);
	assert_int_equal(db_last(db), DB_REFUSED);
	assert_string_equal(db_sqlstate(db), "23505");
	assert_non_null(strstr(error.text, "test_put"));
	assert_int_equal(test_number(db, "select count(*) from t"), 200);
	/* a refused query, then a commit that cannot be one */
	ASSERT_DONE(db_begin(db, &error), error);
	put_row(1000, "a");
	struct db_param zero = db_int(0);
	assert_int_equal(db_query(db, &bad, &zero, 1, &r, &error), -1);
	assert_int_equal(db_last(db), DB_REFUSED);
	assert_null(r);
	assert_int_equal(db_commit(db, &error), -1);
	assert_int_equal(db_last(db), DB_REFUSED);
	assert_int_equal(test_number(db, "select count(*) from t"), 200);
	/* rollback with things queued, also after a refusal */
	ASSERT_DONE(db_begin(db, &error), error);
	put_row(1000, "a");
	put_row(1000, "a");
	db_rollback(db);
	assert_int_equal(test_number(db, "select count(*) from t"), 200);
	/* no db_begin: what was queued and the query are one transaction */
	put_row(2000, "a");
	put_row(2000, "a");
	assert_int_equal(db_query(db, &count, NULL, 0, &r, &error), -1);
	assert_int_equal(test_number(db, "select count(*) from t"), 200);
	free(big);
}

static void gather_row(int n, const char *s, struct range bytes)
{
	struct db_param params[] = {db_int(n), db_text(s), db_bool(n == 1), db_bytes(bytes)};

	db_gather(db, &put_many, params, 4);
}

/* Rows gathered are one statement, before whatever is sent next; what is dropped leaves nothing. */
static void test_gather(void **state)
{
	struct db_result *r = NULL;

	(void)state;
	ASSERT_DONE(db_query(db, &temp, NULL, 0, NULL, &error), error);
	ASSERT_DONE(db_query(db, &clear, NULL, 0, NULL, &error), error);
	ASSERT_DONE(db_begin(db, &error), error);
	gather_row(1, "a", (struct range){"\0\xff", 2});
	gather_row(2, "b", (struct range){0});
	gather_row(3, NULL, (struct range){"", 0});
	ASSERT_DONE(db_query(db, &count, NULL, 0, &r, &error), error);
	assert_int_equal(db_get_int(r, 0, 0), 3);
	db_result_free(&r);
	gather_row(4, "d", (struct range){0});
	ASSERT_DONE(db_commit(db, &error), error);
	assert_int_equal(test_number(db, "select count(*) from t where s = 'atrue00ff'"), 1);
	assert_int_equal(test_number(db, "select count(*) from t where s = 'bfalse-'"), 1);
	assert_int_equal(test_number(db, "select count(*) from t where s is null"), 1);
	assert_int_equal(test_number(db, "select count(*) from t"), 4);
	/* a refusal is told by the commit, a rollback sends nothing */
	ASSERT_DONE(db_begin(db, &error), error);
	gather_row(5, "e", (struct range){0});
	gather_row(1, "again", (struct range){0});
	assert_int_equal(db_commit(db, &error), -1);
	assert_int_equal(db_last(db), DB_REFUSED);
	assert_non_null(strstr(error.text, "test_put_many"));
	ASSERT_DONE(db_begin(db, &error), error);
	gather_row(6, "f", (struct range){0});
	db_rollback(db);
	ASSERT_DONE(db_begin(db, &error), error);
	ASSERT_DONE(db_commit(db, &error), error);
	assert_int_equal(test_number(db, "select count(*) from t"), 4);
}

static void test_lost(void **state)
{
	struct db *other = db_new(&test_settings, "owner", NULL);
	struct db_result *r = NULL;
	struct db_param p;

	(void)state;
	/* killed by its own statement outside a transaction: the fate is unknown; then it comes
	 * back by itself */
	assert_int_equal(db_query(other, &kill_me, NULL, 0, &r, &error), -1);
	assert_int_equal(db_last(other), DB_UNKNOWN);
	ASSERT_DONE(db_query(other, &pid, NULL, 0, &r, &error), error);
	/* killed while idle: nobody hears of it */
	p = db_int(db_get_int(r, 0, 0));
	db_result_free(&r);
	ASSERT_DONE(db_query(db, &kill_pid, &p, 1, NULL, &error), error);
	ASSERT_DONE(db_query(other, &pid, NULL, 0, &r, &error), error);
	db_result_free(&r);
	/* inside: nothing of it happened, and the next one works */
	ASSERT_DONE(db_begin(other, &error), error);
	assert_int_equal(db_query(other, &kill_me, NULL, 0, &r, &error), -1);
	assert_int_equal(db_last(other), DB_UNAVAILABLE);
	assert_int_equal(db_commit(other, &error), -1);
	assert_int_equal(db_last(other), DB_UNAVAILABLE);
	ASSERT_DONE(db_begin(other, &error), error);
	db_queue(other, &kill_me, NULL, 0);
	assert_int_equal(db_commit(other, &error), -1);
	assert_int_equal(db_last(other), DB_UNKNOWN);
	ASSERT_DONE(db_query(other, &pid, NULL, 0, NULL, &error), error);
	db_free(&other);
}

static void test_no_server(void **state)
{
	struct settings nowhere = test_settings;
	struct db *away;

	(void)state;
	nowhere.db_host = "/nonexistent";
	away = db_new(&nowhere, "router", NULL);
	assert_int_equal(db_begin(away, &error), -1);
	assert_int_equal(db_last(away), DB_UNAVAILABLE);
	db_queue(away, &pid, NULL, 0);
	assert_int_equal(db_commit(away, &error), -1);
	assert_false(db_wait_notice(away, "mtagw_test", -1, 10));
	db_free(&away);
}

static void test_notice(void **state)
{
	struct db *other = db_new(&test_settings, "owner", NULL);

	(void)state;
	assert_false(db_wait_notice(db, "mtagw_test", -1, 1));
	db_notify(other, "mtagw_else");
	assert_false(db_wait_notice(db, "mtagw_test", -1, 1));
	db_notify(other, "mtagw_test");
	assert_true(db_wait_notice(db, "mtagw_test", -1, 5000));
	assert_false(db_wait_notice(db, "mtagw_test", -1, 1));
	db_free(&other);
}

static void test_ids(void **state)
{
	struct ids ids = {0};
	int64_t id, before = 0, now = clock_now_ms();

	(void)state;
	for (int i = 0; i < 3 * ID_BLOCK; i++) {
		ASSERT_DONE(ids_next(&ids, db, now, &id, &error), error);
		assert_true(id_time_ms(id) == now);
		assert_true(id != before);
		before = id;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_migrate),
	    cmocka_unit_test(test_migrate_refuses), cmocka_unit_test(test_values),
	    cmocka_unit_test(test_transaction), cmocka_unit_test(test_gather),
	    cmocka_unit_test(test_lost), cmocka_unit_test(test_no_server),
	    cmocka_unit_test(test_notice), cmocka_unit_test(test_ids)};
	int rc;

	if (test_db_absent())
		return 77; /* skipped, see tests/run */
	db = db_new(&test_settings, "owner", NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	db_free(&db);
	return rc;
}
