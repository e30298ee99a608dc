/* What mtagwctl and the clerk do, against a real server: versions of the law and the organisation
 * that follows from them, people and logins, the hand on the queue, sweeps, and every list. */
#include "test_db.h"

#include "mtagw/base/codec.h"
#include "mtagw/store/account.h"
#include "mtagw/store/migrate.h"
#include "mtagw/store/policy_store.h"
#include "mtagw/store/queue.h"
#include "mtagw/store/report.h"
#include "mtagw/store/stmt.h"
#include "mtagw/store/sweep.h"

static struct db *owner, *ctl, *clerk;
static struct ids ids;
static struct arena *arena;
static int64_t now;
static const struct exchange_actor actor = {.login = "os:test"};

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	struct err error;
	char sql[2000];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(sql, sizeof(sql), format, ap);
	va_end(ap);
	ASSERT_DONE(db_run_script(owner, sql, &error), error);
}

static int64_t new_id(void)
{
	struct err error;
	int64_t id;

	ASSERT_DONE(ids_next(&ids, ctl, now, &id, &error), error);
	return id;
}

static int64_t exchanges_of(const char *event)
{
	return test_number(owner,
	    arena_printf(arena, "select count(*) from audit.exchange where event = '%s'", event));
}

static int setup(void **state)
{
	struct err error;

	(void)state;
	now = clock_now_ms();
	arena = arena_new();
	owner = db_new(&test_settings, "owner", NULL);
	ctl = db_new(&test_settings, "ctl", NULL);
	clerk = db_new(&test_settings, "clerk", NULL);
	ASSERT_DONE(migrate_run(owner, NULL, now, NULL, NULL, &error), error);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_free(&owner);
	db_free(&ctl);
	db_free(&clerk);
	arena_free(&arena);
	return 0;
}

static void every_statement_is_accepted(void **state)
{
	struct err error;
	struct db *db = db_new(&test_settings, "owner", NULL);

	(void)state;
	ASSERT_DONE(stmt_check_all(db, &error), error);
	db_free(&db);
}

/* --- the law --- */

static const struct policy_store_agency agencies[] = {
    {"UJI", "Dinas Uji", "surat.uji", "kadis.uji", NULL}};
static const struct policy_store_position positions[] = {
    {"kadis.uji", "UJI", "Kepala Dinas Uji", "II.b", NULL},
    {"kabid.uji", "UJI", "Kepala Bidang Uji", "III.b", "kadis.uji"}};
static const struct policy_store_address addresses[] = {
    {"kadis.uji", "position", "kadis.uji", false, true},
    {"kabid.uji", "position", "kabid.uji", false, true},
    {"surat.uji", "registry", "UJI", true, true}};

static int activate(const char *content, size_t position_count, bool *changed_r)
{
	struct policy_file files[] = {{"policies/index.xml", range_of(content)},
	    {"templates/kosong.xsl", {"", 0}}, {"policies/sama.xml", range_of(content)}};
	struct policy_store_version v = {files, 3, agencies, 1, positions, position_count,
	    addresses, position_count + 1, actor, now};
	struct err error;
	int version = 0;

	/* The registry stands last: with fewer positions its address takes the place. */
	if (position_count == 1)
		v.address_count = 1;
	ASSERT_DONE(policy_store_activate(ctl, &ids, &v, &version, changed_r, &error), error);
	return version;
}

static void versions_are_content(void **state)
{
	const char *one = arena_printf(arena, "satu %lld", (long long)now);
	const char *two = arena_printf(arena, "dua %lld", (long long)now);
	int64_t before = exchanges_of("PolicyActivated");
	struct policy_file *files;
	struct err error;
	int first, second, active;
	size_t count;
	bool changed;

	(void)state;
	first = activate(one, 2, &changed);
	assert_true(changed);
	assert_int_equal(activate(one, 2, &changed), first);
	assert_false(changed);
	second = activate(two, 1, &changed);
	assert_true(changed);
	assert_int_equal(second, first + 1);
	/* What the second lacks: the position stays, inactive; its address goes. */
	assert_int_equal(
	    test_number(owner, "select active::int from org.position where id = 'kabid.uji'"), 0);
	assert_int_equal(
	    test_number(owner, "select count(*) from org.address where local = 'kabid.uji'"), 0);
	/* Back: no new version, and it is all there again. */
	assert_int_equal(activate(one, 2, &changed), first);
	assert_true(changed);
	assert_int_equal(
	    test_number(owner, "select active::int from org.position where id = 'kabid.uji'"), 1);
	assert_int_equal(test_number(owner, "select count(*) from org.address"), 3);
	ASSERT_DONE(policy_store_active(ctl, &active, &error), error);
	assert_int_equal(active, first);
	ASSERT_DONE(policy_store_load(ctl, second, arena, &files, &count, &error), error);
	assert_int_equal(count, 3);
	assert_string_equal(files[0].path, "policies/index.xml");
	assert_true(range_equal(files[0].bytes, range_of(two)));
	assert_int_equal(files[1].bytes.len, 0);
	assert_int_equal(policy_store_load(ctl, 1 << 30, arena, &files, &count, &error), 0);
	assert_int_equal(exchanges_of("PolicyActivated") - before, 4);
}

