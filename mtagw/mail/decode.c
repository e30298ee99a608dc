/*
 * decode: base64 and quoted-printable (RFC 2045 sections 6.7, 6.8) as they come by mail. Each reads
 * on after damage and says that there was some, so that a person sees what can be seen.
 */
#include "mtagw/mail/decode.h"

#include <stdint.h>
#include <string.h>

#define LINE_MAX_CHARS 76 /* RFC 2045 6.8 */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void damage(int *result, struct err *error_r, const char *what, size_t at)
{
	if (*result == 1)
		(void)err_set(error_r, "%s at byte %zu", what, at);
	*result = 0;
}

/* What stands after the first `=`: nothing but one more `=` and blanks in sound base64. */
static bool only_padding(struct range rest, unsigned want)
{
	unsigned n = 0;

	for (size_t i = 0; i < rest.len; i++) {
		if (rest.p[i] == '=')
			n++;
		else if (!is_blank(rest.p[i]))
			return false;
	}
	return n == want;
}

int decode_base64(struct range text, struct buf *out, struct err *error_r)
{
	uint32_t bits = 0;
	unsigned held = 0; /* digits in bits, 0..3 */
	int result = 1;
	size_t i;
	char *o = buf_room(out, text.len / 4 * 3 + 3), *start = o;

	for (i = 0; i < text.len && text.p[i] != '='; i++) {
		int d = base64_value(text.p[i]);

		if (d < 0) {
			if (!is_blank(text.p[i]))
				damage(&result, error_r,
				    "base64: a character that is none of its own", i);
			continue;
		}
		bits = bits << 6 | (uint32_t)d;
		if (++held == 4) {
			*o++ = (char)(bits >> 16);
			*o++ = (char)(bits >> 8);
			*o++ = (char)bits;
			held = 0;
		}
	}
	if (held == 1)
		damage(&result, error_r, "base64: a single digit is left over", i);
	if (held >= 2)
		*o++ = (char)(bits >> (held == 2 ? 4 : 10));
	if (held == 3)
		*o++ = (char)(bits >> 2);
	*o = '\0';
	out->len += (size_t)(o - start);
	if (!only_padding((struct range){text.p + i, text.len - i}, held == 0 ? 0 : 4 - held))
		damage(&result, error_r, "base64: padding missing, or more behind it", i);
	return result;
}

bool decode_base64_is_canonical(struct range text)
{
	size_t column = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '\r') {
			if (column == 0 || column % 4 != 0 || i + 1 >= text.len ||
			    text.p[i + 1] != '\n')
				return false;
			column = 0;
			i++;
			continue;
		}
		column++;
		if (column > LINE_MAX_CHARS)
			return false;
		if (c == '=') { /* one or two of them, then at most a line end (two: some add an
			           empty line) */
			size_t pad = i + 1 < text.len && text.p[i + 1] == '=' ? 2 : 1;
			struct range rest = {text.p + i + pad, text.len - i - pad};

			return column % 4 == (pad == 2 ? 3 : 0) &&
			       (rest.len == 0 || (rest.len == 2 && memcmp(rest.p, "\r\n", 2) == 0));
		}
		if (base64_value(c) < 0)
			return false;
	}
	return column % 4 == 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `=XY` at text[i]: its byte, or -1. */
static int escape_at(struct range text, size_t i)
{
	int hi, lo;

	if (i + 2 >= text.len)
		return -1;
	hi = hex_value(text.p[i + 1]);
	lo = hex_value(text.p[i + 2]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

/* Length of blanks and one line end from i, 0 when the line goes on (RFC 2045 6.7 rule 3). */
static size_t blank_line_end(struct range text, size_t i, bool *at_end_r)
{
	size_t k = i;

	while (k < text.len && (text.p[k] == ' ' || text.p[k] == '\t'))
		k++;
	*at_end_r = k == text.len;
	if (k < text.len && text.p[k] == '\r' && k + 1 < text.len && text.p[k + 1] == '\n')
		return k + 2 - i;
	if (k < text.len && text.p[k] == '\n')
		return k + 1 - i;
	return 0;
}

int decode_qp(struct range text, struct buf *out, struct err *error_r)
{
	int result = 1;
	size_t i = 0;

	while (i < text.len) {
		char c = text.p[i];
		bool at_end;

		if (c == '=') {
			int byte = escape_at(text, i);
			size_t soft = byte < 0 ? blank_line_end(text, i + 1, &at_end) : 0;

			if (byte >= 0) {
				buf_putc(out, (char)byte);
				i += 3;
			} else if (soft > 0) {
				i += 1 + soft;
			} else if (at_end) {
				i = text.len;
			} else {
				damage(&result, error_r, "quoted-printable: a wrong escape", i);
				buf_putc(out, c);
				i++;
			}
		} else if (c == ' ' || c == '\t') {
			size_t end = i, skip = blank_line_end(text, i, &at_end);

			while (end < text.len && (text.p[end] == ' ' || text.p[end] == '\t'))
				end++;
			if (skip == 0 && !at_end) /* blanks at a line's end are not the writer's */
				buf_append(out, text.p + i, end - i);
			i = end;
		} else {
			buf_putc(out, c);
			i++;
		}
	}
	return result;
}

void decode_q(struct range text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int byte = text.p[i] == '=' ? escape_at(text, i) : -1;

		if (byte >= 0) {
			buf_putc(out, (char)byte);
			i += 2;
		} else {
			buf_putc(out, text.p[i] == '_' ? ' ' : text.p[i]);
		}
	}
}
