/* seal: assembling OpenPGP v4 signatures (RFC 4880) around a digest signed in the agent. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"

#define SEAL_HASHED_MAX 64

/* What signd announces for one seal: the hashed area (version to subpackets), to be hashed after the data. */
struct seal_plan {
	char fingerprint[41]; /* of the signing (sub)key, upper case hex */
	char primary[41];     /* of the primary key */
	int algorithm;        /* 1 RSA, 22 EdDSA */
	int64_t at_secs;      /* creation time */
	uint8_t hashed[SEAL_HASHED_MAX];
	size_t hashed_len;
};
void seal_plan_make(struct seal_plan *plan, const char *fingerprint, const char *primary, int algorithm,
    int64_t at_secs);
/* digest = SHA-256(data || hashed || 04 ff len32(hashed)): finish a running hash over the part's CRLF bytes. */
void seal_digest_end(const struct seal_plan *plan, struct sha256 **running, uint8_t digest[SHA256_BYTES]);
/* The armored signature (CRLF) from the agent's signature value (RSA: s; EdDSA: r, s), given as an S-expression. */
int seal_armor(const struct seal_plan *plan, const uint8_t digest[SHA256_BYTES], struct range sexp,
    struct buf *out, struct err *error_r);

#endif
