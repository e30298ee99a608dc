/* Accepting against a real server: stored, duplicate (before, and twice in one group), refused
 * alone, chunks, lost connection, and a reading of the rate. */
#include "test_db.h"

#include "mtagw/base/codec.h"
#include "mtagw/base/loop.h"
#include "mtagw/store/accept.h"
#include "mtagw/store/migrate.h"

static struct loop *loop;
static struct accept *accept_store;
static struct db *owner;
static struct timer *tick, *limit;
static size_t pending, results[4];
static int64_t last_id;

static void tick_cb(void *ctx)
{
	(void)ctx;
	if (accept_ready(accept_store) && accept_id(accept_store, 1) != 0)
		loop_stop(loop);
	else
		timer_start(tick, 5);
}

static void limit_cb(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "test_accept: a wait took too long\n");
	abort();
}

static void wait_ready(void)
{
	timer_start(tick, 5);
	timer_start(limit, 20000);
	loop_run(loop);
	timer_stop(limit);
}

static void answered(enum accept_result result, int64_t id, const char *text, void *ctx)
{
	(void)text;
	results[result]++;
	last_id = id;
	if (ctx != NULL)
		*(enum accept_result *)ctx = result;
	if (--pending == 0)
		loop_stop(loop);
}

static void wait_answers(void)
{
	timer_start(limit, 100000);
	if (pending > 0)
		loop_run(loop);
	timer_stop(limit);
}

static const char *const rcpts[] = {"kadis.diskominfo@dumai.example", "surat-biasa@dumai.example"};

static struct accept_message message_of(const char *body, const char *key)
{
	struct accept_message m = {.channel = "submission",
	    .dsn = "",
	    .session_id = "s1",
	    .peer_ip = "127.0.0.1",
	    .helo = "klien",
	    .tls = "TLSv1.3",
	    .sender = "kadis.diskominfo@dumai.example",
	    .rcpts = rcpts,
	    .rcpt_count = 2,
	    .login = "kadis.diskominfo@dumai.example",
	    .position = "kadis.diskominfo",
	    .from_address = "kadis.diskominfo@dumai.example",
	    .mime_message_id = "<a@b>",
	    .subject = "Undangan"};

	m.at_ms = clock_now_ms();
	m.id = accept_id(accept_store, m.at_ms);
	m.body_id = accept_id(accept_store, m.at_ms);
	m.bytes = range_of(body);
	m.size = m.bytes.len;
	codec_sha256(body, m.size, m.sha256);
	m.idempotent = key != NULL;
	if (key != NULL)
		codec_sha256(key, strlen(key), m.key);
	return m;
}

static struct accept_wait *submit(const struct accept_message *m, enum accept_result *result_r)
{
	pending++;
	return accept_submit(accept_store, m, answered, result_r);
}

static int64_t count_of(const char *what, int64_t id)
{
	char *sql = mem_printf("select count(*) from %s = %lld", what, (long long)id);
	int64_t n = test_number(owner, sql);

	free(sql);
	return n;
}

static void test_stored(void **state)
{
	struct accept_message m = message_of("Subject: x\r\n\r\nhalo\r\n", NULL);
	enum accept_result result;

	(void)state;
	(void)submit(&m, &result);
	wait_answers();
	assert_int_equal(result, ACCEPT_STORED);
	assert_true(last_id == m.id);
	assert_int_equal(count_of("mail.message where state = 'received' and id", m.id), 1);
	assert_int_equal(count_of("mail.body where length(bytes) = 20 and id", m.body_id), 1);
	assert_int_equal(count_of("mail.work where kind = 'route' and ref", m.id), 1);
	assert_int_equal(
	    count_of("audit.exchange where event = 'SubmissionAcceptance' and message_id", m.id),
	    1);
}

