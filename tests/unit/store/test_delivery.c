/* The sender's side against a real server: claim, busy destinations, fence against a twin, outcomes
 * and what they leave, the dispatched letter, orphans of a dead sender, pieces of bodies. */
#include "test_db.h"

#include "mtagw/base/loop.h"
#include "mtagw/store/delivery.h"
#include "mtagw/store/migrate.h"

static struct loop *loop;
static struct delivery_store *mine, *twin;
static struct db *owner;
static struct timer *limit;
static int64_t base, now;
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

static void limit_cb(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "test_delivery: a wait took too long\n");
	abort();
}

static void wait_done(void)
{
	timer_start(limit, 20000);
	loop_run(loop);
	timer_stop(limit);
}

static int pending;
static bool last_ok;
static void done(bool ok, void *ctx)
{
	(void)ctx;
	last_ok = ok;
	if (--pending == 0)
		loop_stop(loop);
}

static struct timer *moment;
static void moment_cb(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

/* What is written without a callback of ours: looked for until it is there. */
static void wait_row(const char *sql, int64_t id)
{
	for (int i = 0; count("%s%lld", sql, (long long)id) != 1; i++) {
		assert_true(i < 1000);
		timer_start(moment, 5);
		loop_run(loop);
	}
}

static struct delivery got[20];
static size_t got_count;
static bool claim_ok;

static void claimed(bool ok, const struct delivery *list, size_t n, void *ctx)
{
	(void)ctx;
	claim_ok = ok;
	got_count = n;
	for (size_t i = 0; i < n && i < 20; i++) {
		got[i] = list[i];
		got[i].recipient = arena_strdup(arena, list[i].recipient);
		got[i].route = arena_strdup(arena, list[i].route);
	}
	loop_stop(loop);
}

static void claim(struct delivery_store *s, int64_t at)
{
	static const char *const busy[] = {"sibuk.example"};

	delivery_claim(s, 10, busy, 1, at, claimed, NULL);
	wait_done();
	assert_true(claim_ok);
}

static bool dot(struct delivery_store *s, const struct delivery *d, int64_t at)
{
	pending = 1;
	delivery_dot(s, &d->id, &d->epoch, 1, at, done, NULL);
	wait_done();
	return last_ok;
}

static bool record(struct delivery_store *s, const struct delivery *d, const char *outcome)
{
	struct delivery_outcome o = {.outcome = outcome,
	    .code = 250,
	    .enhanced = "2.0.0",
	    .reply = "ok \xff",
	    .remote = "r",
	    .tls = "",
	    .started_at = now,
	    .at = now,
	    .next_at = now + 5000};

	pending = 1;
	delivery_record(s, d, &o, done, NULL);
	wait_done();
	return last_ok;
}

/* A fresh queue: three deliveries of a signed letter, one for a busy destination. */
static void fill(void)
{
	now = clock_now_ms();
	base = (now << 22) + ((int64_t)rand() % 1000) * 1000;
	run("delete from mail.delivery; delete from mail.work; delete from mail.outgoing;"
	    "insert into mail.outgoing (id, letter_id, kind, form, from_address, mime_message_id, "
	    "subject, size, eight_bit,"
	    " segments, sha256, created_at) values (%lld, %lld, 'letter', 'inside', 'a', '<m>', "
	    "'s', 10, true, '{1,2,3,4,5,6}', '', 1);",
	    (long long)base, (long long)base);
	run("insert into office.letter (id, message_id, type, scope, direction, state, state_at, "
	    "agency, position, login, subject,"
	    " summary, classification_code, security_class, urgency, xml, canonical_sha256, "
	    "mime_message_id, policy_version,"
	    " rule_id, created_at) values (%lld, %lld, 't', 'outside', 'outgoing', 'signed', 1, "
	    "'A', 'p', 'l', 's', 's', 'c', 's',"
	    " 'u', 'x', '', '', 1, 'r', 1)",
	    (long long)base, (long long)base);
	for (int i = 0; i < 4; i++)
		run("insert into mail.delivery (id, outgoing_id, letter_id, recipient, route, "
		    "destination, return_path, next_at,"
		    " expires_at, created_at) values (%lld, %lld, nullif(%lld, 0), 'x%d@b', "
		    "'smtp', '%s', '', 0, %lld, 1)",
		    (long long)base + i, (long long)base, i == 3 ? 0 : (long long)base, i,
		    i == 3 ? "sibuk.example" : "luar.example", (long long)now + 1000000);
}

static void test_outcomes(void **state)
{
	(void)state;
	fill();
	claim(mine, now);
	assert_int_equal(got_count, 3); /* the busy one stays */
	assert_int_equal(got[0].segment_count, 2);
	assert_true(got[0].eight_bit && got[0].letter_id == base && got[0].epoch == 1);
	struct delivery a = got[0], b = got[1], c = got[2];
	claim(twin, now);
	assert_int_equal(got_count, 0);
	assert_true(dot(mine, &a, now));
	assert_true(record(mine, &a, "delivered"));
	assert_false(record(mine, &a, "delivered")); /* a second writing does nothing */
	assert_int_equal(
	    count(
	        "select count(*) from mail.attempt where delivery_id = %lld and dot_at is not null",
	        (long long)a.id),
	    1);
	assert_int_equal(count("select count(*) from audit.exchange where event = 'RelayToNonERDS' "
	                       "and delivery_id = %lld",
	                     (long long)a.id),
	    1);
	assert_true(dot(mine, &b, now));
	assert_true(record(mine, &b, "deferred"));
	assert_int_equal(count("select count(*) from mail.delivery where state = 'waiting' and "
	                       "dot_at is null and attempts = 1"
	                       " and next_at > %lld and id = %lld",
	                     (long long)now, (long long)b.id),
	    1);
	assert_true(record(mine, &c, "failed"));
	assert_int_equal(count("select count(*) from mail.work w join mail.attempt a on a.id = "
	                       "w.ref where kind = 'failure'"
	                       " and a.delivery_id = %lld",
	                     (long long)c.id),
	    1);
	assert_int_equal(
	    count("select count(*) from office.letter where state = 'signed' and id = %lld",
	        (long long)base),
	    1);
	claim(mine, now + 6000);
	assert_int_equal(got_count, 1);
	assert_true(got[0].epoch == 2);
	assert_false(dot(mine, &b, now + 6000)); /* with the epoch of before */
	b = got[0];
	assert_true(dot(mine, &b, now + 6000));
	assert_true(record(mine, &b, "delivered"));
	assert_int_equal(
	    count("select count(*) from office.letter where state = 'dispatched' and id = %lld",
	        (long long)base),
	    1);
	assert_int_equal(count("select count(*) from audit.exchange where event = "
	                       "'LetterDispatched' and letter_id = %lld",
	                     (long long)base),
	    1);
}

static void test_twin(void **state)
{
	int64_t later;

	(void)state;
	fill();
	claim(mine, now);
	struct delivery a = got[0], b = got[1], c = got[2];
	later = now + test_settings.lease_secs * INT64_C(1000) + 1;
	assert_true(dot(mine, &b, now));    /* and then we sleep */
	assert_false(dot(mine, &c, later)); /* our own lease is over: no dot */
	delivery_renew(mine, &c.id, 1, later + 100000);
	wait_row("select count(*) from mail.delivery where lease_until > (select min(lease_until) "
	         "+ 100000"
	         " from mail.delivery where state = 'claimed') and id = ",
	    c.id);
	claim(twin, later);
	assert_int_equal(got_count, 1);
	assert_true(got[0].id == a.id && got[0].epoch == 2);
	assert_false(dot(mine, &a, later));
	assert_false(record(mine, &a, "delivered"));
	pending = 1;
	delivery_release(twin, &a.id, 1, done, NULL);
	wait_done();
	assert_int_equal(
	    count("select count(*) from mail.delivery where state = 'waiting' and id = %lld",
	        (long long)a.id),
	    1);
	wait_row("select count(*) from mail.delivery where state = 'uncertain' and id = ", b.id);
	assert_int_equal(count("select count(*) from mail.attempt where outcome = 'uncertain' and "
	                       "delivery_id = %lld",
	                     (long long)b.id),
	    1);
	assert_false(record(mine, &b, "delivered")); /* woken too late */
	assert_int_equal(
	    count("select count(*) from mail.delivery where state = 'claimed' and id = %lld",
	        (long long)c.id),
	    1);
}

/* A dead sender's dotted delivery into the house is sent again where the second copy is thrown
 * away; never one to the outside, and none where nobody promised it. */
static void test_repeatable(void **state)
{
	int64_t later;

	(void)state;
	fill();
	run("update mail.delivery set route = 'lmtp', destination = 'lmtp' where id = %lld",
	    (long long)base);
	claim(mine, now);
	struct delivery a = got[0], b = got[1];
	/* leases that ran out are not looked for twice in half a second: test_twin has just been */
	later = now + test_settings.lease_secs * INT64_C(1000) + 1000;
	assert_false(delivery_repeatable(&test_settings, &a));
	test_settings.lmtp_duplicate = true;
	assert_true(delivery_repeatable(&test_settings, &a));
	assert_false(delivery_repeatable(&test_settings, &b));
	assert_true(dot(mine, &a, now));
	assert_true(dot(mine, &b, now));
	claim(twin, later);
	wait_row("select count(*) from mail.delivery where state = 'waiting' and dot_at is null "
	         "and attempts = 1 and id = ",
	    a.id);
	wait_row("select count(*) from mail.delivery where state = 'uncertain' and id = ", b.id);
	assert_int_equal(count("select count(*) from mail.attempt where outcome = 'deferred' and "
	                       "dot_at is not null and delivery_id = %lld",
	                     (long long)a.id),
	    1);
	assert_false(record(mine, &a, "delivered")); /* woken too late */
	claim(twin, later + 1);
	assert_true(got_count >= 1 && got[0].id == a.id && got[0].epoch == 3);
	assert_true(record(twin, &got[0], "delivered"));
	test_settings.lmtp_duplicate = false;
}

/* A mailbox whose deliveries one sender has in hand is nobody else's, whatever the folder; other
 * mailboxes are, and so is the outside. */
static void test_mailbox_of_one_sender(void **state)
{
	(void)state;
	fill();
	run("update mail.delivery set route = 'lmtp', destination = 'lmtp', recipient = "
	    "(array['a.b@k', '\"A.b+Disposisi Masuk\"@k', 'a.bc@k', 'a.b+x@k'])[id - %lld + 1]",
	    (long long)base);
	test_settings.lmtp_duplicate = true;
	run("update mail.delivery set next_at = %lld where id <> %lld", (long long)now + 1000,
	    (long long)base);
	claim(mine, now);
	assert_int_equal(got_count, 1);
	claim(twin, now + 1000);
	assert_int_equal(got_count, 1);
	assert_string_equal(got[0].recipient, "a.bc@k");
	claim(mine, now + 1000);
	assert_int_equal(got_count, 2);
	test_settings.lmtp_duplicate = false;
}

static char body[300000];
static size_t body_len;
static void body_done(bool ok, struct range bytes, void *ctx)
{
	(void)ctx;
	claim_ok = ok;
	body_len = bytes.len;
	memcpy(body, bytes.len > 0 ? bytes.p : "", bytes.len);
	loop_stop(loop);
}

static void test_bodies(void **state)
{
	(void)state;
	fill();
	run("insert into mail.body values (%lld, 10, '', '0123456789'), (%lld, 524289, '', null);"
	    "insert into mail.body_chunk values (%lld, 0, convert_to(repeat('a', 262144), 'UTF8')),"
	    " (%lld, 1, convert_to(repeat('b', 262144), 'UTF8')), (%lld, 2, 'c')",
	    (long long)base, (long long)base + 1, (long long)base + 1, (long long)base + 1,
	    (long long)base + 1);
	static const struct {
		int which;
		uint64_t offset, length;
		size_t wanted;
		char first;
	} table[] = {{0, 0, 10, 10, '0'}, {0, 3, 4, 4, '3'}, {0, 9, 100, 1, '9'},
	    {1, 0, 524289, 262144, 'a'}, {1, 262143, 524289, 1, 'a'},
	    {1, 262144, 524289, 262144, 'b'}, {1, 262150, 10, 10, 'b'}, {1, 524288, 1, 1, 'c'},
	    {1, 524289, 1, 0, 0}, {2, 0, 5, 0, 0}};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		delivery_body(
		    mine, base + table[i].which, table[i].offset, table[i].length, body_done, NULL);
		wait_done();
		assert_true(claim_ok);
		if (body_len != table[i].wanted || (body_len > 0 && body[0] != table[i].first))
			fail_msg("body case %zu: %zu bytes", i, body_len);
	}
}

