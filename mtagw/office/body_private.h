/* body_private: what body_lines says of the lines of a typed text to body_xml. */
#ifndef OFFICE_BODY_PRIVATE_H
#define OFFICE_BODY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/office/body_xml.h"

enum marker {
	MARKER_NONE,
	MARKER_DIGIT,
	MARKER_ALPHA,
	MARKER_DIGIT_PAREN,
	MARKER_ALPHA_PAREN,
	MARKER_DASH
};

struct line {
	struct range text; /* blanks at both ends cut; empty for an empty line */
	bool indented;
	unsigned indent; /* columns */
	size_t len;      /* characters, blanks at the ends included */
};

/* Characters of well-formed UTF-8. */
size_t body_characters(struct range r);
/* Everything XML can hold, the rest as U+FFFD; the caller frees it. */
char *body_clean(const char *text);
/* Appends it escaped, runs of blanks as one, BODY_XML_BREAK as <br/>. */
void body_put_text(struct buf *out, struct range r);
/* The next line, its LF aside; *p goes on behind it. */
struct range body_next_line(const char **p);
struct line body_trimmed(struct range raw);
/* A marker, a blank and words: *n_r its number from 1, *rest_r the words. */
enum marker body_marker(struct range line, unsigned *n_r, struct range *rest_r);
/* `Label : value`; the halves trimmed. */
bool body_row(struct range line, struct range *label_r, struct range *value_r);
/* Where the client wrapped: as far as lines of wrapped blocks reach. 0: nowhere. */
size_t body_find_wrap(const char *text);

#endif
