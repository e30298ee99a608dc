/*
 * bounce: is this mail a report about one of ours, and what does it say. A multipart/report (RFC
 * 6522) with a delivery-status part is one by its form; anything else must come from a mail system
 * (null sender, mailer-daemon, postmaster) and say so in words that a server is known to use, so
 * that a person's mail that quotes or forwards a report stays a person's. Fields are read in
 * bounce_fields.c, free forms in bounce_forms.c, the original in bounce_original.c.
 */
#include "mtagw/mail/bounce_private.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define STATUS_PARTS_MAX 10 /* RFC 6522 knows one; gateways wrap reports in reports */

static bool same_address(const char *a, const char *b)
{
	struct arena *arena = arena_new();
	struct address one, two;
	bool same = strcasecmp(a, b) == 0;

	if (!same && address_parse(range_of(a), arena, &one, NULL) == 1 &&
	    address_parse(range_of(b), arena, &two, NULL) == 1)
		same = address_equal(&one, &two);
	arena_free(&arena);
	return same;
}

void bounce_add(struct bounce_draft *draft, const struct bounce_recipient *recipient)
{
	for (size_t i = 0; i < draft->count; i++) {
		if (strcasecmp(draft->list[i].address, recipient->address) == 0)
			return;
	}
	if (draft->count == BOUNCE_RECIPIENTS_MAX)
		return;
	if (draft->count == draft->size) {
		size_t size = draft->size ? draft->size * 4 : 4;
		struct bounce_recipient *list = arena_alloc(draft->arena, size * sizeof(*list));

		if (draft->count > 0)
			memcpy(list, draft->list, draft->count * sizeof(*list));
		draft->list = list;
		draft->size = size;
	}
	draft->list[draft->count++] = *recipient;
}

static bool is(const struct mime_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type, type) == 0 && strcmp(part->subtype, subtype) == 0;
}

/* A delivery-status part of the report itself, not of a message inside it; n counts them. */
static const struct mime_part *status_part(const struct mime_part *part, size_t *n)
{
	const struct mime_part *found = NULL;

	if (part->child_count == 0 && (is(part, "message", "delivery-status") ||
	                                  is(part, "message", "global-delivery-status")))
		return (*n)-- == 0 ? part : NULL;
	for (size_t i = 0; i < part->child_count && found == NULL; i++) {
		if (strcmp(part->type, "multipart") == 0)
			found = status_part(&part->children[i], n);
	}
	return found;
}

/* The text for people; of a multipart that lost its parts all of it. NULL: none. */
static const struct mime_part *notice_part(const struct mime_part *part)
{
	const struct mime_part *found = NULL;

	if (part->child_count == 0)
		return strcmp(part->type, "text") == 0 || strcmp(part->type, "multipart") == 0
		           ? part
		           : NULL;
	for (size_t i = 0; i < part->child_count && found == NULL; i++) {
		if (strcmp(part->type, "multipart") == 0)
			found = notice_part(&part->children[i]);
	}
	return found;
}

static struct range part_text(const struct mime_part *part, struct arena *arena)
{
	struct buf text = {0}, plain = {0};
	struct range result;

	if (part == NULL)
		return (struct range){"", 0};
	(void)mime_text(part, &text, NULL);
	if (is(part, "text", "html"))
		html_text(buf_range(&text), &plain);
	else
		buf_append(&plain, text.data, text.len);
	if (plain.len > BOUNCE_PART_MAX_BYTES)
		plain.len = BOUNCE_PART_MAX_BYTES;
	result = (struct range){arena_strndup(arena, buf_str(&plain), plain.len), plain.len};
	buf_free(&text);
	buf_free(&plain);
	return result;
}

/* What stands before the `@` in the field: of its first address in brackets, else of its first
 * word; whole where there is no `@`. */
static struct range local_of(const char *value)
{
	const char *open = strchr(value, '<');
	struct range r = range_of(open && open[1] ? open + 1 : value);
	size_t n = 0;

	r = range_trim(r);
	while (n < r.len && strchr("@> \t", r.p[n]) == NULL)
		n++;
	r.len = n;
	return r;
}

/* Names that only mail systems write under. */
static bool is_daemon(struct range local)
{
	static const char *const names[] = {"mailer-daemon", "maildaemon", "mail-daemon",
	    "mailerdaemon", "mail.delivery.system", "mail-delivery-system"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (range_equal_case(local, names[i]))
			return true;
	}
	return false;
}

