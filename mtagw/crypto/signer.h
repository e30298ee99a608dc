/* signer: the messages of signd's socket, both sides, and the router's blocking client. */
#ifndef CRYPTO_SIGNER_H
#define CRYPTO_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/crypto/seal.h"

/* Blocking client. Every call: 1 done; 0 must wait (signd, agent or key not usable now: error_r
 * says why, the letter waits and is tried again); -1 refused for good (From and key do not belong
 * together, bad input). Reconnects by itself. */
struct signer;
struct signer *signer_new(
    const char *address, int timeout_ms); /* `unix:/path`; connects at first use */
void signer_free(struct signer **signer);

/* Asks which key and time a seal for this From address would have now ("trial": asked before T1
 * opens). */
int signer_plan(struct signer *signer, const char *from_address, int64_t at_secs,
    struct seal_plan *plan_r, struct err *error_r);
/* Whether a seal would be made, as signer_plan; one answer serves the second that it was asked for.
 */
int signer_usable(
    struct signer *signer, const char *from_address, int64_t at_secs, struct err *error_r);
/* Seals the ranges (one after the other, exactly the bytes that travel between the boundaries). */
int signer_seal(struct signer *signer, const char *from_address, int64_t at_secs,
    const struct range *parts, size_t part_count, struct buf *armor, struct seal_plan *plan_r,
    struct err *error_r);
/* Appends the DKIM-Signature fields (RSA, then Ed25519). header_block: all fields of the finished
 * message; from_address: its From, checked by signd against the domain of its keys. */
int signer_dkim(struct signer *signer, const char *from_address, struct range header_block,
    const uint8_t body_hash[SHA256_BYTES], int64_t at_secs, struct buf *fields,
    struct err *error_r);
/* mtagwctl key ...: verb and up to three arguments, answer as JSON text. */
int signer_admin(struct signer *signer, const char *verb, const char *const args[3],
    struct buf *json, struct err *error_r);

#endif
