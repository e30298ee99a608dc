/*
 * mime_text: a part's content: transfer decoding, charset, and the flowed text of RFC 3676. Damage
 * is told, never hidden; what can be read is there.
 */
#include "mtagw/mail/mime.h"

#include <string.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/decode.h"

int mime_decode(const struct mime_part *part, struct buf *out, struct err *error_r)
{
	switch (part->encoding) {
	case MIME_BASE64:
		return decode_base64(part->body, out, error_r);
	case MIME_QP:
		return decode_qp(part->body, out, error_r);
	case MIME_UNKNOWN:
		buf_append(out, part->body.p, part->body.len);
		(void)err_set(error_r, "unknown transfer encoding, taken as it is");
		return 0;
	case MIME_7BIT:
	case MIME_8BIT:
	case MIME_BINARY:
		break;
	}
	buf_append(out, part->body.p, part->body.len);
	return 1;
}

/* LF line ends, no controls, no direction overrides. text is well-formed UTF-8. */
static void put_clean(struct range text, struct buf *out)
{
	uint32_t code;

	for (size_t i = 0, n; i < text.len; i += n) {
		n = charset_plain(text.p + i, text.len - i);
		if (n > 0) {
			buf_append(out, text.p + i, n);
			continue;
		}
		n = charset_utf8_next(text.p + i, text.len - i, &code);
		if (n == 0) {
			n = 1;
			continue;
		}
		if (code == '\r') { /* alone it was a line end once */
			if (i + 1 == text.len || text.p[i + 1] != '\n')
				buf_putc(out, '\n');
		} else if (n == 1 && charset_is_shown(code, true)) {
			buf_putc(out, text.p[i]);
		} else if (charset_is_shown(code, true)) {
			buf_append(out, text.p + i, n);
		}
	}
}

static size_t quote_depth(struct range line)
{
	size_t n = 0;

	while (n < line.len && line.p[n] == '>')
		n++;
	return n;
}

/* RFC 3676 section 4: a line ending in a space goes on in the next one of the same quote depth. */
static void put_unflowed(struct range text, bool delsp, struct buf *out)
{
	bool flowing = false;
	size_t last_depth = 0;

	while (text.len > 0) {
		const char *lf = memchr(text.p, '\n', text.len);
		struct range line = {text.p, lf ? (size_t)(lf - text.p) : text.len};
		size_t used = line.len + (lf ? 1 : 0), depth = quote_depth(line);
		bool flowed, signature;

		line.p += depth;
		line.len -= depth;
		if (line.len > 0 && line.p[0] == ' ') { /* 4.4: space-stuffed */
			line.p++;
			line.len--;
		}
		signature = line.len == 3 && memcmp(line.p, "-- ", 3) == 0; /* 4.3: never flowed */
		flowed = !signature && line.len > 0 && line.p[line.len - 1] == ' ';
		if (flowing && (depth != last_depth || signature)) {
			buf_putc(out, '\n');
			flowing = false;
		}
		for (size_t i = 0; !flowing && i < depth; i++)
			buf_putc(out, '>');
		if (!flowing && depth > 0)
			buf_putc(out, ' ');
		buf_append(out, line.p, line.len - (flowed && delsp ? 1 : 0));
		if (!flowed && lf != NULL)
			buf_putc(out, '\n');
		flowing = flowed;
		last_depth = depth;
		text.p += used;
		text.len -= used;
	}
}

int mime_text(const struct mime_part *part, struct buf *out, struct err *error_r)
{
	struct buf bytes = {0}, utf8 = {0}, clean = {0};
	int result = mime_decode(part, &bytes, error_r);

	if (!charset_to_utf8(buf_range(&bytes), part->charset, &utf8) && result == 1) {
		(void)err_set(
		    error_r, "charset \"%.40s\" is unknown or its bytes are broken", part->charset);
		result = 0;
	}
	put_clean(buf_range(&utf8), &clean);
	if (part->format[0] != '\0')
		put_unflowed(buf_range(&clean), part->delsp, out);
	else
		buf_append(out, clean.data, clean.len);
	buf_free(&bytes);
	buf_free(&utf8);
	buf_free(&clean);
	return result;
}
