/* Orders as rows against a real server: what is inserted comes back, the fence lets only one of two
 * decisions through, letters are done when all agencies are, what is due, and whose letters a trace
 * finds. */
#include "test_db.h"

#include "mtagw/store/disposition.h"
#include "mtagw/store/migrate.h"

static struct db *owner, *router, *twin;
static struct arena *arena;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	struct err error;
	char sql[4000];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sql, sizeof(sql), format, ap);
	va_end(ap);
	ASSERT_DONE(db_run_script(owner, sql, &error), error);
}

static int64_t count(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int64_t count(const char *format, ...)
{
	char sql[1000];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sql, sizeof(sql), format, ap);
	va_end(ap);
	return test_number(owner, sql);
}

/* A letter from outside, in two agencies, with tokens id + 1 to id + 5. */
static void make_letter(long long id)
{
	run("insert into office.letter (id, message_id, type, scope, direction, state, state_at, "
	    "agency,"
	    " position, login, subject, summary, classification_code, security_class, urgency, xml,"
	    " canonical_sha256, mime_message_id, policy_version, rule_id, created_at) values (%lld,"
	    " %lld, 't', 'outside', 'incoming', 'presented', 5, 'A', '', '', 's', 's', 'c', 'open',"
	    " 'normal', 'x', '', '<m>', 1, 'r', 1)",
	    id, id);
	for (int i = 1; i <= 5; i++)
		run("insert into office.token (id, kind, letter_id, actor, created_at, expires_at)"
		    " values (%lld, 'prompt', %lld, 'p', 1, 9)",
		    id + i, id);
	for (int i = 0; i < 2; i++)
		run("insert into office.incoming (letter_id, agency, state, sender_address, "
		    "sender_name,"
		    " letter_number, letter_date, subject, excerpt, level, urgency, received_at, "
		    "rule_id)"
		    " values (%lld, '%s', 'presented', 'a@b.example', 'A', 'X/%lld/2026', "
		    "'2026-11-20',"
		    " 's', '', 'proven', 'normal', 1, 'r')",
		    id, i ? "B" : "A", id);
	run("insert into office.agenda_entry values (%lld, 'A', 'incoming', 2026, %lld, %lld,"
	    " '2026-11-24', 'X/%lld/2026', '2026-11-20', 's', 'A', 'B', 's', 'open', 'normal', 'c',"
	    " 'email', 1)",
	    id, id % 100000, id, id);
}

static const char *const instructions[] = {"follow_up", "know"};

static struct disposition_row row_of(int64_t letter, int n, int64_t parent)
{
	return (struct disposition_row){.id = letter + n,
	    .letter_id = letter,
	    .parent = parent,
	    .prompt = letter + 5,
	    .message_id = letter,
	    .agency = "A",
	    .position = "kadis",
	    .login = "kadis@x",
	    .to_position = n == 1   ? "kabid"
	                   : n == 2 ? "kasi"
	                            : "staf",
	    .instructions = instructions,
	    .instruction_count = 2,
	    .words = "TL \xe2\x80\x9cya\xe2\x80\x9d",
	    .note = "",
	    .due_at_ms = 1000 + n,
	    .state = "sent",
	    .token = letter + n,
	    .mime_message_id = "<x>",
	    .policy_version = 1,
	    .rule_id = "r",
	    .created_at_ms = 100 + n};
}

/* One order in a transaction of its own, behind a fence of this version: 1 or -1. */
static int put(struct db *db, const struct disposition_row *row, int64_t version)
{
	struct disposition_fence fence = {row->letter_id, version};
	struct err error;

	ASSERT_DONE(db_begin(db, &error), error);
	disposition_queue_fence(db, &fence);
	disposition_queue_insert(db, row);
	return db_commit(db, &error);
}

static int64_t version_of(int64_t letter)
{
	struct err error;
	int64_t version, at;

	ASSERT_DONE(disposition_version(router, letter, &version, &at, &error), error);
	assert_true(at == 5 || at >= 100);
	return version;
}

