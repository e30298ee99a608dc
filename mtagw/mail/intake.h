/* intake: what smtpd does to a header block before it is stored (RFC 5321 4.4, RFC 6409 section 8,
 * DESIGN 9). */
#ifndef MAIL_INTAKE_H
#define MAIL_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/mail/header.h"

struct intake {
	bool submission;      /* repair Date and Message-ID, drop Bcc; From must belong to login */
	const char *hostname; /* ours */
	const char *domain;   /* the city's */
	const char *helo, *peer_ip; /* of the session */
	const char *protocol;       /* ESMTP, ESMTPS, ESMTPSA (RFC 3848) */
	const char *tls;            /* cipher, "" without */
	const char *queue_id;       /* as text */
	const char *login;          /* authenticated address, "" on the MX */
	int64_t at_ms;
	const char *for_rcpt; /* the single recipient, NULL when several */
};
struct intake_result {
	const char *message_id; /* with <>, "" when a foreign mail has none */
	const char *from;       /* first From address, "" when none */
	const char *subject;    /* decoded */
	size_t received_count;
};

/* Checks the block and appends the one to store (Received on top, foreign Authentication-Results of
 * our name and Mtagw-* fields taken out, empty line not included). -1: error_r is the text for the
 * peer, enhanced_r its enhanced code: no From (submission: 5.6.0... ; MX takes it), two From
 * fields, several addresses in From without Sender, From other than login (5.7.1), more than
 * GUARD_RECEIVED_MAX hops (5.4.6), NUL, a line that is no field. */
int intake_headers(const struct intake *in, struct range block, struct arena *arena,
    struct buf *out, struct intake_result *result_r, const char **enhanced_r, struct err *error_r);

#endif
