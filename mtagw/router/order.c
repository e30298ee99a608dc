/*
 * order: the answer to a presented letter (disposisi+token@): orders, BATAL, SELESAI, or a question
 * back. What the head writes is either exactly one of these or nothing happens.
 */
#include "mtagw/router/order.h"

#include <string.h>

static enum task_result stranger(struct worker *w, struct task *t)
{
	const char *pairs[] = {"hal", t->message.subject, NULL};

	return answer_say(w, t, "prompt-stranger", pairs, "PromptAnswered", "refused", 0, NULL);
}

static const char *open_names(struct order_case *c)
{
	struct buf names = {0};
	const char *text;

	for (size_t i = 0; i < c->trail.count; i++)
		if (trail_open(c->t->law->policy, &c->orders[i]))
			buf_printf(&names, "%s%s", names.len ? "; " : "",
			    order_title(c->t, c->orders[i].to_position));
	text = arena_strdup(c->t->arena, buf_str(&names));
	buf_free(&names);
	return text;
}

static int tell_done(struct order_case *c)
{
	const struct policy_agency *agency = policy_agency(c->t->law->policy, c->agency);
	struct order_mail head = {.kind = "letter_done", .automatic_reply = true}, clerk = head;

	clerk.automatic_reply = false;
	if (order_tell(c, &head, c->t->message.position, "", NULL, 0, NULL) < 0)
		return -1;
	if (agency == NULL || agency->registry == NULL ||
	    strcmp(agency->registry, c->t->message.position) == 0)
		return 1;
	return order_tell(c, &clerk, agency->registry, "", NULL, 0, NULL);
}

/* SELESAI by the head: nothing of the letter is left to do. */
static enum task_result close_letter(struct order_case *c)
{
	const char *open = open_names(c);
	enum task_result result;
	int rc;

	if (strcmp(c->letter.state, "done") == 0) {
		const char *pairs[] = {"hal", c->letter.subject, "pukul",
		    order_clock(c->t, c->state_at_ms), "tanggal", order_day(c->t, c->state_at_ms),
		    NULL};

		return answer_say(
		    c->w, c->t, "order-closed", pairs, "LetterDone", "repeated", c->row.id, NULL);
	}
	if (open[0] != '\0') {
		const char *pairs[] = {"nama", open, "hal", c->letter.subject, NULL};

		return answer_say(
		    c->w, c->t, "order-open", pairs, "LetterDone", "refused", c->row.id, NULL);
	}
	rc = order_assured(c, "done", &result);
	if (rc != 1)
		return rc == 0 ? result : TASK_WAIT;
	order_case_fence(c);
	order_case_standing(c, "done", "done");
	if (order_case_exchange(c, "LetterDone", "done", NULL, c->t->message.position, NULL) < 0 ||
	    tell_done(c) < 0)
		return TASK_WAIT;
	return order_end(c, "done");
}

enum task_result order_answer(struct worker *w, struct task *t, struct answer *a)
{
	const struct policy_position *p = policy_position(t->law->policy, t->message.position);
	struct order_case c;
	int rc;

	if (p == NULL || a->token.letter_id == 0)
		return stranger(w, t);
	rc = order_case_load(w, t, a->token.letter_id, p->agency, &c);
	if (rc != 1)
		return rc == 0 ? stranger(w, t) : TASK_WAIT;
	if (a->reading.shape == REPLY_VERB && strcmp(a->reading.verb, "cancel") == 0)
		return order_recall(&c, a, NULL);
	if (a->reading.shape == REPLY_VERB && strcmp(a->reading.verb, "done") == 0)
		return close_letter(&c);
	return order_give(&c, a, NULL);
}