struct wanted {
	size_t len;
	char first;
	int seen;
};

static void one_done(bool ok, struct range bytes, void *ctx)
{
	struct wanted *w = ctx;

	assert_true(ok);
	assert_int_equal(bytes.len, w->len);
	assert_true(w->len == 0 || bytes.p[0] == w->first);
	w->seen++;
	if (--pending == 0)
		loop_stop(loop);
}

/* Asked for in one turn, more than one question brings: each caller gets its own piece, also one
 * that is not there. */
static void test_bodies_together(void **state)
{
	enum { CALLS = 200 };
	static struct wanted wanted[CALLS];

	(void)state;
	fill();
	run("insert into mail.body values (%lld, 10, '', '0123456789'), (%lld, 524288, '', null);"
	    "insert into mail.body_chunk values (%lld, 0, convert_to(repeat('a', 262144), 'UTF8')),"
	    " (%lld, 1, convert_to(repeat('b', 262144), 'UTF8'))",
	    (long long)base, (long long)base + 1, (long long)base + 1, (long long)base + 1);
	pending = CALLS;
	for (int i = 0; i < CALLS; i++) {
		bool small = i % 20 != 0;
		int64_t id = i % 7 == 3 ? base + 2 : small ? base : base + 1;
		uint64_t at = small ? (uint64_t)i % 10 : 262144;

		wanted[i] = (struct wanted){id == base + 2 ? 0
		                            : small        ? 10 - (size_t)at
		                                           : 262144,
		    small ? "0123456789"[at] : 'b', 0};
		delivery_body(mine, id, at, small ? 10 - at : 262144, one_done, &wanted[i]);
	}
	wait_done();
	for (int i = 0; i < CALLS; i++)
		assert_int_equal(wanted[i].seen, 1);
}

static void woken(void *ctx)
{
	(void)ctx;
	if (pending > 0 && --pending == 0)
		loop_stop(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_twin), cmocka_unit_test(test_repeatable),
	    cmocka_unit_test(test_mailbox_of_one_sender), cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_bodies_together)};
	struct err error = {{0}};
	int rc;

	if (test_db_absent())
		return 77; /* skipped, see tests/run */
	test_settings.lease_secs = 30;
	arena = arena_new();
	owner = db_new(&test_settings, "owner", NULL);
	if (migrate_run(owner, NULL, clock_now_ms(), NULL, NULL, &error) < 0)
		fprintf(stderr, "test_delivery: %s\n", error.text);
	loop = loop_new();
	limit = timer_new(loop, limit_cb, NULL);
	moment = timer_new(loop, moment_cb, NULL);
	pending = 2;
	mine = delivery_store_new(&test_settings, loop, woken, NULL);
	twin = delivery_store_new(&test_settings, loop, woken, NULL);
	wait_done();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	delivery_store_free(&mine);
	delivery_store_free(&twin);
	timer_free(&limit);
	timer_free(&moment);
	loop_free(&loop);
	db_free(&owner);
	arena_free(&arena);
	return rc;
}
