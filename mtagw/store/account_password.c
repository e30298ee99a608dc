/*
 * account_password: the form in which a password is kept: SCRAM-SHA-256's two keys, from which
 * Dovecot can check PLAIN, LOGIN and SCRAM, and from which nobody can log in elsewhere.
 * RFC 5802 section 3, RFC 7677.
 */
#include <string.h>

#include <openssl/evp.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/log.h"
#include "mtagw/store/account.h"

#define SALT_BYTES 16

static int check_password(const char *password, struct err *error_r)
{
	size_t len = strlen(password);

	if (len < ACCOUNT_PASSWORD_MIN || len > ACCOUNT_PASSWORD_MAX)
		return err_set(error_r, "a password has %d to %d characters", ACCOUNT_PASSWORD_MIN,
		    ACCOUNT_PASSWORD_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)password[i] < ' ' || (unsigned char)password[i] > '~')
			return err_set(error_r,
			    "a password may hold printable ASCII only: mail clients disagree "
			    "about other characters");
	return 1;
}

const char *account_hash_with(
    const char *password, const void *salt, size_t salt_len, int rounds, struct arena *arena)
{
	uint8_t salted[SHA256_BYTES], client[SHA256_BYTES], stored[SHA256_BYTES];
	uint8_t server[SHA256_BYTES];
	struct buf out = {0};
	const char *hash;

	if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_len, rounds,
	        EVP_sha256(), sizeof(salted), salted) != 1)
		log_fatal("account: PBKDF2 is not to be had");
	codec_hmac_sha256(salted, sizeof(salted), "Client Key", 10, client);
	codec_sha256(client, sizeof(client), stored);
	codec_hmac_sha256(salted, sizeof(salted), "Server Key", 10, server);
	buf_printf(&out, "{SCRAM-SHA-256}%d,", rounds);
	codec_base64(&out, salt, salt_len, 0);
	buf_putc(&out, ',');
	codec_base64(&out, stored, sizeof(stored), 0);
	buf_putc(&out, ',');
	codec_base64(&out, server, sizeof(server), 0);
	mem_wipe(salted, sizeof(salted));
	mem_wipe(client, sizeof(client));
	hash = arena_strdup(arena, buf_str(&out));
	buf_free(&out);
	return hash;
}

const char *account_hash(const char *password, struct arena *arena, struct err *error_r)
{
	uint8_t salt[SALT_BYTES];

	if (check_password(password, error_r) < 0)
		return NULL;
	codec_random(salt, sizeof(salt));
	return account_hash_with(password, salt, sizeof(salt), ACCOUNT_SCRAM_ROUNDS, arena);
}
