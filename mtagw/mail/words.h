/* words: encoded words of RFC 2047. */
#ifndef MAIL_WORDS_H
#define MAIL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"

/* Columns a header line may have (RFC 5322 2.1.1, RFC 2047 2). */
#define WORDS_LINE_MAX 76

/* Appends the unfolded field text raw as one clean line of UTF-8: encoded words decoded, blanks
 * between two of them dropped, what cannot be read as U+FFFD, controls (also encoded ones) as
 * spaces. */
void words_decode(struct range raw, struct buf *out);
/* Appends utf8 (one line) as encoded words that are legal in text and in phrases (RFC 2047 5),
 * folded so that no line passes WORDS_LINE_MAX; column: where the line stands, updated. */
void words_encode(struct range utf8, struct buf *out, size_t *column);
/* True where the text may stand as it is in an ASCII header. */
bool words_plain(struct range text);

#endif
