/*
 * token: `+<token>` of reply, prompt and return-path addresses. The first 13 characters are the
 * row's id, the other 12 are 60 bits of HMAC-SHA256 over kind and id: nobody can walk through the
 * ids, and a token of one kind is none of another.
 */
#include "mtagw/office/token.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/mem.h"

#define ID_CHARS 13

int token_key_load(const struct settings *settings, struct token_key *key_r, struct err *error_r)
{
	char *text = settings_secret(settings, "token", error_r);
	int rc;

	if (text == NULL)
		return -1;
	rc = codec_unhex(text, key_r->bytes, sizeof(key_r->bytes));
	mem_wipe(text, strlen(text));
	free(text);
	if (rc < 0)
		return err_set(error_r, "%s/token: not %d hex digits", settings->secrets_dir,
		    2 * TOKEN_KEY_BYTES);
	return 1;
}

static uint64_t tag_of(const struct token_key *key, enum token_kind kind, int64_t id)
{
	uint8_t message[9], mac[SHA256_BYTES];
	uint64_t tag = 0;

	message[0] = (uint8_t)kind;
	for (int i = 0; i < 8; i++)
		message[1 + i] = (uint8_t)((uint64_t)id >> (56 - 8 * i));
	codec_hmac_sha256(key->bytes, sizeof(key->bytes), message, sizeof(message), mac);
	for (int i = 0; i < 8; i++)
		tag = tag << 8 | mac[i];
	return tag >> 4; /* 60 bits: 12 characters */
}

void token_make(
    const struct token_key *key, enum token_kind kind, int64_t id, char out[TOKEN_CHARS + 1])
{
	char text[14];

	codec_base32_u64((uint64_t)id, text);
	memcpy(out, text, ID_CHARS);
	codec_base32_u64(tag_of(key, kind, id), text);
	memcpy(out + ID_CHARS, text + 1,
	    TOKEN_CHARS - ID_CHARS); /* the leading digit of 60 bits is 0 */
	out[TOKEN_CHARS] = '\0';
}

int token_read(const struct token_key *key, enum token_kind kind, const char *text, int64_t *id_r)
{
	char tag_text[14] = "0";
	uint64_t id, tag;

	if (text == NULL || strlen(text) != TOKEN_CHARS)
		return 0;
	memcpy(tag_text + 1, text + ID_CHARS, TOKEN_CHARS - ID_CHARS);
	if (codec_unbase32_u64(text, ID_CHARS, &id) < 0 ||
	    codec_unbase32_u64(tag_text, ID_CHARS, &tag) < 0)
		return 0;
	if ((tag ^ tag_of(key, kind, (int64_t)id)) !=
	    0) /* one comparison of whole words: no early way out */
		return 0;
	*id_r = (int64_t)id;
	return 1;
}
