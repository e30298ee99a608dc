/* quotation_private: lines of a mail's text, shared by the files of quotation. */
#ifndef MAIL_QUOTATION_PRIVATE_H
#define MAIL_QUOTATION_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/mem.h"

struct lines {
	const char **at; /* trimmed at the end */
	size_t count;
};

/* Comparison without case (ASCII). */
bool line_starts(const char *line, const char *words);
bool line_starts_any(const char *line, const char *const *list);
bool line_has_any(const char *line, const char *const *list);
bool line_is_blank(const char *line);
bool line_is_quoted(const char *line); /* begins with > */
/* Only characters of a drawn line: ___ --- === *** */
bool line_is_rule(const char *line);
/* Behind blanks, bold marks and other ornament. */
const char *line_bare(const char *line);

enum start_kind {
	START_NONE,
	START_MARKED, /* quoted lines carry `>` */
	START_OPEN    /* all that follows is quotation */
};
struct start {
	enum start_kind kind;
	size_t line;    /* the first of the quotation, attribution included */
	bool forwarded; /* a client's inline forward */
};
/* The first quotation in lines from line `from` on. */
struct start quotation_start(const struct lines *lines, size_t from, struct arena *arena);
/* How many lines from i on are `Pada ... menulis:` or alike, 0. */
size_t quotation_attribution(const struct lines *lines, size_t i, struct arena *arena);
/* The line says that a forwarded mail follows. */
bool quotation_is_forward(const char *line);

/* What was written in these lines: banners above, signature, footers and disclaimers cut. */
const char *quotation_written(const struct lines *lines, struct arena *arena);

#endif
