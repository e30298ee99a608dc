/*
 * body_xml: the text that an official typed becomes the body of letter.xml (DESIGN 2). It knows
 * what people do in mail: paragraphs by empty lines, numbered points and dashes, `Hari : Kamis`
 * rows, lines wrapped by the client at about 72 columns. It does not read markup and drops no word.
 * A list item always holds its text in a <p>, so that readers need element navigation only.
 * Invariant: text -> body -> text -> body gives the same body twice, for consent is given on its
 * hash.
 */
#include "mtagw/office/body_xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/office/body_private.h"
#include "mtagw/office/letter_xml.h"

/* Points within points: official letters number 1. a. 1) a); HTML knows no such order, and dashes
 * stand within dashes. */
#define BODY_LIST_DEPTH_MAX 8
/* A point that stands so many columns to the right of one of its kind is a point of that point. */
#define BODY_NESTED_COLUMNS 2

struct list {
	enum marker kind;
	unsigned indent; /* of its first point */
	unsigned next;   /* number of the point that would go on with it */
};

struct writer {
	struct buf *out;
	size_t wrap; /* column at which the client wrapped; 0: it did not */
	struct list lists[BODY_LIST_DEPTH_MAX];
	size_t depth;
	bool paragraph, table; /* open <p>, <table> */
	bool lone_marker;      /* the paragraph is a `-` or `1.` so far */
	size_t last_len;       /* of the line before, in characters */
	unsigned resume; /* number that would go on with the last outermost list of `1.`; 0: none */
};

/* The client broke here, since the next word had no room on the line before. */
static bool wrapped(const struct writer *w, struct range next)
{
	const char *blank = memchr(next.p, ' ', next.len);
	struct range word = {next.p, blank ? (size_t)(blank - next.p) : next.len};

	return w->wrap != 0 && w->last_len + 1 + body_characters(word) > w->wrap;
}

static void close_paragraph(struct writer *w)
{
	if (w->paragraph)
		buf_puts(w->out, "</p>");
	w->paragraph = false;
}

static void close_table(struct writer *w)
{
	if (w->table)
		buf_puts(w->out, "</td></tr></table>");
	w->table = false;
}

static void close_lists(struct writer *w, size_t depth)
{
	close_paragraph(w);
	while (w->depth > depth) {
		struct list *list = &w->lists[--w->depth];

		buf_puts(w->out, list->kind == MARKER_DASH ? "</li></ul>" : "</li></ol>");
		if (w->depth == 0)
			w->resume = list->kind == MARKER_DIGIT ? list->next : 0;
	}
}

static void close_all(struct writer *w)
{
	close_table(w);
	close_lists(w, 0);
}

static void open_list(struct writer *w, enum marker kind, unsigned n, unsigned indent)
{
	static const char *const types[] = {"", "1", "a", "1)", "a)", ""};

	close_table(w);
	close_paragraph(w);
	w->lists[w->depth++] = (struct list){.kind = kind, .indent = indent, .next = n + 1};
	if (kind == MARKER_DASH)
		buf_puts(w->out, "<ul>");
	else if (n > 1)
		buf_printf(w->out, "<ol start=\"%u\" type=\"%s\">", n, types[kind]);
	else
		buf_printf(w->out, "<ol type=\"%s\">", types[kind]);
	buf_puts(w->out, "<li><p>");
	w->paragraph = true;
}

/* The open list whose next point this is, as depth; 0: none. Of several the innermost that stands
 * as far to the left, for `1.` within `1.` only the indent tells. */
static size_t level_of(const struct writer *w, enum marker kind, unsigned n, unsigned indent)
{
	size_t outermost = 0;

	for (size_t level = w->depth; level > 0; level--) {
		const struct list *list = &w->lists[level - 1];

		if (list->kind != kind || (kind != MARKER_DASH && list->next != n))
			continue;
		if (list->indent < indent + BODY_NESTED_COLUMNS)
			return level;
		outermost = level;
	}
	return outermost;
}

