/* decode: content transfer encodings of RFC 2045, read leniently, damage told. */
#ifndef MAIL_DECODE_H
#define MAIL_DECODE_H

#include <stdbool.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"

/* Appends the bytes: 1; or 0 when the text was damaged (wrong characters skipped, padding missing,
 * data behind the padding left out; error_r says what and at which byte). Blanks and line ends are
 * no damage. */
int decode_base64(struct range text, struct buf *out, struct err *error_r);
/* Quoted-printable: 1; or 0 when an escape is no escape (it is taken as it stands). */
int decode_qp(struct range text, struct buf *out, struct err *error_r);
/* The Q encoding of RFC 2047 4.2: `_` is a space; a wrong escape stands for itself. */
void decode_q(struct range text, struct buf *out);
/* True for base64 that may travel again as it is: lines of 4..76 characters in whole groups, CRLF
 * at each end but perhaps the last, padding only at the very end. Empty text is not. */
bool decode_base64_is_canonical(struct range text);

#endif
