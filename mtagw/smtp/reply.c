/*
 * reply: the reader of replies, line by line, with limits on lines and their number: a peer cannot
 * make us hold more than 100 KiB. A line ends at LF, its CR is taken off; each line of a reply has
 * the same code. What the peer wrote is kept as text for people only: controls become `?`, nothing
 * in it is acted upon but code, enhanced code and, by the client, EHLO keywords. RFC 5321
 * section 4.2 and 4.5.3.1.5, RFC 2034, RFC 3463 section 2.
 */
#include "mtagw/smtp/reply.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reply codes: first digit 2 to 5, second 0 to 5 (RFC 5321 section 4.2: ABNF of Reply-code). */
static int code_of(struct range line)
{
	if (line.len < 3 || line.p[0] < '2' || line.p[0] > '5' || line.p[1] < '0' ||
	    line.p[1] > '5' || !is_digit(line.p[2]))
		return 0;
	return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
}

/* Length of `class.subject.detail` at the start (RFC 3463 section 2), class as the code's; 0 where
 * there is none. */
static size_t enhanced_length(struct range text, int code)
{
	size_t at = 2;

	if (text.len < 5 || text.p[0] != '0' + code / 100 || text.p[1] != '.')
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		while (at < text.len && is_digit(text.p[at]) && digits < 3) {
			at++;
			digits++;
		}
		if (digits == 0)
			return 0;
		if (part == 0) {
			if (at >= text.len || text.p[at] != '.')
				return 0;
			at++;
		}
	}
	return at == text.len || text.p[at] == ' ' ? at : 0;
}

static void take_text(struct smtp_reply *reply, struct range text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		buf_putc(&reply->lines, c == '\t' ? ' ' : c < 32 || c == 127 ? '?' : (char)c);
	}
	buf_putc(&reply->lines, '\n');
	reply->line_count++;
}

/* One line without its end: 1 the last one, 0 more follow, -1. */
static int take_line(struct smtp_reply *reply, struct range line, struct err *error_r)
{
	int code = code_of(line);
	struct range text = {line.p, 0};
	size_t n;

	if (code == 0 || (line.len > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return err_set(error_r, "a line that is no SMTP reply");
	if (reply->code != 0 && reply->code != code)
		return err_set(error_r, "a reply with two codes, %d and %d", reply->code, code);
	if (reply->line_count >= SMTP_REPLY_LINES_MAX)
		return err_set(error_r, "a reply of more than %d lines", SMTP_REPLY_LINES_MAX);
	reply->code = code;
	if (line.len > 4)
		text = (struct range){line.p + 4, line.len - 4};
	n = enhanced_length(text, code);
	if (n > 0) {
		if (reply->enhanced[0] == '\0')
			snprintf(reply->enhanced, sizeof(reply->enhanced), "%.*s", (int)n, text.p);
		n += n < text.len; /* the blank */
	}
	take_text(reply, (struct range){text.p + n, text.len - n});
	return line.len == 3 || line.p[3] == ' ';
}

int smtp_reply_read(
    struct smtp_reply *reply, struct range input, size_t *used_r, struct err *error_r)
{
	*used_r = 0;
	while (*used_r < input.len && !reply->whole) {
		struct range rest = {input.p + *used_r, input.len - *used_r};
		const char *lf = memchr(rest.p, '\n', rest.len);
		struct range line = {rest.p, lf != NULL ? (size_t)(lf - rest.p) : rest.len};
		int rc;

		if (line.len >= SMTP_REPLY_LINE_MAX)
			return err_set(
			    error_r, "a reply line of more than %d bytes", SMTP_REPLY_LINE_MAX);
		if (lf == NULL)
			return 0;
		*used_r += line.len + 1;
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		rc = take_line(reply, line, error_r);
		if (rc < 0)
			return -1;
		reply->whole = rc == 1;
	}
	return reply->whole;
}

void smtp_reply_reset(struct smtp_reply *reply)
{
	buf_reset(&reply->lines);
	reply->code = 0;
	reply->enhanced[0] = '\0';
	reply->line_count = 0;
	reply->whole = false;
}

void smtp_reply_free(struct smtp_reply *reply)
{
	buf_free(&reply->lines);
	smtp_reply_reset(reply);
}

void smtp_reply_text(const struct smtp_reply *reply, char out[SMTP_REPLY_TEXT_MAX])
{
	size_t len = reply->lines.len;

	if (len > 0)
		len--; /* the last LF */
	if (len >= SMTP_REPLY_TEXT_MAX) {
		len = SMTP_REPLY_TEXT_MAX - 1;
		while (len > 0 && ((unsigned char)reply->lines.data[len] & 0xc0) == 0x80)
			len--; /* not inside a character */
	}
	if (len > 0)
		memcpy(out, reply->lines.data, len);
	out[len] = '\0';
	for (char *p = out; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
}
