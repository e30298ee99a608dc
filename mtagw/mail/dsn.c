/*
 * dsn: writes delivery status notifications: a multipart/report (RFC 6522) of a text for people,
 * the fields of RFC 3464 for programs, and the header block of the message it is about. Reads none.
 */
#include "mtagw/mail/dsn.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"
#include "mtagw/mail/header.h"

/* `Name: kind; value`, folded and made ASCII by header_put_raw. NULL: nothing. */
static void put_typed(struct buf *out, const char *name, const char *kind, const char *value)
{
	struct buf text = {0};

	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(&text, "%s; %s", kind, value);
	header_put_raw(out, name, buf_str(&text));
	buf_free(&text);
}

static void put_date(struct buf *out, const char *name, int64_t at_ms)
{
	char date[40];

	if (at_ms == 0)
		return;
	clock_rfc5322(at_ms, date);
	header_put_raw(out, name, date);
}

/* RFC 3464 2.3, in the order of its fields. */
static void put_recipient(struct buf *out, const struct dsn_recipient *r)
{
	buf_puts(out, "\r\n");
	if (r->original_recipient != NULL && r->original_recipient[0] != '\0')
		header_put_raw(out, "Original-Recipient", r->original_recipient);
	put_typed(out, "Final-Recipient", "rfc822", r->final_recipient);
	header_put_raw(out, "Action", r->action);
	header_put_raw(out, "Status", r->status);
	put_typed(out, "Remote-MTA", "dns", r->remote_mta);
	put_typed(out, "Diagnostic-Code", r->diagnostic_type, r->diagnostic_code);
	put_date(out, "Last-Attempt-Date", r->last_attempt_ms);
	put_date(out, "Will-Retry-Until", r->will_retry_until_ms);
}

static void put_status(struct buf *out, const struct dsn *dsn)
{
	buf_puts(out, "Content-Type: message/delivery-status\r\n\r\n");
	/* RFC 3464 2.2: fields per message */
	if (dsn->envelope_id != NULL && dsn->envelope_id[0] != '\0')
		header_put_raw(out, "Original-Envelope-Id", dsn->envelope_id);
	put_typed(out, "Reporting-MTA", "dns", dsn->reporting_mta);
	put_date(out, "Arrival-Date", dsn->arrival_ms);
	for (size_t i = 0; i < dsn->recipient_count; i++)
		put_recipient(out, &dsn->recipients[i]);
}

void dsn_compose(struct pieces *out, const struct dsn *dsn, const char *boundary)
{
	struct buf b = {0};

	buf_puts(&b, "Content-Type: multipart/report; report-type=delivery-status");
	header_put_param(&b, "boundary", boundary);
	buf_printf(&b, "\r\n\r\n--%s\r\n", boundary);
	pieces_add(out, buf_str(&b), b.len);
	compose_text_part(out, "plain", dsn->text, NULL);
	buf_reset(&b);
	buf_printf(&b, "\r\n--%s\r\n", boundary);
	put_status(&b, dsn);
	/* RFC 6522 4: the header block; encoded, because a foreign one may hold anything */
	buf_printf(&b, "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n", boundary);
	buf_puts(&b, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	compose_qp(&b, dsn->original_headers.p, dsn->original_headers.len);
	buf_printf(&b, "\r\n--%s--\r\n", boundary);
	pieces_add(out, buf_str(&b), b.len);
	buf_free(&b);
}
