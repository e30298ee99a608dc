/* codec: hexadecimal, base64, case-blind base32, xtext, JSON strings, SHA-256, HMAC. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"

#define SHA256_BYTES 32
#define SHA256_HEX_SIZE 65 /* with the NUL */

/* Lower-case digits and a NUL into out, which holds 2 * len + 1. */
void codec_hex(const void *data, size_t len, char *out);
/* 1 and out filled (len bytes), or -1 when text is not exactly 2 * len hex digits. */
int codec_unhex(const char *text, void *out, size_t len);

/* Appends base64 (RFC 4648 section 4); line_max 0 for one line, else CRLF after each line_max
 * characters (and after the last line). */
void codec_base64(struct buf *out, const void *data, size_t len, unsigned line_max);
/* Strict decoding of one line (padding required, no blanks): 1 or -1. Appends to out. */
int codec_unbase64(struct buf *out, const char *text, size_t len);

/* Appends what xtext (RFC 3461 section 4) stands for: 1, or -1 where the text is none: a byte that
 * is not printable ASCII, a =, a + without two upper-case hex digits. */
int codec_unxtext(struct buf *out, const char *text, size_t len);

/* Appends text (UTF-8) as a JSON string, quotes included (RFC 8259 section 7). */
void codec_json_string(struct buf *out, const char *text);

/* 64-bit value as 13 characters of Crockford base32 in lower case, NUL added: read back case-blind,
 * with o as 0 and i, l as 1. codec_unbase32 gives -1 on anything else. */
void codec_base32_u64(uint64_t value, char out[14]);
int codec_unbase32_u64(const char *text, size_t len, uint64_t *value_r);

void codec_sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES]);
void codec_sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);
void codec_hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_BYTES]);

/* Running SHA-256 over ranges. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *sha, const void *data, size_t len);
/* Finishes into out and frees *sha. */
void sha256_end(struct sha256 **sha, uint8_t out[SHA256_BYTES]);

/* Bytes from the system's generator; stops the process where there is none. */
void codec_random(void *out, size_t len);

#endif
