/*
 * shape: puts a letter's forms together. The order is fixed (DESIGN 8): the part to be sealed is
 * finished first, 7-bit and with its protected header fields (RFC 9788: hp="clear", and the older
 * protected-headers="v1"); the seal is a digest over exactly these bytes (RFC 3156 section 5); then
 * the outer header, then DKIM over header and body; nothing touches it after that.
 */
#include "mtagw/office/shape.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/crypto/dkim.h"
#include "mtagw/mail/compose.h"

/* From, To, Cc, Subject, Date, Message-ID, Reply-To: the same in the outer header and under the
 * seal. */
static void put_fields(const struct shape *shape, struct arena *arena, struct buf *out)
{
	const struct letter *l = shape->letter;
	struct mailbox *list = arena_alloc(arena, (l->recipient_count + 1) * sizeof(*list));
	struct mailbox from = {.name = l->position_title};
	struct err ignored; /* addresses of letters were parsed when they came in */
	char date[40];
	size_t n;

	if (address_parse(range_of(shape->outside ? l->registry_address : l->login), arena,
	        &from.address, &ignored) == 1)
		header_put_mailboxes(out, "From", &from, 1);
	for (int copy = 0; copy < 2; copy++) {
		n = 0;
		for (size_t i = 0; i < l->recipient_count; i++) {
			const struct letter_recipient *r = &l->recipients[i];

			if (r->copy != (copy == 1))
				continue;
			if (address_parse(
			        range_of(r->address), arena, &list[n].address, &ignored) != 1)
				continue;
			list[n++].name = strcmp(r->name, r->address) == 0 ? "" : r->name;
		}
		if (n > 0)
			header_put_mailboxes(out, copy ? "Cc" : "To", list, n);
	}
	header_put_text(out, "Subject", l->subject);
	clock_rfc5322(shape->date_ms, date);
	header_put_raw(out, "Date", date);
	header_put_raw(out, "Message-ID", l->message_id);
	if (l->reply_to != NULL)
		header_put_raw(out, "Reply-To", l->reply_to);
}

