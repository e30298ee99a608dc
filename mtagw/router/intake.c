/*
 * intake: what comes from outside is stored and delivered, unnumbered and untouched, to the
 * registry clerk of the agency it names (numbers, verdicts and threads are given later). Bounces
 * come to a keyed return path and go to the clerk of the letter they are about, never into an
 * agenda.
 */
#include "mtagw/router/letters.h"

#include <string.h>

/* Position whose mailbox gets it; letter_id_r where the address knows one. NULL: t->err or nobody.
 */
static const char *reader_of(
    struct worker *w, struct task *t, const struct addressee *a, int64_t *letter_id_r)
{
	const struct policy_position *p;
	const struct policy_agency *agency;
	const char *position = a->position;
	int64_t id;

	if (a->kind == ADDRESSEE_RETURN &&
	    token_read(&w->token_key, TOKEN_DELIVERY, a->detail, &id) == 1)
		(void)delivery_origin(w->db, id, t->arena, letter_id_r, &position, &t->err);
	if (a->kind == ADDRESSEE_ROLE)
		return position;
	p = position ? policy_position(t->law->policy, position) : NULL;
	agency = p ? policy_agency(t->law->policy, p->agency) : NULL;
	if (agency != NULL && agency->registry != NULL)
		return agency->registry;
	return position;
}

static int deliver(struct worker *w, struct task *t, struct outgoing *out, const char *rcpt)
{
	int64_t letter_id = 0, token_id;
	struct token_row token;
	struct addressee a;
	const char *reader;

	addressing_resolve(t->law->policy, w->settings->domain, rcpt, t->arena, &a);
	reader = reader_of(w, t, &a, &letter_id);
	if (reader == NULL)
		reader = letters_postmaster(w, t);
	if (reader == NULL)
		return err_set(&t->err,
		    "%s: nobody reads it, and policy names no reader of postmaster@", rcpt);
	if (a.kind == ADDRESSEE_REGISTRY && a.detail != NULL &&
	    token_read(&w->token_key, TOKEN_REPLY, a.detail, &token_id) == 1 &&
	    token_row_load(w->db, token_id, false, t->arena, &token, &t->err) == 1)
		letter_id = token.letter_id;
	const char *details[] = {
	    "recipient", rcpt, "reader", reader, "sender", t->message.sender, NULL};
	if (plan_exchange(w, t,
	        (struct exchange){
	            .event = a.kind == ADDRESSEE_RETURN ? "BounceReceived" : "IntakeReceived",
	            .outcome = "done",
	            .letter_id = letter_id},
	        details) < 0)
		return -1;
	return plan_delivery(w, t, out, addressing_mailbox(reader, w->settings->domain, t->arena),
	    "lmtp", false, t->message.sender, NULL);
}

enum task_result intake_task(struct worker *w, struct task *t, struct range bytes)
{
	struct pieces *pieces = pieces_new(t->arena);
	struct outgoing *out;

	pieces_add_stored(pieces, bytes, t->message.body_id, 0);
	if (plan_outgoing(w, t, "forward", "inside", pieces, t->message.from_address,
	        t->message.mime_message_id, t->message.subject, 0, &out) < 0)
		return TASK_WAIT;
	for (size_t i = 0; i < t->message.rcpt_count; i++)
		if (deliver(w, t, out, t->message.rcpts[i]) < 0)
			return TASK_WAIT;
	if (plan_outgoing_done(w, t, out) < 0)
		return TASK_WAIT;
	t->plan->message_id = t->message.id;
	t->plan->message_state = "routed";
	t->plan->message_reason = "intake";
	return TASK_GO;
}
