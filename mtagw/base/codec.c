/*
 * codec: small encodings (RFC 4648 base64; Crockford's base32, which survives a person typing it
 * and mail programs that change case) and digests through OpenSSL's EVP.
 */
#include "mtagw/base/codec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

void codec_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int codec_unhex(const char *text, void *out, size_t len)
{
	uint8_t *p = out;

	if (strlen(text) != 2 * len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int hi = hex_value(text[2 * i]), lo = hex_value(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return 1;
}

int codec_unxtext(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c < '!' || c > '~' || c == '=')
			return -1;
		if (c == '+') {
			if (len - i < 3 || islower((unsigned char)text[i + 1]) ||
			    islower((unsigned char)text[i + 2]) || hex_value(text[i + 1]) < 0 ||
			    hex_value(text[i + 2]) < 0)
				return -1;
			c = (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
			i += 2;
		}
		buf_putc(out, c);
	}
	return 1;
}

void codec_json_string(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	while (*text != '\0') {
		size_t plain = 0;

		while (
		    (unsigned char)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\')
			plain++;
		buf_append(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
		text++;
	}
	buf_putc(out, '"');
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void codec_base64(struct buf *out, const void *data, size_t len, unsigned line_max)
{
	const uint8_t *p = data;
	size_t column = 0, room = (len + 2) / 3 * 4;
	char *o;

	if (line_max > 0)
		room += (room / line_max + 1) * 2;
	o = buf_room(out, room);
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		*o++ = base64_digits[v >> 18];
		*o++ = base64_digits[v >> 12 & 63];
		*o++ = i + 1 < len ? base64_digits[v >> 6 & 63] : '=';
		*o++ = i + 2 < len ? base64_digits[v & 63] : '=';
		column += 4;
		if (line_max > 0 && (column >= line_max || i + 3 >= len)) {
			*o++ = '\r';
			*o++ = '\n';
			column = 0;
		}
	}
	*o = '\0';
	out->len = (size_t)(o - out->data);
}

static int base64_value(char c)
{
	const char *p = c ? strchr(base64_digits, c) : NULL;

	return p ? (int)(p - base64_digits) : -1;
}

int codec_unbase64(struct buf *out, const char *text, size_t len)
{
	if (len % 4 != 0)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		int pad = i + 4 == len
		              ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=')
		              : 0;
		uint32_t v = 0;
		char bytes[3];

		for (int k = 0; k < 4; k++) {
			int d = k >= 4 - pad ? 0 : base64_value(text[i + (size_t)k]);

			if (d < 0)
				return -1;
			v = v << 6 | (uint32_t)d;
		}
		bytes[0] = (char)(v >> 16);
		bytes[1] = (char)(v >> 8);
		bytes[2] = (char)v;
		buf_append(out, bytes, (size_t)(3 - pad));
	}
	return 1;
}

static const char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void codec_base32_u64(uint64_t value, char out[14])
{
	for (int i = 12; i >= 0; i--) {
		out[i] = base32_digits[value & 31];
		value >>= 5;
	}
	out[13] = '\0';
}

int codec_unbase32_u64(const char *text, size_t len, uint64_t *value_r)
{
	uint64_t v = 0;

	if (len != 13)
		return -1;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		const char *p;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c == 'o')
			c = '0';
		if (c == 'i' || c == 'l')
			c = '1';
		p = c ? strchr(base32_digits, c) : NULL;
		if (p == NULL || (i == 0 && p - base32_digits > 15))
			return -1;
		v = v << 5 | (uint64_t)(p - base32_digits);
	}
	*value_r = v;
	return 1;
}

void codec_sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
		log_fatal("sha256 failed");
}

void codec_sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
	uint8_t hash[SHA256_BYTES];

	codec_sha256(data, len, hash);
	codec_hex(hash, sizeof(hash), out);
}

void codec_hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
	unsigned n = SHA256_BYTES;

	if (HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &n) == NULL)
		log_fatal("hmac failed");
}

struct sha256 {
	EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *sha = mem_zalloc(sizeof(*sha));

	sha->ctx = EVP_MD_CTX_new();
	if (sha->ctx == NULL || EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1)
		log_fatal("sha256 failed");
	return sha;
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
	if (EVP_DigestUpdate(sha->ctx, data, len) != 1)
		log_fatal("sha256 failed");
}

void sha256_end(struct sha256 **sha, uint8_t out[SHA256_BYTES])
{
	if (EVP_DigestFinal_ex((*sha)->ctx, out, NULL) != 1)
		log_fatal("sha256 failed");
	EVP_MD_CTX_free((*sha)->ctx);
	free(*sha);
	*sha = NULL;
}

void codec_random(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) != 1)
		log_fatal("no random bytes");
}