static void put_alternatives(const struct shape *shape, struct arena *arena, struct pieces *out)
{
	const char *boundary =
	    compose_boundary(arena, arena_printf(arena, "%lld-alt", (long long)shape->letter->id));

	pieces_printf(
	    out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
	pieces_printf(out, "--%s\r\n", boundary);
	compose_text_part(out, "plain", shape->text, NULL);
	pieces_printf(out, "\r\n--%s\r\n", boundary);
	compose_text_part(out, "html", shape->html, NULL);
	pieces_printf(out, "\r\n--%s--\r\n", boundary);
}

static const char *pdf_name(const struct letter *letter, struct arena *arena)
{
	char *name = arena_printf(arena, "Surat-%s.pdf", letter->number);

	for (char *p = name; *p; p++)
		if (*p == '/' || *p == ' ' || *p == '\\' || *p == ':')
			*p = '-';
	return name;
}

/* The part under the seal: protected fields, multipart/mixed of text, PDF, enclosures; ends with
 * CRLF. */
static void put_content(
    const struct shape *shape, const struct buf *fields, struct arena *arena, struct pieces *out)
{
	const char *boundary =
	    compose_boundary(arena, arena_printf(arena, "%lld-%s", (long long)shape->letter->id,
	                                shape->outside ? "out" : "in"));

	pieces_add(out, buf_str(fields), fields->len);
	pieces_printf(out,
	    "Content-Type: multipart/mixed; boundary=\"%s\";\r\n hp=\"clear\"; "
	    "protected-headers=\"v1\"\r\n\r\n--%s\r\n",
	    boundary, boundary);
	if (shape->html != NULL)
		put_alternatives(shape, arena, out);
	else
		compose_text_part(out, "plain", shape->text, NULL);
	if (shape->pdf.len > 0) {
		pieces_printf(out, "\r\n--%s\r\n", boundary);
		compose_file_part(
		    out, "application/pdf", pdf_name(shape->letter, arena), shape->pdf);
	}
	for (size_t i = 0; i < shape->enclosure_count; i++) {
		pieces_printf(out, "\r\n--%s\r\n", boundary);
		compose_enclosure(out, shape->enclosures[i], shape->letter->enclosures[i].filename,
		    shape->source, shape->source_body);
	}
	pieces_printf(out, "\r\n--%s--\r\n", boundary);
}

static int seal_content(const struct shape *shape, const struct pieces *content,
    struct signer *signer, struct arena *arena, struct buf *armor, char fingerprint_r[41],
    struct err *error_r)
{
	struct range *parts = arena_alloc(arena, (content->count + 1) * sizeof(*parts));
	struct seal_plan plan;
	int rc;

	for (size_t i = 0; i < content->count; i++)
		parts[i] = content->list[i].bytes;
	rc = signer_seal(signer, shape->letter->registry_address, shape->date_ms / 1000, parts,
	    content->count, armor, &plan, error_r);
	if (rc == 1)
		memcpy(fingerprint_r, plan.fingerprint, sizeof(plan.fingerprint));
	return rc;
}

static void put_signed(const struct pieces *content, const struct buf *armor, const char *boundary,
    struct pieces *body)
{
	pieces_puts(body, "This is an OpenPGP/MIME signed message (RFC 4880 and 3156)\r\n");
	pieces_printf(body, "--%s\r\n", boundary);
	pieces_add_all(body, content);
	pieces_printf(body, "\r\n--%s\r\n", boundary);
	pieces_puts(body, "Content-Type: application/pgp-signature; name=\"signature.asc\"\r\n"
	                  "Content-Description: OpenPGP digital signature\r\n"
	                  "Content-Disposition: attachment; filename=\"signature.asc\"\r\n\r\n");
	pieces_add(body, buf_str(armor), armor->len);
	pieces_printf(body, "\r\n--%s--\r\n", boundary);
}

/* DKIM-Signature fields over the finished header and body (without the empty line between them). */
static int put_dkim(const char *from_address, struct range header, const struct pieces *body,
    struct signer *signer, int64_t at_ms, struct pieces *out, struct err *error_r)
{
	struct dkim_body *hash = dkim_body_new();
	uint8_t digest[SHA256_BYTES];
	struct buf fields = {0};
	int rc;

	for (size_t i = 0; i < body->count; i++)
		dkim_body_add(hash, body->list[i].bytes.p, body->list[i].bytes.len);
	dkim_body_end(&hash, digest);
	rc = signer_dkim(signer, from_address, header, digest, at_ms / 1000, &fields, error_r);
	if (rc == 1)
		pieces_add(out, buf_str(&fields), fields.len);
	buf_free(&fields);
	return rc;
}

int shape_letter(const struct shape *shape, struct signer *signer, struct arena *arena,
    struct pieces *out, char fingerprint_r[41], struct err *error_r)
{
	struct pieces *content = pieces_new(arena), *body = pieces_new(arena);
	const char *boundary = compose_boundary(arena,
	    arena_printf(arena, "%lld-signed-%d", (long long)shape->letter->id, shape->outside));
	struct buf fields = {0}, header = {0}, armor = {0};
	int rc = 1;

	fingerprint_r[0] = '\0';
	put_fields(shape, arena, &fields);
	put_content(shape, &fields, arena, content);
	buf_append(&header, buf_str(&fields), fields.len);
	buf_puts(&header, "MIME-Version: 1.0\r\n");
	if (shape->seal) {
		rc = seal_content(shape, content, signer, arena, &armor, fingerprint_r, error_r);
		buf_printf(&header,
		    "Content-Type: multipart/signed; micalg=\"pgp-sha256\";\r\n "
		    "protocol=\"application/pgp-signature\";\r\n"
		    " boundary=\"%s\"\r\n",
		    boundary);
		if (rc == 1)
			put_signed(content, &armor, boundary, body);
	} else {
		buf_printf(&header, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n", boundary);
		pieces_printf(body, "--%s\r\n", boundary);
		pieces_add_all(body, content);
		pieces_printf(body, "\r\n--%s--\r\n", boundary);
	}
	if (rc == 1 && shape->dkim)
		rc = put_dkim(
		    shape->outside ? shape->letter->registry_address : shape->letter->login,
		    buf_range(&header), body, signer, shape->date_ms, out, error_r);
	if (rc == 1) {
		pieces_add(out, buf_str(&header), header.len);
		pieces_puts(out, "\r\n");
		pieces_add_all(out, body);
	}
	buf_free(&fields);
	buf_free(&header);
	buf_free(&armor);
	return rc;
}

int shape_plain(struct range source, int64_t source_body, const char *from_address,
    struct signer *signer, int64_t date_ms, struct pieces *out, struct err *error_r)
{
	const char *end = memmem(source.p, source.len, "\r\n\r\n", 4);
	size_t header_len = end ? (size_t)(end - source.p) + 2 : source.len;
	size_t body_at = end ? header_len + 2 : source.len;
	struct pieces *body = pieces_new(out->arena);
	int rc;

	pieces_add_stored(
	    body, (struct range){source.p + body_at, source.len - body_at}, source_body, body_at);
	rc = put_dkim(from_address, (struct range){source.p, header_len}, body, signer, date_ms,
	    out, error_r);
	if (rc == 1)
		pieces_add_stored(out, source, source_body, 0);
	return rc;
}

bool shape_eight_bit(const struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++) {
		const char *p = pieces->list[i].bytes.p;

		for (size_t k = 0; k < pieces->list[i].bytes.len; k++)
			if ((unsigned char)p[k] > 127)
				return true;
	}
	return false;
}
