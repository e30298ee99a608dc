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
 * 0: it is not. A person's mail that merely quotes one is not. */
int bounce_read(
    const struct mime_part *root, const char *sender, struct arena *arena, struct bounce *bounce_r);

#endif
