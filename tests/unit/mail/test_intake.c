/*
 * test_intake: header blocks as smtpd stores or refuses them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/intake.h"

#define FROM "From: Kadis <kadis@dumai.example>\r\n"
#define REST "Date: Tue, 24 Nov 2026 08:00:00 +0700\r\nMessage-ID: <a@b.example>\r\n"
#define AR "Authentication-Results: "

/* Received fields above come out on top of each block. */
static const struct {
	const char *label, *block;
	bool submission;
	const char *enhanced, *error; /* error NULL: taken */
	const char *wanted;           /* behind our Received; NULL: the block itself */
} cases[] = {
    {"whole letter", FROM REST "Subject: x\r\n", true, "", NULL, NULL},
    {"whole mail", FROM REST "Subject: x\r\n", false, "", NULL, NULL},
    {"repairs", FROM, true, "", NULL,
        FROM "Date: Tue, 24 Nov 2026 08:00:00 +0700\r\nMessage-ID: <77@dumai.example>\r\n"},
    {"no repairs on the MX", FROM, false, "", NULL, NULL},
    {"bad Message-ID", FROM "Date: x\r\nMessage-ID: abc\r\n", true, "", NULL,
        FROM "Date: x\r\nMessage-ID: <77@dumai.example>\r\n"},
    {"Bcc", FROM REST "Bcc: x@y.example,\r\n z@y.example\r\nX: y\r\n", true, "", NULL,
        FROM REST "X: y\r\n"},
    {"Bcc on the MX", FROM REST "Bcc: x@y.example\r\n", false, "", NULL, NULL},
    {"Received kept", "Received: from x\r\n\tby y; z\r\n" FROM REST, true, "", NULL, NULL},
    {"Mtagw fields", FROM REST "Mtagw-Letter: 1\r\nmtagw-x: 2\r\nMtagwx: 3\r\n", false, "", NULL,
        FROM REST "Mtagwx: 3\r\n"},
    {"Return-Path", "Return-Path: <x@y>\r\n" FROM REST, false, "", NULL, FROM REST},
    {"results in our name",
        AR "mx.dumai.example; dkim=pass\r\n" AR "Dumai.example.; x\r\n" AR
           "\r\n (c) dumai.example; x\r\n" AR "\"dumai.example\"; x\r\n" AR
           "dumai.example/1; x\r\n" FROM,
        false, "", NULL, FROM},
    {"results of others", AR "mx.lain.example; dkim=pass\r\n" AR "notdumai.example; x\r\n" FROM,
        false, "", NULL, NULL},
    {"no From", "Subject: x\r\n", true, "5.6.0", "no From field, or no address in it", NULL},
    {"no From on the MX", "Subject: x\r\n", false, "", NULL, NULL},
    {"empty block on the MX", "", false, "", NULL, NULL},
    {"empty From", "From: \r\n", true, "5.6.0", "no From field, or no address in it", NULL},
    {"malformed From", "From: <<>>\r\n", true, "5.6.0", "From field: malformed address", NULL},
    {"malformed From on the MX", "From: <<>>\r\n", false, "", NULL, NULL},
    {"two From", FROM FROM REST, true, "5.6.0", "two From fields", NULL},
    {"two From on the MX", FROM "from: x@y.example\r\n", false, "5.6.0", "two From fields", NULL},
    {"From of another", "From: walikota@dumai.example\r\n", true, "5.7.1",
        "From walikota@dumai.example is not the address of login kadis@dumai.example", NULL},
    {"From case-blind", "From: KADIS@Dumai.Example\r\n" REST, true, "", NULL, NULL},
    {"From with detail", "From: kadis+x@dumai.example\r\n", true, "5.7.1",
        "From kadis+x@dumai.example is not the address of login kadis@dumai.example", NULL},
    {"two writers", "From: kadis@dumai.example, x@dumai.example\r\n", true, "5.7.1",
        "From x@dumai.example is not the address of login kadis@dumai.example: nobody else may "
        "stand in From",
        NULL},
    {"two writers, Sender",
        "From: Sekda <x@dumai.example>, kadis@dumai.example\r\n"
        "Sender: kadis@dumai.example\r\n" REST,
        true, "5.7.1",
        "From x@dumai.example is not the address of login kadis@dumai.example: nobody else may "
        "stand in From",
        NULL},
    {"a group of writers, Sender",
        "From: Pimpinan: x@dumai.example, kadis@dumai.example;\r\n"
        "Sender: kadis@dumai.example\r\n" REST,
        true, "5.7.1",
        "From x@dumai.example is not the address of login kadis@dumai.example: nobody else may "
        "stand in From",
        NULL},
    {"two writers, Sender, on the MX",
        "From: x@y.example, z@y.example\r\nSender: z@y.example\r\n" REST, false, "", NULL, NULL},
    {"the writer twice", "From: kadis@dumai.example, Kadis <KADIS@dumai.example>\r\n" REST, true,
        "", NULL, NULL},
    {"Sender of another", FROM "Sender: x@dumai.example\r\n", true, "5.7.1",
        "Sender x@dumai.example is not the address of login kadis@dumai.example", NULL},
    {"two Sender", FROM "Sender: kadis@dumai.example\r\nSender: kadis@dumai.example\r\n", true,
        "5.6.0", "malformed Sender field", NULL},
    {"no field", FROM "rubbish\r\n", false, "5.6.0",
        "header line 2 is neither a field nor a continuation", NULL},
    {"header cut off", FROM "X: y", false, "", NULL, FROM "X: y\r\n"},
};

