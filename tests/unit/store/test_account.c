/*
 * test_account: the form in which passwords are kept, against the vector of RFC 7677 section 3, and
 * which passwords are refused. Rows are tested in test_admin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/base/codec.h"
#include "mtagw/store/account.h"

/* RFC 7677 section 3: user `user`, password `pencil`. Its exchange gives no keys, but proves them:
 * the client's proof and the server's signature must come out of what we keep. */
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define AUTH                                                                      \
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"                                          \
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SALT ",i=4096," \
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void unbase64(const char *text, size_t len, struct buf *out)
{
	assert_int_equal(codec_unbase64(out, text, len), 1);
}

static void keys_prove_the_published_exchange(void **state)
{
	struct arena *arena = arena_new();
	struct buf salt = {0}, stored = {0}, server = {0}, proof = {0}, signature = {0};
	uint8_t mac[SHA256_BYTES], client[SHA256_BYTES], hash[SHA256_BYTES];
	const char *kept, *second, *third;

	(void)state;
	unbase64(SALT, strlen(SALT), &salt);
	kept = account_hash_with("pencil", salt.data, salt.len, 4096, arena);
	assert_memory_equal(kept, "{SCRAM-SHA-256}4096," SALT ",", 20 + strlen(SALT) + 1);
	second = kept + 20 + strlen(SALT) + 1;
	third = strchr(second, ',') + 1;
	unbase64(second, (size_t)(third - 1 - second), &stored);
	unbase64(third, strlen(third), &server);
	unbase64(PROOF, strlen(PROOF), &proof);
	unbase64(SIGNATURE, strlen(SIGNATURE), &signature);
	assert_int_equal(stored.len, SHA256_BYTES);
	assert_int_equal(server.len, SHA256_BYTES);
	/* ClientKey = ClientProof xor HMAC(StoredKey, AuthMessage); H(ClientKey) = StoredKey. */
	codec_hmac_sha256(stored.data, stored.len, AUTH, strlen(AUTH), mac);
	for (int i = 0; i < SHA256_BYTES; i++)
		client[i] = (uint8_t)(mac[i] ^ (uint8_t)proof.data[i]);
	codec_sha256(client, sizeof(client), hash);
	assert_memory_equal(hash, stored.data, SHA256_BYTES);
	codec_hmac_sha256(server.data, server.len, AUTH, strlen(AUTH), mac);
	assert_memory_equal(mac, signature.data, SHA256_BYTES);
	buf_free(&salt);
	buf_free(&stored);
	buf_free(&server);
	buf_free(&proof);
	buf_free(&signature);
	arena_free(&arena);
}

static void two_hashes_of_a_password_differ(void **state)
{
	struct arena *arena = arena_new();
	struct err err;
	const char *a = account_hash("rahasia kantor", arena, &err);
	const char *b = account_hash("rahasia kantor", arena, &err);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_string_not_equal(a, b);
	arena_free(&arena);
}

static void bad_passwords_are_refused(void **state)
{
	static const struct {
		const char *label, *password, *wanted;
	} rows[] = {
	    {"empty", "", "8 to 256"},
	    {"seven", "1234567", "8 to 256"},
	    {"not ASCII", "rahasia\xc3\xa9", "printable ASCII"},
	    {"control", "rahasia\x01", "printable ASCII"},
	};
	struct arena *arena = arena_new();
	char longest[ACCOUNT_PASSWORD_MAX + 2];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (account_hash(rows[i].password, arena, &err) != NULL ||
		    strstr(err.text, rows[i].wanted) == NULL)
			fail_msg("%s: %s", rows[i].label, err.text);
	}
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(account_hash(longest, arena, &err));
	longest[ACCOUNT_PASSWORD_MAX] = '\0';
	assert_non_null(account_hash(longest, arena, &err));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_prove_the_published_exchange),
	    cmocka_unit_test(two_hashes_of_a_password_differ),
	    cmocka_unit_test(bad_passwords_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
