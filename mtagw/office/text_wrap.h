/* text_wrap: readable lines for text mail. Pure functions. */
#ifndef OFFICE_TEXT_WRAP_H
#define OFFICE_TEXT_WRAP_H

#include <stdbool.h>

#include "mtagw/base/buf.h"

/* What mail clients and format rules expect of plain text: RFC 5322 section 2.1.1 says 78 at most,
 * two are kept for a quotation mark. */
#define TEXT_WRAP_COLUMNS 76

/* Appends text with every line cut at blanks to TEXT_WRAP_COLUMNS characters; a word that is longer
 * stands alone. In a line, a tab marks the column under which its further lines begin (and prints
 * nothing); U+2028 begins such a further line. Blanks at line ends go, empty lines at both ends go,
 * the last line ends with LF. */
void text_wrap(struct range text, struct buf *out);

#endif
