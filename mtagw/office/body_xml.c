/*
 * body_xml: the text that an official typed becomes the body of letter.xml (DESIGN 2). It knows
 * what people do in mail: paragraphs by empty lines, numbered points and dashes, `Hari : Kamis`
 * rows, lines wrapped by the client at about 72 columns. It does not read markup and drops no word.
 * A list item always holds its text in a <p>, so that readers need element navigation only.
 * Invariant: text -> body -> text -> body gives the same body twice, for consent is given on its
 * hash.
 */
#include "mtagw/office/body_xml.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/charset.h"
#include "mtagw/office/letter_xml.h"

/* Points within points: official letters number 1. a. 1) a); HTML knows no such order, and dashes
 * stand within dashes. */
#define BODY_LIST_DEPTH_MAX 8
/* A point that stands so many columns to the right of one of its kind is a point of that point. */
#define BODY_NESTED_COLUMNS 2
#define BODY_TAB_COLUMNS 8
/* Mail clients wrap between these columns; a longer line with blanks in it means that nobody
 * wrapped. */
#define BODY_WRAP_MIN 60
#define BODY_WRAP_MAX 80
/* A label of a `Label : value` row: `Hari/tanggal`, `Tempat pelaksanaan`; longer ones are
 * sentences. */
#define BODY_LABEL_MAX 30
#define BODY_LABEL_WORDS_MAX 4
/* `12.` is a point, `2026.` ends a sentence. */
#define BODY_POINT_MAX 99

enum marker {
	MARKER_NONE,
	MARKER_DIGIT,
	MARKER_ALPHA,
	MARKER_DIGIT_PAREN,
	MARKER_ALPHA_PAREN,
	MARKER_DASH
};

struct line {
	struct range text; /* blanks at both ends cut; empty for an empty line */
	bool indented;
	unsigned indent; /* columns */
	size_t len;      /* characters, blanks at the ends included */
};

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

static size_t characters(struct range r)
{
	size_t n = 0;

	for (size_t i = 0; i < r.len; i++)
		n += ((unsigned char)r.p[i] & 0xc0) != 0x80;
	return n;
}

/* Bytes of the UTF-8 sequence at p that XML 1.0 section 2.2 allows; 0 where it allows none. */
static size_t xml_char(const unsigned char *p, size_t left)
{
	unsigned cp;
	size_t n;

	if (p[0] < 0x80)
		return p[0] >= 0x20 || p[0] == '\t' || p[0] == '\n';
	n = p[0] >= 0xf5 ? 0 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
	if (n == 0 || n > left)
		return 0;
	cp = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)))
		return 0;
	if ((cp >= 0xd800 && cp <= 0xdfff) || cp == 0xfffe || cp == 0xffff)
		return 0;
	return n;
}

/* Everything XML can hold, the rest as U+FFFD: done first, so that no rule sees other characters
 * than a later reader. */
static char *clean_copy(const char *text)
{
	struct buf out = {0};
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = charset_plain(text, left);

		if (n == 0)
			n = xml_char((const unsigned char *)text, left);
		if (n > 0)
			buf_append(&out, text, n);
		else if (*text != '\r')
			buf_puts(&out, "\xef\xbf\xbd");
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	return buf_steal(&out);
}

static size_t skip_blanks(struct range r, size_t i)
{
	while (i < r.len && (r.p[i] == ' ' || r.p[i] == '\t'))
		i++;
	return i;
}

/* Escaped, runs of blanks as one, BODY_XML_BREAK as <br/>. */
static void put_text(struct buf *out, struct range r)
{
	bool blank = false;

	for (size_t i = 0; i < r.len; i++) {
		if (r.p[i] == ' ' || r.p[i] == '\t') {
			blank = true;
			continue;
		}
		if (r.len - i >= 3 && memcmp(r.p + i, BODY_XML_BREAK, 3) == 0) {
			buf_puts(out, "<br/>");
			blank = false;
			i = skip_blanks(r, i + 3) - 1;
			continue;
		}
		if (blank)
			buf_putc(out, ' ');
		blank = false;
		if (r.p[i] == '<')
			buf_puts(out, "&lt;");
		else if (r.p[i] == '>')
			buf_puts(out, "&gt;");
		else if (r.p[i] == '&')
			buf_puts(out, "&amp;");
		else
			buf_putc(out, r.p[i]);
	}
}

