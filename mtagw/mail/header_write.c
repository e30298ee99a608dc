/*
 * header_write: header fields written: folded at 76 columns, CRLF, ASCII (RFC 5322 2.1.1, 2.2.3,
 * RFC 2047, RFC 2231). Whatever a value holds, it stays inside its field: line ends and other
 * controls become spaces before anything is written.
 */
#include "mtagw/mail/header.h"

#include <ctype.h>
#include <string.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/words.h"

/* A quoted name or parameter longer than this is encoded, so that it can be folded. */
#define QUOTED_MAX_BYTES 60
/* Room of one RFC 2231 section: name*NN*= and ; beside it. */
#define SECTION_MAX_CHARS 50

static size_t column_of(const struct buf *out)
{
	size_t n = 0;

	while (n < out->len && out->data[out->len - 1 - n] != '\n')
		n++;
	return n;
}

/* `name: ` with nothing in it that could end the name. */
static void put_name(struct buf *out, const char *name)
{
	for (; *name; name++) {
		if (*name > 32 && *name < 127 && *name != ':')
			buf_putc(out, *name);
	}
	buf_putc(out, ':');
}

/* One blank and the token, on a new line where it would pass the limit. */
static void put_token(struct buf *out, struct range token, size_t *column)
{
	if (*column + 1 + token.len > WORDS_LINE_MAX && *column > 1) {
		buf_puts(out, "\r\n");
		*column = 0;
	}
	buf_putc(out, ' ');
	buf_append(out, token.p, token.len);
	*column += 1 + token.len;
}

/* ASCII text folded at its blanks; a run of blanks goes with the word behind it. */
static void put_folded(struct buf *out, struct range text)
{
	size_t column = column_of(out);
	bool first = true;

	while (text.len > 0) {
		struct range token = text;
		size_t n = 0;

		while (n < text.len && text.p[n] == ' ')
			n++;
		while (n < text.len && text.p[n] != ' ')
			n++;
		token.len = n;
		text.p += n;
		text.len -= n;
		if (!first) { /* its own blank is the one put_token writes */
			token.p++;
			token.len--;
		}
		if (first) {
			buf_putc(out, ' ');
			buf_append(out, token.p, token.len);
			column += 1 + token.len;
		} else {
			put_token(out, token, &column);
		}
		first = false;
	}
	buf_puts(out, "\r\n");
}

static bool has_long_word(struct range text, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		n = text.p[i] == ' ' ? 0 : n + 1;
		if (n > max)
			return true;
	}
	return false;
}

void header_put_text(struct buf *out, const char *name, const char *utf8)
{
	struct buf line = {0};
	size_t column;

	charset_line(range_of(utf8), &line);
	put_name(out, name);
	if (words_plain(buf_range(&line)) && !has_long_word(buf_range(&line), QUOTED_MAX_BYTES)) {
		put_folded(out, buf_range(&line));
	} else {
		buf_putc(out, ' ');
		column = column_of(out);
		words_encode(buf_range(&line), out, &column);
		buf_puts(out, "\r\n");
	}
	buf_free(&line);
}

void header_put_raw(struct buf *out, const char *name, const char *ascii)
{
	struct buf line = {0};

	for (const char *p = ascii; *p; p++)
		buf_putc(&line, *p >= 32 && *p < 127 ? *p : *p < 0 ? '?' : ' ');
	put_name(out, name);
	put_folded(out, range_trim(buf_range(&line)));
	buf_free(&line);
}

static bool is_atom_text(struct range s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!isalnum((unsigned char)s.p[i]) &&
		    strchr(" !#$%&'*+-/=?^_`{|}~", s.p[i]) == NULL)
			return false;
	}
	return true;
}

