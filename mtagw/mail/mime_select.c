/*
 * mime_select: which part holds what the writer wrote, and which ones are enclosures. Clients
 * differ much: inline PDF, HTML beside plain text, pictures without disposition. Rule: the main
 * text and its alternatives are the letter, everything else is an enclosure, so that nothing gets
 * lost.
 */
#include "mtagw/mail/mime.h"

#include <string.h>

static bool is(const struct mime_part *part, const char *type, const char *subtype)
{
	return strcmp(part->type, type) == 0 &&
	       (subtype == NULL || strcmp(part->subtype, subtype) == 0);
}

/* Text that can be a letter's text. */
static bool is_prose(const struct mime_part *part)
{
	return part->child_count == 0 && !part->attachment && part->filename == NULL &&
	       (is(part, "text", "plain") || is(part, "text", "html"));
}

static bool is_blank_text(const struct mime_part *part)
{
	struct buf text = {0};
	bool blank;

	(void)mime_text(part, &text, NULL);
	blank = range_trim(buf_range(&text)).len == 0;
	buf_free(&text);
	return blank;
}

static const struct mime_part *main_part(const struct mime_part *part);

/* multipart/alternative: plain text where it says something, else the richest text. */
static const struct mime_part *main_alternative(const struct mime_part *part)
{
	const struct mime_part *found = NULL;

	for (size_t i = 0; i < part->child_count; i++) {
		const struct mime_part *m = main_part(&part->children[i]);

		if (m == NULL)
			continue;
		if (is(m, "text", "plain") && !is_blank_text(m))
			return m;
		if (found == NULL || is(m, "text", "html"))
			found = m;
	}
	return found;
}

static const struct mime_part *main_part(const struct mime_part *part)
{
	if (part->child_count == 0)
		return is_prose(part) ? part : NULL;
	if (is(part, "message", NULL))
		return NULL;
	if (is(part, "multipart", "alternative"))
		return main_alternative(part);
	for (size_t i = 0; i < part->child_count; i++) {
		const struct mime_part *m = main_part(&part->children[i]);

		if (m != NULL)
			return m;
	}
	return NULL;
}

static const char *main_text(const struct mime_part *root,
    void (*from_html)(struct range html, struct buf *out), struct arena *arena)
{
	const struct mime_part *part = main_part(root);
	struct buf text = {0}, plain = {0};
	const char *result;

	if (part == NULL)
		return "";
	(void)mime_text(part, &text, NULL);
	if (is(part, "text", "html")) {
		from_html(buf_range(&text), &plain);
		result = arena_strndup(arena, buf_str(&plain), plain.len);
	} else {
		result = arena_strndup(arena, buf_str(&text), text.len);
	}
	buf_free(&text);
	buf_free(&plain);
	return result;
}

const struct mime_part *mime_main_part(const struct mime_part *root)
{
	return main_part(root);
}

const char *mime_main_text(const struct mime_part *root, struct arena *arena)
{
	return main_text(root, html_text, arena);
}

const char *mime_reply_text(const struct mime_part *root, struct arena *arena)
{
	return main_text(root, html_reply_text, arena);
}

struct enclosures {
	const struct mime_part *main;
	const struct mime_part **list; /* NULL while counting */
	size_t count;
};

static bool holds(const struct mime_part *part, const struct mime_part *inner)
{
	for (; inner != NULL; inner = inner->parent) {
		if (inner == part)
			return true;
	}
	return false;
}

/* in_main: the part is an alternative of the main text. */
static void collect(const struct mime_part *part, bool in_main, struct enclosures *e)
{
	if (part->child_count == 0 || is(part, "message", NULL)) {
		bool text = part == e->main || (in_main && is_prose(part));
		bool signature = part->parent != NULL && is(part->parent, "multipart", "signed") &&
		                 part != part->parent->children;

		/* a multipart without parts has nothing to enclose unless it has bytes */
		if (text || signature || part->body.len == 0)
			return;
		if (e->list != NULL)
			e->list[e->count] = part;
		e->count++;
		return;
	}
	in_main = in_main ||
	          (is(part, "multipart", "alternative") && e->main != NULL && holds(part, e->main));
	for (size_t i = 0; i < part->child_count; i++)
		collect(&part->children[i], in_main, e);
}

size_t mime_enclosures(
    const struct mime_part *root, struct arena *arena, const struct mime_part ***list_r)
{
	struct enclosures e = {.main = main_part(root)};

	collect(root, false, &e);
	*list_r =
	    e.count > 0 ? arena_alloc(arena, e.count * sizeof(const struct mime_part *)) : NULL;
	e.list = *list_r;
	e.count = 0;
	if (e.list != NULL)
		collect(root, false, &e);
	return e.count;
}
