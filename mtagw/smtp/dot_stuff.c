/*
 * dot_stuff: doubles the dot that begins a line, over pieces of any size. The message itself is not
 * changed otherwise: its signatures cover every byte. Only CRLF ends a line here as with our own
 * server, which refuses a bare CR or LF on the way in, so that none can be on its way out. RFC 5321
 * section 4.5.2.
 */
#include "mtagw/smtp/dot_stuff.h"

#include <string.h>

void dot_stuff_add(struct dot_stuff *s, const void *bytes, size_t len, struct buf *out)
{
	const char *p = bytes, *end = p + len;

	while (p < end) {
		const char *lf;

		if (s->at == DOT_LINE_START && *p == '.')
			buf_putc(out, '.');
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL) {
			buf_append(out, p, (size_t)(end - p));
			s->at = end[-1] == '\r' ? DOT_AFTER_CR : DOT_IN_LINE;
			return;
		}
		buf_append(out, p, (size_t)(lf + 1 - p));
		s->at = (lf > p ? lf[-1] == '\r' : s->at == DOT_AFTER_CR) ? DOT_LINE_START
		                                                          : DOT_IN_LINE;
		p = lf + 1;
	}
}

void dot_stuff_end(struct dot_stuff *s, struct buf *out)
{
	if (s->at == DOT_AFTER_CR)
		buf_puts(out, "\n");
	else if (s->at == DOT_IN_LINE)
		buf_puts(out, "\r\n");
	s->at = DOT_LINE_START;
}
