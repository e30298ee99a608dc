/*
 * OpenPGP and S/MIME signatures on inbound mail, made by gpg and openssl: good ones, changed
 * content, keys that are unknown, expired, revoked or another person's, and signatures that cover
 * less than the reader sees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "mtagw/crypto/verdict.h"

#include "tests/unit/crypto/verify_help.h"

static struct verify_help help;

static int setup(void **state)
{
	(void)state;
	help_folder(&help);
	if (help_run(&help,
	        "/usr/bin/python3 -s tests/unit/crypto/signed_cases.py \"$DIR\" || exit 77") != 0) {
		print_message("signed_cases: needs python3, gpg, gpgsm and openssl\n");
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

static const struct {
	const char *name, *kind, *result, *reason, *level;
} cases[] = {
    {"good", "openpgp", "good", "", "signed"},
    {"good-upper", "openpgp", "good", "", "signed"},
    {"wrapped", "openpgp", "good", "", "signed"},
    {"protected", "openpgp", "good", "", "signed"},
    {"bad", "openpgp", "bad", "content", "failed"},
    {"bad-space", "openpgp", "bad", "content", "failed"},
    {"stranger", "openpgp", "stranger", "From", "unproven"},
    {"two-from", "openpgp", "stranger", "From", "unproven"},
    {"no-key", "openpgp", "no_key", "", "unproven"},
    {"revoked", "openpgp", "revoked", "", "unproven"},
    {"expired", "openpgp", "expired", "", "unproven"},
    {"sig-expired", "openpgp", "expired", "", "unproven"},
    {"sha1", "openpgp", "error", "digest", "unproven"},
    {"second-part", "openpgp", "partial", "other parts", "unproven"},
    {"footer", "openpgp", "partial", "other parts", "unproven"},
    {"alternative", "openpgp", "partial", "other parts", "unproven"},
    {"protected-other", "openpgp", "partial", "Subject", "unproven"},
    {"protected-twice", "openpgp", "partial", "Subject", "unproven"},
    {"three-parts", "openpgp", "error", "not a content", "unproven"},
    {"swapped", "openpgp", "error", "", "unproven"},
    {"one-part", "openpgp", "error", "not a content", "unproven"},
    {"empty-signature", "openpgp", "error", "no signature", "unproven"},
    {"junk", "openpgp", "error", "", "unproven"},
    {"large", "openpgp", "error", "too large", "unproven"},
    {"opaque-beside", "openpgp", "error", "", "unproven"},
    {"opaque-empty", "openpgp", "error", "", "unproven"},
    {"clear-beside", "openpgp", "error", "", "unproven"},
    {"smime-good", "smime", "good", "", "signed"},
    {"smime-opaque", "smime", "good", "", "signed"},
    {"smime-bad", "smime", "bad", "content", "failed"},
    {"smime-stranger", "smime", "stranger", "From", "unproven"},
    {"smime-untrusted", "smime", "no_key", "authority", "unproven"},
    {"smime-part", "smime", "partial", "other parts", "unproven"},
    {"smime-beside", "smime", "error", "", "unproven"},
    {"smime-junk", "smime", "error", "", "unproven"},
};

static void test_cases(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verdicts v = ask(cases[i].name);
		const struct verdict_signature *s = v.signatures;

		if (v.signature_count == 1 && strcmp(s->kind, cases[i].kind) == 0 &&
		    strcmp(s->result, cases[i].result) == 0 && strstr(s->reason, cases[i].reason) &&
		    strcmp(verdicts_level(&v), cases[i].level) == 0)
			continue;
		failed++;
		print_message("%s: %zu %s (%s) by %s, %s\n", cases[i].name, v.signature_count,
		    v.signature_count ? s->result : "", v.signature_count ? s->reason : "",
		    v.signature_count ? s->who : "", verdicts_level(&v));
	}
	assert_int_equal(failed, 0);
}

static void test_who(void **state)
{
	struct verdicts v = ask("good");

	(void)state;
	assert_string_equal(v.signatures[0].who, "Kantor <surat@pelabuhan.example>");
	assert_int_equal(strlen(v.signatures[0].fingerprint), 40);
	v = ask("stranger");
	assert_string_equal(v.signatures[0].who, "Orang Lain <lain@pelabuhan.example>");
	assert_int_equal(ask("plain").signature_count, 0);
	assert_int_equal(ask("forwarded").signature_count, 0);
}

/* One good signature of the author is enough; the other is told too. */
static void test_two_signers(void **state)
{
	struct verdicts v = ask("two-signers");
	int good = 0, stranger = 0;

	(void)state;
	assert_int_equal(v.signature_count, 2);
	for (int i = 0; i < 2; i++) {
		good += strcmp(v.signatures[i].result, "good") == 0;
		stranger += strcmp(v.signatures[i].result, "stranger") == 0;
	}
	assert_true(good == 1 && stranger == 1);
	assert_string_equal(verdicts_level(&v), "signed");
}

/* Strangers' certificates do not fill the house's keyring. */
static void test_keyring_does_not_grow(void **state)
{
	char *file = mem_printf("%s/correspondents/pubring.kbx", help.dir);
	struct stat before, after;

	(void)state;
	(void)ask("smime-good");
	assert_int_equal(stat(file, &before), 0);
	(void)ask("smime-untrusted");
	(void)ask("smime-stranger");
	assert_int_equal(stat(file, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_who),
	    cmocka_unit_test(test_two_signers),
	    cmocka_unit_test(test_keyring_does_not_grow),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
