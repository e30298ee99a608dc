/* keyring_private: the keys as keyring reads them and keyring_choose picks among them. */
#ifndef CRYPTO_KEYRING_PRIVATE_H
#define CRYPTO_KEYRING_PRIVATE_H

#include <time.h>

#include "mtagw/crypto/keyring.h"

/* Files whose times are watched. */
#define KEYRING_WATCHED 3

struct agent;
struct gpgme_context;

struct subkey {
	char fingerprint[41], keygrip[41];
	int algorithm;
	int64_t created, expires;
	const char *unusable; /* static text, "" when it may sign (times apart) */
};

struct key {
	char *address; /* "" where it is not exactly one */
	char fingerprint[41];
	int64_t created, expires;
	const char *unusable; /* the whole key */
	struct subkey *subkeys;
	size_t subkey_count;
};

struct keyring {
	char *home;
	struct gpgme_context *ctx;
	struct agent *agent;
	struct key *keys;
	size_t count;
	struct timespec stamps[KEYRING_WATCHED];
	bool listed;
	int64_t listed_mono_ms;
	int64_t backoff_ms, retry_mono_ms; /* of the agent */
	struct buf sexp;
};

/* The fingerprint of the key of this address to show: of the usable one, else of the newest; NULL:
 * there is none. */
const char *keyring_shown(const struct keyring *keyring, const char *address, int64_t at_secs);

#endif
