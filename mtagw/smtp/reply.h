/* reply: SMTP and LMTP replies as a client reads them (RFC 5321 section 4.2, RFC 2034 for enhanced
 * codes). */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"

/* RFC 5321 section 4.5.3.1.5 says 512; twice that, because servers quote long addresses. */
#define SMTP_REPLY_LINE_MAX 1024
/* An EHLO answer has some twenty lines, a policy lecture perhaps fifty. */
#define SMTP_REPLY_LINES_MAX 100
#define SMTP_REPLY_TEXT_MAX 256
#define SMTP_ENHANCED_MAX 12 /* `5.123.123` and a NUL, with room */

struct smtp_reply {
	int code;                         /* 200..559, 0 while nothing was read */
	char enhanced[SMTP_ENHANCED_MAX]; /* of the first line that has one; "" none */
	struct buf lines; /* texts without codes, each ended by LF; controls are `?` */
	size_t line_count;
	/* private */
	bool whole;
};
/* Reads on from input: 1 when a whole reply is there (*used_r: bytes to drain), 0 when more is
 * needed (what was used is drained too), -1 on bytes that are no reply or break a limit. Begin with
 * a zeroed struct; smtp_reply_reset before the next one. */
int smtp_reply_read(
    struct smtp_reply *reply, struct range input, size_t *used_r, struct err *error_r);
void smtp_reply_reset(struct smtp_reply *reply);
void smtp_reply_free(struct smtp_reply *reply);
/* All lines as one, blanks between, enhanced codes taken out, cut to the size. Valid UTF-8 stays
 * so. */
void smtp_reply_text(const struct smtp_reply *reply, char out[SMTP_REPLY_TEXT_MAX]);

#endif
