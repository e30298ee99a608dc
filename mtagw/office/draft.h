/* draft: what a mail from a login wants to be: letter, pesan, preview, answer to a prompt. The same
 * for the router and `policy explain`. */
#ifndef OFFICE_DRAFT_H
#define OFFICE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"
#include "mtagw/office/addressing.h"
#include "mtagw/office/letter.h"
#include "mtagw/office/reply.h"
#include "mtagw/policy/policy.h"

/* The mail as taken in. */
struct draft_source {
	const struct policy *policy;
	const char *domain;       /* the city's */
	const char *login;        /* authenticated address */
	const char *position;     /* of the login */
	const char *const *rcpts; /* envelope */
	size_t rcpt_count;
	struct range bytes;
};
enum draft_kind {
	DRAFT_LETTER,  /* a type named by address or `Jenis:` */
	DRAFT_PREVIEW, /* untyped with somebody outside: the letter it would be, asked back */
	DRAFT_PESAN,   /* untyped, inside only */
	DRAFT_PROMPT,  /* an answer to ttd+token@ */
	DRAFT_INVALID  /* problem tells: nobody to write to, unknown type word, several types ... */
};
extern const char *const draft_kind_names[];
struct draft {
	enum draft_kind kind;
	const struct policy_type *type; /* of a letter or preview */
	struct letter letter; /* without ids, number, date, person: the router adds them */
	const struct addressee *addressees; /* of each envelope recipient that is a person or an
	                                       agency, in order of letter.recipients */
	size_t addressee_count;
	bool source_signed; /* letter or preview: the mail bore a signature of its writer's own */
	const struct mime_part *root;
	const struct mime_part **enclosures;
	size_t enclosure_count;
	const char *main_text;     /* as written */
	const char *prompt_target; /* DRAFT_PROMPT: the action's name */
	const char *prompt_detail; /* DRAFT_PROMPT: behind '+' */
	const char *problem;       /* DRAFT_INVALID: id of the words */
	const char *problem_what;  /* the thing itself, for {apa} */
};
/* Reads the mail; ranges point into source->bytes. -1 only where the message cannot be parsed at
 * all. */
int draft_read(const struct draft_source *source, struct arena *arena, struct draft *draft_r,
    struct err *error_r);

#endif
