/* charset: foreign bytes into clean UTF-8 (iconv behind an allow-list). */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"

/* Length of the UTF-8 character at p (1..4) with its code point, or 0 when p[0..len) does not begin
 * with a well-formed one (RFC 3629: no surrogates, no overlong forms). len > 0. */
size_t charset_utf8_next(const char *p, size_t len, uint32_t *code_r);
/* How many bytes at p are printable ASCII, tab or LF: what most mail consists of, and what needs no
 * further look. */
size_t charset_plain(const char *p, size_t len);
/* Appends in as UTF-8. charset as in a Content-Type, any case; "" and us-ascii mean ASCII or, where
 * the bytes are well-formed, UTF-8. True when every byte was understood; else each byte above 126
 * that was not became U+FFFD. Never blocks. */
bool charset_to_utf8(struct range in, const char *charset, struct buf *out);
/* True for a charset that charset_to_utf8 can read, as in a Content-Type; "" counts. */
bool charset_known(const char *charset);
/* A character that may stand in text shown to people: no controls (but tab and newline where
 * multiline), no direction overrides, which could make a text read differently from what it says.
 */
bool charset_is_shown(uint32_t code, bool multiline);
/* Appends well-formed UTF-8 in as one clean line: what charset_is_shown forbids becomes a space,
 * broken bytes U+FFFD, blanks at both ends cut. */
void charset_line(struct range in, struct buf *out);

#endif