/* --- people --- */

static void a_login_is_taken_over(void **state)
{
	char *login = arena_printf(arena, "kadis.uji@uji%lld.example", (long long)now);
	struct account a = {
	    login, "kadis.uji", "Pejabat Satu", "1", "", "", "substantive", "{X}a", actor, now};
	struct err error;

	(void)state;
	ASSERT_DONE(account_add(ctl, &ids, &a, &error), error);
	assert_int_equal(account_add(ctl, &ids, &a, &error), 0);
	assert_non_null(strstr(error.text, "is in use"));
	ASSERT_DONE(account_set_password(ctl, &ids, login, "{X}b", &actor, now, &error), error);
	ASSERT_DONE(account_disable(ctl, &ids, login, &actor, now, &error), error);
	assert_int_equal(account_disable(ctl, &ids, login, &actor, now, &error), 0);
	/* The next holder, a caretaker: the first one's time ends, both stay as rows. */
	a.name = "Pejabat Dua";
	a.nip = "2";
	a.capacity = "caretaker";
	a.at_ms = now + 1;
	ASSERT_DONE(account_add(ctl, &ids, &a, &error), error);
	assert_int_equal(test_number(owner, "select count(*) from org.incumbency where position = "
	                                    "'kadis.uji' and valid_to is null"),
	    1);
	assert_int_equal(
	    test_number(
	        owner, arena_printf(arena,
	                   "select count(*) from org.dovecot_user where username = '%s'", login)),
	    1);
	a.login = "kosong@uji.example";
	a.position = "kosong";
	assert_int_equal(account_add(ctl, &ids, &a, &error), 0);
	assert_non_null(strstr(error.text, "no position \"kosong\""));
	assert_int_equal(account_set_password(ctl, &ids, "x@y", "z", &actor, now, &error), 0);
}

/* --- the queue --- */

static int64_t make_delivery(const char *state)
{
	int64_t out = new_id(), id = new_id();

	run("insert into mail.outgoing (id, kind, form, from_address, mime_message_id, subject, "
	    "size, eight_bit,"
	    " segments, sha256, created_at) values (%lld, 'pesan', 'outside', 'a@b', '<x>', 'uji', "
	    "1, false, '{}', '', %lld)",
	    (long long)out, (long long)now);
	run("insert into mail.delivery (id, outgoing_id, recipient, route, destination, "
	    "return_path, state, next_at,"
	    " expires_at, dot_at, created_at) values (%lld, %lld, 'c@d', 'smtp', 'd', '', '%s', 1, "
	    "2, 3, 4)",
	    (long long)id, (long long)out, state);
	return id;
}

static int change(enum queue_verb verb, int64_t id, struct err *error_r)
{
	return queue_change(ctl, &ids, verb, id, &actor, "uji", now, error_r);
}

static void verbs_keep_to_their_states(void **state)
{
	static const struct {
		const char *from;
		int hold, release, retry, fail;
	} rows[] = {{"waiting", 1, 0, 1, 1}, {"held", 0, 1, 1, 1}, {"uncertain", 0, 0, 1, 1},
	    {"claimed", 0, 0, 0, 0}};
	struct err error;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    change(QUEUE_HOLD, make_delivery(rows[i].from), &error), rows[i].hold);
		assert_int_equal(
		    change(QUEUE_RELEASE, make_delivery(rows[i].from), &error), rows[i].release);
		assert_int_equal(
		    change(QUEUE_RETRY, make_delivery(rows[i].from), &error), rows[i].retry);
		assert_int_equal(
		    change(QUEUE_FAIL, make_delivery(rows[i].from), &error), rows[i].fail);
	}
	assert_int_equal(change(QUEUE_RETRY, 1, &error), 0);
	assert_non_null(strstr(error.text, "holds no 1"));
}

static void a_retry_forgets_the_dot_and_the_end(void **state)
{
	int64_t id = make_delivery("uncertain");
	struct err error;

	(void)state;
	ASSERT_DONE(change(QUEUE_RETRY, id, &error), error);
	assert_int_equal(test_number(owner, arena_printf(arena,
	                                        "select count(*) from mail.delivery where id = "
	                                        "%lld and state = 'waiting' and dot_at is null"
	                                        " and next_at = %lld and expires_at > %lld",
	                                        (long long)id, (long long)now, (long long)now)),
	    1);
}

