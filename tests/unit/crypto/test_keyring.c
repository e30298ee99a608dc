/*
 * Key policy and agent signatures against a real gpg-agent in a home of its own; `gpg --verify` is
 * the judge. No key that is expired, revoked, disabled or without its secret part may ever sign.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "mtagw/crypto/keyring.h"

#include "mtagw/base/clock.h"
#include "tests/unit/crypto/gnupg_home.h"

#define SIGNATURES 300
#define GPG "gpg --batch --no-tty -q --pinentry-mode loopback --passphrase '' "

static struct gnupg_home home;
static struct keyring *keyring;

static int64_t now_secs(void)
{
	return clock_now_ms() / 1000;
}

static int setup(void **state)
{
	struct err err = {""};
	char *path;

	(void)state;
	home_open(&home);
	path = home_path(&home);
	keyring = keyring_open(path, &err);
	free(path);
	if (!keyring)
		fail_msg("%s", err.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	keyring_stop_agent(keyring);
	keyring_close(&keyring);
	home_close(&home);
	return 0;
}

static int sign_text(
    const char *address, const char *text, int64_t at, struct buf *armor, struct err *err)
{
	struct seal_plan plan;
	struct sha256 *sha;
	uint8_t digest[SHA256_BYTES];
	int rc;

	if (keyring_refresh(keyring, false, err) < 0)
		return -1;
	rc = keyring_plan(keyring, address, at, &plan, err);
	if (rc <= 0)
		return rc;
	sha = sha256_new();
	sha256_add(sha, text, strlen(text));
	seal_digest_end(&plan, &sha, digest);
	return keyring_sign(keyring, &plan, digest, armor, err);
}

/* gpg's own words decide, never its exit code alone: it returns 0 for revoked keys. */
static void assert_good(int i)
{
	assert_int_equal(home_run(&home, "gpg --batch --status-fd 1 --verify s%d t%d", i, i), 0);
	assert_int_equal(home_said(&home, "] GOODSIG "), 1);
}

static void make_key(const char *address, const char *algo, const char *expires)
{
	assert_int_equal(home_run(&home, GPG "--quick-gen-key 'Uji <%s>' %s cert,sign %s", address,
	                     algo, expires),
	    0);
}

static void test_many_signatures(void **state)
{
	struct err err = {""};
	int64_t begin;

	(void)state;
	assert_int_equal(
	    keyring_create(keyring, "Dinas Uji \xc3\xa9", "surat.uji@dumai.example", &err), 1);
	assert_int_equal(keyring_create(keyring, "Dinas Uji", "surat.uji@dumai.example", &err), -1);
	begin = clock_mono_ms();
	for (int i = 0; i < SIGNATURES; i++) {
		char text[64], name[16];
		struct buf armor = {0};

		snprintf(text, sizeof(text), "Surat nomor %d\r\n", i);
		if (sign_text("Surat.Uji@dumai.example", text, now_secs(), &armor, &err) != 1)
			fail_msg("%s", err.text);
		snprintf(name, sizeof(name), "t%d", i);
		home_write(&home, name, text, strlen(text));
		snprintf(name, sizeof(name), "s%d", i);
		home_write(&home, name, armor.data, armor.len);
		buf_free(&armor);
	}
	print_message("%d seals in %lld ms\n", SIGNATURES, (long long)(clock_mono_ms() - begin));
	assert_int_equal(
	    home_run(&home,
	        "i=0; while [ $i -lt %d ]; do gpg --batch --status-fd 1 --verify s$i t$i; "
	        "i=$((i+1)); done",
	        SIGNATURES),
	    0);
	assert_int_equal(home_said(&home, "] GOODSIG "), SIGNATURES);
	home_write(&home, "t0", "Surat nomor 1\r\n", 15);
	assert_int_not_equal(home_run(&home, "gpg --batch --verify s0 t0"), 0);
}

static void test_rsa(void **state)
{
	struct err err = {""};

	(void)state;
	make_key("rsa@dumai.example", "rsa2048", "never");
	for (int i = 0; i < 10; i++) {
		char name[16];
		struct buf armor = {0};

		if (sign_text("rsa@dumai.example", "RSA\r\n", now_secs(), &armor, &err) != 1)
			fail_msg("%s", err.text);
		snprintf(name, sizeof(name), "t%d", i);
		home_write(&home, name, "RSA\r\n", 5);
		snprintf(name, sizeof(name), "s%d", i);
		home_write(&home, name, armor.data, armor.len);
		assert_good(i);
		buf_free(&armor);
	}
}

static void assert_waits(const char *address, int64_t at, const char *why)
{
	struct buf armor = {0};
	struct err err = {""};

	assert_int_equal(sign_text(address, "x", at, &armor, &err), 0);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
	assert_int_equal(armor.len, 0);
	buf_free(&armor);
}

static void assert_signs(const char *address)
{
	struct buf armor = {0};
	struct err err = {""};

	if (sign_text(address, "x", now_secs(), &armor, &err) != 1)
		fail_msg("%s", err.text);
	buf_free(&armor);
}

