/* mime: the parsed message. Every part keeps its exact byte ranges. */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/mail/header.h"

enum mime_encoding { MIME_7BIT, MIME_8BIT, MIME_BINARY, MIME_QP, MIME_BASE64, MIME_UNKNOWN };

struct mime_part {
	const char *type, *subtype; /* lower case: "text", "plain" */
	const char *charset;        /* lower case, "" when absent */
	const char *boundary;       /* multipart only */
	const char *filename; /* decoded UTF-8, from Content-Disposition or name=; NULL when none */
	const char *content_id; /* without <>; NULL */
	const char *format;     /* "flowed" or "" */
	bool delsp;
	bool attachment; /* Content-Disposition: attachment */
	enum mime_encoding encoding;
	struct range whole, headers, body; /* in the caller's bytes; body as it travels (encoded) */
	struct header header;
	struct mime_part *children; /* of multipart and message/rfc822 (one child) */
	size_t child_count;
	struct mime_part *parent;
};

/* Parses bytes that guard_check passed. root_r lives in the arena, ranges point into message. -1 on
 * an empty message and over the guard's structure limits. A multipart without a boundary, and an
 * encoded message/rfc822, is a leaf. */
int mime_parse(
    struct range message, struct arena *arena, struct mime_part **root_r, struct err *error_r);
/* Appends the decoded content: 1, or 0 when the transfer encoding was damaged (what could be
 * decoded is there, error_r tells). */
int mime_decode(const struct mime_part *part, struct buf *out, struct err *error_r);
/* Appends the part's text as UTF-8 with LF line ends, format=flowed joined (RFC 3676), controls
 * dropped. 0 when the charset is unknown or broken (bytes above 126 become U+FFFD, error_r tells).
 */
int mime_text(const struct mime_part *part, struct buf *out, struct err *error_r);
/* The part that holds what the writer wrote; NULL when there is none. */
const struct mime_part *mime_main_part(const struct mime_part *root);
/* What the writer wrote: the text of the first text part that is not an attachment, plain
 * preferred, HTML turned into text. "" when there is none. */
const char *mime_main_text(const struct mime_part *root, struct arena *arena);
/* The same for a reply: in HTML a quotation is marked (html_reply_text). */
const char *mime_reply_text(const struct mime_part *root, struct arena *arena);
/* Parts that are enclosures: everything that is not the main text's alternatives, multipart
 * containers, signatures; message/rfc822 is one enclosure. Never by Content-Disposition alone. In
 * document order. */
size_t mime_enclosures(
    const struct mime_part *root, struct arena *arena, const struct mime_part ***list_r);
/* Each part in document order, depth first. */
void mime_walk(const struct mime_part *root,
    void (*cb)(const struct mime_part *part, int depth, void *ctx), void *ctx);

/* HTML (untrusted) as readable text: block elements break lines, lists get dashes, links show their
 * address. UTF-8 in and out. */
void html_text(struct range html, struct buf *out);
/* The same with `> ` before the lines of what a client marked as quotation, without its signature
 * element and what is hidden. */
void html_reply_text(struct range html, struct buf *out);

#endif