static void what_goes_in_comes_back(void **state)
{
	const int64_t letter = 7000;
	struct disposition_row a = row_of(letter, 1, 0), b = row_of(letter, 2, letter + 1), got,
	                       *list;
	struct disposition_report report = {.id = 1,
	                              .disposition_id = letter + 2,
	                              .message_id = 71,
	                              .at_ms = 120,
	                              .position = "kasi",
	                              .login = "kasi@x",
	                              .body = "Sudah.",
	                              .enclosures = 2,
	                              .closing = true},
	                          *reports;
	struct err error;
	size_t n;

	(void)state;
	make_letter(letter);
	assert_int_equal(put(router, &a, version_of(letter)), 1);
	assert_int_equal(put(router, &b, version_of(letter)), 1);
	ASSERT_DONE(disposition_by_token(router, letter + 2, arena, &got, &error), error);
	assert_true(got.id == letter + 2 && got.parent == letter + 1 && got.due_at_ms == 1002);
	assert_int_equal(got.instruction_count, 2);
	assert_string_equal(got.instructions[1], "know");
	assert_string_equal(got.words, b.words);
	ASSERT_DONE(disposition_load(router, letter + 1, arena, &got, &error), error);
	assert_string_equal(got.to_position, "kabid");
	assert_int_equal(disposition_load(router, 1, arena, &got, &error), 0);
	ASSERT_DONE(disposition_tree(router, letter, "A", arena, &list, &n, &error), error);
	assert_int_equal(n, 2);
	assert_true(list[0].id == letter + 1); /* parents first */
	ASSERT_DONE(disposition_tree(router, letter, "B", arena, &list, &n, &error), error);
	assert_int_equal(n, 0);
	ASSERT_DONE(db_begin(router, &error), error);
	disposition_queue_report(router, &report);
	ASSERT_DONE(db_commit(router, &error), error);
	ASSERT_DONE(disposition_reports(router, letter, arena, &reports, &n, &error), error);
	assert_int_equal(n, 1);
	assert_true(reports[0].closing && reports[0].enclosures == 2);
}

static void a_stale_decision_is_refused(void **state)
{
	const int64_t letter = 17000;
	struct disposition_row a = row_of(letter, 1, 0), b = row_of(letter, 2, 0),
	                       c = row_of(letter, 3, 0);
	struct disposition_change done = {letter + 1, 200, "done", NULL};
	struct disposition_fence fence;
	struct err error;
	int64_t before;

	(void)state;
	make_letter(letter);
	before = version_of(letter);
	assert_int_equal(put(router, &a, before), 1);
	assert_int_equal(put(router, &b, before), -1); /* decided on what is no longer so */
	assert_string_equal(db_sqlstate(router), "22012");
	assert_int_equal(
	    count("select count(*) from office.disposition where letter_id = %d", (int)letter), 1);
	/* two at once: the second began before the first was committed, and sees what it did */
	before = version_of(letter);
	fence = (struct disposition_fence){letter, before};
	ASSERT_DONE(db_begin(twin, &error), error);
	ASSERT_DONE(db_begin(router, &error), error);
	disposition_queue_fence(router, &fence);
	disposition_queue_state(router, &done);
	ASSERT_DONE(db_commit(router, &error), error);
	disposition_queue_fence(twin, &fence);
	disposition_queue_insert(twin, &c);
	assert_int_equal(db_commit(twin, &error), -1);
	assert_int_equal(
	    count("select count(*) from office.disposition where id = %d and state = 'done'"
	          " and state_at = 200 and reason = ''",
	        (int)letter + 1),
	    1);
}

static void a_letter_is_done_when_all_agencies_are(void **state)
{
	const int64_t letter = 27000;
	struct disposition_standing a = {letter, 300, "A", "done", "done"}, b = a;
	struct err error;

	(void)state;
	make_letter(letter);
	b.agency = "B";
	ASSERT_DONE(db_begin(router, &error), error);
	disposition_queue_standing(router, &a);
	ASSERT_DONE(db_commit(router, &error), error);
	assert_int_equal(
	    count("select count(*) from office.letter where id = %d and state = 'presented'",
	        (int)letter),
	    1);
	assert_int_equal(
	    count("select count(*) from office.incoming where letter_id = %d and state = 'done'",
	        (int)letter),
	    1);
	ASSERT_DONE(db_begin(router, &error), error);
	disposition_queue_standing(router, &b);
	ASSERT_DONE(db_commit(router, &error), error);
	assert_int_equal(count("select count(*) from office.letter where id = %d and state = "
	                       "'done' and state_at = 300",
	                     (int)letter),
	    1);
}