static void test_duplicate(void **state)
{
	char key[32];
	struct accept_message m[3];
	enum accept_result result[3];

	(void)state;
	snprintf(key, sizeof(key), "k%lld", (long long)accept_id(accept_store, 1));
	for (int i = 0; i < 3; i++)
		m[i] = message_of("Subject: y\r\n\r\n", key);
	(void)submit(&m[0], &result[0]); /* both in one group */
	(void)submit(&m[1], &result[1]);
	wait_answers();
	assert_int_equal(result[0], ACCEPT_STORED);
	assert_int_equal(result[1], ACCEPT_DUPLICATE);
	assert_true(last_id == m[0].id);
	(void)submit(&m[2], &result[2]);
	wait_answers();
	assert_int_equal(result[2], ACCEPT_DUPLICATE);
	assert_true(last_id == m[0].id);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(count_of("mail.message where id", m[i].id), i == 0);
		assert_int_equal(count_of("mail.body where id", m[i].body_id), i == 0);
		assert_int_equal(count_of("mail.work where ref", m[i].id), i == 0);
		assert_int_equal(count_of("audit.exchange where message_id", m[i].id), i == 0);
	}
}

/* New ones around an old one in one group: each keeps its own fields. Addresses with what an
 * array's literal quotes. */
static void test_mixed(void **state)
{
	static const char *const odd[] = {"\"a\\\"b, {c}\"@dumai.example", "d@dumai.example"};
	enum accept_result result[4];
	struct accept_message m[4];
	char key[4][32], subject[4][16], sql[300];

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(key[i], sizeof(key[i]), "m%lld", (long long)accept_id(accept_store, 1));
		snprintf(subject[i], sizeof(subject[i]), "Nomor %d", i);
		m[i] = message_of("Subject: m\r\n\r\n", i == 2 ? NULL : key[i == 3 ? 1 : i]);
		m[i].subject = subject[i];
		m[i].rcpts = odd;
	}
	(void)submit(&m[1], &result[1]);
	wait_answers();
	m[1].id = accept_id(accept_store, m[1].at_ms);
	m[1].body_id = accept_id(accept_store, m[1].at_ms);
	for (int i = 0; i < 4; i++)
		(void)submit(&m[i], &result[i]);
	wait_answers();
	for (int i = 0; i < 4; i++) {
		assert_int_equal(result[i], i % 2 == 0 ? ACCEPT_STORED : ACCEPT_DUPLICATE);
		snprintf(sql, sizeof(sql),
		    "mail.message m where subject = '%s' and body_id = %lld and rcpts = array["
		    "'\"a\\\"b, {c}\"@dumai.example', 'd@dumai.example'] and id",
		    subject[i], (long long)m[i].body_id);
		assert_int_equal(count_of(sql, m[i].id), i % 2 == 0);
		snprintf(sql, sizeof(sql),
		    "audit.detail d join audit.exchange e on e.id = d.exchange_id where "
		    "detail ->> 'subject' = '%s' and message_id",
		    subject[i]);
		assert_int_equal(count_of(sql, m[i].id), i % 2 == 0);
	}
}

/* audit.write and audit.write_columns give the same rows, byte by byte, salt aside. */
static void test_trail(void **state)
{
	(void)state;
	(void)test_number(owner,
	    "select count(audit.write('[{\"id\": 71, \"at\": 5, \"event\": \"E\", \"outcome\": "
	    "\"done\","
	    " \"message_id\": 1, \"letter_id\": 2, \"delivery_id\": 3, \"position\": \"p\","
	    " \"incumbency\": 4, \"login\": \"l\", \"policy_version\": 6, \"rule_id\": \"r\","
	    " \"code\": \"550\", \"object_sha256\": \"00ff\", \"detail\": {\"bb\": \"caf\u00e9\","
	    " \"a\": \"\\\"\"}}, {\"id\": 72, \"at\": 5, \"event\": \"E\", \"outcome\": \"done\"},"
	    " {\"id\": 73, \"at\": 5, \"event\": \"E\", \"outcome\": \"done\", \"detail\": "
	    "{}}]'))");
	(void)test_number(owner,
	    "select count(audit.write_columns('{81,82,83}', '{5,5,5}', '{E,E,E}',"
	    " '{done,done,done}', '{1,null,null}', '{2,null,null}', '{3,null,null}',"
	    " '{p,null,null}', '{4,null,null}', '{l,null,null}', '{6,null,null}',"
	    " '{r,null,null}', '{550,null,null}', '{00ff,null,null}',"
	    " array['{\"a\": \"\\\"\", \"bb\": \"caf\u00e9\"}', null, '{}']))");
	assert_int_equal(
	    test_number(owner,
	        "select count(*) from audit.exchange a join audit.exchange b on b.id = a.id + 10"
	        " left join audit.detail c on c.exchange_id = a.id"
	        " left join audit.detail d on d.exchange_id = b.id where a.id between 71 and 73"
	        " and replace(a.canonical, E'\nid=7', E'\nid=8') = b.canonical"
	        " and to_jsonb(a) - '{id,salt,canonical,sha256}'::text[] ="
	        "     to_jsonb(b) - '{id,salt,canonical,sha256}'::text[]"
	        " and c.detail::text is not distinct from d.detail::text"
	        " and length(b.salt) = 16 and a.salt <> b.salt"
	        " and b.sha256 = sha256(b.salt || convert_to(b.canonical, 'UTF8'))"
	        " and a.sha256 = sha256(a.salt || convert_to(a.canonical, 'UTF8'))"),
	    3);
}