static void a_failed_one_leaves_attempt_work_and_trail(void **state)
{
	int64_t id = make_delivery("held"), before = exchanges_of("QueueFail");
	struct err error;

	(void)state;
	ASSERT_DONE(change(QUEUE_FAIL, id, &error), error);
	assert_int_equal(
	    test_number(
	        owner, arena_printf(arena, "select count(*) from mail.delivery where id = %lld",
	                   (long long)id)),
	    0);
	assert_int_equal(test_number(owner, arena_printf(arena,
	                                        "select count(*) from mail.attempt a join "
	                                        "mail.work w on w.ref = a.id and w.kind = 'failure'"
	                                        " where a.delivery_id = %lld and a.outcome = "
	                                        "'failed' and a.reply = 'ended by hand: uji'",
	                                        (long long)id)),
	    1);
	assert_int_equal(exchanges_of("QueueFail") - before, 1);
}

static void quarantined_work_goes_on(void **state)
{
	int64_t id = new_id();
	struct err error;

	(void)state;
	run("insert into mail.work (id, kind, ref, state, next_at, tries, alone) values (%lld, "
	    "'finish', 1, 'quarantined', 1, 3, 2)",
	    (long long)id);
	assert_int_equal(change(QUEUE_FAIL, id, &error), 0);
	assert_non_null(strstr(error.text, "it is set aside already"));
	assert_int_equal(change(QUEUE_HOLD, id, &error), 0);
	assert_non_null(strstr(error.text, "is work"));
	ASSERT_DONE(change(QUEUE_RETRY, id, &error), error);
	assert_int_equal(test_number(owner, arena_printf(arena,
	                                        "select count(*) from mail.work where id = %lld "
	                                        "and state = 'waiting' and tries = 0 and alone = 0",
	                                        (long long)id)),
	    1);
	run("delete from mail.work where id = %lld", (long long)id);
}

static void waiting_work_is_set_aside(void **state)
{
	int64_t id = new_id(), message = new_id(), before = exchanges_of("QueueFail");
	struct err error;

	(void)state;
	run("insert into mail.work (id, kind, ref, state, next_at, waits, reason) values (%lld, "
	    "'route', %lld, 'waiting', 1, 7, 'kunci')",
	    (long long)id, (long long)message);
	if (change(QUEUE_FAIL, id, &error) != QUEUE_SET_ASIDE)
		fail_msg("%s", error.text);
	assert_int_equal(
	    test_number(owner, arena_printf(arena,
	                           "select count(*) from mail.work where id = %lld and state = "
	                           "'quarantined' and reason = 'set aside by hand: uji'",
	                           (long long)id)),
	    1);
	assert_int_equal(exchanges_of("QueueFail") - before, 1);
	run("update mail.work set state = 'claimed', owner = 'x' where id = %lld", (long long)id);
	assert_int_equal(change(QUEUE_FAIL, id, &error), 0);
	assert_non_null(strstr(error.text, "not while a worker has it"));
	run("delete from mail.work where id = %lld", (long long)id);
}

/* --- sweeps --- */

static void orphans_go_published_bodies_stay(void **state)
{
	int64_t orphan = new_id(), young = new_id(), whole = new_id();
	struct err error;

	(void)state;
	for (int i = 0; i < 3; i++) {
		int64_t id = i == 0 ? orphan : i == 1 ? young : whole;

		run("insert into mail.body_chunk values (%lld, 0, 'x'), (%lld, 1, 'y')",
		    (long long)id, (long long)id);
		run("insert into mail.body_staging values (%lld, %lld)", (long long)id,
		    (long long)(i == 1 ? now : 1));
	}
	run("insert into mail.body values (%lld, 2, '', null)", (long long)whole);
	assert_true(sweep_orphan_bodies(clerk, now - 1000, &error) >= 1);
	assert_int_equal(
	    test_number(owner,
	        arena_printf(arena, "select count(*) from mail.body_chunk where body_id = %lld",
	            (long long)orphan)),
	    0);
	assert_int_equal(
	    test_number(owner,
	        arena_printf(arena, "select count(*) from mail.body_staging where body_id = %lld",
	            (long long)orphan)),
	    0);
	assert_int_equal(
	    test_number(
	        owner, arena_printf(arena,
	                   "select count(*) from mail.body_chunk where body_id in (%lld, %lld)",
	                   (long long)young, (long long)whole)),
	    4);
	run("delete from mail.body_staging where body_id in (%lld, %lld)", (long long)young,
	    (long long)whole);
}

