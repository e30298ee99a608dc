/* reply_private: the state of one reading, shared by the files of reply_reader. */
#ifndef OFFICE_REPLY_PRIVATE_H
#define OFFICE_REPLY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/office/reply_reader.h"

struct reply_lines {
	const char **at;
	size_t count;
};
struct reply_reader {
	const struct reply_words *words;
	struct arena *arena;
	struct reply_lines lines; /* above the quotation */
	const char *corrected;    /* NULL */
};
/* A word of the vocabulary at the beginning of a text. */
struct reply_hit {
	const struct reply_word *word; /* NULL: none */
	size_t len;                    /* bytes of text it takes */
	const char *corrected;         /* `KEMBLI -> KEMBALI` where a letter was forgiven */
};

/* The longest word of the list that text begins with; where there is none and `forgive`, one with
 * one letter wrong, if only one id has such a word and what stands there is no ordinary word. */
struct reply_hit reply_find_verb(struct reply_reader *reader, const char *text, bool forgive);
struct reply_hit reply_find_label(struct reply_reader *reader, const char *text, bool forgive);
/* Remembers what was forgiven for the echo. */
void reply_forgave(struct reply_reader *reader, const struct reply_hit *hit);
/* Length of text's first word when it is that one (case aside), 0. */
size_t reply_word_len(const char *text, const char *word);

/* The line for comparing: blanks at its ends, bold marks around it and around its label cut,
 * a wide colon made an ordinary one. */
const char *reply_plain_line(const char *line, struct arena *arena);
/* Behind a colon (`;`, too) after blanks; NULL where there is none. */
const char *reply_behind_colon(const char *text);
bool reply_is_blank(const char *line);
/* Without blanks at both ends. */
const char *reply_trimmed(const char *text, struct arena *arena);

/* The whole text is a verb, see REPLY_VERB. argument_r "" where there is none. */
const struct reply_word *reply_verb_line(
    struct reply_reader *reader, const char *text, const char **argument_r);
/* `Label: value`; bare: `Kepada kabid ikp`, too. NULL where it is none. colon_r tells which. */
const struct reply_word *reply_label_line(
    struct reply_reader *reader, const char *line, bool bare, const char **value_r, bool *colon_r);
/* The head block from line `from` on: fields into reading; the first line behind it (from: there
 * is none). */
size_t reply_take_fields(
    struct reply_reader *reader, size_t from, bool bare, struct reply_reading *reading);
/* The same for lines of numbers. */
size_t reply_take_picks(struct reply_reader *reader, size_t from, struct reply_reading *reading);

#endif
