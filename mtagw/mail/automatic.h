/* automatic: is this mail written by a program, and by which kind of it (RFC 3834, RFC 3464, RFC
 * 8098, RFC 5546, RFC 9078). */
#ifndef MAIL_AUTOMATIC_H
#define MAIL_AUTOMATIC_H

#include <stdbool.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"

enum automatic {
	AUTOMATIC_NO,
	AUTOMATIC_BOUNCE,   /* a delivery status report, standard or free form (mail/bounce.h) */
	AUTOMATIC_RECEIPT,  /* a disposition notification (read receipt) */
	AUTOMATIC_VACATION, /* an absence answer */
	AUTOMATIC_TICKET,   /* a ticket system's acknowledgement */
	AUTOMATIC_CALENDAR, /* a calendar invitation's answer */
	AUTOMATIC_REACTION, /* an emoji reaction */
	AUTOMATIC_LIST,     /* a mailing list or bulk mail */
	AUTOMATIC_OTHER     /* marked automatic, kind unknown */
};
/* sender: the envelope's, "" null. Signs in the header first, words of subject and text last and
 * only where a sign supports them: a person's letter must never be taken for a program's. why_r
 * NULL, or gets the sign (in the arena), for the trail. */
enum automatic automatic_kind(
    const struct mime_part *root, const char *sender, struct arena *arena, const char **why_r);
/* May no automatic answer (acknowledgement, notice) be sent to that mail? Wider than
 * automatic_kind: a clerk's answer typed into a ticket system is a person's letter, but answering
 * it by program would make two programs talk (RFC 3834 section 2). Also true for automatic mail
 * known by its header alone; callers check automatic_kind too. */
bool automatic_forbids_answer(
    const struct mime_part *root, const char *sender, struct arena *arena);
const char *automatic_name(enum automatic kind); /* no, bounce, receipt, vacation ... */

#endif