/* The clock went back by an hour: what an hour's wait would hold up goes on, what is far ahead by
 * policy stays. */
static void what_waits_for_another_clock_goes_on(void **state)
{
	const struct settings settings = {
	    .lease_secs = 30, .retry_max_secs = 600, .intake_list_secs = 60};
	int64_t far = now + 3600 * 1000, work = new_id(), remind = new_id(), claimed = new_id();
	struct err error;

	(void)state;
	run("insert into mail.work (id, kind, ref, next_at) values (%lld, 'route', 1, %lld), "
	    "(%lld, 'remind', 1, %lld)",
	    (long long)work, (long long)far, (long long)remind, (long long)far);
	run("insert into mail.work (id, kind, ref, state, next_at, lease_until) values (%lld, "
	    "'route', 1, 'claimed', 1, %lld)",
	    (long long)claimed, (long long)far);
	assert_int_equal(sweep_ahead(clerk, &settings, now, &error), 2);
	assert_int_equal(sweep_ahead(clerk, &settings, now, &error), 0);
	assert_int_equal(
	    test_number(owner,
	        arena_printf(arena,
	            "select count(*) from mail.work where (id = %lld and next_at = %lld) or (id = "
	            "%lld and next_at = %lld) or (id = %lld and lease_until = %lld)",
	            (long long)work, (long long)now, (long long)remind, (long long)far,
	            (long long)claimed, (long long)(now + 30 * 1000))),
	    3);
	run("delete from mail.work where id in (%lld, %lld)", (long long)work, (long long)remind);
	run("delete from mail.work where id = %lld", (long long)claimed);
}

static void old_keys_go_and_partitions_come(void **state)
{
	struct err error;
	int year = clock_city_date(now).year;

	(void)state;
	run("insert into mail.idempotency values (decode(md5('%lld') || md5('a'), 'hex'), 1, 5)",
	    (long long)now);
	assert_true(sweep_idempotency(clerk, 6, &error) >= 1);
	assert_int_equal(sweep_idempotency(clerk, 6, &error), 0);
	assert_int_equal(sweep_partitions(clerk, now, &error), 0);
	assert_int_equal(
	    test_number(owner,
	        arena_printf(arena, "select count(*) from pg_class where relname = 'exchange_%d'",
	            year + SWEEP_YEARS_AHEAD)),
	    1);
}

/* --- lists --- */

static void every_list_answers(void **state)
{
	static const struct {
		const struct report *report;
		size_t texts; /* leading parameters that are texts; the rest numbers */
	} rows[] = {{&report_queue, 1}, {&report_delivery, 0}, {&report_work, 0},
	    {&report_attempts, 0}, {&report_letters, 2}, {&report_letter, 0},
	    {&report_recipients, 0}, {&report_letter_deliveries, 0}, {&report_forms, 0},
	    {&report_letter_agenda, 0}, {&report_tokens, 0}, {&report_thread, 0},
	    {&report_agenda, 2}, {&report_exchanges, 0}, {&report_letter_exchanges, 0},
	    {&report_message_exchanges, 0}, {&report_accounts, 0}, {&report_status, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct db_param params[3];
		struct db_result *r = NULL;
		struct err error;

		for (size_t p = 0; p < rows[i].report->params; p++)
			params[p] = p < rows[i].texts ? db_text("") : db_int(1);
		ASSERT_DONE(report_run(ctl, rows[i].report, params, &r, &error), error);
		/* One column more or less would shift all others. */
		for (size_t row = 0; row < db_rows(r); row++)
			for (int col = 0; rows[i].report->columns[col].key != NULL; col++)
				(void)db_is_null(r, row, col);
		db_result_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_statement_is_accepted),
	    cmocka_unit_test(versions_are_content),
	    cmocka_unit_test(a_login_is_taken_over),
	    cmocka_unit_test(verbs_keep_to_their_states),
	    cmocka_unit_test(a_retry_forgets_the_dot_and_the_end),
	    cmocka_unit_test(a_failed_one_leaves_attempt_work_and_trail),
	    cmocka_unit_test(quarantined_work_goes_on),
	    cmocka_unit_test(waiting_work_is_set_aside),
	    cmocka_unit_test(orphans_go_published_bodies_stay),
	    cmocka_unit_test(what_waits_for_another_clock_goes_on),
	    cmocka_unit_test(old_keys_go_and_partitions_come),
	    cmocka_unit_test(every_list_answers),
	};

	if (test_db_absent())
		return 0;
	return cmocka_run_group_tests(tests, setup, teardown);
}
