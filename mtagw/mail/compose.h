/* compose: MIME entities written into pieces. What is sealed is 7-bit always (RFC 3156 section 3).
 */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/mail/mime.h"
#include "mtagw/mail/pieces.h"

/* Quoted-printable of UTF-8 text with LF line ends: CRLF out, lines <= 76, trailing blanks encoded,
 * `From ` at a line's start and a single dot encoded too, so that no relay changes it. */
void compose_qp(struct buf *out, const char *text, size_t len);
/* Content-Type/-Transfer-Encoding/empty line/QP body of a text part; subtype "plain" or "html".
 * extra: more header lines (complete, CRLF) or NULL. */
void compose_text_part(
    struct pieces *out, const char *subtype, const char *text, const char *extra);
/* A binary part in base64 with file name; disposition attachment. */
void compose_file_part(
    struct pieces *out, const char *media_type, const char *filename, struct range data);
/* An enclosure of a stored message: fresh headers, its base64 body by reference where it is
 * well-formed base64 in lines <= 76 with CRLF, else decoded and encoded anew. name: what the file
 * is called (UTF-8; NULL: nothing). message is the stored message's bytes, body_id its body. Never
 * fails: a damaged encoding is carried as application/octet-stream of the raw bytes; message/... as
 * such a file, because RFC 2046 5.2.1 forbids to encode it and what is sealed is encoded. */
void compose_enclosure(struct pieces *out, const struct mime_part *part, const char *name,
    struct range message, int64_t body_id);
/* A boundary that cannot occur in QP or base64 (contains `=_`), unique by the seed. In the arena.
 */
const char *compose_boundary(struct arena *arena, const char *seed);
/* `<...@domain>`: the Message-ID of that id, always the same. In the arena. */
const char *compose_message_id(struct arena *arena, int64_t id, const char *domain);

#endif
