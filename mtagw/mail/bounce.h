/* bounce: reading delivery status notifications: RFC 3464 and the free forms of real servers. Pure
 * functions on a parsed mail. */
#ifndef MAIL_BOUNCE_H
#define MAIL_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"

struct bounce_recipient {
	const char *address;    /* Original-Recipient where given, else Final-Recipient, or found in
	                           the free text; lower-case domain */
	const char *final;      /* Final-Recipient, "" */
	const char *action;     /* failed, delayed, delivered, relayed, expanded */
	const char *status;     /* `5.1.1`, "" where none was told */
	const char *diagnostic; /* the remote server's words, one line, "" */
	const char *remote;     /* Remote-MTA, "" */
};
struct bounce {
	bool standard; /* multipart/report with message/delivery-status */
	const struct bounce_recipient *recipients;
	size_t recipient_count; /* 0: a bounce that names nobody */
	/* of the message it is about, "" where it is not shown */
	const char *envelope_id, *message_id, *subject, *from;
	const char *reporter; /* Reporting-MTA or the From domain, "" */
	const char *
	    form; /* for the trail: `rfc3464`, `qmail`, `exim`, `exchange`, `postfix`, `free` ... */
};
/* sender: the envelope's, "" null. 1: it is a bounce and bounce_r is filled (strings in the arena);
 * 0: it is not. A person's mail that merely quotes or forwards one is not. At most 1000 recipients
 * are kept. Never blocks. */
int bounce_read(
    const struct mime_part *root, const char *sender, struct arena *arena, struct bounce *bounce_r);

/* What the bounce says of that address (also as Final-Recipient), case ignored; NULL: nothing. */
const struct bounce_recipient *bounce_recipient(const struct bounce *bounce, const char *address);

/* Is the bounce about the delivery of the message with that id (brackets or not) to recipient?
 * SURE: it names both. LIKELY: it names the recipient and shows no message, or it names the message
 * and nobody. OTHER: it names another message, whoever the recipient, or another recipient. For
 * mail that came to a keyed return path the path decides, not this. */
enum bounce_match { BOUNCE_OTHER, BOUNCE_LIKELY, BOUNCE_SURE };
enum bounce_match bounce_matches(
    const struct bounce *bounce, const char *message_id, const char *recipient);

#endif
