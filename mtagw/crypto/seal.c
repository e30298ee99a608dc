/*
 * seal: OpenPGP version 4 signature packets (RFC 4880 5.2.3) put together around a signature value
 * that gpg-agent made over our digest, and their ASCII armor (RFC 4880 6.2). A binary-document
 * signature (type 0x00) over exactly the bytes given: RFC 3156 wants CRLF lines, which the caller
 * has. Hash is SHA-256 always; hashed subpackets are issuer fingerprint (33) and creation time (2).
 * This file holds no key and decides no policy: crypto/keyring does both.
 */
#include "mtagw/crypto/seal.h"

#include <assert.h>
#include <string.h>

/* One value of the largest RSA key GnuPG makes (4096 bits) is 512 bytes; twice that is generous. */
#define SEAL_VALUE_MAX 1024
/* r and s of Ed25519 (RFC 8032 section 5.1.6). */
#define SEAL_ED25519_VALUE 32
#define SEAL_TYPE_BINARY 0x00
#define SEAL_HASH_SHA256 8
/* Subpacket types, RFC 4880 5.2.3.1 and RFC 9580 5.2.3.35. */
#define SEAL_SUB_CREATED 2
#define SEAL_SUB_ISSUER 16
#define SEAL_SUB_FINGERPRINT 33
#define SEAL_SUB_CRITICAL 0x80

static void put_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v & 0xffff);
}

void seal_plan_make(struct seal_plan *plan, const char *fingerprint, const char *primary,
    int algorithm, int64_t at_secs)
{
	uint8_t *p = plan->hashed, *subpackets_len;

	assert(strlen(fingerprint) == 40 && strlen(primary) == 40);
	assert(at_secs >= 0 && at_secs <= UINT32_MAX);
	memset(plan, 0, sizeof(*plan));
	memcpy(plan->fingerprint, fingerprint, sizeof(plan->fingerprint));
	memcpy(plan->primary, primary, sizeof(plan->primary));
	plan->algorithm = algorithm;
	plan->at_secs = at_secs;

	*p++ = 4; /* version, RFC 4880 5.2.3 */
	*p++ = SEAL_TYPE_BINARY;
	*p++ = (uint8_t)algorithm;
	*p++ = SEAL_HASH_SHA256;
	subpackets_len = p;
	p += 2;
	*p++ = 1 + 1 + 20;
	*p++ = SEAL_SUB_FINGERPRINT;
	*p++ = 4; /* version of the key named */
	if (codec_unhex(fingerprint, p, 20) < 0)
		assert(!"fingerprint is hex");
	p += 20;
	*p++ = 1 + 4;
	*p++ = SEAL_SUB_CRITICAL | SEAL_SUB_CREATED;
	put_be32(p, (uint32_t)at_secs);
	p += 4;
	put_be16(subpackets_len, (size_t)(p - subpackets_len) - 2);
	plan->hashed_len = (size_t)(p - plan->hashed);
}

void seal_digest_end(
    const struct seal_plan *plan, struct sha256 **running, uint8_t digest[SHA256_BYTES])
{
	uint8_t trailer[6] = {4, 0xff}; /* RFC 4880 5.2.4 */

	put_be32(trailer + 2, (uint32_t)plan->hashed_len);
	sha256_add(*running, plan->hashed, plan->hashed_len);
	sha256_add(*running, trailer, sizeof(trailer));
	sha256_end(running, digest);
}

/* Canonical S-expressions: `(`, `)` and atoms `<decimal length>:<bytes>`. */
static bool sexp_take(struct range *r, char c)
{
	if (r->len == 0 || *r->p != c)
		return false;
	r->p++;
	r->len--;
	return true;
}

static bool sexp_atom(struct range *r, struct range *atom_r)
{
	size_t len = 0, digits = 0;

	for (; digits < r->len && r->p[digits] >= '0' && r->p[digits] <= '9'; digits++) {
		len = len * 10 + (size_t)(r->p[digits] - '0');
		if (len > SEAL_VALUE_MAX)
			return false;
	}
	if (digits == 0 || digits == r->len || r->p[digits] != ':' || len > r->len - digits - 1)
		return false;
	atom_r->p = r->p + digits + 1;
	atom_r->len = len;
	r->p += digits + 1 + len;
	r->len -= digits + 1 + len;
	return true;
}

