/*
 * charset: foreign bytes into clean UTF-8 (RFC 3629) by iconv. Only charsets of the list below
 * reach iconv: the C library loads a module per name, and rare modules are where its defects sit.
 * What cannot be read becomes U+FFFD and is told to the caller; nothing is dropped in silence.
 */
#include "mtagw/mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Name in mail, name for iconv. ISO-8859-1 is read as windows-1252, whose quotes and dashes are
 * sent under its name. */
static const struct {
	const char *mail, *iconv;
} charsets[] = {
    {"iso-8859-1", "CP1252"},
    {"iso8859-1", "CP1252"},
    {"iso_8859-1", "CP1252"},
    {"latin1", "CP1252"},
    {"windows-1252", "CP1252"},
    {"cp1252", "CP1252"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-8859-9", "ISO-8859-9"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-11", "ISO-8859-11"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"windows-1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"windows-1253", "CP1253"},
    {"windows-1254", "CP1254"},
    {"windows-1255", "CP1255"},
    {"windows-1256", "CP1256"},
    {"windows-1257", "CP1257"},
    {"windows-1258", "CP1258"},
    {"windows-874", "CP874"},
    {"tis-620", "TIS-620"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"macintosh", "MACINTOSH"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"shift_jis", "CP932"},
    {"euc-jp", "EUC-JP"},
    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"},
    {"gb2312", "GBK"},
    {"gbk", "GBK"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5"},
    {"utf-7", "UTF-7"},
    {"utf-16", "UTF-16"},
    {"utf-16le", "UTF-16LE"},
    {"utf-16be", "UTF-16BE"},
};

size_t charset_utf8_next(const char *p, size_t len, uint32_t *code_r)
{
	unsigned char c = (unsigned char)p[0];
	size_t n = c < 0x80                ? 1
	           : c >= 0xc2 && c < 0xe0 ? 2
	           : c >= 0xe0 && c < 0xf0 ? 3
	           : c >= 0xf0 && c < 0xf5 ? 4
	                                   : 0;
	uint32_t code = n == 1 ? c : n == 2 ? c & 0x1f : n == 3 ? c & 0x0f : c & 0x07;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	}
	if ((n == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
	    (n == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	*code_r = code;
	return n;
}

size_t charset_plain(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && ((p[n] >= ' ' && p[n] < 127) || p[n] == '\n' || p[n] == '\t'))
		n++;
	return n;
}

static bool utf8_valid(struct range in)
{
	uint32_t code;

	for (size_t i = 0, n; i < in.len; i += n) {
		n = charset_plain(in.p + i, in.len - i);
		if (n == 0)
			n = charset_utf8_next(in.p + i, in.len - i, &code);
		if (n == 0)
			return false;
	}
	return true;
}

static bool copy_utf8(struct range in, struct buf *out)
{
	bool good = true;
	size_t from = 0; /* good and not yet copied */
	uint32_t code;

	for (size_t i = 0, n; i < in.len; i += n) {
		n = charset_plain(in.p + i, in.len - i);
		if (n == 0)
			n = charset_utf8_next(in.p + i, in.len - i, &code);
		if (n > 0)
			continue;
		buf_append(out, in.p + from, i - from);
		buf_puts(out, REPLACEMENT);
		n = 1;
		from = i + 1;
		good = false;
	}
	buf_append(out, in.p + from, in.len - from);
	return good;
}

static bool copy_ascii(struct range in, struct buf *out)
{
	bool good = true;

	for (size_t i = 0; i < in.len; i++) {
		if ((unsigned char)in.p[i] <= 126) {
			buf_putc(out, in.p[i]);
		} else {
			buf_puts(out, REPLACEMENT);
			good = false;
		}
	}
	return good;
}

static bool run_iconv(iconv_t cd, struct range in, struct buf *out)
{
	char *src = (char *)(uintptr_t)in.p; /* iconv's prototype lacks the const */
	size_t left = in.len;
	bool good = true;

	while (left > 0) {
		size_t room = left * 2 + 64;
		char *start = buf_room(out, room), *dst = start;
		size_t r = iconv(cd, &src, &left, &dst, &room);

		out->len += (size_t)(dst - start);
		out->data[out->len] = '\0';
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		buf_puts(out, REPLACEMENT);
		src++;
		left--;
		good = false;
	}
	return good;
}

static bool is_utf8(const char *charset)
{
	return strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "utf8") == 0;
}

static bool is_ascii(const char *charset)
{
	return charset[0] == '\0' || strcasecmp(charset, "us-ascii") == 0 ||
	       strcasecmp(charset, "ascii") == 0 || strcasecmp(charset, "ansi_x3.4-1968") == 0;
}

/* Its name for iconv; NULL for one that is not on the list. */
static const char *iconv_name(const char *charset)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		if (strcasecmp(charset, charsets[i].mail) == 0)
			return charsets[i].iconv;
	}
	return NULL;
}

bool charset_known(const char *charset)
{
	return is_utf8(charset) || is_ascii(charset) || iconv_name(charset) != NULL;
}

bool charset_to_utf8(struct range in, const char *charset, struct buf *out)
{
	const char *name = iconv_name(charset);
	iconv_t cd;
	bool good;

	if (is_utf8(charset))
		return copy_utf8(in, out);
	if (is_ascii(charset))
		return utf8_valid(in) ? copy_utf8(in, out) : copy_ascii(in, out);
	if (name == NULL) {
		(void)copy_ascii(in, out);
		return false;
	}
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1) {
		(void)copy_ascii(in, out);
		return false;
	}
	good = run_iconv(cd, in, out);
	(void)iconv_close(cd);
	return good;
}

bool charset_is_shown(uint32_t code, bool multiline)
{
	if (code < 32)
		return multiline && (code == '\t' || code == '\n');
	if (code >= 127 && code < 160)
		return false;
	return !((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	         code == 0x2028 || code == 0x2029 || code == 0xfeff);
}

void charset_line(struct range in, struct buf *out)
{
	size_t from = out->len;
	uint32_t code;

	for (size_t i = 0, n; i < in.len; i += n) {
		n = charset_utf8_next(in.p + i, in.len - i, &code);
		if (n == 0) {
			buf_puts(out, REPLACEMENT);
			n = 1;
		} else if (!charset_is_shown(code, false)) {
			if (out->len > from) /* not before the first character */
				buf_putc(out, ' ');
		} else if (code != ' ' || out->len > from) {
			buf_append(out, in.p + i, n);
		}
	}
	while (out->len > from && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}