static void test_expired(void **state)
{
	(void)state;
	assert_waits("nobody@dumai.example", now_secs(), "missing");
	make_key("exp@dumai.example", "ed25519", "1d");
	assert_signs("exp@dumai.example");
	/* by the office's time, though gpg still calls it good */
	assert_waits("exp@dumai.example", now_secs() + 2 * 86400, "expired");
	assert_waits("exp@dumai.example", now_secs() - 86400, "made after");
	assert_int_equal(
	    home_run(&home, "gpg --batch --no-tty -q --faked-system-time 20200101T000000 "
	                    "--pinentry-mode loopback --passphrase '' --quick-gen-key "
	                    "'Uji <old@dumai.example>' ed25519 cert,sign 1y"),
	    0);
	assert_waits("old@dumai.example", now_secs(), "expired");
}

static void test_revoked(void **state)
{
	struct err err = {""};

	(void)state;
	make_key("rev@dumai.example", "ed25519", "never");
	assert_signs("rev@dumai.example");
	assert_int_equal(
	    home_run(&home, "sh -c 'f=$(gpg --with-colons -k rev@dumai.example | sed -n "
	                    "\"s/^fpr:*\\([0-9A-F]*\\):/\\1/p\"); sed s/^:--/--/ "
	                    "g/openpgp-revocs.d/$f.rev | gpg --batch --import'"),
	    0);
	assert_waits("rev@dumai.example", now_secs(), "revoked");
	/* its successor seals */
	assert_int_equal(keyring_create(keyring, "Uji", "rev@dumai.example", &err), 1);
	assert_signs("rev@dumai.example");
}

static void test_disabled(void **state)
{
	(void)state;
	make_key("dis@dumai.example", "ed25519", "never");
	assert_signs("dis@dumai.example");
	assert_int_equal(home_run(&home, "sh -c 'printf \"disable\\nsave\\n\" | gpg --no-tty "
	                                 "--command-fd 0 --edit-key dis@dumai.example'"),
	    0);
	assert_waits("dis@dumai.example", now_secs(), "disabled");
}

static void test_secret_part_gone(void **state)
{
	struct seal_plan plan;
	struct err err = {""};
	struct buf armor = {0};
	uint8_t digest[SHA256_BYTES] = {0};

	(void)state;
	make_key("gone@dumai.example", "ed25519", "never");
	assert_int_equal(keyring_refresh(keyring, false, &err), 1);
	assert_int_equal(keyring_plan(keyring, "gone@dumai.example", now_secs(), &plan, &err), 1);
	assert_int_equal(home_run(&home, "sh -c 'g=$(gpg --with-colons --with-keygrip -K "
	                                 "gone@dumai.example | sed -n \"s/^grp:*\\([0-9A-F]*\\):/"
	                                 "\\1/p\" | head -1); rm g/private-keys-v1.d/$g.key'"),
	    0);
	/* the agent itself refuses a plan of before; the next plan finds no key */
	assert_int_equal(keyring_sign(keyring, &plan, digest, &armor, &err), 0);
	assert_waits("gone@dumai.example", now_secs(), "missing");
	memset(plan.fingerprint, 'A', 40);
	assert_int_equal(keyring_sign(keyring, &plan, digest, &armor, &err), -1);
	assert_int_equal(armor.len, 0);
}

static void test_subkeys(void **state)
{
	struct seal_plan plan;
	struct err err = {""};

	(void)state;
	assert_int_equal(
	    home_run(&home, GPG "--quick-gen-key 'Uji <sub@dumai.example>' ed25519 cert never"), 0);
	assert_waits("sub@dumai.example", now_secs(), "unable to sign");
	assert_int_equal(
	    home_run(&home, "sh -c 'f=$(gpg --with-colons -k sub@dumai.example | sed -n "
	                    "\"s/^fpr:*\\([0-9A-F]*\\):/\\1/p\" | head -1); gpg --batch "
	                    "--pinentry-mode loopback --passphrase \"\" --quick-add-key "
	                    "$f ed25519 sign never'"),
	    0);
	assert_signs("sub@dumai.example");
	assert_int_equal(keyring_plan(keyring, "sub@dumai.example", now_secs(), &plan, &err), 1);
	assert_string_not_equal(plan.fingerprint, plan.primary);
	assert_true(keyring_owns(keyring, "sub@dumai.example", plan.fingerprint));
	assert_false(keyring_owns(keyring, "exp@dumai.example", plan.fingerprint));
	/* the signing subkey's secret part alone is lost: the certifying primary must not step in
	 */
	assert_int_equal(home_run(&home, "sh -c 'g=$(gpg --with-colons --with-keygrip -K "
	                                 "sub@dumai.example | sed -n \"s/^grp:*\\([0-9A-F]*\\):/"
	                                 "\\1/p\" | tail -1); rm g/private-keys-v1.d/$g.key'"),
	    0);
	assert_waits("sub@dumai.example", now_secs(), "without its secret part");
}

