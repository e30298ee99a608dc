/* header: header fields as ranges of the message, reading and writing (RFC 5322, 2047, 2231). */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/mail/address.h"

struct header_field {
	struct range name;  /* without colon and blanks */
	struct range value; /* after the colon, folded as it came, without the last CRLF */
	struct range whole; /* name to CRLF */
};
struct header {
	struct range block; /* without the empty line */
	const struct header_field *fields;
	size_t count;
};

/* Splits the block at the head of message (ends at the first empty line or the end). body_r: what
 * follows. -1 on a line that is neither a field nor a continuation (error_r names its line number).
 * CRLF line ends; bare LF is accepted for files in tests. */
int header_parse(struct range message, struct arena *arena, struct header *header_r,
    struct range *body_r, struct err *error_r);
/* The n-th field (from 0) of that name, case ignored; NULL when there is none. */
const struct header_field *header_get(const struct header *header, const char *name, size_t n);
size_t header_count(const struct header *header, const char *name);
/* Unfolded, trimmed, RFC 2047 decoded to UTF-8 (unknown charset: bytes above 126 as U+FFFD). ""
 * when absent. In the arena. */
const char *header_text(const struct header *header, const char *name, struct arena *arena);
/* Unfolded and trimmed only. */
const char *header_raw(const struct header *header, const char *name, struct arena *arena);

/* Writing. Lines folded at 76 columns, CRLF, nothing above 126 leaves (RFC 2047 in UTF-8). CR and
 * LF in values become a space: no header can be injected. */
void header_put_text(struct buf *out, const char *name, const char *utf8);
void header_put_raw(struct buf *out, const char *name, const char *ascii);
/* Nothing at all where count is 0. */
void header_put_mailboxes(
    struct buf *out, const char *name, const struct mailbox *list, size_t count);
/* `; name="value"` or RFC 2231 for UTF-8, folded as needed. */
void header_put_param(struct buf *out, const char *name, const char *utf8);

#endif