static void put_quoted(struct buf *out, struct range s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

/* A display name as a phrase (RFC 5322 3.2.5). */
static void put_phrase(struct buf *out, const char *name, size_t *column)
{
	struct buf line = {0}, token = {0};
	struct range text;

	charset_line(range_of(name), &line);
	text = buf_range(&line);
	if (!words_plain(text) || text.len > QUOTED_MAX_BYTES) {
		if (*column > WORDS_LINE_MAX / 2) {
			buf_puts(out, "\r\n");
			*column = 0;
		}
		buf_putc(out, ' ');
		*column += 1;
		words_encode(text, out, column);
	} else if (text.len > 0) {
		if (is_atom_text(text))
			buf_append(&token, text.p, text.len);
		else
			put_quoted(&token, text);
		put_token(out, buf_range(&token), column);
	}
	buf_free(&token);
	buf_free(&line);
}

/* An address beyond ASCII, in a field that goes to hosts without SMTPUTF8 too: the name of a group
 * without members, for people to read (RFC 6857). */
static void put_unsayable(struct buf *out, const char *name, const char *address, const char *comma,
    struct arena *arena, size_t *column)
{
	if (name[0] != '\0')
		put_phrase(out, arena_printf(arena, "%s <%s>", name, address), column);
	else
		put_phrase(out, address, column);
	put_token(out, range_of(arena_printf(arena, ":;%s", comma)), column);
}

static bool is_ascii(const char *text)
{
	while (*text > 0)
		text++;
	return *text == '\0';
}

void header_put_mailboxes(
    struct buf *out, const char *name, const struct mailbox *list, size_t count)
{
	struct arena *arena = arena_new();
	size_t column;

	if (count > 0)
		put_name(out, name);
	column = column_of(out);
	for (size_t i = 0; i < count; i++) {
		const char *text = address_format(&list[i].address, arena);
		const char *comma = i + 1 < count ? "," : "";
		bool named = list[i].name[0] != '\0';
		const char *token = arena_printf(
		    arena, "%s%s%s%s", named ? "<" : "", text, named ? ">" : "", comma);

		if (!is_ascii(text)) {
			put_unsayable(out, list[i].name, text, comma, arena, &column);
			continue;
		}
		put_phrase(out, list[i].name, &column);
		put_token(out, range_of(token), &column);
	}
	if (count > 0)
		buf_puts(out, "\r\n");
	arena_free(&arena);
}

/* RFC 2231 section 7: attribute-char. */
static bool is_attribute_char(unsigned char c)
{
	return isalnum(c) || (c != 0 && strchr("!#$&+-.^_`{|}~", c) != NULL);
}

static void put_param_token(struct buf *out, const char *token)
{
	size_t column = column_of(out);

	buf_putc(out, ';');
	column++;
	put_token(out, range_of(token), &column);
}

/* RFC 2231 sections 3 and 4.1: sections of percent-encoded UTF-8. */
static void put_sections(struct buf *out, const char *name, struct range value)
{
	struct buf section = {0};
	size_t i = 0, number = 0;

	while (i < value.len) {
		size_t chars = 0, from;

		buf_reset(&section);
		buf_printf(&section, "%s*%zu*=%s", name, number, number == 0 ? "UTF-8''" : "");
		number++;
		from = section.len;
		while (i < value.len && chars < SECTION_MAX_CHARS) {
			unsigned char c = (unsigned char)value.p[i++];

			if (is_attribute_char(c))
				buf_putc(&section, (char)c);
			else
				buf_printf(&section, "%%%02X", c);
			chars = section.len - from;
		}
		put_param_token(out, buf_str(&section));
	}
	buf_free(&section);
}

void header_put_param(struct buf *out, const char *name, const char *utf8)
{
	struct buf line = {0}, token = {0};

	charset_line(range_of(utf8), &line);
	if (words_plain(buf_range(&line)) && line.len <= QUOTED_MAX_BYTES) {
		buf_printf(&token, "%s=", name);
		put_quoted(&token, buf_range(&line));
		put_param_token(out, buf_str(&token));
	} else {
		put_sections(out, name, buf_range(&line));
	}
	buf_free(&token);
	buf_free(&line);
}
