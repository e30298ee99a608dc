/* keyring: OpenPGP keys through GPGME, signatures through the agent (the only GPGME code; signd alone links it). */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/crypto/seal.h"

struct keyring;
/* home: GNUPGHOME (short path). Starts nothing by itself; blocks like GPGME does. */
struct keyring *keyring_open(const char *home, struct err *error_r);
void keyring_close(struct keyring **keyring);
/* Reads the key lists again where the keyring changed or a minute has passed. at_secs: the office's time, for expiry. */
int keyring_refresh(struct keyring *keyring, int64_t at_secs, struct err *error_r);
/* Plans a seal by the key whose only user id is this address: newest (sub)key that can sign, has its secret part, is not
 * revoked, expired, disabled or invalid at at_secs. 1, or 0 with the reason in error_r: the letter waits (DESIGN 12). */
int keyring_plan(struct keyring *keyring, const char *address, int64_t at_secs, struct seal_plan *plan_r,
    struct err *error_r);
/* Signs the digest in the agent (PKSIGN over a kept-open GPGME Assuan context; reconnects once). 1, 0 agent gone (wait), -1 refused. */
int keyring_sign(struct keyring *keyring, const struct seal_plan *plan, const uint8_t digest[SHA256_BYTES],
    struct buf *armor, struct err *error_r);
/* Makes an ed25519 key for the address (no passphrase; protected by the file system, crypto-and-store 2); -1 if one exists. */
int keyring_create(struct keyring *keyring, const char *name, const char *address, struct err *error_r);
/* Calls cb for each secret key; usable_reason "" when keyring_plan would succeed. */
int keyring_list(struct keyring *keyring, int64_t at_secs,
    void (*cb)(const char *address, const char *fingerprint, int64_t created, int64_t expires,
        const char *usable_reason, void *ctx),
    void *ctx, struct err *error_r);
/* Armored public key. */
int keyring_export(struct keyring *keyring, const char *address, struct buf *out, struct err *error_r);

#endif
