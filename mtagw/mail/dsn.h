/* dsn: delivery status notifications (RFC 3464 in RFC 6522). Reading them comes with the bounces'
 * issue. */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/mail/pieces.h"

struct dsn_recipient {
	const char *final_recipient;
	const char *action;          /* failed, delayed, delivered */
	const char *status;          /* 5.1.1 */
	const char *remote_mta;      /* NULL */
	const char *diagnostic_type; /* smtp for what a server answered (RFC 3464 2.3.6), x-mtagw */
	const char *diagnostic_code; /* of smtp: `550 5.1.1 text`; NULL */
	int64_t last_attempt_ms, will_retry_until_ms; /* 0 = absent */
	const char *original_recipient;               /* `type;address` as the sender said, NULL */
};
struct dsn {
	const char *reporting_mta;
	int64_t arrival_ms;
	const char *envelope_id; /* NULL */
	const struct dsn_recipient *recipients;
	size_t recipient_count;
	const char *text;              /* the human part, UTF-8 */
	struct range original_headers; /* header block of the message it is about, CRLF */
};
/* Appends Content-Type: multipart/report ... to the end of the entity (no other header fields). */
void dsn_compose(struct pieces *out, const struct dsn *dsn, const char *boundary);

#endif
