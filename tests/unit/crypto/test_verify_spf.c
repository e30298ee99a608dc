/*
 * SPF and DMARC of inbound mail on a zone of our own: every result, records made to be expensive or
 * to overrun their reader, alignment by organisation, and a name server that says nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mtagw/crypto/verdict.h"

#include "tests/unit/crypto/verify_help.h"

static struct verify_help help;

static const char zone[] =
    "pelabuhan.example. TXT \"v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 mx -all\"\n"
    "pelabuhan.example. TXT \"something else\"\n"
    "pelabuhan.example. MX 10 mx.pelabuhan.example.\n"
    "mx.pelabuhan.example. A 192.0.2.25\n"
    "mx.pelabuhan.example. TXT \"v=spf1 a -all\"\n"
    "_dmarc.pelabuhan.example. TXT \"v=DMARC1; p=reject; sp=quarantine\"\n"
    "soft.example. TXT \"v=spf1 ~all\"\n"
    "neutral.example. TXT \"v=spf1 ?all\"\n"
    "open.example. TXT \"v=spf1 +all\"\n"
    "syntax.example. TXT \"v=spf1 ip4:999.1.1.1 -all\"\n"
    "two.example. TXT \"v=spf1 +all\"\n"
    "two.example. TXT \"v=spf1 -all\"\n"
    "upper.example. TXT \"V=SPF1 ip4:192.0.2.1 -all\"\n"
    "likely.example. TXT \"v=spf10 +all\"\n"
    "include.example. TXT \"v=spf1 include:pelabuhan.example -all\"\n"
    "broken-include.example. TXT \"v=spf1 include:nowhere.example -all\"\n"
    "redirect.example. TXT \"v=spf1 redirect=pelabuhan.example\"\n"
    "local.example. TXT \"v=spf1 ip4:127.0.1.1 -all\"\n"
    "macro.example. TXT \"v=spf1 exists:%{ir}.%{l}._spf.%{d} -all\"\n"
    "1.2.0.192.surat._spf.macro.example. A 127.0.0.2\n"
    "ptr.example. TXT \"v=spf1 ptr -all\"\n"
    "7.2.0.192.in-addr.arpa. PTR host.ptr.example.\n"
    "host.ptr.example. A 192.0.2.7\n"
    "exp.example. TXT \"v=spf1 exp=text.exp.example -all\"\n"
    "text.exp.example. TXT \"%{l}%{l}%{l}\"\n"
    "control.example. TXT \"v=spf1 \\007 +all\"\n"
    "self.example. TXT \"v=spf1 include:self.example -all\"\n"
    "_dmarc.quarantine.example. TXT \"v=DMARC1; p=quarantine\"\n"
    "quarantine.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "sub.quarantine.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "_dmarc.strict.example. TXT \"v=DMARC1; p=none; aspf=s\"\n"
    "sub.strict.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "_dmarc.twice.example. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.twice.example. TXT \"v=DMARC1; p=none\"\n"
    "_dmarc.nop.example. TXT \"v=DMARC1; rua=mailto:a@nop.example\"\n"
    "_dmarc.bad.example. TXT \"v=DMARC1; p=perhaps\"\n"
    "_dmarc.other.example. TXT \"p=reject; v=DMARC1\"\n"
    "_dmarc.dinas.riau.go.id. TXT \"v=DMARC1; p=reject\"\n"
    "go.id. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "mail.dinas.riau.go.id. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";

/* A zone that is expensive: includes of includes, and a term that fills the compiler's buffer. */
static void put_expensive(struct buf *out)
{
	for (int level = 0; level < 6; level++)
		for (int i = 0; i < 3; i++) {
			buf_printf(out, "l%d%d.tree.example. TXT \"v=spf1", level, i);
			for (int j = 0; j < 3; j++)
				buf_printf(out, " include:l%d%d.tree.example", level + 1, j);
			buf_puts(out, " -all\"\n");
		}
	for (int n = 100; n < 140; n++) {
		buf_printf(out, "edge%d.example. TXT \"v=spf1 exists:\"", n);
		for (int i = 0; i < n; i += 40) {
			buf_puts(out, " \"");
			for (int j = i; j < n && j < i + 40; j++)
				buf_puts(out, "%{d}");
			buf_puts(out, "\"");
		}
		buf_puts(out, " \"aaaaaaaa -all\"\n");
	}
}