static void test_refused_alone(void **state)
{
	struct accept_message m[6];
	enum accept_result result[6];
	char wide[100000];

	(void)state;
	for (int i = 0; i < 6; i++)
		m[i] = message_of("Subject: z\r\n\r\n", NULL);
	m[2].sender = "kepala\xff@dumai.example"; /* refused before the database */
	m[3].subject = "rusak \xff\xfe";          /* repaired */
	m[4].channel = "fax";                     /* a check constraint: our own fault, so 451 */
	memset(wide, 'k', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	m[5].subject = wide;
	for (int i = 0; i < 6; i++)
		(void)submit(&m[i], &result[i]);
	wait_answers();
	assert_int_equal(result[0], ACCEPT_STORED);
	assert_int_equal(result[1], ACCEPT_STORED);
	assert_int_equal(result[2], ACCEPT_REFUSED);
	assert_int_equal(result[3], ACCEPT_STORED);
	assert_int_equal(result[4], ACCEPT_UNAVAILABLE);
	assert_int_equal(result[5], ACCEPT_STORED);
	assert_int_equal(count_of("mail.work where ref", m[1].id), 1);
	assert_int_equal(count_of("mail.work where ref", m[4].id), 0);
}

static void test_cancel(void **state)
{
	struct accept_message m = message_of("Subject: c\r\n\r\n", NULL),
	                      last = message_of("\r\n", NULL);
	struct accept_wait *wait = submit(&m, NULL);

	(void)state;
	accept_cancel(&wait);
	assert_null(wait);
	pending--;
	(void)submit(&last, NULL);
	wait_answers();
	assert_int_equal(count_of("mail.message where id", m.id), 1);
}

static bool chunk_ok;
static void chunk_done(bool ok, void *ctx)
{
	(void)ctx;
	chunk_ok = chunk_ok && ok;
	if (--pending == 0)
		loop_stop(loop);
}

static void stop_loop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void test_chunks(void **state)
{
	struct accept_message m = message_of("", NULL);
	char *big = mem_zalloc(ACCEPT_CHUNK_BYTES);
	int64_t other = accept_id(accept_store, m.at_ms);
	enum accept_result result;
	const char *dropped = "mail.body_staging where started_at = 0 and body_id";
	struct timer *beat = timer_new(loop, stop_loop, NULL);
	int64_t many = accept_id(accept_store, m.at_ms);

	(void)state;
	chunk_ok = true;
	/* of as many sessions as come at once: more than the connection's queue takes */
	for (int n = 0; n < 2 * DB_BATCHES_MAX; n++, pending++)
		accept_chunk(
		    accept_store, many, n, (struct range){big, 10}, m.at_ms, chunk_done, NULL);
	wait_answers();
	assert_true(chunk_ok);
	assert_int_equal(count_of("mail.body_chunk where body_id", many), 2 * DB_BATCHES_MAX);
	for (int n = 0; n < 3; n++, pending++)
		accept_chunk(accept_store, m.body_id, n, (struct range){big, ACCEPT_CHUNK_BYTES},
		    m.at_ms, chunk_done, NULL);
	accept_chunk(accept_store, other, 0, (struct range){big, 100}, m.at_ms, chunk_done, NULL);
	pending++;
	wait_answers();
	assert_true(chunk_ok);
	assert_int_equal(count_of("mail.body_staging where body_id", m.body_id), 1);
	m.size = 3 * ACCEPT_CHUNK_BYTES;
	accept_chunks_drop(accept_store, other);
	(void)submit(&m, &result);
	wait_answers();
	assert_int_equal(result, ACCEPT_STORED);
	assert_int_equal(count_of("mail.body_staging where body_id", m.body_id), 0);
	assert_int_equal(count_of("mail.body where bytes is null and id", m.body_id), 1);
	assert_int_equal(count_of("mail.body_chunk where body_id", m.body_id), 3);
	/* the dropping is told to nobody: wait for what it does, five seconds at most */
	for (int i = 0; i < 250 && count_of(dropped, other) == 0; i++) {
		timer_start(beat, 20);
		loop_run(loop);
	}
	timer_free(&beat);
	assert_int_equal(count_of(dropped, other), 1);
	free(big);
}

/* Every connection of the role is cut while commits are on their way: each message is stored once
 * or not at all, as told. */
static void test_lost(void **state)
{
	enum { N = 400 };
	static enum accept_result result[N];
	static int64_t ids[N];
	struct db *killer = db_new(&test_settings, "smtpd", NULL);

	(void)state;
	memset(results, 0, sizeof(results));
	for (int round = 0; round < 4; round++) {
		wait_ready();
		for (int i = 0; i < N / 4; i++) {
			struct accept_message m = message_of("Subject: l\r\n\r\n", NULL);

			ids[round * N / 4 + i] = m.id;
			(void)submit(&m, &result[round * N / 4 + i]);
			if (i == N / 8)
				(void)test_number(killer,
				    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
				    " where usename = 'mtagw_smtpd' and pid <> pg_backend_pid()");
		}
		wait_answers();
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(
		    count_of("mail.message where id", ids[i]), result[i] == ACCEPT_STORED);
	printf("lost: %zu stored, %zu unavailable\n", results[ACCEPT_STORED],
	    results[ACCEPT_UNAVAILABLE]);
	db_free(&killer);
}

static char rate_body[4097];
static int rate_left;

static void rate_submit(void);

static void rate_answered(enum accept_result result, int64_t id, const char *text, void *ctx)
{
	answered(result, id, text, NULL);
	(void)ctx;
	if (rate_left > 0)
		rate_submit();
}

/* A session that has its 250 sends its next message at once. */
static void rate_submit(void)
{
	struct accept_message m = message_of(rate_body, "");
	char key[32];

	snprintf(key, sizeof(key), "%lld", (long long)m.id);
	codec_sha256(key, strlen(key), m.key);
	rate_left--;
	pending++;
	(void)accept_submit(accept_store, &m, rate_answered, NULL);
}

static void test_rate(void **state)
{
	int64_t start;
	int n = getenv("MTAGW_TEST_RATE") != NULL ? 30000 : 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(rate_body) - 1; i++)
		rate_body[i] = i % 72 == 70   ? '\r'
		               : i % 72 == 71 ? '\n'
		                              : (char)('a' + (i * 7 + i / 72) % 26);
	wait_ready();
	memset(results, 0, sizeof(results));
	start = clock_mono_ms();
	rate_left = n;
	while (rate_left > n - 200)
		rate_submit();
	wait_answers();
	printf("rate: %d messages of 4 KiB in %lld ms, %lld a second\n", n,
	    (long long)(clock_mono_ms() - start),
	    (long long)(n * INT64_C(1000) / (clock_mono_ms() - start + 1)));
	assert_int_equal(results[ACCEPT_STORED], n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stored),
	    cmocka_unit_test(test_duplicate), cmocka_unit_test(test_mixed),
	    cmocka_unit_test(test_trail), cmocka_unit_test(test_refused_alone),
	    cmocka_unit_test(test_cancel), cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_lost), cmocka_unit_test(test_rate)};
	struct err error = {{0}};
	int rc;

	if (test_db_absent())
		return 77; /* skipped, see tests/run */
	owner = db_new(&test_settings, "owner", NULL);
	if (migrate_run(owner, NULL, clock_now_ms(), NULL, NULL, &error) < 0)
		fprintf(stderr, "test_accept: %s\n", error.text);
	loop = loop_new();
	tick = timer_new(loop, tick_cb, NULL);
	limit = timer_new(loop, limit_cb, NULL);
	accept_store = accept_new(&test_settings, loop);
	wait_ready();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	accept_free(&accept_store);
	timer_free(&tick);
	timer_free(&limit);
	loop_free(&loop);
	db_free(&owner);
	return rc;
}
