/* bounce_private: what the files of bounce.h share; others use bounce.h. */
#ifndef MAIL_BOUNCE_PRIVATE_H
#define MAIL_BOUNCE_PRIVATE_H

#include "mtagw/mail/bounce.h"

/* Of a report's own text only this much is read: real ones say who failed in the first page. */
#define BOUNCE_TEXT_MAX_BYTES (64 * 1024)
#define BOUNCE_PART_MAX_BYTES (256 * 1024) /* of a part: status fields, a copied original */
#define BOUNCE_RECIPIENTS_MAX 1000         /* a letter has at most some hundred recipients */
#define BOUNCE_WORDS_MAX_BYTES 500         /* of a remote server's words */

/* A report while it is read. Memory from the arena. */
struct bounce_draft {
	struct arena *arena;
	struct bounce *bounce;
	struct bounce_recipient *list;
	size_t count, size;
};

/* bounce_text.c. An address as people and servers write it (angle brackets, quotes, a dot behind
 * it): `local@domain` with lower-case domain, NULL where it is none. In the arena. */
const char *bounce_address(struct range text, struct arena *arena);
/* bounce.c. Adds a copy unless that address is there already; passes over what is more than the
 * limit. */
void bounce_add(struct bounce_draft *draft, const struct bounce_recipient *recipient);
/* One clean line of at most BOUNCE_WORDS_MAX_BYTES: blanks and line ends squeezed. */
const char *bounce_words(struct range text, struct arena *arena);
/* The first enhanced status code (RFC 3463) in the words of a server, "". */
const char *bounce_status(const char *words, struct arena *arena);
/* Cuts the next line (without its end) from text. False at the end. */
bool bounce_line(struct range *text, struct range *line_r);
/* Where the phrase (lower case) stands in text, case ignored, a blank of it matching any run of
 * blanks and line ends; NULL when it does not. end_r: behind it. */
const char *bounce_find(struct range text, const char *phrase, const char **end_r);

/* bounce_fields.c. Reads the field groups of RFC 3464 section 2 up to the first that names nobody
 * behind those that do. embedded: they begin somewhere in a text. */
void bounce_fields(struct bounce_draft *draft, struct range text, bool embedded);

/* bounce_forms.c. The free forms: true when the text is one of them (recipients are added, form is
 * set). mailer: the X-Mailer field. any: the mail has a null sender, so that words no known server
 * uses are enough too. */
bool bounce_forms(struct bounce_draft *draft, const char *mailer, const char *subject,
    struct range text, bool any);

/* bounce_original.c. Where the copy of the original begins in a report's text: its end when
 * nowhere.
 */
const char *bounce_cut(struct range text);
/* Fills message_id, subject and from of the message the report is about, as far as it is shown. */
void bounce_original(struct bounce_draft *draft, const struct mime_part *root, struct range text);

#endif