static const struct intake session = {
    .hostname = "mx.dumai.example",
    .domain = "dumai.example",
    .helo = "klien.example",
    .peer_ip = "192.0.2.7",
    .protocol = "ESMTPSA",
    .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
    .queue_id = "77",
    .login = "kadis@dumai.example",
    .at_ms = 1795482000000, /* Tue, 24 Nov 2026 08:00:00 +0700 */
};

static const char received[] = "Received: from klien.example ([192.0.2.7])\r\n"
                               "\t(using TLSv1.3_TLS_AES_256_GCM_SHA384)\r\n"
                               "\tby mx.dumai.example (mtagw) with ESMTPSA id 77;\r\n"
                               "\tTue, 24 Nov 2026 08:00:00 +0700\r\n";

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new();
		struct intake in = session;
		struct intake_result result;
		struct buf out = {0}, wanted = {0};
		const char *enhanced;
		struct err err = {{0}};
		int r;

		in.submission = cases[i].submission;
		r = intake_headers(
		    &in, range_of(cases[i].block), arena, &out, &result, &enhanced, &err);
		if (r != (cases[i].error ? -1 : 1) || strcmp(enhanced, cases[i].enhanced) != 0 ||
		    (cases[i].error && strcmp(err.text, cases[i].error) != 0))
			fail_msg("%s: %d %s %s", cases[i].label, r, enhanced, err.text);
		buf_printf(
		    &wanted, "%s%s", received, cases[i].wanted ? cases[i].wanted : cases[i].block);
		if (r == 1 && strcmp(buf_str(&out), buf_str(&wanted)) != 0)
			fail_msg(
			    "%s:\n%s\nwanted\n%s", cases[i].label, buf_str(&out), buf_str(&wanted));
		buf_free(&out);
		buf_free(&wanted);
		arena_free(&arena);
	}
}

static void test_result(void **state)
{
	struct arena *arena = arena_new();
	struct intake_result result;
	struct buf out = {0};
	const char *enhanced;

	(void)state;
	assert_int_equal(
	    intake_headers(&session,
	        range_of("Received: x\r\nReceived: y\r\nSubject: =?utf-8?Q?K=C3=A9?=\r\n"
	                 "Message-ID:\r\n <a@b>\r\n" FROM),
	        arena, &out, &result, &enhanced, NULL),
	    1);
	assert_string_equal(result.message_id, "<a@b>");
	assert_string_equal(result.from, "kadis@dumai.example");
	assert_string_equal(result.subject, "K\xc3\xa9");
	assert_int_equal(result.received_count, 2);
	buf_free(&out);
	arena_free(&arena);
}

static void test_hops(void **state)
{
	(void)state;
	for (int n = 25; n <= 26; n++) {
		struct arena *arena = arena_new();
		struct intake_result result;
		struct buf block = {0}, out = {0};
		const char *enhanced;
		struct err err = {{0}};

		for (int i = 0; i < n; i++)
			buf_puts(&block, "Received: from x\r\n");
		buf_puts(&block, FROM);
		assert_int_equal(intake_headers(&session, buf_range(&block), arena, &out, &result,
		                     &enhanced, &err),
		    n == 25 ? 1 : -1);
		assert_string_equal(enhanced, n == 25 ? "" : "5.4.6");
		if (n == 26)
			assert_string_equal(err.text, "mail loop: 26 Received fields, at most 25");
		buf_free(&block);
		buf_free(&out);
		arena_free(&arena);
	}
}

/* What the peer says of itself cannot leave its clause. */
static void test_received(void **state)
{
	struct arena *arena = arena_new();
	struct intake in = session;
	struct intake_result result;
	struct buf out = {0};
	const char *enhanced;

	(void)state;
	in.helo = "x) by jahat\r\nBcc: y@z";
	in.peer_ip = "2001:db8::1";
	in.tls = "";
	in.for_rcpt = "surat@dumai.example";
	assert_int_equal(
	    intake_headers(&in, (struct range){0}, arena, &out, &result, &enhanced, NULL), 1);
	assert_string_equal(buf_str(&out),
	    "Received: from x?_by_jahat??Bcc:_y@z ([IPv6:2001:db8::1])\r\n"
	    "\tby mx.dumai.example (mtagw) with ESMTPSA id 77\r\n"
	    "\tfor <surat@dumai.example>;\r\n"
	    "\tTue, 24 Nov 2026 08:00:00 +0700\r\n");
	buf_reset(&out);
	assert_int_equal(intake_headers(&in, (struct range){"A: \0b\r\n", 7}, arena, &out, &result,
	                     &enhanced, NULL),
	    -1);
	assert_string_equal(enhanced, "5.6.0");
	buf_free(&out);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_result),
	    cmocka_unit_test(test_hops),
	    cmocka_unit_test(test_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
