/* intake: what comes from outside, one mail, several readers. */
#ifndef ROUTER_INTAKE_H
#define ROUTER_INTAKE_H

#include "mtagw/crypto/verifier.h"
#include "mtagw/mail/automatic.h"
#include "mtagw/office/arrival.h"
#include "mtagw/router/letters.h"
#include "mtagw/store/incoming.h"

#define INTAKE_TABLE_MAX 60 /* letters in one list to a clerk */

struct intake_letter {
	struct range bytes;
	const struct mime_part *root; /* NULL: cannot be parsed */
	struct verdicts verdicts;
	const char *level; /* verdicts_level, or `failed` for a forgery of our own domain */
	enum automatic automatic;
	const char *why; /* automatic: the sign */
	struct arrival arrival;
	const char *channel;       /* mx, softcopy (a colleague's forward) */
	struct letter_row *letter; /* in the plan once it is one; NULL before */
	const char *const
	    *agencies; /* that have it already: one mail to several of its addresses */
	size_t agency_count;
	struct outgoing *forward; /* the untouched mail in the plan; NULL before */
};

/* The thread of a mail: fills thread, reply_to and stranger of the row. detail: behind '+' of the
 * registry's address, NULL. -1: t->err. */
int thread_find(struct worker *w, struct task *t, const struct intake_letter *in,
    const char *detail, struct incoming_row *row);
/* One mail for one agency: listed, numbered or noted as policy says. -1: t->err. */
int incoming_take(struct worker *w, struct task *t, struct intake_letter *in, const char *agency,
    const char *detail);
/* The mail as it came into that mailbox; folder NULL: INBOX. -1: t->err. */
int intake_forward(struct worker *w, struct task *t, struct intake_letter *in, const char *position,
    const char *folder);
/* A mail to a keyed return path, or a bounce that came elsewhere: 1 attached to its delivery, 0 not
 * ours, -1. delivery_id 0: unknown. */
int bounce_take(struct worker *w, struct task *t, struct intake_letter *in, int64_t delivery_id);
/* A program's mail about a letter: noted with it. letter_id 0: about none. -1. */
int intake_note(struct worker *w, struct task *t, const struct intake_letter *in, int64_t letter_id,
    int64_t delivery_id);
/* The verdicts as one line for a reader. */
const char *verdict_line(const struct policy *policy, const struct verdicts *verdicts,
    const char *level, const char *sender, struct arena *arena);
/* The lines of a text without those that are empty because a name in them was. */
void intake_put_lines(struct buf *out, const char *text);

/* A colleague's forward of a mail from outside to a registry (R33): 1 with the task's result, 0: it
 * is none. */
struct draft;
int softcopy_take(struct worker *w, struct task *t, const struct draft *draft, struct range bytes,
    enum task_result *result_r);
/* Asks mtagw-verify about the bytes, or takes what is stored for the message: 1; 0 with the result
 * to give back. */
int intake_verify(struct worker *w, struct task *t, struct intake_letter *in,
    const struct verify_request *request, enum task_result *result_r);

/* Work kinds. */
enum task_result incoming_register_task(
    struct worker *w, struct task *t, const struct letter_row *letter); /* incoming.c */
/* A letter of another agency stands in this one (t->work->arg) too: its row and its presentation
 * into the plan. */
void incoming_from_inside(struct worker *w, struct task *t, const struct letter_row *letter);
enum task_result present_task(struct worker *w, struct task *t); /* present.c */
enum task_result list_task(struct worker *w, struct task *t);    /* registry.c */

/* The registry clerk of an agency, else its head. NULL: neither. */
const char *registry_of(const struct policy *policy, const char *agency);

#endif
