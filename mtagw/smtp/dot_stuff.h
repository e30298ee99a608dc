/* dot_stuff: transparency of the sending side (RFC 5321 section 4.5.2). */
#ifndef SMTP_DOT_STUFF_H
#define SMTP_DOT_STUFF_H

#include <stddef.h>

#include "mtagw/base/buf.h"

/* Zeroed before the first bytes of a message. */
struct dot_stuff {
	enum { DOT_LINE_START, DOT_IN_LINE, DOT_AFTER_CR } at;
};
/* Appends the bytes to out, a dot doubled where it begins a line. Lines end in CRLF alone: a bare
 * CR or LF is passed as it is. */
void dot_stuff_add(struct dot_stuff *s, const void *bytes, size_t len, struct buf *out);
/* Appends the CRLF that ends an unfinished last line, so that the final dot stands alone. */
void dot_stuff_end(struct dot_stuff *s, struct buf *out);

#endif
