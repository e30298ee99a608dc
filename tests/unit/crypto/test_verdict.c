/*
 * Verdicts as data: what is written is read, what is bent is refused, and the one word for policy.
 * The messages of the role's socket likewise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/crypto/verdict.h"

#include "mtagw/crypto/verify_msg.h"

static const struct verdict_dkim dkim[] = {
    {"pelabuhan.example", "k1", "rsa-sha256", "pass", "", true},
    {"asing.example", "s", "rsa-sha1", "policy", "SHA-1", false},
};
static const struct verdict_signature signatures[] = {
    {"openpgp", "partial", "0123", "Dinas \xc3\xa9 <a@b>", "other parts are not signed"},
};
static const struct verdicts whole = {.from_domain = "pelabuhan.example",
    .spf = "softfail",
    .spf_domain = "pelabuhan.example",
    .spf_aligned = true,
    .dmarc = "pass",
    .dmarc_policy = "reject",
    .dkim = dkim,
    .dkim_count = 2,
    .signatures = signatures,
    .signature_count = 1};

static void test_round(void **state)
{
	struct arena *arena = arena_new();
	struct buf json = {0}, again = {0};
	struct verdicts v;
	struct err err = {""};

	(void)state;
	verdicts_json(&whole, &json);
	assert_non_null(strstr(json.data, "\"level\":\"proven\""));
	if (verdicts_read(json.data, arena, &v, &err) != 1)
		fail_msg("%s", err.text);
	assert_string_equal(v.spf, "softfail");
	assert_true(v.spf_aligned && v.dkim[0].aligned && !v.dkim[1].aligned);
	assert_string_equal(v.signatures[0].who, signatures[0].who);
	verdicts_json(&v, &again);
	assert_string_equal(json.data, again.data);
	buf_free(&json);
	buf_free(&again);
	arena_free(&arena);
}

/* One text of the whole for another. */
static void refused(const char *from, const char *to)
{
	struct arena *arena = arena_new();
	struct buf json = {0}, bent = {0};
	struct verdicts v;
	struct err err = {""};
	char *at;

	verdicts_json(&whole, &json);
	at = strstr(json.data, from);
	assert_non_null(at);
	buf_append(&bent, json.data, (size_t)(at - json.data));
	buf_puts(&bent, to);
	buf_puts(&bent, at + strlen(from));
	if (verdicts_read(bent.data, arena, &v, &err) != -1)
		fail_msg("taken: %s", bent.data);
	assert_true(err.text[0]);
	buf_free(&json);
	buf_free(&bent);
	arena_free(&arena);
}

static void test_bent(void **state)
{
	struct arena *arena = arena_new();
	struct verdicts v;
	struct err err;
	char *big = malloc(2000);

	(void)state;
	refused("softfail", "perhaps");
	refused("\"dmarc\":\"pass\"", "\"dmarc\":1");
	refused("\"from_domain\"", "\"from\"");
	refused("\"spf_aligned\":true", "\"spf_aligned\":\"true\"");
	refused("\"dkim\":[", "\"dkim\":[1,");
	refused("\"dkim\":[", "\"dkim\":[{}],\"x\":[");
	refused("\"kind\":\"openpgp\"", "\"kind\":\"none\"");
	refused("\"partial\"", "\"best\"");
	refused("\"who\":\"Dinas", "\"who\":\"\\u0007Dinas");
	refused("\"who\":\"Dinas", "\"who\":\"\\u0000Dinas");
	refused("\"spf\":\"softfail\"", "\"spf\":\"pass\",\"spf\":\"softfail\"");
	refused("}]}", "}]");
	memset(big, 'a', 1999);
	big[1999] = '\0';
	refused("rsa-sha1", big);
	free(big);
	assert_int_equal(verdicts_read("", arena, &v, &err), -1);
	assert_int_equal(verdicts_read("[]", arena, &v, &err), -1);
	assert_int_equal(verdicts_read("null", arena, &v, &err), -1);
	arena_free(&arena);
}

static void test_level(void **state)
{
	struct verdict_dkim d = {"a.example", "s", "a", "pass", "", true};
	struct verdict_signature s = {"openpgp", "good", "", "", ""};
	struct verdicts v = {.from_domain = "a.example",
	    .spf = "none",
	    .spf_domain = "",
	    .dmarc = "none",
	    .dmarc_policy = "",
	    .dkim = &d,
	    .signatures = &s};

	(void)state;
	assert_string_equal(verdicts_level(&v), "unproven");
	v.spf = "pass";
	assert_string_equal(verdicts_level(&v), "unproven");
	v.spf_aligned = true;
	assert_string_equal(verdicts_level(&v), "spf");
	v.dkim_count = 1;
	assert_string_equal(verdicts_level(&v), "proven");
	d.aligned = false;
	assert_string_equal(verdicts_level(&v), "spf");
	d.aligned = true;
	d.result = "policy";
	assert_string_equal(verdicts_level(&v), "spf");
	d.result = "pass";
	v.dmarc = "fail";
	assert_string_equal(verdicts_level(&v), "failed");
	v.signature_count = 1;
	assert_string_equal(verdicts_level(&v), "signed");
	v.dmarc = "pass";
	s.result = "bad";
	assert_string_equal(verdicts_level(&v), "failed");
	s.result = "stranger";
	assert_string_equal(verdicts_level(&v), "proven");
}

static void test_messages(void **state)
{
	const struct verify_head put = {.size = 1000,
	    .peer_ip = range_of("192.0.2.1"),
	    .helo = range_of("mx.example"),
	    .sender = range_of("")};
	struct arena *arena = arena_new();
	struct buf payload = {0};
	struct verify_head got;
	struct verdicts v;
	struct err err;

	(void)state;
	verify_head_put(&payload, &put);
	assert_int_equal(verify_head_get(buf_range(&payload), 1000, &got, &err), 1);
	assert_int_equal(got.size, 1000);
	assert_true(range_equal(got.helo, put.helo));
	assert_int_equal(verify_head_get(buf_range(&payload), 999, &got, &err), -1);
	for (size_t len = 0; len < payload.len; len++)
		assert_int_equal(
		    verify_head_get((struct range){payload.data, len}, 1000, &got, &err), -1);
	payload.data[payload.len - 8] = '\n'; /* in helo */
	assert_int_equal(verify_head_get(buf_range(&payload), 1000, &got, &err), -1);
	buf_reset(&payload);
	verify_taken_put(&payload);
	assert_int_equal(verify_reply_get(buf_range(&payload), arena, &v, &err), 0);
	buf_reset(&payload);
	verify_answer_put(&payload, &whole);
	assert_int_equal(verify_reply_get(buf_range(&payload), arena, &v, &err), 1);
	assert_string_equal(v.dmarc, "pass");
	for (size_t len = 0; len < payload.len; len++)
		assert_int_equal(
		    verify_reply_get((struct range){payload.data, len}, arena, &v, &err), -1);
	buf_free(&payload);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_bent),
	    cmocka_unit_test(test_level),
	    cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