/* Bytes of `1.`, `a)`, `-` or a bullet at the start; 0 for none. */
static size_t marker_length(struct range line, enum marker *kind_r, unsigned *n_r)
{
	size_t i = 0;

	*n_r = 1;
	*kind_r = MARKER_DASH;
	if (line.len > 4 && memcmp(line.p, "\xe2\x80\xa2", 3) == 0) /* bullet */
		return 3;
	if (line.len > 2 && (line.p[0] == '-' || line.p[0] == '*'))
		return 1;
	while (i < line.len && i < 2 && isdigit((unsigned char)line.p[i]))
		i++;
	if (i > 0) {
		*n_r = (unsigned)strtoul(line.p, NULL, 10);
		*kind_r = MARKER_DIGIT;
	} else if (line.len > 2 && line.p[0] >= 'a' && line.p[0] <= 'z') {
		*n_r = (unsigned)(line.p[0] - 'a') + 1;
		*kind_r = MARKER_ALPHA;
		i = 1;
	}
	if (i == 0 || i >= line.len || (line.p[i] != '.' && line.p[i] != ')'))
		return 0;
	if (line.p[i] == ')')
		*kind_r = *kind_r == MARKER_DIGIT ? MARKER_DIGIT_PAREN : MARKER_ALPHA_PAREN;
	return i + 1;
}

/* A marker, a blank and words: *n_r its number from 1, *rest_r the words. */
static enum marker read_marker(struct range line, unsigned *n_r, struct range *rest_r)
{
	enum marker kind;
	size_t i = marker_length(line, &kind, n_r);

	if (i == 0 || i >= line.len || (line.p[i] != ' ' && line.p[i] != '\t') || *n_r == 0 ||
	    *n_r > BODY_POINT_MAX)
		return MARKER_NONE;
	*rest_r = range_trim((struct range){line.p + i, line.len - i});
	return rest_r->len ? kind : MARKER_NONE;
}

/* `Label : value`; the halves trimmed. */
static bool read_row(struct range line, struct range *label_r, struct range *value_r)
{
	const char *colon = line.len ? memchr(line.p, ':', line.len) : NULL;
	unsigned words = 1;
	size_t at;

	if (colon == NULL || !isalpha((unsigned char)line.p[0]))
		return false;
	at = (size_t)(colon - line.p);
	if (at + 1 >= line.len || (colon[1] != ' ' && colon[1] != '\t'))
		return false;
	*label_r = range_trim((struct range){line.p, at});
	*value_r = range_trim((struct range){colon + 1, line.len - at - 1});
	for (size_t i = 1; i < label_r->len; i++)
		words += label_r->p[i] == ' ' && label_r->p[i - 1] != ' ';
	return label_r->len <= BODY_LABEL_MAX && words <= BODY_LABEL_WORDS_MAX &&
	       value_r->len > 0 && memchr(label_r->p, '.', label_r->len) == NULL;
}

static struct range next_line(const char **p)
{
	const char *end = strchr(*p, '\n');
	struct range line = {*p, end ? (size_t)(end - *p) : strlen(*p)};

	*p = end ? end + 1 : *p + line.len;
	return line;
}

static bool break_at(struct range r, size_t i)
{
	return r.len >= i + 3 && memcmp(r.p + i, BODY_XML_BREAK, 3) == 0;
}

/* A break at an end of a line says nothing that the line's end does not say. */
static struct line trimmed(struct range raw)
{
	struct line line = {.text = range_trim(raw), .len = characters(raw)};

	line.indented = line.text.len > 0 && line.text.p > raw.p;
	for (const char *p = raw.p; p < line.text.p; p++)
		line.indent += *p == '\t' ? BODY_TAB_COLUMNS : 1;
	while (break_at(line.text, 0))
		line.text = range_trim((struct range){line.text.p + 3, line.text.len - 3});
	while (line.text.len >= 3 && break_at(line.text, line.text.len - 3))
		line.text = range_trim((struct range){line.text.p, line.text.len - 3});
	return line;
}

/* Longest line of the lines up to the next empty one, which are consumed; 0 where one was not
 * wrapped though it could have been. */
static size_t longest_of_block(const char **p)
{
	size_t longest = 0;
	bool loose = false;

	while (**p != '\0') {
		struct range line = next_line(p);
		size_t n = characters(line);

		if (range_trim(line).len == 0)
			break;
		if (n <= BODY_WRAP_MAX)
			longest = n > longest ? n : longest;
		else if (memchr(line.p, ' ', line.len) != NULL)
			loose = true;
	}
	return loose ? 0 : longest;
}

/* Where the client wrapped: as far as lines of wrapped blocks reach. 0: nowhere. */
static size_t find_wrap(const char *text)
{
	size_t longest = 0;

	while (*text != '\0') {
		size_t n = longest_of_block(&text);

		longest = n > longest ? n : longest;
	}
	return longest >= BODY_WRAP_MIN ? longest : 0;
}

