/*
 * intake: what happens to a header block before it is stored: checks (RFC 5322 3.6), repairs of a
 * submission (RFC 6409 8), our Received on top (RFC 5321 4.4), and taking out of fields by which an
 * outsider could speak in our name (RFC 8601 5). The other fields stay byte for byte as they came.
 */
#include "mtagw/mail/intake.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/mail/guard.h"

/* RFC 5322 2.1.1: a longer identifier fits in no line; such a one is treated as none. */
#define MESSAGE_ID_MAX_BYTES 900

/* RFC 3463: 5.6.0 "other or undefined media error" is the general one for content. */
static const char content_error[] = "5.6.0";

static int refuse(const char **enhanced_r, const char *code)
{
	*enhanced_r = code;
	return -1;
}

/* `<...>` without blanks, controls or brackets inside; "" else. In the arena. */
static const char *sound_message_id(const struct header *header, struct arena *arena)
{
	const char *raw = header_raw(header, "Message-ID", arena);
	size_t len = strlen(raw);

	if (len < 3 || len > MESSAGE_ID_MAX_BYTES || raw[0] != '<' || raw[len - 1] != '>')
		return "";
	for (size_t i = 1; i + 1 < len; i++) {
		if (raw[i] <= 32 || raw[i] > 126 || raw[i] == '<' || raw[i] == '>')
			return "";
	}
	return raw;
}

/* The first of the list that is not the login; NULL: none. */
static const struct mailbox *find_other(
    const struct address *login, const struct mailbox *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!address_equal(login, &list[i].address))
			return &list[i];
	}
	return NULL;
}

/* RFC 6409 6.1 and 8.1: From belongs to who logged in, every mailbox of it: readers are shown the
 * first. A Sender (RFC 5322 3.6.2) gives no right to name others. */
static int check_submitter(const struct intake *in, const struct header *header,
    const struct mailbox *from, size_t count, struct arena *arena, const char **enhanced_r,
    struct err *error_r)
{
	const struct header_field *sender = header_get(header, "Sender", 0);
	const struct mailbox *other;
	struct mailbox *list = NULL;
	struct address login;
	size_t senders = 0;

	if (address_parse(range_of(in->login), arena, &login, error_r) < 0) {
		(void)err_prefix(error_r, "login %s", log_safe(in->login));
		return refuse(enhanced_r, "5.7.1");
	}
	other = find_other(&login, from, count);
	if (other != NULL) {
		(void)err_set(error_r, "From %s is not the address of login %s%s",
		    log_safe(address_format(&other->address, arena)), log_safe(in->login),
		    count > 1 ? ": nobody else may stand in From" : "");
		return refuse(enhanced_r, "5.7.1");
	}
	if (sender == NULL)
		return 1;
	if (header_count(header, "Sender") > 1 ||
	    address_list(sender->value, arena, &list, &senders, error_r) != 1 || senders != 1) {
		(void)err_set(error_r, "malformed Sender field");
		return refuse(enhanced_r, content_error);
	}
	if (!address_equal(&login, &list[0].address)) {
		(void)err_set(error_r, "Sender %s is not the address of login %s",
		    log_safe(address_format(&list[0].address, arena)), log_safe(in->login));
		return refuse(enhanced_r, "5.7.1");
	}
	return 1;
}

static int check_from(const struct intake *in, const struct header *header, struct arena *arena,
    struct intake_result *result_r, const char **enhanced_r, struct err *error_r)
{
	const struct header_field *field = header_get(header, "From", 0);
	struct mailbox *list = NULL;
	size_t count = 0;
	int found;

	result_r->from = "";
	if (header_count(header, "From") > 1) {
		(void)err_set(error_r, "two From fields"); /* each reader would show another one */
		return refuse(enhanced_r, content_error);
	}
	found = field ? address_list(field->value, arena, &list, &count, error_r) : 0;
	if (found == 1)
		result_r->from = address_format(&list[0].address, arena);
	if (!in->submission)
		return 1;
	if (found < 0) {
		(void)err_prefix(error_r, "From field");
		return refuse(enhanced_r, content_error);
	}
	if (found == 0) {
		(void)err_set(error_r, "no From field, or no address in it");
		return refuse(enhanced_r, content_error);
	}
	return check_submitter(in, header, list, count, arena, enhanced_r, error_r);
}

/* A value for a Received clause: nothing that could end the clause or the field. */
static const char *clause(const char *text, struct arena *arena)
{
	char *copy = arena_strdup(arena, text && text[0] ? text : "unknown");

	for (char *p = copy; *p; p++) {
		if (*p < 32 || *p > 126 || strchr("()<>\\\";", *p) != NULL)
			*p = '?';
		else if (*p == ' ')
			*p = '_';
	}
	return copy;
}

