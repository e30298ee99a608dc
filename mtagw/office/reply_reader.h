/* reply_reader: what a person answered, from a phone or a desk (DESIGN 7, "Reading a human's
 * reply"). Pure functions on a parsed mail and the words of the law; no database, no clock of its
 * own. */
#ifndef OFFICE_REPLY_READER_H
#define OFFICE_REPLY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"
#include "mtagw/policy/policy.h"

/* What may stand behind a verb on its line. Required: the caller asks for it where it is missing;
 * the reader takes both kinds alike. */
enum reply_argument { REPLY_ARGUMENT_NONE, REPLY_ARGUMENT_OPTIONAL, REPLY_ARGUMENT_REQUIRED };
/* The vocabulary (policies/commands.xml): several words may name one thing. */
struct reply_word {
	const char *word;             /* `SETUJU`, `Kepada`; ASCII, compared without case */
	const char *id;               /* `ok`, `to` */
	enum reply_argument argument; /* of a verb; `argument=` of commands.xml, none by default */
};
struct reply_words {
	const struct reply_word *verbs, *labels;
	size_t verb_count, label_count;
};
/* The words of the law, arrays in the arena, strings the policy's. */
void reply_words_of(const struct policy *policy, struct arena *arena, struct reply_words *words_r);
struct reply_field {
	const char *label; /* id: to, instruction, due, note, number, subject, qualifier, type,
	                      classification, enclosure, from, date */
	const char *value; /* as written, trimmed, continuation lines joined by LF */
	int line;          /* of the read text, from 1 */
};
enum reply_shape {
	REPLY_EMPTY,   /* nothing was written */
	REPLY_VERB,    /* the first line is exactly a verb (polite words behind it aside), or `VERB:
	                  argument` where the verb takes one; head lines with a colon right below it
	                  are fields (`RALAT`, then `Hal: ...`) */
	REPLY_FIELDS,  /* a head block at the very top */
	REPLY_NUMBERS, /* lines of numbers and words: `1,3 TL besok`, `1,2,5 OK`, `4 hal: ...`; head
	                  lines with a colon right below them are fields */
	REPLY_WORDS    /* anything else, and all that was written below or between a quotation only:
	                  the quoted mail may hold lines of others, so nothing there commands */
};
/* A line that begins with numbers: `1,2,5 OK`, `3 BUKAN SURAT`, `4 hal: Undangan rapat`, `1-3 OK`.
 */
struct reply_pick {
	const int *numbers; /* each 1..999, in the order written, none twice */
	size_t count;
	const char *verb;  /* id of the verb behind them, "" where the words are none */
	const char *label; /* id of a label behind them (`hal:`), "" */
	const char *words; /* what stands behind numbers, verb or label */
	int line;
};
struct reply_reading {
	enum reply_shape shape;
	const char *verb;     /* REPLY_VERB: id, else "" */
	const char *argument; /* REPLY_VERB: behind the colon or blank, "" */
	const struct reply_field *fields;
	size_t field_count;
	const struct reply_pick *picks;
	size_t pick_count;
	const char *first_line; /* as written, "" */
	const char *text;      /* all that the person wrote: quotation, signature, footers, banners,
	                          disclaimers cut */
	const char *note;      /* text without the verb line, or what follows the head block or the
	                          picks;      REPLY_WORDS: text */
	bool quoted;           /* a quotation was cut */
	bool below;            /* a part of text stood below or between the quotation */
	bool forwarded;        /* the mail carries a message/rfc822 or a client's inline forward */
	const char *corrected; /* NULL, or `KEMBLI -> KEMBALI`, several by `; `: what was forgiven,
	                          to be echoed */
};
/* Reads the mail. Strings in the arena. Never fails: what cannot be understood is REPLY_WORDS, and
 * no action. */
void reply_read(const struct mime_part *root, const struct reply_words *words, struct arena *arena,
    struct reply_reading *reading_r);
/* The same for a text that is already plain (UTF-8, LF). */
void reply_read_text(const char *text, const struct reply_words *words, struct arena *arena,
    struct reply_reading *reading_r);
/* Top part of an outsider's mail for a list: text cut as above, at most max characters (the last an
 * ellipsis where more was written), one paragraph. "" where nothing was written. */
const char *reply_excerpt(const struct mime_part *root, size_t max, struct arena *arena);

/* A date as people write it, counted from the mail's own Date in the city's time: `besok`, `lusa`,
 * `hari ini`, `jumat` (the next one, never today), `Jumat depan` (that of next week), `3 hari`,
 * `2 minggu`, `minggu depan`, `27/11`, `27-11-2026`, `27 November`, `27 Nov 2026`, `tanggal 27`,
 * `tomorrow`, `friday`, with or without a time (`besok jam 10`, `pukul 14.30`). A day without a
 * year is the next such day within half a year. Working days (`3 hari kerja`) need a calendar and
 * are no date here. rest_r NULL, or gets what follows ("" at the end). 1: due_ms_r (end of that day
 * 23:59 where no time was given; has_time_r tells); 0: no date, or one that cannot be (31 February,
 * a weekday that is not that day's), or one that has passed or is over ten years away. */
int reply_date(const char *text, int64_t mail_ms, struct arena *arena, int64_t *due_ms_r,
    bool *has_time_r, const char **rest_r);
/* The first date in text at the beginning of a word: before_r gets what stands before it (`TL` of
 * `TL besok`). Else as reply_date. */
int reply_date_in(const char *text, int64_t mail_ms, struct arena *arena, const char **before_r,
    int64_t *due_ms_r, bool *has_time_r, const char **rest_r);
/* Whether text names a day or a time anywhere, readable or not (`31/02`, `kemarin`): what_r (NULL
 * allowed) gets where in text. */
bool reply_date_like(const char *text, int64_t mail_ms, const char **what_r);
/* The numbers that text begins with, as in a pick (`1,3`, `1-3`, `2.`): each once, in the arena;
 * what stands behind them, NULL where there are none. */
const char *reply_numbers(
    const char *text, struct arena *arena, const int **numbers_r, size_t *count_r);

#endif
