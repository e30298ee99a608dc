/*
 * automatic_parts: programs' mail known by its parts: read receipts (RFC 8098), feedback reports
 * (RFC 5965), answers to invitations (RFC 6047), reactions (RFC 9078 and the forms of Gmail and
 * Outlook). Only the mail's own parts count, never those of a message it encloses, nor attachments.
 */
#include "mtagw/mail/automatic_private.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/buf.h"
#include "mtagw/mail/param.h"

static bool is(const struct mime_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type, type) == 0 && strcmp(part->subtype, subtype) == 0;
}

/* RFC 6522: a report of that type, or one that holds such a part. */
static bool is_report(const struct mime_part *root, const char *type, struct arena *arena)
{
	const struct header_field *f = header_get(&root->header, "Content-Type", 0);
	const char *told;

	if (f == NULL || !is(root, "multipart", "report"))
		return false;
	told = param_raw(param_parse(f->value, arena), "report-type", arena);
	if (told != NULL && strcasecmp(told, type) == 0)
		return true;
	for (size_t i = 0; i < root->child_count; i++) {
		if (is(&root->children[i], "message", type))
			return true;
	}
	return false;
}

/* The first part of the mail itself, not attached, of which test is true. */
static const struct mime_part *find(const struct mime_part *part,
    bool (*test)(const struct mime_part *part, struct arena *arena), struct arena *arena)
{
	const struct mime_part *found = NULL;

	if (part->attachment)
		return NULL;
	if (part->child_count == 0)
		return test(part, arena) ? part : NULL;
	if (strcmp(part->type, "multipart") != 0)
		return NULL;
	for (size_t i = 0; i < part->child_count && found == NULL; i++)
		found = find(&part->children[i], test, arena);
	return found;
}

static bool is_answer_method(const char *method)
{
	return strcasecmp(method, "reply") == 0 || strcasecmp(method, "counter") == 0;
}

/* The method stands in the type (RFC 6047 2.4), else in the calendar itself. */
static bool is_calendar_answer(const struct mime_part *part, struct arena *arena)
{
	const struct header_field *f = header_get(&part->header, "Content-Type", 0);
	struct buf text = {0};
	const char *method, *line;
	bool answer;

	if (!is(part, "text", "calendar") || f == NULL)
		return false;
	method = param_raw(param_parse(f->value, arena), "method", arena);
	if (method != NULL)
		return is_answer_method(method);
	(void)mime_text(part, &text, NULL);
	line = strcasestr(buf_str(&text), "\nMETHOD:");
	answer = line != NULL && (strncasecmp(line + 8, "REPLY\n", 6) == 0 ||
	                             strncasecmp(line + 8, "COUNTER\n", 8) == 0);
	buf_free(&text);
	return answer;
}

static bool is_gmail_reaction(const struct mime_part *part, struct arena *arena)
{
	(void)arena;
	return is(part, "text", "vnd.google.email-reaction+json");
}

static bool is_reaction(const struct mime_part *part, struct arena *arena)
{
	const struct header_field *f = header_get(&part->header, "Content-Disposition", 0);

	return f != NULL && strcmp(param_parse(f->value, arena)->first, "reaction") == 0;
}

static bool is_blank(const char *text)
{
	return range_trim(range_of(text)).len == 0;
}

/* True where the mail says something beside that part, which is no other form of the same. */
static bool has_other_text(const struct mime_part *part, const struct mime_part *but)
{
	struct buf text = {0};
	bool says;

	if (part == but || part->attachment || strcmp(part->type, "message") == 0)
		return false;
	for (size_t i = 0; i < part->child_count; i++) {
		if (has_other_text(&part->children[i], but))
			return true;
	}
	if (part->child_count > 0 || strcmp(part->type, "text") != 0)
		return false;
	(void)mime_text(part, &text, NULL);
	says = !is_blank(buf_str(&text));
	buf_free(&text);
	return says;
}

/* The part is the mail, or one form of it, or all it says. */
static bool is_the_mail(const struct mime_part *root, const struct mime_part *part)
{
	return part->parent == NULL || is(part->parent, "multipart", "alternative") ||
	       !has_other_text(root, part);
}

static bool has_field_like(const struct header *header, const char *prefix)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < header->count; i++) {
		struct range name = header->fields[i].name;

		if (name.len >= n && strncasecmp(name.p, prefix, n) == 0)
			return true;
	}
	return false;
}

/* Outlook tells those outside of Exchange in words; no field is its own (seen in 2024). */
static bool is_outlook_reaction(const struct mime_part *root, const char *text)
{
	static const char *const endings[] = {
	    " reacted to your message:", " bereaksi terhadap pesan anda:"};
	struct range line = range_trim(range_of(text));
	const char *lf = line.len > 0 ? memchr(line.p, '\n', line.len) : NULL;

	if (!has_field_like(&root->header, "X-MS-") ||
	    header_count(&root->header, "In-Reply-To") == 0)
		return false;
	if (lf != NULL)
		line = range_trim((struct range){line.p, (size_t)(lf - line.p)});
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (line.len > n && line.len < n + 100 &&
		    strncasecmp(line.p + line.len - n, endings[i], n) == 0)
			return true;
	}
	return false;
}

enum automatic automatic_by_parts(
    const struct mime_part *root, const char *text, struct arena *arena, const char **why_r)
{
	const struct mime_part *part;

	if (is_report(root, "disposition-notification", arena)) {
		*why_r = "disposition notification";
		return AUTOMATIC_RECEIPT;
	}
	if (is_report(root, "feedback-report", arena)) {
		*why_r = "feedback report";
		return AUTOMATIC_OTHER;
	}
	part = find(root, is_calendar_answer, arena);
	if (part != NULL && is_the_mail(root, part)) {
		*why_r = "answer to an invitation";
		return AUTOMATIC_CALENDAR;
	}
	part = find(root, is_reaction, arena);
	if (part != NULL && is_the_mail(root, part)) {
		*why_r = "Content-Disposition: reaction";
		return AUTOMATIC_REACTION;
	}
	if (find(root, is_gmail_reaction, arena) != NULL) {
		*why_r = "Gmail's reaction part";
		return AUTOMATIC_REACTION;
	}
	if (is_outlook_reaction(root, text)) {
		*why_r = "Outlook's sentence of a reaction";
		return AUTOMATIC_REACTION;
	}
	return AUTOMATIC_NO;
}
