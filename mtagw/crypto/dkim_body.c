/*
 * dkim_body: the body hash of RFC 6376 section 3.4.4 (relaxed) as a running computation that gives
 * the same result for every cut of its input. Runs of blanks become one space, blanks at line ends
 * and empty lines at the end vanish, a missing last CRLF is added; an empty body hashes as nothing.
 * What is not yet certain (a CR, a blank, line ends) is kept as counts, never as bytes, so the
 * state does not grow. l= is not offered (RFC 6376 8.2 tells why).
 */
#include "mtagw/crypto/dkim.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"

/* Canonical bytes collected before they are hashed: one call per word would cost more than hashing.
 */
#define DKIM_BODY_CHUNK 4096

struct dkim_body {
	struct sha256 *sha;
	size_t line_ends; /* CRLFs seen and not written: they vanish when nothing follows */
	bool blank;       /* blanks seen and not written */
	bool cr;          /* a CR seen, its LF not yet */
	bool any;         /* something was written */
	size_t len;
	char chunk[DKIM_BODY_CHUNK];
};

struct dkim_body *dkim_body_new(void)
{
	struct dkim_body *body = mem_zalloc(sizeof(*body));

	body->sha = sha256_new();
	return body;
}

static void body_write(struct dkim_body *body, const char *p, size_t len)
{
	if (len > sizeof(body->chunk) - body->len) {
		sha256_add(body->sha, body->chunk, body->len);
		body->len = 0;
	}
	if (len > sizeof(body->chunk)) {
		sha256_add(body->sha, p, len);
		return;
	}
	memcpy(body->chunk + body->len, p, len);
	body->len += len;
}

/* What was held back turns out to count, for an ordinary byte follows. */
static void body_write_held(struct dkim_body *body)
{
	for (; body->line_ends > 0; body->line_ends--)
		body_write(body, "\r\n", 2);
	if (body->blank)
		body_write(body, " ", 1);
	body->blank = false;
	body->any = true;
}

/* After a CR: true when the byte was its LF and is used up. */
static bool body_after_cr(struct dkim_body *body, char c)
{
	body->cr = false;
	if (c == '\n') {
		body->blank = false;
		body->line_ends++;
		return true;
	}
	body_write_held(body);
	body_write(body, "\r", 1);
	return false;
}

void dkim_body_add(struct dkim_body *body, const void *data, size_t len)
{
	const char *p = data, *end = p + len;

	while (p < end) {
		const char *run = p;

		if (body->cr && body_after_cr(body, *p)) {
			p++;
			continue;
		}
		while (p < end && *p != '\r' && *p != ' ' && *p != '\t')
			p++;
		if (p > run) {
			if (body->line_ends || body->blank || !body->any)
				body_write_held(body);
			body_write(body, run, (size_t)(p - run));
		} else if (*p++ == '\r') {
			body->cr = true;
		} else {
			body->blank = true;
		}
	}
}

void dkim_body_end(struct dkim_body **bodyp, uint8_t hash[SHA256_BYTES])
{
	struct dkim_body *body = *bodyp;

	if (body->cr)
		body_after_cr(body, '\0');
	if (body->any)
		body_write(body, "\r\n", 2);
	sha256_add(body->sha, body->chunk, body->len);
	sha256_end(&body->sha, hash);
	free(body);
	*bodyp = NULL;
}
