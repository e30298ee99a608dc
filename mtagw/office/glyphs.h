/* glyphs: characters that no font of this machine can show. A PDF would have blanks in their place,
 * without a word from anybody. */
#ifndef OFFICE_GLYPHS_H
#define OFFICE_GLYPHS_H

#include "mtagw/base/buf.h"
#include "mtagw/base/mem.h"

struct glyphs;
/* Reads which characters the installed fonts have (blocking: font caches, some milliseconds). Fonts
 * that are installed later count after a restart, as they do for the PDF helper. NULL: no font is
 * installed. */
struct glyphs *glyphs_new(void);
/* Takes the pointer's address, accepts a NULL, clears it. */
void glyphs_free(struct glyphs **glyphs);
/* The characters of text (UTF-8) that no font has, each once, as a list for people:
 * `X (U+6F22), Y (U+5B57)`, a long one cut with an ellipsis. NULL: all can be shown. In the arena.
 */
const char *glyphs_missing(const struct glyphs *glyphs, struct range text, struct arena *arena);

#endif