static bool sexp_word(struct range *r, const char *word)
{
	struct range atom;

	return sexp_atom(r, &atom) && range_equal(atom, range_of(word));
}

/* `(<name> <value>)` */
static bool sexp_value(struct range *r, const char *name, struct range *value_r)
{
	return sexp_take(r, '(') && sexp_word(r, name) && sexp_atom(r, value_r) &&
	       sexp_take(r, ')');
}

/* Values in the order of their MPIs in the packet; count_r of them. */
static bool sexp_signature(
    struct range sexp, int algorithm, struct range values[2], size_t *count_r)
{
	bool rsa = algorithm == SEAL_RSA;

	if (!sexp_take(&sexp, '(') || !sexp_word(&sexp, "sig-val") || !sexp_take(&sexp, '(') ||
	    !sexp_word(&sexp, rsa ? "rsa" : "eddsa"))
		return false;
	*count_r = 0;
	if (!rsa && !sexp_value(&sexp, "r", &values[(*count_r)++]))
		return false;
	if (!sexp_value(&sexp, "s", &values[(*count_r)++]))
		return false;
	if (!rsa && (values[0].len > SEAL_ED25519_VALUE || values[1].len > SEAL_ED25519_VALUE))
		return false;
	return sexp_take(&sexp, ')') && sexp_take(&sexp, ')') && sexp.len == 0;
}

/* A multiprecision integer, RFC 4880 3.2: bit count, then the bytes without leading zeros. */
static void put_mpi(struct buf *out, struct range value)
{
	uint8_t head[2];
	size_t bits = 0;

	while (value.len > 0 && *value.p == 0) {
		value.p++;
		value.len--;
	}
	if (value.len > 0) {
		bits = 8 * (value.len - 1);
		for (unsigned first = (uint8_t)*value.p; first; first >>= 1)
			bits++;
	}
	put_be16(head, bits);
	buf_append(out, head, sizeof(head));
	buf_append(out, value.p, value.len);
}

/* RFC 4880 section 6.1 */
static uint32_t crc24(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = 0xb704ce;

	while (len--) {
		crc ^= (uint32_t)*p++ << 16;
		for (int i = 0; i < 8; i++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= 0x1864cfb;
		}
	}
	return crc & 0xffffff;
}

static void put_armor(struct buf *out, const struct buf *packet)
{
	uint32_t crc = crc24(packet->data, packet->len);
	uint8_t sum[3] = {(uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};

	buf_puts(out, "-----BEGIN PGP SIGNATURE-----\r\n\r\n");
	codec_base64(out, packet->data, packet->len, 64);
	buf_putc(out, '=');
	codec_base64(out, sum, sizeof(sum), 0);
	buf_puts(out, "\r\n-----END PGP SIGNATURE-----\r\n");
}

int seal_armor(const struct seal_plan *plan, const uint8_t digest[SHA256_BYTES], struct range sexp,
    struct buf *out, struct err *error_r)
{
	struct buf body = {0}, packet = {0};
	struct range values[2];
	uint8_t head[3], issuer[12] = {0, 10, 9, SEAL_SUB_ISSUER};
	size_t count;

	if (!sexp_signature(sexp, plan->algorithm, values, &count))
		return err_set(error_r, "the agent's answer is not an %s signature value",
		    plan->algorithm == SEAL_RSA ? "RSA" : "EdDSA");
	if (codec_unhex(plan->fingerprint + 24, issuer + 4, 8) < 0)
		return err_set(error_r, "the plan's fingerprint is not hexadecimal");
	buf_append(&body, plan->hashed, plan->hashed_len);
	buf_append(&body, issuer, sizeof(issuer)); /* unhashed: key id, for old readers */
	buf_append(&body, digest, 2);
	for (size_t i = 0; i < count; i++)
		put_mpi(&body, values[i]);
	head[0] = 0x89; /* signature packet, old format, two-byte length: RFC 4880 4.2.1 */
	put_be16(head + 1, body.len);
	buf_append(&packet, head, sizeof(head));
	buf_append(&packet, body.data, body.len);
	put_armor(out, &packet);
	buf_free(&body);
	buf_free(&packet);
	return 1;
}
