/*
 * body_lines: what one line of a typed text is: a point of a list, a row, words; and where the
 * writer's client wrapped. What follows from it for the paragraphs is body_xml's affair.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/charset.h"
#include "mtagw/office/body_private.h"

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

size_t body_characters(struct range r)
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
char *body_clean(const char *text)
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
void body_put_text(struct buf *out, struct range r)
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
enum marker body_marker(struct range line, unsigned *n_r, struct range *rest_r)
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
bool body_row(struct range line, struct range *label_r, struct range *value_r)
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

struct range body_next_line(const char **p)
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
struct line body_trimmed(struct range raw)
{
	struct line line = {.text = range_trim(raw), .len = body_characters(raw)};

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
		struct range line = body_next_line(p);
		size_t n = body_characters(line);

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
size_t body_find_wrap(const char *text)
{
	size_t longest = 0;

	while (*text != '\0') {
		size_t n = longest_of_block(&text);

		longest = n > longest ? n : longest;
	}
	return longest >= BODY_WRAP_MIN ? longest : 0;
}
