/* seal: assembling OpenPGP v4 signatures (RFC 4880) around a digest signed in the agent. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"

/* Version to subpackets of our signatures is 35 bytes; room for one more subpacket. */
#define SEAL_HASHED_MAX 64

/* Public-key algorithms of RFC 4880 section 9.1 and RFC 9580 section 9.1 that we seal with. */
enum { SEAL_RSA = 1, SEAL_EDDSA = 22 };

/* What signd announces for one seal: the hashed area (version to subpackets), to be hashed after
 * the data. */
struct seal_plan {
	char fingerprint[41]; /* of the signing (sub)key, upper case hex */
	char primary[41];     /* of the primary key */
	int algorithm;        /* SEAL_RSA or SEAL_EDDSA */
	int64_t at_secs;      /* creation time, seconds since 1970; fits 32 bits */
	uint8_t hashed[SEAL_HASHED_MAX];
	size_t hashed_len;
};

/* Fills the plan. Both fingerprints are 40 hex digits (asserted: they come from key lists); at_secs
 * is in 0..2^32-1 (asserted). */
void seal_plan_make(struct seal_plan *plan, const char *fingerprint, const char *primary,
    int algorithm, int64_t at_secs);
/* digest = SHA-256(data || hashed || 04 ff len32(hashed)): finishes a running hash over the part's
 * CRLF bytes and frees it. */
void seal_digest_end(
    const struct seal_plan *plan, struct sha256 **running, uint8_t digest[SHA256_BYTES]);
/* Appends the armored signature (CRLF) made from the agent's signature value (RSA: s; EdDSA: r, s),
 * given as a canonical S-expression. 1, or -1 when that is not such a value (nothing is appended).
 */
int seal_armor(const struct seal_plan *plan, const uint8_t digest[SHA256_BYTES], struct range sexp,
    struct buf *out, struct err *error_r);

#endif