/* The client broke here, since the next word had no room on the line before. */
static bool wrapped(const struct writer *w, struct range next)
{
	const char *blank = memchr(next.p, ' ', next.len);
	struct range word = {next.p, blank ? (size_t)(blank - next.p) : next.len};

	return w->wrap != 0 && w->last_len + 1 + characters(word) > w->wrap;
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
		struct line line = trimmed(next_line(&following));
		struct range rest;
		unsigned found;
		enum marker kind = read_marker(line.text, &found, &rest);
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
	enum marker kind = read_marker(line.text, &n, &rest);
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
	put_text(w->out, rest);
	return true;
}

static bool is_point(struct line line)
{
	struct range rest;
	unsigned n;

	return read_marker(line.text, &n, &rest) != MARKER_NONE;
}

static bool is_row(struct line line)
{
	struct range label, value;

	return line.text.len > 0 && !is_point(line) && read_row(line.text, &label, &value);
}

/* Whether the lines behind a row hold another one; a value that goes on is indented. */
static bool row_follows(const char *following)
{
	struct line next;

	do
		next = trimmed(next_line(&following));
	while (next.indented && *following != '\0' && !is_row(next) && !is_point(next));
	return is_row(next);
}

/* A row begins a table only where another follows: `Perihal: mohon bantuan` alone is a sentence. */
static bool add_row(struct writer *w, struct line line, const char *following)
{
	struct range label, value;

	if (!is_row(line) || !read_row(line.text, &label, &value))
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
	put_text(w->out, label);
	buf_puts(w->out, "</td><td>");
	put_text(w->out, value);
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
	return read_marker((struct range){with_word, text.len + 2}, &n, &rest) != MARKER_NONE;
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
	put_text(w->out, line.text);
}

void body_xml_write(const char *given, struct buf *out)
{
	char *clean = clean_copy(given);
	const char *text = clean;
	struct writer w = {.out = out, .wrap = find_wrap(text)};
	bool after_empty = true;

	buf_puts(out, "<body xmlns=\"" LETTER_XML_NS "\">");
	while (*text != '\0') {
		struct line line = trimmed(next_line(&text));

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

static void text_rows(const struct xml_node *table, struct arena *arena, struct buf *out)
{
	for (struct xml_node *tr = xml_first(table, "tr"); tr; tr = xml_next(tr, "tr")) {
		const char *between = "";

		for (struct xml_node *td = xml_first(tr, "td"); td; td = xml_next(td, "td")) {
			buf_printf(out, "%s%s", between, xml_text(td, arena));
			between = " : ";
		}
		buf_putc(out, '\n');
	}
}

static void text_marker(
    const struct xml_node *list, unsigned n, struct arena *arena, struct buf *out)
{
	const char *type = xml_attr(list, "type", arena),
	           *end = type && strchr(type, ')') ? ")" : ".";

	if (strcmp(xml_name(list), "ul") == 0)
		buf_puts(out, "- ");
	else if (type != NULL && type[0] == 'a' && n >= 1 && n <= 26)
		buf_printf(out, "%c%s ", (char)('a' + n - 1), end);
	else
		buf_printf(out, "%u%s ", n, end);
}

/* Recursion is bounded by the nesting that the XML reader allows. */
static void text_list(
    const struct xml_node *list, unsigned depth, struct arena *arena, struct buf *out)
{
	const char *start = xml_attr(list, "start", arena);
	unsigned n = start ? (unsigned)strtoul(start, NULL, 10) : 1;

	for (struct xml_node *li = xml_first(list, "li"); li; li = xml_next(li, "li"), n++) {
		bool first = true;

		buf_printf(out, "%*s", (int)(depth * 3), "");
		text_marker(list, n, arena, out);
		for (struct xml_node *child = xml_first(li, NULL); child;
		     child = xml_next(child, NULL)) {
			if (strcmp(xml_name(child), "p") != 0) {
				text_list(child, depth + 1, arena, out);
				continue;
			}
			if (!first)
				buf_printf(out, "\n%*s", (int)(depth * 3 + 3), "");
			buf_printf(out, "%s\n", xml_text(child, arena));
			first = false;
		}
	}
}

void body_xml_text(const struct xml_node *body, struct arena *arena, struct buf *out)
{
	for (struct xml_node *block = xml_first(body, NULL); block; block = xml_next(block, NULL)) {
		const char *name = xml_name(block);

		if (strcmp(name, "p") == 0)
			buf_printf(out, "%s\n", xml_text(block, arena));
		else if (strcmp(name, "table") == 0)
			text_rows(block, arena, out);
		else
			text_list(block, 0, arena, out);
		if (xml_next(block, NULL) != NULL)
			buf_putc(out, '\n');
	}
}
