/*
 * bounce_original: the message a report is about: as a part of its own (RFC 6522 section 3), as a
 * part that lost its type, or copied into the text behind a line that says so.
 */
#include "mtagw/mail/bounce_private.h"

#include <string.h>
#include <strings.h>

#include "mtagw/mail/header_split.h"

/* How such a line begins, dashes and blanks at its head not counted. */
static const char *const marks[] = {"below this line is a copy", "enclosed is a copy",
    "this is a copy of ", "original message follows", "original message headers",
    "message headers follow", "the header of the original message", "unsent message follows",
    "message header follows", "returned message", "original mail info", "original message",
    "original mail", "included is a copy of", "below is a copy of", "message text follows",
    "the text of the original message", "the original message follows", "pesan asli",
    "message header --", "------ this is a copy"};

static bool is_mark(struct range line)
{
	while (line.len > 0 && strchr("-*|= \t", line.p[0]) != NULL) {
		line.p++;
		line.len--;
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t n = strlen(marks[i]);

		if (line.len >= n && strncasecmp(line.p, marks[i], n) == 0)
			return true;
	}
	return false;
}

const char *bounce_cut(struct range text)
{
	struct range line;

	while (bounce_line(&text, &line)) {
		/* "original message was received at ..." is the first line of sendmail's reports */
		if (is_mark(line) && bounce_find(line, "was received", NULL) == NULL)
			return line.p;
	}
	return text.p;
}

/* Takes what the header of the original says; false when that is no header of a mail. */
static bool take(struct bounce_draft *draft, const struct header *h)
{
	struct arena *arena = draft->arena;
	struct bounce *b = draft->bounce;
	const char *from = header_text(h, "From", arena);
	const char *id = header_raw(h, "Message-ID", arena);
	const char *end = strchr(id, '>');
	size_t known = header_count(h, "From") + header_count(h, "Subject") +
	               header_count(h, "To") + header_count(h, "Date");

	if (known + header_count(h, "Message-ID") < 2)
		return false;
	if (id[0] != '\0')
		b->message_id = end != NULL ? arena_strndup(arena, id, (size_t)(end - id) + 1) : id;
	b->subject = header_text(h, "Subject", arena);
	b->from = from;
	return true;
}

/* A header block in a text, behind whatever is before it; with_id: only one with a Message-ID. The
 * one of another report is passed over: its own original follows. */
static bool take_text(struct bounce_draft *draft, struct range text, bool with_id)
{
	struct range line;
	const char *group = NULL;

	if (text.len > BOUNCE_PART_MAX_BYTES)
		text.len = BOUNCE_PART_MAX_BYTES;
	for (bool more = true; more;) {
		struct header h;

		more = bounce_line(&text, &line);
		if (more && range_trim(line).len > 0) {
			if (group == NULL)
				group = line.p;
			continue;
		}
		if (group != NULL) {
			const char *end = more ? line.p : text.p;

			header_split(
			    (struct range){group, (size_t)(end - group)}, draft->arena, &h);
			if ((!with_id || header_count(&h, "Message-ID") > 0) &&
			    strcasestr(header_raw(&h, "From", draft->arena), "mailer-daemon") ==
			        NULL &&
			    take(draft, &h))
				return true;
		}
		group = NULL;
	}
	return false;
}

static bool is_status(const struct mime_part *part)
{
	return strcmp(part->type, "message") == 0 &&
	       (strcmp(part->subtype, "delivery-status") == 0 ||
	           strcmp(part->subtype, "global-delivery-status") == 0);
}

static bool is_headers(const struct mime_part *part)
{
	return strcmp(part->subtype, "rfc822-headers") == 0 ||
	       (strcmp(part->type, "message") == 0 && !is_status(part));
}

/* Parts of text that may hold the original: the first text is the report itself, HTML its twin. */
static bool is_candidate(const struct mime_part *part, size_t *texts)
{
	if (is_headers(part) ||
	    is_status(part)) /* a status part swallows what follows a lost boundary */
		return true;
	return strcmp(part->type, "text") == 0 && strcmp(part->subtype, "html") != 0 &&
	       (*texts)++ > 0;
}

static bool take_part(struct bounce_draft *draft, const struct mime_part *part, size_t *texts)
{
	struct buf text = {0};
	bool done = false;

	if (part->parent != NULL && take(draft, &part->header)) /* a part that lost its type */
		return true;
	if (is_headers(part) && part->child_count > 0) {
		if (take(draft, &part->children[0].header))
			return true;
		part = &part->children[0]; /* an empty line too many before its header */
		*texts += 1;
	}
	for (size_t i = 0; i < part->child_count && !done; i++)
		done = take_part(draft, &part->children[i], texts);
	if (done || part->child_count > 0)
		return done;
	if (!is_candidate(part, texts))
		return false;
	(void)mime_text(part, &text, NULL);
	done = take_text(draft, range_of(arena_strndup(draft->arena, buf_str(&text), text.len)),
	    is_status(part));
	buf_free(&text);
	return done;
}

void bounce_original(struct bounce_draft *draft, const struct mime_part *root, struct range text)
{
	const char *cut = bounce_cut(text);
	struct range behind = {cut, (size_t)(text.p + text.len - cut)};
	struct range line;
	size_t texts = 0;

	if (take_part(draft, root, &texts))
		return;
	/* behind its mark; where there is none, the fields may stand anywhere in the text */
	if (behind.len > 0) {
		(void)bounce_line(&behind, &line);
		(void)take_text(draft, behind, false);
	} else {
		(void)take_text(draft, text, true);
	}
}
