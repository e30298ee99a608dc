/* dkim: our signer (RFC 6376 relaxed/relaxed, RSA-SHA256 and RFC 8463 Ed25519), over-signing. */
#ifndef CRYPTO_DKIM_H
#define CRYPTO_DKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"

/* -- dkim_body.c -- */

/* Relaxed body hash over any cut of CRLF bytes (RFC 6376 3.4.4). A CR or LF alone is an ordinary
 * byte. */
struct dkim_body;
struct dkim_body *dkim_body_new(void);
void dkim_body_add(struct dkim_body *body, const void *data, size_t len);
/* Finishes into hash, frees and clears *body. */
void dkim_body_end(struct dkim_body **body, uint8_t hash[SHA256_BYTES]);

/* -- dkim_key.c -- */

/* A private key kept decoded: decoding PEM for each signature would cost as much as signing. */
struct dkim_key;
/* NULL and error_r (naming the file) when the file is absent, open to other users, not an RSA
 * (2048..4096 bits) or Ed25519 private key, or locked by a passphrase. Blocks on the file system.
 */
struct dkim_key *dkim_key_load(
    const char *pem_file, const char *selector, const char *domain, struct err *error_r);
void dkim_key_free(struct dkim_key **key);
/* Makes a key (kind "rsa": 2048 bits, or "ed25519") and writes it whole with mode 0400; -1 if the
 * file exists. Blocks for up to a second (RSA). */
int dkim_key_create(const char *pem_file, const char *kind, struct err *error_r);
/* Appends `v=DKIM1; k=rsa; p=...`, the TXT record at selector._domainkey.domain. */
void dkim_key_record(const struct dkim_key *key, struct buf *out);
const char *dkim_key_selector(const struct dkim_key *key);
/* "rsa" or "ed25519", the k= tag. */
const char *dkim_key_kind(const struct dkim_key *key);

/* -- dkim_sign.c -- */

/* Appends a folded `DKIM-Signature: ...` CRLF field that signs the header block (complete fields,
 * CRLF, no empty line). From, To, Cc, Subject, Date, Message-ID are over-signed always; the other
 * stable fields (Reply-To, In-Reply-To, References, MIME-Version, Content-Type,
 * Content-Transfer-Encoding, Auto-Submitted, Sender) where present. at_secs: the t= tag. 1, or -1
 * (nothing appended): the block is not strict CRLF fields, has no From or two, or the same signed
 * field many times. */
int dkim_sign_header(const struct dkim_key *key, struct range header_block,
    const uint8_t body_hash[SHA256_BYTES], int64_t at_secs, struct buf *out, struct err *error_r);

#endif
