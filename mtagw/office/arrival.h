/* arrival: a mail from outside read as a letter: who, which number and date of theirs, about what,
 * which letter of ours it may answer. Pure functions on a parsed mail. */
#ifndef OFFICE_ARRIVAL_H
#define OFFICE_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"
#include "mtagw/office/letter.h"
#include "mtagw/policy/policy.h"

#define ARRIVAL_EXCERPT_MAX 400 /* characters shown in the clerk's list */
#define ARRIVAL_NUMBERS_MAX 32  /* quoted numbers looked up */
#define ARRIVAL_IDS_MAX 100     /* referred Message-IDs looked up, the newest */

struct arrival {
	const char *sender_address; /* first From, else the envelope's; "" with neither */
	const char *sender_name;    /* as displayed, else the correspondent's, else the address */
	const char *domain;         /* of the address, lower case */
	size_t from_count;          /* addresses in all From fields: one is usual */
	const char *subject;        /* decoded; "(tanpa hal)" is the caller's */
	const char *number;         /* `Nomor:` line at the top of what was written, "" */
	const char *date;           /* `2026-11-24`: `Tanggal:` line, else the mail's Date */
	const char *urgency, *security_class; /* ids by a `Sifat:` line, else normal and open */
	bool doubtful;          /* its subject is one of programs, though nothing else says so */
	const char *excerpt;    /* top of what was written, quotation cut, one paragraph */
	const char *const *ids; /* of References and In-Reply-To, with <>, the newest first */
	size_t id_count;
	const char *const *numbers; /* what looks like a letter number in subject and text */
	size_t number_count;
	struct letter_enclosure *enclosures;
	size_t enclosure_count;
};
/* sender: the envelope's. received_ms: of the session. Strings in the arena. Never fails. */
void arrival_read(const struct mime_part *root, const char *sender, int64_t received_ms,
    const struct policy *policy, struct arena *arena, struct arrival *arrival_r);
/* The mail that a colleague's mail forwards: the one message/rfc822 among its parts, else what the
 * quoted header of an inline forward says of its sender (address and name; NULL part). 1; 0: it is
 * no forward. */
struct arrival_forward {
	const struct mime_part *part; /* root of the forwarded mail */
	struct range bytes;           /* of it */
	const char *address, *name;
};
int arrival_forwarded(
    const struct mime_part *root, struct arena *arena, struct arrival_forward *forward_r);
/* `24-11-2026`, `24/11/2026`, `Dumai, 24 November 2026` as `2026-11-24`; NULL: no such day. */
const char *arrival_date(const char *text, struct arena *arena);
/* Words that look like a letter number: at least two slashes, a digit, no address of a page or
 * file. In order, none twice, at most max. */
size_t arrival_numbers(
    const char *text, size_t max, struct arena *arena, const char *const **list_r);

#endif
