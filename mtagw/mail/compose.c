/*
 * compose: MIME entities as pieces. Everything written here is 7-bit with lines of at most 76
 * characters and no trailing blanks, because it is going to be sealed and no relay may have a
 * reason to touch it (RFC 3156 section 3). Header fields beside the content ones are the caller's.
 */
#include "mtagw/mail/compose.h"

#include <string.h>

#include "mtagw/base/codec.h"
#include "mtagw/mail/decode.h"
#include "mtagw/mail/header.h"

#define LINE_CHARS 76    /* RFC 2045 6.7 rule 5 and 6.8 */
#define BOUNDARY_HASH 24 /* hex digits of the seed's hash: 96 bits */

static const char unknown_type[] = "application/octet-stream";

/* Must this character be escaped (RFC 2045 6.7)? last: the line ends behind it; start: of an output
 * line. */
static bool qp_escapes(const char *p, size_t left, bool last, bool start)
{
	unsigned char c = (unsigned char)*p;

	if (c == '=' || c > 126 || (c < 32 && c != '\t'))
		return true;
	if (c == ' ' || c == '\t')
		return last;
	if (start && c == '.') /* a single dot would end DATA where stuffing fails */
		return true;
	return start && c == 'F' && left >= 5 && memcmp(p, "From ", 5) == 0;
}

static void qp_line(struct buf *out, struct range line)
{
	size_t column = 0;

	for (size_t i = 0; i < line.len; i++) {
		bool escaped = qp_escapes(line.p + i, line.len - i, i + 1 == line.len, column == 0);
		size_t cost = escaped ? 3 : 1;

		/* one column stays free for the `=` of a soft break */
		if (column + cost > LINE_CHARS - (i + 1 < line.len ? 1 : 0)) {
			buf_puts(out, "=\r\n");
			column = 0;
			escaped = qp_escapes(line.p + i, line.len - i, i + 1 == line.len, true);
			cost = escaped ? 3 : 1;
		}
		if (escaped)
			buf_printf(out, "=%02X", (unsigned char)line.p[i]);
		else
			buf_putc(out, line.p[i]);
		column += cost;
	}
}

void compose_qp(struct buf *out, const char *text, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(text, '\n', len);
		size_t line = lf ? (size_t)(lf - text) : len, bare = line;

		if (lf != NULL && bare > 0 && text[bare - 1] == '\r')
			bare--;
		qp_line(out, (struct range){text, bare});
		buf_puts(out, "\r\n");
		line += lf ? 1 : 0;
		text += line;
		len -= line;
	}
}

static void add_buf(struct pieces *out, struct buf *buf)
{
	pieces_add(out, buf_str(buf), buf->len);
	buf_free(buf);
}

void compose_text_part(struct pieces *out, const char *subtype, const char *text, const char *extra)
{
	struct buf b = {0};

	buf_printf(&b, "Content-Type: text/%s; charset=utf-8\r\n", subtype);
	buf_puts(&b, "Content-Transfer-Encoding: quoted-printable\r\n");
	if (extra != NULL)
		buf_puts(&b, extra);
	buf_puts(&b, "\r\n");
	compose_qp(&b, text, strlen(text));
	add_buf(out, &b);
}

/* Content fields of a base64 part and the empty line. */
static void file_headers(
    struct buf *b, const char *media_type, const char *charset, const char *filename)
{
	buf_printf(b, "Content-Type: %s", media_type);
	if (charset[0] != '\0')
		header_put_param(b, "charset", charset);
	if (filename != NULL)
		header_put_param(b, "name", filename);
	buf_puts(b, "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment");
	if (filename != NULL)
		header_put_param(b, "filename", filename);
	buf_puts(b, "\r\n\r\n");
}

static void file_part(struct pieces *out, const char *media_type, const char *charset,
    const char *filename, struct range data)
{
	struct buf b = {0};

	file_headers(&b, media_type, charset, filename);
	codec_base64(&b, data.p, data.len, LINE_CHARS);
	add_buf(out, &b);
}

void compose_file_part(
    struct pieces *out, const char *media_type, const char *filename, struct range data)
{
	file_part(out, media_type, "", filename, data);
}

/* A forwarded message is carried as a file: RFC 2046 5.2.1 forbids to encode message/rfc822, and
 * what is sealed must be encoded. Multiparts have no type of their own outside their parts either.
 */
static const char *enclosure_type(const struct mime_part *part, struct arena *arena)
{
	if (strcmp(part->type, "message") == 0 || strcmp(part->type, "multipart") == 0)
		return unknown_type;
	return arena_printf(arena, "%s/%s", part->type, part->subtype);
}

void compose_enclosure(struct pieces *out, const struct mime_part *part, const char *name,
    struct range message, int64_t body_id)
{
	const char *type = enclosure_type(part, out->arena);
	struct buf b = {0};

	if (part->encoding == MIME_BASE64 && decode_base64_is_canonical(part->body)) {
		file_headers(&b, type, part->charset, name);
		add_buf(out, &b);
		pieces_add_stored(out, part->body, body_id, (uint64_t)(part->body.p - message.p));
		if (part->body.p[part->body.len - 1] != '\n')
			pieces_puts(out, "\r\n");
		return;
	}
	if (mime_decode(part, &b, NULL) == 1)
		file_part(out, type, part->charset, name, buf_range(&b));
	else
		file_part(out, unknown_type, "", name, part->body);
	buf_free(&b);
}

const char *compose_boundary(struct arena *arena, const char *seed)
{
	char hex[SHA256_HEX_SIZE];

	codec_sha256_hex(seed, strlen(seed), hex);
	/* RFC 2045 6.7: `=_` can stand in no quoted-printable, and = only ends base64 */
	return arena_printf(arena, "=_mtagw_%.*s", BOUNDARY_HASH, hex);
}

const char *compose_message_id(struct arena *arena, int64_t id, const char *domain)
{
	char text[14];

	codec_base32_u64((uint64_t)id, text);
	return arena_printf(arena, "<%s@%s>", text, domain);
}
