/*
 * server_chunk: BDAT (RFC 3030 section 2; BINARYMIME is not offered, so the octets are lines as
 * behind DATA and pass the same checks). The size stands before the octets, so a chunk ends by
 * count alone and nothing in it is ever a command: whatever we think of a chunk, its octets are
 * taken off the stream before it is answered. Where their count cannot be known, or would be more
 * than any message may have, the session ends.
 *
 * A chunk that fails leaves its message open and failed: the following ones hear the same until
 * LAST or RSET. Time is the message's, as behind DATA: chunks far apart earn nothing.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mtagw/smtp/server_private.h"

/* Beyond this an announced size is no number of octets that anybody means. */
#define SIZE_DIGITS_MAX 18

/* `1234` or `1234 LAST`: false for anything else. */
static bool parse(struct range args, uint64_t *size_r, bool *last_r)
{
	size_t digits = 0;

	args = range_trim(args);
	*size_r = 0;
	while (digits < args.len && digits <= SIZE_DIGITS_MAX && args.p[digits] >= '0' &&
	       args.p[digits] <= '9')
		*size_r = *size_r * 10 + (uint64_t)(args.p[digits++] - '0');
	if (digits == 0 || digits > SIZE_DIGITS_MAX)
		return false;
	*last_r = digits < args.len;
	if (!*last_r)
		return true;
	if (args.p[digits] != ' ')
		return false;
	args = range_trim((struct range){args.p + digits, args.len - digits});
	return args.len == 4 && strncasecmp(args.p, "LAST", 4) == 0;
}

/* Why a chunk cannot come now; NULL: it can. */
static const char *out_of_order(const struct smtp_session *s)
{
	if (!s->extended)
		return "BDAT is for who said EHLO";
	if (s->state == SERVER_RCPT || s->state == SERVER_CHUNKS)
		return NULL;
	return s->state == SERVER_MAIL ? "no valid recipient" : "MAIL and RCPT first";
}

/* The octets are off the stream. */
static void chunk_end(struct smtp_session *s)
{
	if (s->chunk_refused != NULL) {
		server_set_state(s, s->chunk_back);
		server_reply(s, 503, "5.5.1", s->chunk_refused);
		return;
	}
	server_set_state(s, SERVER_CHUNKS);
	if (s->chunk_last) {
		server_data_end(s);
	} else if (s->data_failure.code != 0) {
		server_reply(
		    s, s->data_failure.code, s->data_failure.enhanced, s->data_failure.text);
	} else {
		char text[60];

		(void)snprintf(
		    text, sizeof(text), "%llu octets received", (unsigned long long)s->chunk_size);
		server_reply(s, 250, "2.0.0", text);
	}
}

void server_chunk_command(struct smtp_session *s, struct range args)
{
	uint64_t limit = (uint64_t)s->params.settings->message_size_limit;

	if (!parse(args, &s->chunk_size, &s->chunk_last)) {
		server_reply(
		    s, 501, "5.5.4", "BDAT size [LAST]; what follows cannot be told from it");
		server_close(s, "BDAT without a size");
		return;
	}
	if (s->chunk_size > limit) {
		server_reply(s, 552, "5.3.4", "message larger than the limit");
		server_close(s, "a chunk larger than any message");
		return;
	}
	s->chunk_refused = out_of_order(s);
	s->chunk_back = s->state;
	if (s->chunk_refused != NULL)
		server_data_start_time(s);
	else if (s->state == SERVER_RCPT)
		server_data_start(s, true);
	if (s->chunk_refused == NULL && (s->chunks_size += s->chunk_size) > limit)
		server_data_fail(s, 552, "5.3.4", "message larger than the limit");
	s->chunk_left = s->chunk_size;
	server_set_state(s, SERVER_CHUNK);
	if (!server_data_too_slow(s, 0) && s->chunk_left == 0)
		chunk_end(s);
}

size_t server_chunk_feed(struct smtp_session *s, struct range bytes)
{
	if (bytes.len > s->chunk_left)
		bytes.len = (size_t)s->chunk_left;
	s->chunk_left -= bytes.len;
	if (s->chunk_refused != NULL)
		(void)server_data_too_slow(s, bytes.len);
	else
		(void)server_data_feed(s, bytes);
	if (!s->gone && s->chunk_left == 0)
		chunk_end(s);
	return bytes.len;
}