static void put_received(const struct intake *in, struct arena *arena, struct buf *out)
{
	bool ipv6 = in->peer_ip && strchr(in->peer_ip, ':') != NULL;
	char date[40];

	clock_rfc5322(in->at_ms, date);
	buf_printf(out, "Received: from %s ([%s%s])\r\n", clause(in->helo, arena),
	    ipv6 ? "IPv6:" : "", clause(in->peer_ip, arena));
	if (in->tls && in->tls[0])
		buf_printf(out, "\t(using %s)\r\n", clause(in->tls, arena));
	buf_printf(out, "\tby %s (mtagw) with %s id %s", clause(in->hostname, arena),
	    clause(in->protocol, arena), clause(in->queue_id, arena));
	/* RFC 5321 7.2: for only where it betrays no other recipient */
	if (in->for_rcpt && in->for_rcpt[0])
		buf_printf(out, "\r\n\tfor <%s>", clause(in->for_rcpt, arena));
	buf_printf(out, ";\r\n\t%s\r\n", date);
}

/* authserv-id of an Authentication-Results field is ours (RFC 8601 5). */
static bool claims_our_name(const struct intake *in, struct range value)
{
	size_t n = 0;

	/* comments may stand before the id: a field that begins with one is not worth the risk */
	value = range_trim(value);
	if (value.len == 0 || value.p[0] == '(' || value.p[0] == '"')
		return true;
	while (n < value.len && strchr("; \t\r\n(/", value.p[n]) == NULL)
		n++;
	value.len = n;
	if (n > 0 && value.p[n - 1] == '.')
		value.len--;
	return range_equal_case(value, in->hostname) || range_equal_case(value, in->domain);
}

static bool is_dropped(const struct intake *in, const struct header_field *f)
{
	if (f->name.len >= 6 && strncasecmp(f->name.p, "Mtagw-", 6) == 0)
		return true;
	if (range_equal_case(f->name, "Authentication-Results"))
		return claims_our_name(in, f->value);
	/* RFC 5321 4.4: Return-Path is written at final delivery only */
	if (range_equal_case(f->name, "Return-Path"))
		return true;
	/* RFC 5322 3.6.3: the recipients of Bcc are in the envelope alone */
	return in->submission &&
	       (range_equal_case(f->name, "Bcc") || range_equal_case(f->name, "Resent-Bcc"));
}

static void put_fields(
    const struct intake *in, const struct header *header, bool drop_id, struct buf *out)
{
	for (size_t i = 0; i < header->count; i++) {
		const struct header_field *f = &header->fields[i];

		if (is_dropped(in, f) || (drop_id && range_equal_case(f->name, "Message-ID")))
			continue;
		buf_append(out, f->whole.p, f->whole.len);
		if (f->whole.p[f->whole.len - 1] !=
		    '\n') /* a message that ends inside its header */
			buf_puts(out, "\r\n");
	}
}

/* RFC 6409 8.2, 8.3: Date and Message-ID where the client left them out or wrote no identifier. */
static void put_repairs(const struct intake *in, const struct header *header, struct arena *arena,
    struct intake_result *result_r, struct buf *out)
{
	char date[40];

	if (header_count(header, "Date") == 0) {
		clock_rfc5322(in->at_ms, date);
		buf_printf(out, "Date: %s\r\n", date);
	}
	if (result_r->message_id[0] == '\0') {
		result_r->message_id =
		    arena_printf(arena, "<%s@%s>", clause(in->queue_id, arena), in->domain);
		buf_printf(out, "Message-ID: %s\r\n", result_r->message_id);
	}
}

int intake_headers(const struct intake *in, struct range block, struct arena *arena,
    struct buf *out, struct intake_result *result_r, const char **enhanced_r, struct err *error_r)
{
	struct header header;
	struct range body;

	*result_r = (struct intake_result){.message_id = "", .from = "", .subject = ""};
	*enhanced_r = content_error;
	if (block.len > 0 && memchr(block.p, '\0', block.len) != NULL)
		return err_set(error_r, "NUL byte in the header");
	if (header_parse(block, arena, &header, &body, error_r) < 0)
		return -1;
	result_r->received_count = header_count(&header, "Received");
	if (result_r->received_count > GUARD_RECEIVED_MAX) {
		(void)err_set(error_r, "mail loop: %zu Received fields, at most %d",
		    result_r->received_count, GUARD_RECEIVED_MAX);
		return refuse(enhanced_r, "5.4.6");
	}
	if (check_from(in, &header, arena, result_r, enhanced_r, error_r) < 0)
		return -1;
	result_r->message_id = sound_message_id(&header, arena);
	result_r->subject = header_text(&header, "Subject", arena);
	put_received(in, arena, out);
	put_fields(in, &header, in->submission && result_r->message_id[0] == '\0', out);
	if (in->submission)
		put_repairs(in, &header, arena, result_r, out);
	*enhanced_r = "";
	return 1;
}
