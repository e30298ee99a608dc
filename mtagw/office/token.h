/* token: addresses that know what they answer (DESIGN 7): row id with a 60-bit tag, case-blind
 * base32. */
#ifndef OFFICE_TOKEN_H
#define OFFICE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/base/settings.h"

#define TOKEN_CHARS                                                                          \
	25 /* 13 for the id, 12 for the tag: `surat.<agency>+` and this stay under the local \
	      part's 64 */
#define TOKEN_KEY_BYTES 32

enum token_kind { TOKEN_REPLY = 'r', TOKEN_PROMPT = 'p', TOKEN_DELIVERY = 'd' };

struct token_key {
	uint8_t bytes[TOKEN_KEY_BYTES];
};
/* The key from secrets/token (64 hex digits). -1 names the file. */
int token_key_load(const struct settings *settings, struct token_key *key_r, struct err *error_r);
/* Writes TOKEN_CHARS characters and a NUL. */
void token_make(
    const struct token_key *key, enum token_kind kind, int64_t id, char out[TOKEN_CHARS + 1]);
/* 1 and the id where the tag is ours (compared in constant time), else 0. A token is no authority
 * by itself. */
int token_read(const struct token_key *key, enum token_kind kind, const char *text, int64_t *id_r);

#endif