static void test_two_user_ids(void **state)
{
	(void)state;
	make_key("two@dumai.example", "ed25519", "never");
	assert_int_equal(
	    home_run(&home, GPG "--quick-add-uid two@dumai.example 'X <x@dumai.example>'"), 0);
	assert_waits("two@dumai.example", now_secs(), "missing");
	assert_waits("x@dumai.example", now_secs(), "missing");
}

static void test_passphrase_waits(void **state)
{
	struct err err = {""};
	struct buf armor = {0};

	(void)state;
	assert_int_equal(
	    home_run(&home, "gpg --batch --no-tty -q --pinentry-mode loopback --passphrase "
	                    "rahasia --quick-gen-key 'Uji <pw@dumai.example>' ed25519 "
	                    "cert,sign never"),
	    0);
	assert_int_equal(home_run(&home, "gpgconf --kill gpg-agent"), 0);
	assert_int_equal(sign_text("pw@dumai.example", "x", now_secs(), &armor, &err), 0);
	assert_true(strstr(err.text, "gpg-agent") != NULL);
	assert_int_equal(armor.len, 0);
}

static long agent_pid(void)
{
	char text[64] = "";
	char *file = mem_printf("%s/out", home.dir);
	FILE *f;

	assert_int_equal(home_run(&home, "gpg-connect-agent --no-autostart 'GETINFO pid' /bye"), 0);
	f = fopen(file, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	free(file);
	return strtol(text + 2, NULL, 10); /* D <pid> */
}

static void test_agent_killed(void **state)
{
	(void)state;
	make_key("kill@dumai.example", "ed25519", "never");
	for (int i = 0; i < 3; i++) {
		long pid;

		assert_signs("kill@dumai.example");
		pid = agent_pid();
		assert_true(pid > 1);
		assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
		assert_signs(
		    "kill@dumai.example"); /* gpg starts it again, the question is repeated */
	}
}

struct listed {
	int count, usable;
};

static void list_cb(const struct keyring_entry *entry, void *ctx)
{
	struct listed *listed = ctx;

	assert_int_equal(strlen(entry->fingerprint), 40);
	listed->count++;
	listed->usable += !*entry->unusable;
}

static void test_list_and_export(void **state)
{
	struct listed listed = {0};
	struct err err = {""};
	struct buf out = {0};

	(void)state;
	assert_int_equal(keyring_create(keyring, "Ekspor", "ekspor@dumai.example", &err), 1);
	keyring_list(keyring, now_secs(), list_cb, &listed);
	assert_true(listed.count > 3 && listed.usable > 1 && listed.usable < listed.count);
	assert_int_equal(
	    keyring_export(keyring, "nobody@dumai.example", now_secs(), &out, &err), 0);
	assert_int_equal(
	    keyring_export(keyring, "ekspor@dumai.example", now_secs(), &out, &err), 1);
	assert_memory_equal(out.data, "-----BEGIN PGP PUBLIC KEY BLOCK-----", 36);
	home_write(&home, "pub", out.data, out.len);
	assert_int_equal(home_run(&home, "gpg --show-keys pub"), 0);
	assert_int_equal(home_said(&home, "Ekspor <ekspor@dumai.example>"), 1);
	assert_int_equal(home_said(&home, "sec "), 0);
	buf_free(&out);
}

static void test_bad_user_ids(void **state)
{
	static const struct {
		const char *label, *name, *address;
	} cases[] = {
	    {"empty name", "", "a@b.example"},
	    {"angle", "X <y@z>", "a@b.example"},
	    {"line end", "X\nKey-Type: RSA", "a@b.example"},
	    {"no at", "X", "a.b.example"},
	    {"two at", "X", "a@b@c.example"},
	    {"blank", "X", "a @b.example"},
	    {"angle in address", "X", "a>@b.example"},
	    {"empty local", "X", "@b.example"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (keyring_create(keyring, cases[i].name, cases[i].address, &err) != -1)
			fail_msg("%s", cases[i].label);
}

static void test_bad_home(void **state)
{
	struct err err = {""};
	char *path = home_path(&home), *longer;

	(void)state;
	assert_int_equal(home_run(&home, "chmod 755 g"), 0);
	assert_null(keyring_open(path, &err));
	assert_true(strstr(err.text, "0700") != NULL);
	assert_int_equal(home_run(&home, "chmod 700 g"), 0);
	longer = mem_printf("%s/missing/%0100d", home.dir, 1);
	assert_null(keyring_open(longer, &err));
	free(longer);
	free(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_many_signatures),
	    cmocka_unit_test(test_rsa),
	    cmocka_unit_test(test_expired),
	    cmocka_unit_test(test_revoked),
	    cmocka_unit_test(test_disabled),
	    cmocka_unit_test(test_secret_part_gone),
	    cmocka_unit_test(test_subkeys),
	    cmocka_unit_test(test_two_user_ids),
	    cmocka_unit_test(test_passphrase_waits),
	    cmocka_unit_test(test_agent_killed),
	    cmocka_unit_test(test_list_and_export),
	    cmocka_unit_test(test_bad_user_ids),
	    cmocka_unit_test(test_bad_home),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
