/*
 * DKIM of inbound mail against mails that dkimpy signed: what passes, what was tampered with, keys
 * that are absent, weak, revoked or doubled, signatures that cover less than the reader sees, and
 * messages made to bring libopendkim down. Names come from a zone file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mtagw/crypto/verdict.h"

#include "tests/unit/crypto/verify_help.h"

static struct verify_help help;

static int setup(void **state)
{
	(void)state;
	help_folder(&help);
	if (help_run(&help,
	        "/usr/bin/python3 -s tests/unit/crypto/dkim_cases.py \"$DIR\" || exit 77") != 0) {
		print_message("dkim_cases: needs python3-dkim, python3-nacl and openssl\n");
		return -1;
	}
	help_open(&help);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	help_close(&help);
	return 0;
}

static struct verdicts ask(const char *name)
{
	char *file = mem_printf("%s.eml", name);
	struct verdicts v = help_ask(&help, help_read(&help, file), "", "", "");

	free(file);
	return v;
}

/* What is expected of the first signature; level of the whole mail. */
static const struct {
	const char *name, *result, *reason; /* reason: a part of it */
	bool aligned;
	const char *level;
} cases[] = {
    {"pass", "pass", "", true, "proven"},
    {"ed25519", "pass", "", true, "proven"},
    {"notes", "pass", "", true, "proven"},
    {"subdomain", "pass", "", true, "proven"},
    {"go-id", "pass", "", true, "proven"},
    {"l-whole", "policy", "l= covers", true, "unproven"},
    {"body", "fail", "body", true, "unproven"},
    {"subject", "fail", "header", true, "unproven"},
    {"wrong-key", "fail", "key is another", true, "unproven"},
    {"no-key", "permerror", "no key", true, "unproven"},
    {"revoked", "permerror", "revoked", true, "unproven"},
    {"two-keys", "permerror", "not exactly one", true, "unproven"},
    {"long-key", "permerror", "too long", true, "unproven"},
    {"test-key", "policy", "test mode", true, "unproven"},
    {"small-key", "policy", "RSA key", true, "unproven"},
    {"sha1", "policy", "SHA-1", true, "unproven"},
    {"other-domain", "pass", "", false, "unproven"},
    {"suffix", "pass", "", false, "unproven"},
    {"name-trick", "pass", "", true, "proven"},
    {"two-from", "policy", "From stands twice", false, "unproven"},
    {"two-from-signed", "policy", "From stands twice", false, "unproven"},
    {"two-authors", "pass", "", false, "unproven"},
    {"two-subject", "policy", "Subject stands twice", true, "unproven"},
    {"l-added", "policy", "l= covers", true, "unproven"},
    {"l-nothing", "policy", "l= covers 0 ", true, "unproven"},
    {"l-long", "permerror", "", true, "unproven"},
    {"too-long", "permerror", "too long", false, "unproven"},
    {"malformed", "permerror", "", false, "unproven"},
    {"empty-signature", "permerror", "", false, "unproven"},
    {"fields", "permerror", "too many header fields", false, "unproven"},
};

static void test_cases(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verdicts v = ask(cases[i].name);
		const struct verdict_dkim *d = v.dkim;

		if (v.dkim_count == 1 && strcmp(d->result, cases[i].result) == 0 &&
		    strstr(d->reason, cases[i].reason) && d->aligned == cases[i].aligned &&
		    (strcmp(d->result, "pass") != 0 || !*d->reason) &&
		    strcmp(verdicts_level(&v), cases[i].level) == 0)
			continue;
		failed++;
		print_message("%s: %zu, %s (%s) aligned=%d, %s\n", cases[i].name, v.dkim_count,
		    v.dkim_count ? d->result : "", v.dkim_count ? d->reason : "",
		    v.dkim_count ? d->aligned : 0, verdicts_level(&v));
	}
	assert_int_equal(failed, 0);
}

static void test_names(void **state)
{
	struct verdicts v = ask("pass");

	(void)state;
	assert_string_equal(v.from_domain, "pelabuhan.example");
	assert_string_equal(v.dkim[0].domain, "pelabuhan.example");
	assert_string_equal(v.dkim[0].selector, "r");
	assert_string_equal(v.dkim[0].algorithm, "rsa-sha256");
	/* the display name proves nothing, the address does */
	assert_string_equal(ask("name-trick").from_domain, "asing.example");
	assert_string_equal(ask("two-from").from_domain, "");
	assert_string_equal(ask("two-authors").from_domain, "");
}

/* Each signature is judged for itself. */
static void test_several(void **state)
{
	struct verdicts v = ask("both");

	(void)state;
	assert_int_equal(v.dkim_count, 2);
	assert_string_equal(v.dkim[0].result, "pass");
	assert_string_equal(v.dkim[1].result, "pass");
	v = ask("many");
	assert_int_equal(v.dkim_count, VERDICT_DKIM_MAX);
	for (size_t i = 0; i < v.dkim_count; i++)
		assert_string_equal(v.dkim[i].result, "permerror");
	assert_int_equal(ask("none").dkim_count, 0);
	assert_int_equal(ask("no-header").dkim_count, 0);
	assert_int_equal(ask("empty").dkim_count, 0);
	assert_int_equal(ask("broken-header").dkim_count, 0);
}

/* The worst that may come of these is a signature that does not pass. */
static void test_crashers(void **state)
{
	static const char *const names[] = {"crash00", "crash01", "crash02", "crash03", "crash10",
	    "crash11", "crash12", "crash13", "crash-many", "crash-i", "crash-z"};

	(void)state;
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			struct verdicts v = ask(names[i]);

			assert_int_equal(v.dkim_count, 1);
			assert_string_not_equal(v.dkim[0].result, "pass");
		}
	assert_string_equal(ask("pass").dkim[0].result, "pass");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_several),
	    cmocka_unit_test(test_crashers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
