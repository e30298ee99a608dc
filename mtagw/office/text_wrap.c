/*
 * text_wrap: breaks the lines that a text stylesheet gives (one line, one thought) at 76 columns,
 * with hanging indentation where the stylesheet asks for it. XSLT 1.0 could do it only by deep
 * recursion. Columns are counted in characters; East Asian double width and combining marks are not
 * looked at.
 */
#include "mtagw/office/text_wrap.h"

#include <string.h>

#define LINE_SEPARATOR "\xe2\x80\xa8" /* U+2028 */

/* A hanging column further right would leave no room for words. */
#define TEXT_WRAP_HANG_MAX 56

struct wrapper {
	struct buf *out;
	size_t column; /* characters on the line that is being written */
	size_t hang;
	size_t blanks; /* before the next word; written only when it follows on the same line */
	size_t empty;  /* empty lines held back until something follows */
	bool begun;
};

static size_t characters(struct range r)
{
	size_t n = 0;

	for (size_t i = 0; i < r.len; i++)
		n += ((unsigned char)r.p[i] & 0xc0) != 0x80;
	return n;
}

static void put_blanks(struct wrapper *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_putc(w->out, ' ');
	w->column += n;
}

static void new_line(struct wrapper *w)
{
	buf_putc(w->out, '\n');
	w->column = 0;
	w->blanks = w->hang;
}

static void put_word(struct wrapper *w, struct range word)
{
	size_t n = characters(word);

	if (w->column > w->hang && w->column + w->blanks + n > TEXT_WRAP_COLUMNS)
		new_line(w);
	put_blanks(w, w->blanks);
	w->blanks = 0;
	buf_append(w->out, word.p, word.len);
	w->column += n;
}

static bool separator_at(struct range r, size_t i)
{
	return r.len - i >= 3 && memcmp(r.p + i, LINE_SEPARATOR, 3) == 0;
}

static void wrap_line(struct wrapper *w, struct range line)
{
	w->column = w->hang = w->blanks = 0;
	for (size_t i = 0; i < line.len;) {
		size_t start = i;

		if (line.p[i] == ' ') {
			w->blanks++;
			i++;
		} else if (line.p[i] == '\t') {
			w->hang = w->column + w->blanks;
			w->hang = w->hang > TEXT_WRAP_HANG_MAX ? TEXT_WRAP_HANG_MAX : w->hang;
			i++;
		} else if (separator_at(line, i)) {
			new_line(w);
			i += 3;
		} else {
			while (i < line.len && line.p[i] != ' ' && line.p[i] != '\t' &&
			       !separator_at(line, i))
				i++;
			put_word(w, (struct range){line.p + start, i - start});
		}
	}
	buf_putc(w->out, '\n');
}

void text_wrap(struct range text, struct buf *out)
{
	struct wrapper w = {.out = out};

	while (text.len > 0) {
		const char *end = memchr(text.p, '\n', text.len);
		struct range line = {text.p, end ? (size_t)(end - text.p) : text.len};
		size_t used = line.len + (end ? 1 : 0);

		if (range_trim(line).len == 0) {
			w.empty += w.begun;
		} else {
			for (; w.empty > 0; w.empty--)
				buf_putc(out, '\n');
			wrap_line(&w, line);
			w.begun = true;
		}
		text.p += used;
		text.len -= used;
	}
}
