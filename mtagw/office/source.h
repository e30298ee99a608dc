/* source: what a letter can take over from the mail it was written as, and what it cannot. Pure
 * functions. */
#ifndef OFFICE_SOURCE_H
#define OFFICE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"

/* The id of the notice that tells the writer why this mail cannot become a letter, what_r the thing
 * itself: it is encrypted (PGP/MIME, S/MIME, inline), signed in the closed form of S/MIME, holds
 * Outlook's winmail.dat, its text is in a charset that is unknown, unsaid or broken, or its
 * encoding or that of an enclosure is damaged. NULL: all of it can be read. What was sealed would
 * stand for the agency, so nothing is guessed. */
const char *source_problem(const struct mime_part *root, struct arena *arena, const char **what_r);
/* True when the writer signed the mail (RFC 1847, or an inline OpenPGP signature). A letter is a
 * new document under the agency's seal and cannot carry that signature, so the writer is told. */
bool source_signed(const struct mime_part *root, struct arena *arena);
/* What the writer wrote, without the armor of an inline signature (RFC 4880 section 7). */
const char *source_text(const struct mime_part *root, struct arena *arena);
/* True when text shows a character that could not be read (U+FFFD). */
bool source_unreadable(const char *text);

#endif