static int setup(void **state)
{
	struct buf text = {0};

	(void)state;
	help_folder(&help);
	buf_puts(&text, zone);
	put_expensive(&text);
	help_write(&help, "zone", buf_range(&text));
	buf_free(&text);
	help_open(&help);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	help_close(&help);
	return 0;
}

static struct verdicts ask(
    const char *from, const char *peer_ip, const char *helo, const char *sender)
{
	char *mail = mem_printf("From: <%s>\r\nSubject: a\r\n\r\nb\r\n", from);
	struct verdicts v = help_ask(&help, range_of(mail), peer_ip, helo, sender);

	free(mail);
	return v;
}

static void test_spf(void **state)
{
	static const struct {
		const char *peer, *sender, *result;
	} cases[] = {
	    {"192.0.2.1", "a@pelabuhan.example", "pass"},
	    {"::ffff:192.0.2.1", "a@pelabuhan.example", "pass"},
	    {"2001:db8::7", "a@PELABUHAN.example", "pass"},
	    {"192.0.2.25", "a@pelabuhan.example", "pass"},
	    {"192.0.2.2", "a@pelabuhan.example", "fail"},
	    {"2001:db9::7", "a@pelabuhan.example", "fail"},
	    {"192.0.2.2", "a@soft.example", "softfail"},
	    {"192.0.2.2", "a@neutral.example", "neutral"},
	    {"192.0.2.2", "a@open.example", "pass"},
	    {"192.0.2.2", "a@nowhere.example", "none"},
	    {"192.0.2.2", "a@mx.pelabuhan.example", "fail"},
	    {"192.0.2.2", "a@syntax.example", "permerror"},
	    {"192.0.2.2", "a@two.example", "permerror"},
	    {"192.0.2.1", "a@upper.example", "pass"},
	    {"192.0.2.1", "a@likely.example", "none"},
	    {"192.0.2.1", "a@include.example", "pass"},
	    {"192.0.2.2", "a@include.example", "fail"},
	    {"192.0.2.2", "a@broken-include.example", "permerror"},
	    {"192.0.2.1", "a@redirect.example", "pass"},
	    {"192.0.2.2", "a@redirect.example", "fail"},
	    {"127.0.1.1", "a@local.example", "pass"},
	    {"127.0.0.1", "a@local.example", "fail"}, /* no free pass */
	    {"192.0.2.1", "surat@macro.example", "pass"},
	    {"192.0.2.1", "lain@macro.example", "fail"},
	    {"192.0.2.1", "a \"b\\@c@macro.example", "fail"},
	    {"192.0.2.7", "a@ptr.example", "pass"},
	    {"192.0.2.8", "a@ptr.example", "fail"},
	    {"192.0.2.8", "a@exp.example", "fail"},
	    {"192.0.2.8", "a@control.example", "permerror"},
	    {"192.0.2.8", "a@self.example", "permerror"},
	    {"192.0.2.8", "a@l00.tree.example", "permerror"},
	    {"", "a@open.example", "none"},
	    {"unix", "a@open.example", "none"},
	    {"192.0.2.1", "a@localhost", "none"},
	    {"192.0.2.1", "a@[192.0.2.1]", "none"},
	    {"192.0.2.1", "a@-.\x01.example", "none"},
	};
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verdicts v =
		    ask("x@warga.example", cases[i].peer, "mx.example", cases[i].sender);

		if (strcmp(v.spf, cases[i].result) == 0)
			continue;
		failed++;
		print_message("%s from %s: %s, not %s\n", cases[i].sender, cases[i].peer, v.spf,
		    cases[i].result);
	}
	assert_int_equal(failed, 0);
}

/* The buffer of 511 bytes is never filled to its edge (CVE-2023-42118). */
static void test_spf_edge(void **state)
{
	(void)state;
	for (int n = 100; n < 140; n++) {
		char *sender = mem_printf("a@edge%d.example", n);

		assert_string_equal(
		    ask("x@warga.example", "192.0.2.1", "h", sender).spf, "permerror");
		free(sender);
	}
}

