/*
 * server_data: the stream behind DATA, the one place that knows where it ends. Only CRLF .
 * CRLF does (RFC 5321 4.1.1.4); every other line end is an offence that refuses the whole message
 * at its real end, so that nothing can be smuggled behind a false one. NUL, bare CR, bare LF and
 * over-long lines are refused, never repaired. Lines are not buffered: ten megabytes without CRLF
 * cost nothing.
 *
 * A byte now and then would hold a session for ever, as no silence of it is long: a message has the
 * session's timeout for itself, and each byte earns it 1/smtpd_min_data_rate of a second more,
 * never beyond the timeout from now. Looked at when bytes come; silence is the connection's to
 * notice. The time in which we do not read is not counted.
 */
#include "mtagw/smtp/server_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"

static int64_t patience_ms(const struct smtp_session *s)
{
	return (int64_t)s->params.settings->smtpd_timeout_secs * 1000;
}

bool server_data_too_slow(struct smtp_session *s, size_t len)
{
	int64_t now = clock_mono_ms(), rate = s->params.settings->smtpd_min_data_rate;

	if (rate == 0)
		return false;
	if (now > s->data_deadline_ms) {
		server_reply(s, 421, "4.4.2", "the message comes too slowly");
		server_close(s, "the message comes too slowly");
		return true;
	}
	s->data_deadline_ms += (int64_t)len * 1000 / rate;
	if (s->data_deadline_ms > now + patience_ms(s))
		s->data_deadline_ms = now + patience_ms(s);
	return false;
}

void server_data_paused(struct smtp_session *s, bool paused)
{
	if (paused)
		s->data_left_ms = s->data_deadline_ms - clock_mono_ms();
	else
		s->data_deadline_ms = clock_mono_ms() + s->data_left_ms;
}

void server_data_start_time(struct smtp_session *s)
{
	s->data_deadline_ms = clock_mono_ms() + patience_ms(s);
}

void server_data_start(struct smtp_session *s, bool chunked)
{
	server_data_start_time(s);
	s->data_state = DATA_LINE;
	s->data_line_len = 0;
	s->data_lines = 1;
	s->data_failure.code = 0;
	s->data_paused = false;
	s->chunked = chunked;
	s->chunks_size = 0;
	server_set_state(s, chunked ? SERVER_CHUNKS : SERVER_DATA);
	s->params.ops->data_begin(s, s->tx, s->params.ctx);
}

void server_data_fail(
    struct smtp_session *s, int code, const char *enhanced, const char *format, ...)
{
	va_list ap;

	if (s->data_failure.code != 0)
		return;
	s->data_failure.code = code;
	(void)snprintf(s->data_failure.enhanced, sizeof(s->data_failure.enhanced), "%s", enhanced);
	va_start(ap, format);
	(void)vsnprintf(s->data_failure.text, sizeof(s->data_failure.text), format, ap);
	va_end(ap);
}

static const char crlf[] = "\r\n";

static void give(struct smtp_session *s, const char *from, const char *to)
{
	if (to > from && s->data_failure.code == 0)
		s->params.ops->data(s, s->tx, from, (size_t)(to - from), s->params.ctx);
}

void server_data_end(struct smtp_session *s)
{
	/* A message by BDAT may end within a line: its end is added, as whoever sends it on must do
	 * (RFC 5321 4.1.1.4); DKIM means the same body (RFC 6376 3.4.3). */
	if (s->data_state == DATA_CR)
		server_data_fail(s, 550, "5.5.2",
		    "bare CR in line %zu of the message: lines end with CRLF", s->data_lines);
	else if (s->data_state == DATA_TEXT)
		give(s, crlf, crlf + 2);
	s->junk = 0;
	s->question = ASK_DATA;
	if (s->data_failure.code == 0)
		s->params.ops->data_end(s, s->tx, s->params.ctx);
	if (s->question == ASK_DATA && s->data_failure.code != 0)
		smtp_session_reply(
		    s, s->data_failure.code, s->data_failure.enhanced, s->data_failure.text);
}

