/* The event side against a real server: order of callbacks, refusals, a full queue, notices, a
 * server that is not there. */
#include "test_db.h"

#include "mtagw/base/loop.h"

static const struct stmt temp = {
    "test_temp", "create temp table if not exists t (n integer primary key)"};
static const struct stmt put = {"test_put", "insert into t (n) values ($1)"};
static const struct stmt count = {"test_count", "select count(*) from t"};
static const struct stmt kill_me = {"test_kill", "select pg_terminate_backend(pg_backend_pid())"};
static struct loop *loop;
static struct db *db;
static struct timer *limit;
static char seen[400];

static void note(const char *what)
{
	strncat(seen, what, sizeof(seen) - strlen(seen) - 1);
}

static void rows(const struct db_result *r, void *ctx)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%lld ", (const char *)ctx, (long long)db_get_int(r, 0, 0));
	note(text);
}

static int pending;
static void done(enum db_status status, struct db *which, void *ctx)
{
	static const char *const names[] = {"done", "refused", "unavailable", "unknown"};

	(void)which;
	if (ctx != NULL)
		note(ctx);
	note(names[status]);
	note(" ");
	if (--pending == 0)
		loop_stop(loop);
}

static void limit_cb(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "test_db_event: a wait took too long, seen \"%s\"\n", seen);
	abort();
}

static void wait_done(void)
{
	timer_start(limit, 20000);
	if (pending > 0)
		loop_run(loop);
	timer_stop(limit);
}

static char a[] = "a=", b[] = "b=", c[] = "c=";

static void send_numbers(int from, int to, char *name)
{
	struct db_batch *batch = db_batch_new(db);

	for (int i = from; i <= to; i++) {
		struct db_param p = db_int(i);

		db_batch_add(batch, &put, &p, 1, NULL, NULL);
	}
	db_batch_add(batch, &count, NULL, 0, rows, name);
	pending++;
	db_batch_send(&batch, done, name);
	assert_null(batch);
}

static void test_batches(void **state)
{
	struct db_batch *batch = db_batch_new(db);

	(void)state;
	seen[0] = '\0';
	db_batch_add(batch, &temp, NULL, 0, NULL, NULL);
	pending = 1;
	db_batch_send(&batch, done, NULL);
	send_numbers(1, 10, a);
	send_numbers(11, 20, b); /* fine by itself */
	send_numbers(
	    15, 30, c); /* refused whole: 15 is there; what it prepared or not stays right */
	send_numbers(40, 41, a);
	assert_string_equal(seen, ""); /* nothing runs inside a call */
	assert_int_equal(db_backlog(db), 5);
	wait_done();
	assert_string_equal(seen, "done a=10 a=done b=20 b=done c=refused a=22 a=done ");
	assert_string_equal(db_sqlstate(db), "23505");
}

static void test_unknown(void **state)
{
	struct db_batch *batch = db_batch_new(db);

	(void)state;
	seen[0] = '\0';
	db_batch_add(batch, &kill_me, NULL, 0, NULL, NULL);
	pending = 1;
	db_batch_send(&batch, done, a);
	send_numbers(1, 1, b); /* never sent */
	wait_done();
	assert_string_equal(seen, "a=unknown b=unavailable ");
	assert_false(db_connected(db));
	seen[0] = '\0';
	send_numbers(1, 1, c); /* while it waits to connect again */
	wait_done();
	assert_string_equal(seen, "c=unavailable ");
}

static void test_full(void **state)
{
	(void)state;
	for (int i = 0; i < DB_BATCHES_MAX + 3; i++)
		send_numbers(1, 0, a);
	seen[0] = '\0';
	wait_done(); /* connected again meanwhile or not, each is answered once */
	assert_int_equal(db_backlog(db), 0);
}

static void heard(void *ctx)
{
	(void)ctx;
	note("heard ");
	if (--pending == 0)
		loop_stop(loop);
}

static void test_notice(void **state)
{
	(void)state;
	seen[0] = '\0';
	pending = 1;
	db_listen(db, "mtagw_test_event", heard, NULL);
	wait_done(); /* once connected and listening */
	pending = 1;
	db_notify(db, "mtagw_test_event");
	wait_done();
	assert_string_equal(seen, "heard heard ");
}

static void test_nowhere(void **state)
{
	struct settings nowhere = test_settings;
	struct db *good = db;

	(void)state;
	nowhere.db_host = "/nonexistent";
	seen[0] = '\0';
	db = db_new(&nowhere, "owner", loop);
	send_numbers(1, 2, a);
	wait_done();
	assert_string_equal(seen, "a=unavailable ");
	send_numbers(1, 2, b); /* dropped with the handle, no callback */
	pending = 0;
	db_free(&db);
	db = good;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_batches),
	    cmocka_unit_test(test_unknown), cmocka_unit_test(test_full),
	    cmocka_unit_test(test_notice), cmocka_unit_test(test_nowhere)};
	int rc;

	if (test_db_absent())
		return 77; /* skipped, see tests/run */
	loop = loop_new();
	limit = timer_new(loop, limit_cb, NULL);
	db = db_new(&test_settings, "owner", loop);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	db_free(&db);
	timer_free(&limit);
	loop_free(&loop);
	return rc;
}