/* Depth of the innermost open list of a kind; 0: none. */
static size_t level_of_kind(const struct writer *w, enum marker kind)
{
	size_t level = w->depth;

	while (level > 0 && w->lists[level - 1].kind != kind)
		level--;
	return level;
}

/* A first point that stands to the right of an open list of its kind begins a list within the point
 * it stands below. */
static bool add_nested(struct writer *w, enum marker kind, unsigned n, unsigned indent)
{
	size_t level = level_of_kind(w, kind), depth = w->depth;

	if (level == 0 || n != 1 || w->lists[level - 1].indent + BODY_NESTED_COLUMNS > indent)
		return false;
	while (depth > level && w->lists[depth - 1].indent + BODY_NESTED_COLUMNS > indent)
		depth--;
	if (depth == BODY_LIST_DEPTH_MAX)
		return false;
	close_lists(w, depth);
	open_list(w, kind, n, indent);
	return true;
}

static bool has_break(struct range r)
{
	return r.len > 0 && memmem(r.p, r.len, BODY_XML_BREAK, 3) != NULL;
}

/* Whether number n + 1 follows on point n, whose text goes on by wrapping only, with nothing
 * between them but what stands to the right. */
static bool point_follows(const struct writer *w, const char *following, struct line point,
    enum marker wanted, unsigned n)
{
	struct writer probe = {.wrap = w->wrap, .last_len = point.len};
	bool own = true; /* words would go on with the point's first paragraph */

	if (has_break(point.text))
		return false;
	for (; *following != '\0';) {
		struct line line = body_trimmed(body_next_line(&following));
		struct range rest;
		unsigned found;
		enum marker kind = body_marker(line.text, &found, &rest);
		bool right = line.indent >= point.indent + BODY_NESTED_COLUMNS;
		bool words = line.text.len > 0 && (kind == MARKER_NONE || (own && found != 1));

		if (line.text.len > 0 && !right && kind != MARKER_NONE)
			return kind == wanted && found == n + 1;
		if (words && (own || !line.indented) && !wrapped(&probe, line.text))
			return false;
		own = own && words;
		probe.last_len = line.len;
	}
	return false;
}

/* Whether a list may begin with another number than 1: points with paragraphs between them, or a
 * list that goes on from elsewhere. `5. lima` alone is a sentence. */
static bool begins_late(const struct writer *w, struct line line, enum marker kind, unsigned n,
    bool after_empty, const char *following)
{
	if (w->depth > 0 && line.indented)
		return false;
	if (w->paragraph && !after_empty && (w->depth == 0 || wrapped(w, line.text)))
		return false; /* the line goes on with a paragraph */
	return (w->depth == 0 && kind == MARKER_DIGIT && n == w->resume) ||
	       point_follows(w, following, line, kind, n);
}

/* Another list of a kind that is open: behind that one in the same point where it stands indented,
 * else behind all. */
static void begin_anew(struct writer *w, enum marker kind, bool indented)
{
	size_t level = level_of_kind(w, kind);

	if (w->depth == BODY_LIST_DEPTH_MAX || (level > 0 && !indented))
		close_all(w);
	else if (level > 0)
		close_lists(w, level - 1);
}

/* True when the line is a point: it goes on with an open list or begins one. */
static bool add_point(struct writer *w, struct line line, bool after_empty, const char *following)
{
	struct range rest;
	unsigned n;
	enum marker kind = body_marker(line.text, &n, &rest);
	size_t level;

	if (kind == MARKER_NONE)
		return false;
	level = level_of(w, kind, n, line.indent);
	if (add_nested(w, kind, n, line.indent)) {
		;
	} else if (level > 0) {
		close_lists(w, level);
		w->lists[level - 1].next = n + 1;
		buf_puts(w->out, "</li><li><p>");
		w->paragraph = true;
	} else if (n == 1) {
		begin_anew(w, kind, line.indented);
		open_list(w, kind, n, line.indent);
	} else if (begins_late(w, line, kind, n, after_empty, following)) {
		close_all(w);
		open_list(w, kind, n, line.indent);
	} else {
		return false;
	}
	body_put_text(w->out, rest);
	return true;
}

