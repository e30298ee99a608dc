/* dkim_private: what the dkim_*.c files share. */
#ifndef CRYPTO_DKIM_PRIVATE_H
#define CRYPTO_DKIM_PRIVATE_H

#include "mtagw/crypto/dkim.h"

/* Appends the signature value over a SHA-256 hash: RSASSA-PKCS1-v1_5 (RFC 6376 3.3.1), or PureEdDSA
 * over the hash (RFC 8463 section 3). */
int dkim_key_sign_hash(const struct dkim_key *key, const uint8_t hash[SHA256_BYTES],
    struct buf *value, struct err *error_r);
const char *dkim_key_domain(const struct dkim_key *key);

/* Appends name and value of a field in the relaxed form of RFC 6376 3.4.2, without its CRLF. */
void dkim_canon_field(struct buf *out, struct range name, struct range value);

#endif