static void what_is_due_is_asked_once(void **state)
{
	const int64_t letter = 37000;
	struct disposition_row a = row_of(letter, 1, 0), b = row_of(letter, 2, 0);
	struct disposition_mark reminded = {letter + 1, 400, 0}, escalated = {letter + 1, 0, 500};
	const int64_t *ids;
	struct err error;
	size_t n, all;

	(void)state;
	make_letter(letter);
	ASSERT_DONE(disposition_due(router, 2000, 100, arena, &ids, &all, &error), error);
	assert_int_equal(put(router, &a, version_of(letter)), 1);
	b.due_at_ms = 0;
	assert_int_equal(put(router, &b, version_of(letter)), 1);
	ASSERT_DONE(disposition_due(router, 2000, 100, arena, &ids, &n, &error), error);
	assert_int_equal(n, all + 1);
	run("insert into mail.work (id, kind, ref, next_at) values (%d, 'remind', %d, 0)",
	    (int)letter, (int)letter + 1);
	ASSERT_DONE(disposition_due(router, 2000, 100, arena, &ids, &n, &error), error);
	assert_int_equal(n, all);
	run("delete from mail.work where id = %d", (int)letter);
	ASSERT_DONE(db_begin(router, &error), error);
	disposition_queue_mark(router, &reminded);
	disposition_queue_mark(router, &escalated);
	ASSERT_DONE(db_commit(router, &error), error);
	assert_int_equal(count("select count(*) from office.disposition where reminded_at = 400 and"
	                       " escalated_at = 500 and id = %d",
	                     (int)letter + 1),
	    1);
	ASSERT_DONE(disposition_due(router, 2000, 100, arena, &ids, &n, &error), error);
	assert_int_equal(n, all); /* nothing is left to say of it */
}

static void a_trace_stays_in_the_agency(void **state)
{
	const int64_t letter = 47001;
	struct err error;
	int64_t found;

	(void)state;
	make_letter(letter);
	assert_int_equal(disposition_trace(router, "A", 47001, 2026, "47001", &found, &error), 1);
	assert_true(found == letter);
	assert_int_equal(disposition_trace(router, "A", 47001, 2025, "47001", &found, &error), 0);
	assert_int_equal(
	    disposition_trace(router, "A", 0, 2026, "x/47001/2026", &found, &error), 1);
	assert_int_equal(
	    disposition_trace(router, "B", 0, 2026, "X/47001/2026", &found, &error), 1);
	assert_int_equal(disposition_trace(router, "B", 47001, 2026, "47001", &found, &error), 0);
	assert_int_equal(
	    disposition_trace(router, "C", 0, 2026, "X/47001/2026", &found, &error), 0);
	assert_int_equal(disposition_letter_of(router, "B", letter, &error), 1);
	assert_int_equal(disposition_letter_of(router, "C", letter, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_goes_in_comes_back),
	    cmocka_unit_test(a_stale_decision_is_refused),
	    cmocka_unit_test(a_letter_is_done_when_all_agencies_are),
	    cmocka_unit_test(what_is_due_is_asked_once),
	    cmocka_unit_test(a_trace_stays_in_the_agency)};
	struct err error = {{0}};
	int rc;

	if (test_db_absent())
		return 77; /* skipped, see tests/run */
	arena = arena_new();
	owner = db_new(&test_settings, "owner", NULL);
	if (migrate_run(owner, NULL, clock_now_ms(), NULL, NULL, &error) < 0)
		print_error("%s\n", error.text);
	router = db_new(&test_settings, "router", NULL);
	twin = db_new(&test_settings, "router", NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	db_free(&router);
	db_free(&twin);
	db_free(&owner);
	arena_free(&arena);
	return rc;
}
