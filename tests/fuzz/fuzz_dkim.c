/*
 * Fuzzes the DKIM forms: a body cut anywhere hashes like the whole, the relaxed form of a field
 * does not change when it is made again, and a header block is signed in bounded lines or refused.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/mem.h"
#include "mtagw/crypto/dkim_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dkim_key *fuzz_key(void)
{
	static struct dkim_key *key;
	char dir[] = "/tmp/mtagw-XXXXXX", *file;
	struct err err;

	if (key)
		return key;
	if (!mkdtemp(dir))
		abort();
	file = mem_printf("%s/k.pem", dir);
	if (dkim_key_create(file, "ed25519", &err) < 0)
		abort();
	key = dkim_key_load(file, "s", "dumai.example", &err);
	unlink(file);
	rmdir(dir);
	free(file);
	return key;
}

static void body(const uint8_t *p, size_t len, size_t cut)
{
	uint8_t whole[SHA256_BYTES], pieces[SHA256_BYTES];
	struct dkim_body *running = dkim_body_new();

	dkim_body_add(running, p, len);
	dkim_body_end(&running, whole);
	running = dkim_body_new();
	for (size_t at = 0, n = cut % 7 + 1; at < len; at += n, n = (n * 5 + cut) % 61 + 1)
		dkim_body_add(running, p + at, len - at < n ? len - at : n);
	dkim_body_end(&running, pieces);
	if (memcmp(whole, pieces, SHA256_BYTES) != 0)
		abort();
}

static void field(struct range value)
{
	struct range name = {"Subject", 7};
	struct buf once = {0}, twice = {0};

	dkim_canon_field(&once, name, value);
	dkim_canon_field(&twice, name, (struct range){once.data + 8, once.len - 8});
	if (!range_equal(buf_range(&once), buf_range(&twice)))
		abort();
	buf_free(&once);
	buf_free(&twice);
}

static void sign(struct range block)
{
	const uint8_t hash[SHA256_BYTES] = {0};
	struct buf out = {0};
	struct err err;
	size_t column = 0;

	if (dkim_sign_header(fuzz_key(), block, hash, 1, &out, &err) > 0) {
		for (size_t i = 0; i < out.len; i++) {
			column = out.data[i] == '\n' ? 0 : column + 1;
			if (column > 78 || (unsigned char)out.data[i] > 126 || !out.data[i])
				abort();
		}
	} else if (out.len > 0) {
		abort();
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	body(data + 1, size - 1, *data);
	field((struct range){(const char *)data + 1, size - 1});
	sign((struct range){(const char *)data + 1, size - 1});
	return 0;
}
