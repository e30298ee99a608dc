/*
 * notice: what the gateway itself writes to people. Words are the policy's (Indonesian), the form
 * is that of an automatic answer (RFC 3834 section 3): Auto-Submitted, threading, null envelope
 * sender (set on the delivery). Notices stay inside, so they carry neither seal nor DKIM.
 */
#include "mtagw/office/notice.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"

static void put_fields(
    const struct notice *n, const char *subject, struct arena *arena, struct buf *out)
{
	struct mailbox from = {.name = policy_words(n->policy, "gateway.name", NULL, arena)};
	struct mailbox to = {.name = n->to_name};
	struct err ignored; /* both are addresses of our own domain */
	char date[40];

	if (address_parse(range_of(n->from), arena, &from.address, &ignored) == 1)
		header_put_mailboxes(out, "From", &from, 1);
	if (address_parse(range_of(n->to), arena, &to.address, &ignored) == 1)
		header_put_mailboxes(out, "To", &to, 1);
	header_put_text(out, "Subject", subject);
	clock_rfc5322(n->date_ms, date);
	header_put_raw(out, "Date", date);
	header_put_raw(out, "Message-ID", n->message_id);
	if (n->reply_to != NULL)
		header_put_raw(out, "Reply-To", n->reply_to);
	if (n->in_reply_to != NULL && n->in_reply_to[0] != '\0') {
		header_put_raw(out, "In-Reply-To", n->in_reply_to);
		header_put_raw(out, "References", n->in_reply_to);
	}
	header_put_raw(out, "Auto-Submitted", "auto-replied");
	header_put_raw(out, "MIME-Version", "1.0");
}

/* The words above the mail they are about. It may be 8-bit: such a notice stays inside. */
static void put_original(
    const struct notice *n, const char *body, struct arena *arena, struct pieces *out)
{
	const char *boundary = compose_boundary(arena, n->message_id);

	pieces_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n",
	    boundary, boundary);
	compose_text_part(out, "plain", body, NULL);
	pieces_printf(out,
	    "\r\n--%s\r\nContent-Type: message/rfc822\r\nContent-Disposition: inline;"
	    " filename=\"surat.eml\"\r\n\r\n",
	    boundary);
	pieces_add_stored(out, n->original, n->original_body, 0);
	pieces_printf(out, "\r\n--%s--\r\n", boundary);
}

const char *notice_compose(const struct notice *n, struct arena *arena, struct pieces *out)
{
	const char *subject =
	    policy_words(n->policy, arena_printf(arena, "%s.subject", n->words), n->pairs, arena);
	const char *body =
	    policy_words(n->policy, arena_printf(arena, "%s.body", n->words), n->pairs, arena);
	struct buf header = {0};

	put_fields(n, subject, arena, &header);
	pieces_add(out, buf_str(&header), header.len);
	buf_free(&header);
	if (n->more != NULL)
		body = arena_printf(arena, "%s\n\n%s", body, n->more);
	if (n->dsn != NULL) {
		struct dsn dsn = *n->dsn;

		dsn.text = body;
		dsn_compose(out, &dsn, compose_boundary(arena, n->message_id));
	} else if (n->original.len > 0) {
		put_original(n, body, arena, out);
	} else {
		compose_text_part(out, "plain", body, NULL);
	}
	return subject;
}
