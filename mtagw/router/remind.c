/*
 * remind: work of kind `remind` on an order: the clerk asks for it once, early, and it waits here
 * until policy's moment: a reminder to who has the order, later a word to who gave it. A moment
 * that lay before the order itself is left out. Each is done once; an order that is closed ends it.
 */
#include "mtagw/router/order.h"

#include <string.h>

static int mark(struct order_case *c, struct disposition_row *d, bool escalated)
{
	struct disposition_mark *m = arena_alloc(c->t->arena, sizeof(*m));

	*m = (struct disposition_mark){
	    d->id, escalated ? 0 : c->t->now_ms, escalated ? c->t->now_ms : 0};
	if (escalated)
		d->escalated_at_ms = c->t->now_ms;
	else
		d->reminded_at_ms = c->t->now_ms;
	order_case_fence(c);
	plan_row(c->t, disposition_queue_mark, m);
	return order_case_exchange(c, escalated ? "DispositionEscalated" : "DispositionReminded",
	    "done", d->rule_id, d->to_position, NULL);
}

static enum task_result remind(struct order_case *c, struct disposition_row *d, int64_t next_ms)
{
	struct order_mail mail = {.kind = "reminder", .about = &d->id, .about_count = 1};

	if (mark(c, d, false) < 0 ||
	    order_tell(c, &mail, d->to_position, order_title(c->t, d->to_position), "report",
	        d->token, NULL) < 0 ||
	    plan_work(c->w, c->t, "remind", d->id, "", next_ms) < 0)
		return TASK_WAIT;
	return TASK_GO;
}

static enum task_result escalate(struct order_case *c, struct disposition_row *d)
{
	struct order_mail mail = {.kind = "escalation", .about = &d->id, .about_count = 1};

	if (mark(c, d, true) < 0 ||
	    order_tell(c, &mail, d->position, order_title(c->t, d->to_position),
	        order_giver_target(d), d->prompt, NULL) < 0)
		return TASK_WAIT;
	return TASK_GO;
}

enum task_result remind_task(struct worker *w, struct task *t)
{
	const struct policy *policy = t->law->policy;
	const struct policy_urgency *u;
	struct disposition_row row, *d = NULL;
	struct order_case c;
	int64_t remind_ms, escalate_ms;
	int rc = disposition_load(w->db, t->work->ref, t->arena, &row, &t->err);

	if (rc == 1)
		rc = order_case_load(w, t, row.letter_id, row.agency, &c);
	if (rc < 0)
		return TASK_WAIT;
	for (size_t i = 0; rc == 1 && i < c.trail.count; i++)
		if (c.orders[i].id == row.id)
			d = &c.orders[i];
	t->message = (struct message){.position = "", .login = ""};
	if (d == NULL || !trail_open(policy, d) || d->due_at_ms == 0 || d->escalated_at_ms != 0)
		return TASK_GO; /* nothing is waited for any more */
	u = policy_urgency(policy, c.letter.urgency);
	if (u == NULL)
		u = policy_urgency(policy, "normal");
	if (u == NULL)
		return TASK_GO;
	remind_ms = policy_remind_of(policy, u, d->due_at_ms);
	escalate_ms = policy_escalate_of(policy, u, d->due_at_ms);
	if (t->now_ms >= escalate_ms)
		return escalate(&c, d);
	if (d->reminded_at_ms == 0 && remind_ms > d->created_at_ms) {
		if (t->now_ms >= remind_ms)
			return remind(&c, d, escalate_ms);
		return plan_work(w, t, "remind", d->id, "", remind_ms) < 0 ? TASK_WAIT : TASK_GO;
	}
	return plan_work(w, t, "remind", d->id, "", escalate_ms) < 0 ? TASK_WAIT : TASK_GO;
}
