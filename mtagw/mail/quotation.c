/*
 * quotation: divides a mail's text into what was written above the quotation, what stands below or
 * between quoted lines, and the quotation. Where a quotation begins is told by quotation_start.c,
 * what else is cut by quotation_footer.c. Only lines with `>` end a quotation again: after a
 * client's quoted header everything is quotation.
 */
#include "mtagw/mail/quotation.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/header.h"
#include "mtagw/mail/quotation_private.h"

/* A line that mail programs fold is about as long; a shorter one ends where its writer ended it. */
#define FOLDED_LEN_MIN 60

bool line_starts(const char *line, const char *words)
{
	return strncasecmp(line, words, strlen(words)) == 0;
}

bool line_starts_any(const char *line, const char *const *list)
{
	for (; *list != NULL; list++)
		if (line_starts(line, *list))
			return true;
	return false;
}

bool line_has_any(const char *line, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcasestr(line, *list) != NULL)
			return true;
	return false;
}

bool line_is_blank(const char *line)
{
	return line[strspn(line, " ")] == '\0';
}

bool line_is_quoted(const char *line)
{
	return line[0] == '>';
}

bool line_is_rule(const char *line)
{
	size_t n = strspn(line, "_-=*~ ");

	return n >= 3 && line[n] == '\0';
}

const char *line_bare(const char *line)
{
	return line + strspn(line, " *_-=#~|(<[");
}

static bool is_odd_blank(uint32_t code)
{
	return code == '\t' || code == 0xa0 || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
	       code == 0x202f || code == 0x205f || code == 0x3000 || code == '\v' || code == '\f';
}

/* Takes no place: zero-width characters, soft hyphen, byte order mark, variation selectors. */
static bool is_invisible(uint32_t code)
{
	return code == 0xad || code == 0x34f || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ||
	       code == 0xfeff || (code >= 0xfe00 && code <= 0xfe0f) || code == '\r';
}

/* Odd blanks made even, invisible characters dropped, broken bytes dropped. */
static char *evened(const char *text, struct arena *arena)
{
	size_t len = strlen(text);
	char *out = arena_alloc(arena, len + 1), *p = out;
	uint32_t code;

	for (size_t i = 0, n; i < len; i += n) {
		n = charset_utf8_next(text + i, len - i, &code);
		if (n == 0) {
			n = 1;
		} else if (is_odd_blank(code)) {
			*p++ = ' ';
		} else if (!is_invisible(code)) {
			memcpy(p, text + i, n);
			p += n;
		}
	}
	*p = '\0';
	return out;
}

static struct lines split(const char *text, struct arena *arena)
{
	char *p = evened(text, arena);
	struct lines lines = {.count = 1};

	for (const char *q = p; *q != '\0'; q++)
		lines.count += *q == '\n';
	lines.at = arena_alloc(arena, lines.count * sizeof(*lines.at));
	for (size_t i = 0; i < lines.count; i++) {
		char *end = p + strcspn(p, "\n"), *next = *end == '\n' ? end + 1 : end;

		while (end > p && end[-1] == ' ')
			end--;
		*end = '\0';
		lines.at[i] = p;
		p = next;
	}
	return lines;
}

/* The end of a quoted line that a program folded without quoting it: stands right between two
 * quoted lines, the first of them full. */
static bool is_folded_rest(const struct lines *lines, size_t i)
{
	return i > 0 && i + 1 < lines->count && line_is_quoted(lines->at[i - 1]) &&
	       line_is_quoted(lines->at[i + 1]) && !line_is_blank(lines->at[i]) &&
	       strlen(lines->at[i - 1]) >= FOLDED_LEN_MIN;
}

/* From the start of a marked quotation: what is not quoted. */
static struct lines below(const struct lines *lines, struct start start, struct arena *arena)
{
	struct lines found = {arena_alloc(arena, (lines->count + 1) * sizeof(*found.at)), 0};
	size_t i = start.line, n;

	while (i < lines->count && !line_is_quoted(lines->at[i])) /* the attribution */
		i++;
	while (i < lines->count) {
		const char *line = lines->at[i];

		if (line_is_quoted(line) || is_folded_rest(lines, i)) {
			if (found.count > 0 && !line_is_blank(found.at[found.count - 1]))
				found.at[found.count++] = "";
			i++;
		} else if ((n = quotation_attribution(lines, i, arena)) > 0) {
			i += n;
		} else {
			found.at[found.count++] = line;
			i++;
		}
	}
	start = quotation_start(&found, 0, arena);
	if (start.kind != START_NONE)
		found.count = start.line;
	return found;
}

/* A forward whose lines carry `>`: its mark is the first of them. */
static bool begins_with_forward(const struct lines *lines, size_t i)
{
	for (; i < lines->count; i++) {
		const char *line = lines->at[i] + strspn(lines->at[i], "> ");

		if (!line_is_blank(line))
			return quotation_is_forward(line);
	}
	return false;
}

void quotation_cut(const char *text, struct arena *arena, struct quotation *cut)
{
	struct lines lines = split(text, arena), above = lines;
	struct start start = quotation_start(&lines, 0, arena);

	*cut = (struct quotation){.below = ""};
	if (start.kind != START_NONE) {
		above.count = start.line;
		cut->quoted = true;
		cut->forwarded = start.forwarded || begins_with_forward(&lines, start.line);
	}
	if (start.kind == START_MARKED) {
		struct lines rest = below(&lines, start, arena);

		cut->below = quotation_written(&rest, arena);
	}
	cut->above = quotation_written(&above, arena);
}

static bool is_forward_subject(const struct mime_part *root, struct arena *arena)
{
	static const char *const prefixes[] = {
	    "FW:", "Fwd:", "TRS:", "Terusan:", "Diteruskan:", NULL};

	return line_starts_any(header_text(&root->header, "Subject", arena), prefixes);
}

void quotation_cut_mail(const struct mime_part *root, struct arena *arena, struct quotation *cut)
{
	quotation_cut(mime_reply_text(root, arena), arena, cut);
	if (cut->quoted && is_forward_subject(root, arena))
		cut->forwarded = true;
}
