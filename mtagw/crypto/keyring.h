/* keyring: OpenPGP keys through GPGME, signatures through the agent (keyring.c is its first
 * GPGME door, and signd alone links it; the second, verify_gpg.c, never sees these keys).
 * Everything here blocks while gpg or the agent works. */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/crypto/seal.h"

struct keyring;
/* home: GNUPGHOME, made with mode 0700 and a gpg-agent.conf where absent. Its agent's socket path
 * must fit a Unix address. NULL and error_r when GnuPG is missing or the home cannot be used. */
struct keyring *keyring_open(const char *home, struct err *error_r);
/* Forgets the keys; the agent goes on. */
void keyring_close(struct keyring **keyring);
/* Tells the agent to end (gpg starts it again with the next key list). */
void keyring_stop_agent(struct keyring *keyring);
/* Reads the key lists again where the keyring's files changed or a minute has passed, or where
 * forced; that also starts the agent. 1, or -1 and no key is usable until it works again. */
int keyring_refresh(struct keyring *keyring, bool force, struct err *error_r);
/* Plans a seal by the key whose only user id is this address: newest (sub)key that can sign, has
 * its secret part, is not revoked, expired, disabled or invalid at at_secs, by the last lists. 1,
 * or 0 with the reason in error_r: the letter waits (DESIGN 12). at_secs: 0..2^32-1. */
int keyring_plan(struct keyring *keyring, const char *address, int64_t at_secs,
    struct seal_plan *plan_r, struct err *error_r);
/* Whether a key of this address holds the (sub)key, usable or not. */
bool keyring_owns(const struct keyring *keyring, const char *address, const char *fingerprint);
/* Signs the digest in the agent (PKSIGN over a kept-open connection; connects anew and
 * asks once more when the agent was lost, with back-off). Appends the armored signature. 1; 0 the
 * agent cannot now (error_r says why); -1 the plan's key is not in the keyring. The caller has
 * checked the plan against keyring_plan. */
int keyring_sign(struct keyring *keyring, const struct seal_plan *plan,
    const uint8_t digest[SHA256_BYTES], struct buf *armor, struct err *error_r);
/* Makes an ed25519 key `name <address>` (no passphrase: the file system protects it, and no one
 * sits there to type one); -1 where a usable one exists or name and address cannot be a user id. */
int keyring_create(
    struct keyring *keyring, const char *name, const char *address, struct err *error_r);

struct keyring_entry {
	const char *address;      /* "" where the key has not exactly one user id with an address */
	const char *fingerprint;  /* of the primary key */
	int64_t created, expires; /* seconds since 1970; expires 0: never */
	const char *unusable; /* "" when keyring_plan would choose it (or a newer of its kind); else
	                         why not */
};
/* Calls cb for each secret key; the strings live during the call. */
void keyring_list(struct keyring *keyring, int64_t at_secs,
    void (*cb)(const struct keyring_entry *entry, void *ctx), void *ctx);
/* Appends the armored public key of the key keyring_plan would choose, or else of the newest of
 * that address. 1, 0 no such key, -1. */
int keyring_export(struct keyring *keyring, const char *address, int64_t at_secs, struct buf *out,
    struct err *error_r);

#endif