/* A person who answers or forwards a report keeps or prefixes its subject. */
static bool is_answer(const char *subject)
{
	static const char *const prefixes[] = {
	    "re:", "fw:", "fwd:", "bls:", "trs:", "balasan:", "terusan:"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncasecmp(subject, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

/* Who wrote it, as far as the sender and From tell. A postmaster may be a person. */
enum writer { PERSON, POSTMASTER, DAEMON };

static enum writer written_by(const struct mime_part *root, const char *sender, struct arena *arena)
{
	struct range from = local_of(header_raw(&root->header, "From", arena));

	if (sender[0] == '\0' || is_daemon(local_of(sender)))
		return DAEMON;
	if (is_answer(header_text(&root->header, "Subject", arena)))
		return PERSON;
	if (from.len == 0 || is_daemon(from))
		return DAEMON;
	return range_equal_case(from, "postmaster") ? POSTMASTER : PERSON;
}

static bool is_report(const struct mime_part *root, struct arena *arena)
{
	const char *type = header_raw(&root->header, "Content-Type", arena);

	return is(root, "multipart", "report") && strcasestr(type, "feedback-report") == NULL &&
	       strcasestr(type, "disposition-notification") == NULL;
}

/* `X-Failed-Recipients: a@b, c@d` of exim, Gmail and others, in whatever language the text is. */
static void failed_recipients(struct bounce_draft *draft, const struct header *header)
{
	for (size_t i = 0; i < header_count(header, "X-Failed-Recipients"); i++) {
		struct range value = header_get(header, "X-Failed-Recipients", i)->value;
		size_t from = 0;

		for (size_t k = 0; k <= value.len; k++) {
			struct bounce_recipient r = {.final = "",
			    .action = "failed",
			    .status = "",
			    .diagnostic = "",
			    .remote = ""};

			if (k < value.len && value.p[k] != ',')
				continue;
			r.address =
			    bounce_address((struct range){value.p + from, k - from}, draft->arena);
			if (r.address != NULL)
				bounce_add(draft, &r);
			from = k + 1;
		}
	}
}

static const char *domain_of(const char *from, struct arena *arena)
{
	const char *at = strrchr(from, '@');
	size_t n = 0;

	if (at == NULL)
		return "";
	while (isalnum((unsigned char)at[1 + n]) || (at[1 + n] != '\0' && strchr("-.", at[1 + n])))
		n++;
	return arena_strndup(arena, at + 1, n);
}

/* What the parts and the text say; false when they are no report. */
static bool read_report(
    struct bounce_draft *draft, const struct mime_part *root, const char *sender, struct range text)
{
	struct arena *arena = draft->arena;
	struct range own = {text.p, (size_t)(bounce_cut(text) - text.p)};
	enum writer writer = written_by(root, sender, arena);
	bool report = is_report(root, arena), found;
	const struct mime_part *part;
	size_t n = 0;

	for (size_t i = 0; i < STATUS_PARTS_MAX; i++) {
		n = i;
		part = report || writer != PERSON ? status_part(root, &n) : NULL;
		if (part == NULL)
			break;
		draft->bounce->standard = true;
		draft->bounce->form = "rfc3464";
		bounce_fields(draft, part_text(part, arena), false);
	}
	if (draft->count > 0)
		return true;
	found = draft->bounce->standard;
	if (writer == PERSON && !report)
		return false;
	if (writer == DAEMON || report)
		bounce_fields(draft, own, true);
	if (draft->count > 0) {
		draft->bounce->form = draft->bounce->form[0] ? draft->bounce->form : "free";
		return true;
	}
	if (bounce_forms(draft, header_raw(&root->header, "X-Mailer", arena),
	        header_text(&root->header, "Subject", arena), text, sender[0] == '\0'))
		found = true;
	if (draft->count == 0 && header_count(&root->header, "X-Failed-Recipients") > 0) {
		failed_recipients(draft, &root->header);
		if (draft->bounce->form[0] == '\0')
			draft->bounce->form = "free";
		found = true;
	}
	return found;
}

int bounce_read(
    const struct mime_part *root, const char *sender, struct arena *arena, struct bounce *bounce_r)
{
	struct bounce_draft draft = {.arena = arena, .bounce = bounce_r};
	struct range text;
	const char *about;

	*bounce_r = (struct bounce){.envelope_id = "",
	    .message_id = "",
	    .subject = "",
	    .from = "",
	    .reporter = "",
	    .form = ""};
	text = part_text(notice_part(root), arena);
	if (!read_report(&draft, root, sender, text))
		return 0;
	bounce_r->recipients = draft.list;
	bounce_r->recipient_count = draft.count;
	bounce_original(&draft, root, text);
	/* RFC 3834 3.1.5: servers that show no original still name it so */
	about = header_raw(&root->header, "In-Reply-To", arena);
	if (bounce_r->message_id[0] == '\0' && about[0] == '<' && strchr(about + 1, '<') == NULL)
		bounce_r->message_id = about;
	if (bounce_r->reporter[0] == '\0')
		bounce_r->reporter = domain_of(header_raw(&root->header, "From", arena), arena);
	return 1;
}

const struct bounce_recipient *bounce_recipient(const struct bounce *bounce, const char *address)
{
	for (size_t i = 0; i < bounce->recipient_count; i++) {
		const struct bounce_recipient *r = &bounce->recipients[i];

		if (same_address(r->address, address) ||
		    (r->final[0] && same_address(r->final, address)))
			return r;
	}
	return NULL;
}

/* A message id without its brackets and blanks. */
static struct range bare_id(const char *id)
{
	struct range r = range_trim(range_of(id));

	if (r.len >= 2 && r.p[0] == '<' && r.p[r.len - 1] == '>')
		r = (struct range){r.p + 1, r.len - 2};
	return r;
}

enum bounce_match bounce_matches(
    const struct bounce *bounce, const char *message_id, const char *recipient)
{
	struct range about = bare_id(bounce->message_id);
	bool named = bounce_recipient(bounce, recipient) != NULL;

	if (about.len > 0 && !range_equal(about, bare_id(message_id)))
		return BOUNCE_OTHER;
	if (about.len > 0 && named)
		return BOUNCE_SURE;
	if (named || (about.len > 0 && bounce->recipient_count == 0))
		return BOUNCE_LIKELY;
	return BOUNCE_OTHER;
}