static bool is_point(struct line line)
{
	struct range rest;
	unsigned n;

	return body_marker(line.text, &n, &rest) != MARKER_NONE;
}

static bool is_row(struct line line)
{
	struct range label, value;

	return line.text.len > 0 && !is_point(line) && body_row(line.text, &label, &value);
}

/* Whether the lines behind a row hold another one; a value that goes on is indented. */
static bool row_follows(const char *following)
{
	struct line next;

	do
		next = body_trimmed(body_next_line(&following));
	while (next.indented && *following != '\0' && !is_row(next) && !is_point(next));
	return is_row(next);
}

/* A row begins a table only where another follows: `Perihal: mohon bantuan` alone is a sentence. */
static bool add_row(struct writer *w, struct line line, const char *following)
{
	struct range label, value;

	if (!is_row(line) || !body_row(line.text, &label, &value))
		return false;
	if (w->table) {
		buf_puts(w->out, "</td></tr>");
	} else {
		if ((w->depth > 0 && line.indented) || !row_follows(following))
			return false;
		close_lists(w, 0);
		buf_puts(w->out, "<table>");
		w->table = true;
	}
	buf_puts(w->out, "<tr><td>");
	body_put_text(w->out, label);
	buf_puts(w->out, "</td><td>");
	body_put_text(w->out, value);
	return true;
}

/* Depth of the list to whose point a paragraph belongs that stands there. */
static size_t point_above(const struct writer *w, unsigned indent)
{
	size_t depth = w->depth;

	while (depth > 1 && w->lists[depth - 1].indent >= indent)
		depth--;
	return depth;
}

/* A marker that has its words on the next line is none, and must not become one by joining them. */
static bool is_lone_marker(struct range text)
{
	char with_word[8];
	struct range rest;
	unsigned n;

	if (text.len + 2 > sizeof(with_word))
		return false;
	memcpy(with_word, text.p, text.len);
	memcpy(with_word + text.len, " x", 2);
	return body_marker((struct range){with_word, text.len + 2}, &n, &rest) != MARKER_NONE;
}

/* Words go on with what is open, or begin a paragraph. */
static void add_words(struct writer *w, struct line line, bool after_empty)
{
	bool joins = !w->lone_marker && wrapped(w, line.text);

	w->lone_marker = false;
	if (w->table && line.indented) {
		buf_putc(w->out, ' ');
	} else if (w->paragraph && !after_empty && joins) {
		buf_putc(w->out, ' ');
	} else if (w->paragraph && !after_empty && (w->depth == 0 || line.indented)) {
		buf_puts(w->out, "<br/>");
	} else {
		close_table(w);
		if (w->depth > 0 && line.indented) /* a further paragraph of the point */
			close_lists(w, point_above(w, line.indent));
		else
			close_all(w);
		buf_puts(w->out, "<p>");
		w->paragraph = true;
		w->lone_marker = is_lone_marker(line.text);
	}
	body_put_text(w->out, line.text);
}

void body_xml_write(const char *given, struct buf *out)
{
	char *clean = body_clean(given);
	const char *text = clean;
	struct writer w = {.out = out, .wrap = body_find_wrap(text)};
	bool after_empty = true;

	buf_puts(out, "<body xmlns=\"" LETTER_XML_NS "\">");
	while (*text != '\0') {
		struct line line = body_trimmed(body_next_line(&text));

		if (line.text.len == 0) {
			after_empty = true;
			close_table(&w);
			continue;
		}
		if (!add_point(&w, line, after_empty, text) && !add_row(&w, line, text))
			add_words(&w, line, after_empty);
		w.last_len = line.len;
		after_empty = false;
	}
	close_all(&w);
	buf_puts(out, "</body>");
	free(clean);
}
