/* notice: mail of the gateway to a person inside: confirmation, preview, refusal, question,
 * failure. */
#ifndef OFFICE_NOTICE_H
#define OFFICE_NOTICE_H

#include <stdint.h>

#include "mtagw/mail/dsn.h"
#include "mtagw/mail/pieces.h"
#include "mtagw/policy/policy.h"

struct notice {
	const struct policy *policy;
	const char *domain;
	const char *from;         /* address it comes from: a registry, postmaster */
	const char *to;           /* login */
	const char *to_name;      /* position's title, "" */
	const char *reply_to;     /* NULL: as from */
	const char *words;        /* `<words>.subject` and `<words>.body` of the policy */
	const char *const *pairs; /* for both, ended by NULL */
	const char *more;         /* text behind the words (the letter itself), NULL */
	struct range original; /* a stored mail attached untouched (message/rfc822); len 0: none */
	int64_t original_body; /* its stored body */
	const char *folder;    /* NULL: INBOX */
	const char *in_reply_to; /* Message-ID of what it answers, NULL */
	const char *message_id;
	int64_t date_ms;
	const struct dsn *dsn; /* a failure notice in the form of RFC 3464; NULL: plain text */
};
/* Appends the whole message and gives its subject back. Never fails: words were checked when the
 * policy was loaded. */
const char *notice_compose(const struct notice *notice, struct arena *arena, struct pieces *out);

#endif