static void line_ended(struct smtp_session *s)
{
	s->data_state = DATA_LINE;
	s->data_line_len = 0;
	s->data_lines++;
}

static void check_length(struct smtp_session *s)
{
	/* RFC 5321 4.5.3.1.6: the limit counts the CRLF, not the dot stuffed in front */
	if (s->data_line_len + 2 > (size_t)s->params.settings->line_length_limit)
		server_data_fail(s, 550, "5.5.2", "line %zu of the message is longer than %d bytes",
		    s->data_lines, s->params.settings->line_length_limit);
}

/* A byte of text that is no part of a line end. */
static void text_byte(struct smtp_session *s, char c)
{
	s->data_state = DATA_TEXT;
	if (c == '\n') {
		server_data_fail(s, 550, "5.5.2",
		    "bare LF in line %zu of the message: lines end with CRLF", s->data_lines);
	} else if (c == '\0') {
		server_data_fail(
		    s, 550, "5.5.2", "NUL byte in line %zu of the message", s->data_lines);
	} else if (c == '\r') {
		s->data_state = DATA_CR;
		return;
	}
	s->data_line_len++;
	check_length(s);
}

/* Bytes up to what could end a line; SCAN_MAX at a time, so that a hundred thousand bare LF do not
 * look for a CR to the end of the bytes each. */
#define SCAN_MAX 1024
static size_t plain_bytes(const char *p, const char *end)
{
	size_t n = end - p < SCAN_MAX ? (size_t)(end - p) : SCAN_MAX;

	static const char stops[] = {'\r', '\n', '\0'};

	for (size_t i = 0; i < sizeof(stops) && n > 0; i++) {
		const char *at = memchr(p, stops[i], n);

		n = at != NULL ? (size_t)(at - p) : n;
	}
	return n;
}

size_t server_data_feed(struct smtp_session *s, struct range bytes)
{
	const char *p = bytes.p, *end = bytes.p + bytes.len, *from = p;
	size_t plain;
	bool carried = s->data_state == DATA_CR; /* a CR of the bytes before waits for its LF */

	if (server_data_too_slow(s, bytes.len))
		return bytes.len;
	for (; p < end; p++) {
		switch (s->data_state) {
		case DATA_LINE:
			if (*p == '.' && !s->chunked) {
				give(s, from,
				    p); /* a stuffed dot is dropped, a lone one may be the end */
				from = p + 1;
				s->data_state = DATA_DOT;
			} else {
				text_byte(s, *p);
			}
			break;
		case DATA_DOT:
			if (*p == '\r') {
				s->data_state = DATA_DOT_CR;
				from = p + 1;
			} else {
				text_byte(s, *p);
			}
			break;
		case DATA_DOT_CR:
			if (*p == '\n') {
				server_data_end(s);
				return (size_t)(p + 1 - bytes.p);
			}
			server_data_fail(s, 550, "5.5.2",
			    "bare CR in line %zu of the message: lines end with CRLF",
			    s->data_lines);
			text_byte(s, *p);
			break;
		case DATA_CR:
			if (*p == '\n') {
				if (carried) {
					give(s, crlf, crlf + 2);
					from = p + 1;
				}
				line_ended(s);
			} else {
				server_data_fail(s, 550, "5.5.2",
				    "bare CR in line %zu of the message: lines end with CRLF",
				    s->data_lines);
				text_byte(s, *p);
			}
			carried = false;
			break;
		case DATA_TEXT:
			plain = plain_bytes(p, end);
			if (plain == 0) {
				text_byte(s, *p);
				break;
			}
			s->data_line_len += plain;
			check_length(s);
			p += plain - 1;
			break;
		}
	}
	give(s, from,
	    s->data_state == DATA_CR && end > from ? end - 1
	                                           : end); /* a last CR waits for its LF */
	return bytes.len;
}
