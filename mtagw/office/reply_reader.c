/*
 * reply_reader: what a person answered (DESIGN 7, "Reading a human's reply"). The quotation is cut
 * by mail/quotation.c; here the first lines decide the shape: a verb, lines of numbers, a head
 * block, or words. It never guesses: what is not exactly one of these is words, and no action.
 *
 * Text below or between a quotation never commands: a mail program that folds or quotes badly, or a
 * letter made for it, puts lines of the quoted mail there, and those are not the person's.
 */
#include "mtagw/office/reply_reader.h"

#include <stdint.h>
#include <string.h>

#include "mtagw/base/buf.h"
#include "mtagw/mail/charset.h"
#include "mtagw/mail/quotation.h"
#include "mtagw/office/reply_private.h"

#define ELLIPSIS "\xe2\x80\xa6"

static struct reply_lines split(const char *text, struct arena *arena)
{
	struct reply_lines lines = {.count = text[0] != '\0'};
	char *p = arena_strdup(arena, text);

	for (const char *q = p; *q != '\0'; q++)
		lines.count += *q == '\n';
	lines.at = arena_alloc(arena, (lines.count + 1) * sizeof(*lines.at));
	for (size_t i = 0; i < lines.count; i++) {
		char *end = strchr(p, '\n');

		if (end != NULL)
			*end = '\0';
		lines.at[i] = p;
		p = end ? end + 1 : p + strlen(p);
	}
	return lines;
}

/* Text from its line n (from 0) on, empty lines at the beginning cut. */
static const char *from_line(const char *text, size_t n)
{
	while (n > 0 && *text != '\0') {
		text += strcspn(text, "\n");
		text += *text == '\n';
		n--;
	}
	return text + strspn(text, "\n");
}

/* The shape of what stands above the quotation, and how many of its lines that takes. */
static size_t read_lines(struct reply_reader *reader, struct reply_reading *reading)
{
	const char *first = reply_plain_line(reader->lines.at[0], reader->arena);
	const struct reply_word *verb = reply_verb_line(reader, first, &reading->argument);
	size_t end;

	if (verb != NULL) {
		reading->shape = REPLY_VERB;
		reading->verb = verb->id;
		return reply_take_fields(reader, 1, false, reading);
	}
	if ((end = reply_take_picks(reader, 0, reading)) > 0) {
		reading->shape = REPLY_NUMBERS;
		return reply_take_fields(reader, end, false, reading);
	}
	end = reply_take_fields(reader, 0, true, reading);
	reading->shape = end > 0 ? REPLY_FIELDS : REPLY_WORDS;
	return end;
}

static void read_cut(const struct quotation *cut, const struct reply_words *words,
    struct arena *arena, struct reply_reading *reading)
{
	struct reply_reader reader = {words, arena, split(cut->above, arena), NULL};
	bool below = cut->below[0] != '\0';
	size_t taken = 0;

	*reading = (struct reply_reading){.verb = "",
	    .argument = "",
	    .text = cut->above,
	    .quoted = cut->quoted,
	    .forwarded = cut->forwarded,
	    .below = below};
	if (below)
		reading->text = reader.lines.count == 0
		                    ? cut->below
		                    : arena_printf(arena, "%s\n\n%s", cut->above, cut->below);
	if (reader.lines.count > 0)
		taken = read_lines(&reader, reading);
	else
		reading->shape = below ? REPLY_WORDS : REPLY_EMPTY;
	reading->first_line = arena_strndup(arena, reading->text, strcspn(reading->text, "\n"));
	reading->note = from_line(reading->text, taken);
	reading->corrected = reader.corrected;
}

static void find_rfc822(const struct mime_part *part, int depth, void *ctx)
{
	bool *found = ctx;

	if (depth > 0 && strcmp(part->type, "message") == 0 && strcmp(part->subtype, "rfc822") == 0)
		*found = true;
}

void reply_read(const struct mime_part *root, const struct reply_words *words, struct arena *arena,
    struct reply_reading *reading)
{
	struct quotation cut;

	quotation_cut_mail(root, arena, &cut);
	read_cut(&cut, words, arena, reading);
	mime_walk(root, find_rfc822, &reading->forwarded);
}

void reply_read_text(const char *text, const struct reply_words *words, struct arena *arena,
    struct reply_reading *reading)
{
	struct quotation cut;

	quotation_cut(text, arena, &cut);
	read_cut(&cut, words, arena, reading);
}

/* The character at text or, for a run of blanks and line ends, one blank: the bytes taken. */
static size_t take_character(const char *text, struct buf *out)
{
	size_t blanks = strspn(text, " \n"), n;
	uint32_t code;

	if (blanks > 0) {
		buf_putc(out, ' ');
		return blanks;
	}
	n = charset_utf8_next(text, strnlen(text, 4), &code);
	buf_append(out, text, n);
	return n > 0 ? n : 1;
}

const char *reply_excerpt(const struct mime_part *root, size_t max, struct arena *arena)
{
	struct quotation cut;
	struct buf out = {0};
	const char *text, *result;
	size_t chars = 0, fits = 0; /* bytes that leave room for the ellipsis */

	quotation_cut_mail(root, arena, &cut);
	text = cut.above[0] != '\0' ? cut.above : cut.below;
	for (; *text != '\0' && chars < max; chars++) {
		if (chars + 1 == max)
			fits = out.len;
		text += take_character(text, &out);
	}
	if (*text != '\0' && max > 0) {
		out.len = fits;
		buf_puts(&out, ELLIPSIS);
	}
	result = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return result;
}