static void test_spf_identity(void **state)
{
	struct verdicts v = ask("x@pelabuhan.example", "192.0.2.25", "mx.pelabuhan.example", "");

	(void)state;
	assert_string_equal(v.spf, "pass");
	assert_string_equal(v.spf_domain, "mx.pelabuhan.example");
	assert_true(v.spf_aligned);
	assert_string_equal(verdicts_level(&v), "spf");
	v = ask("x@warga.example", "192.0.2.1", "mx.pelabuhan.example", "a@pelabuhan.example");
	assert_string_equal(v.spf_domain, "pelabuhan.example");
	assert_false(v.spf_aligned);
	assert_string_equal(verdicts_level(&v), "unproven");
	v = ask("x@warga.example", "192.0.2.1", "", "");
	assert_string_equal(v.spf, "none");
	assert_string_equal(v.spf_domain, "");
}

static void test_dmarc(void **state)
{
	static const struct {
		const char *from, *sender, *dmarc, *policy, *level;
	} cases[] = {
	    {"x@pelabuhan.example", "a@pelabuhan.example", "pass", "reject", "spf"},
	    {"x@pelabuhan.example", "a@open.example", "fail", "reject", "failed"},
	    {"x@kapal.pelabuhan.example", "a@pelabuhan.example", "pass", "quarantine", "spf"},
	    {"x@kapal.pelabuhan.example", "a@open.example", "fail", "quarantine", "failed"},
	    {"x@quarantine.example", "a@sub.quarantine.example", "pass", "quarantine", "spf"},
	    {"x@sub.quarantine.example", "a@open.example", "fail", "quarantine", "failed"},
	    {"x@strict.example", "a@sub.strict.example", "fail", "none", "failed"},
	    {"x@sub.strict.example", "a@sub.strict.example", "pass", "none", "spf"},
	    {"x@twice.example", "a@open.example", "none", "", "unproven"},
	    {"x@nop.example", "a@open.example", "permerror", "", "unproven"},
	    {"x@bad.example", "a@open.example", "permerror", "", "unproven"},
	    {"x@other.example", "a@open.example", "none", "", "unproven"},
	    {"x@nowhere.example", "a@open.example", "none", "", "unproven"},
	    /* a public suffix is no organisation: it speaks for nobody below it */
	    {"x@dinas.riau.go.id", "a@go.id", "fail", "reject", "failed"},
	    {"x@dinas.riau.go.id", "a@mail.dinas.riau.go.id", "pass", "reject", "spf"},
	    {"x@pelabuhan.example>, <y@open.example", "a@open.example", "permerror", "",
	        "unproven"},
	};
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verdicts v = ask(cases[i].from, "192.0.2.1", "mx.example", cases[i].sender);

		if (strcmp(v.dmarc, cases[i].dmarc) == 0 &&
		    strcmp(v.dmarc_policy, cases[i].policy) == 0 &&
		    strcmp(verdicts_level(&v), cases[i].level) == 0)
			continue;
		failed++;
		print_message("%s by %s: dmarc %s p=%s level %s\n", cases[i].from, cases[i].sender,
		    v.dmarc, v.dmarc_policy, verdicts_level(&v));
	}
	assert_int_equal(failed, 0);
}

/* Nobody answers: nothing is proven, nothing has failed. */
static void test_silence(void **state)
{
	const struct verify_request request = {
	    .message = range_of("From: a@pelabuhan.example\r\n\r\nb\r\n"),
	    .peer_ip = "192.0.2.1",
	    .helo = "mx.example",
	    .sender = "a@open.example"};
	struct verdicts v;

	(void)state;
	verify_message(help.verify, &request, 0, help.arena, &v);
	assert_string_equal(v.spf, "temperror");
	assert_string_equal(v.dmarc, "temperror");
	assert_string_equal(verdicts_level(&v), "unproven");
	assert_string_equal(
	    ask("a@pelabuhan.example", "192.0.2.1", "h", "a@open.example").spf, "pass");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spf),
	    cmocka_unit_test(test_spf_edge),
	    cmocka_unit_test(test_spf_identity),
	    cmocka_unit_test(test_dmarc),
	    cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
