/* dkim: our signer (RFC 6376 relaxed/relaxed, RSA-SHA256 and RFC 8463 Ed25519), over-signing. */
#ifndef CRYPTO_DKIM_H
#define CRYPTO_DKIM_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"

/* Relaxed body hash over any cut of CRLF bytes (RFC 6376 3.4.4). */
struct dkim_body;
struct dkim_body *dkim_body_new(void);
void dkim_body_add(struct dkim_body *body, const void *data, size_t len);
void dkim_body_end(struct dkim_body **body, uint8_t hash[SHA256_BYTES]);

/* A private key kept decoded. kind: "rsa" or "ed25519". */
struct dkim_key;
struct dkim_key *dkim_key_load(const char *pem_file, const char *selector, const char *domain,
    struct err *error_r);
/* Makes a key (rsa2048 or ed25519) and writes it with mode 0400; -1 if the file exists. */
int dkim_key_create(const char *pem_file, const char *kind, struct err *error_r);
/* `v=DKIM1; k=rsa; p=...` for the TXT record at selector._domainkey.domain. */
void dkim_key_record(const struct dkim_key *key, struct buf *out);
void dkim_key_free(struct dkim_key **key);
/* Appends a folded `DKIM-Signature: ...` CRLF field that signs the header block (complete fields, CRLF) with From, To, Cc, Subject, Date,
 * Message-ID over-signed and the other stable fields (Reply-To, In-Reply-To, References, MIME-Version, Content-Type,
 * Auto-Submitted, Sender) signed where present. at_secs: the t= tag. */
int dkim_sign(const struct dkim_key *key, struct range header_block, const uint8_t body_hash[SHA256_BYTES],
    int64_t at_secs, struct buf *out, struct err *error_r);

#endif
