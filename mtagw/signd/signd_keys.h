/* signd_keys: the keys signd holds, and what it does with them. */
#ifndef SIGND_KEYS_H
#define SIGND_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/base/settings.h"
#include "mtagw/crypto/dkim.h"
#include "mtagw/crypto/keyring.h"
#include "mtagw/crypto/seal.h"

/* RSA first: every verifier knows it; RFC 8463 section 3 wants both. */
enum signd_dkim { SIGND_DKIM_RSA, SIGND_DKIM_ED25519, SIGND_DKIM_COUNT };

struct signd_keys;
/* Opens the keyring and starts its agent; makes dkim_dir where absent. settings stay the caller's
 * and must outlive the keys or the next reload. NULL and error_r when GnuPG cannot be used at all.
 * Blocks. */
struct signd_keys *signd_keys_open(const struct settings *settings, struct err *error_r);
void signd_keys_close(struct signd_keys **keys);
/* Takes other settings and reads every key again. -1: a changed gnupg_home cannot be used, the old
 * one stays. */
int signd_keys_reload(
    struct signd_keys *keys, const struct settings *settings, struct err *error_r);
/* Ends the agent: last thing of a drained signd. */
void signd_keys_stop_agent(struct signd_keys *keys);

/* 1, 0 wait with the reason, -1 refused, as in crypto/signer.h. Everything is judged at now_secs
 * too: a plan of yesterday for a key that was revoked today is not signed. */
int signd_keys_plan(struct signd_keys *keys, const char *from, int64_t at_secs, int64_t now_secs,
    struct seal_plan *plan_r, struct err *error_r);
int signd_keys_sign(struct signd_keys *keys, const char *from, const struct seal_plan *plan,
    const uint8_t digest[SHA256_BYTES], int64_t now_secs, struct buf *armor, struct err *error_r);
/* Both signatures or none. The block's one From must be the address given, of our own domain. */
int signd_keys_dkim(struct signd_keys *keys, const char *from, int64_t at_secs, int64_t now_secs,
    struct range header_block, const uint8_t body_hash[SHA256_BYTES], struct buf *fields,
    struct err *error_r);

/* For the admin verbs. */
struct keyring *signd_keys_ring(struct signd_keys *keys);
const struct settings *signd_keys_settings(const struct signd_keys *keys);
/* The DKIM key as its file is now; NULL and error_r. */
const struct dkim_key *signd_keys_dkim_key(
    struct signd_keys *keys, enum signd_dkim which, struct err *error_r);
const char *signd_keys_selector(const struct signd_keys *keys, enum signd_dkim which);
/* `rsa` or `ed25519`. */
const char *signd_keys_kind(enum signd_dkim which);
int signd_keys_create_dkim(struct signd_keys *keys, enum signd_dkim which, struct err *error_r);

#endif
