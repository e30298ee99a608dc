/*
 * order_recall: BATAL takes back what the giver ordered last on a prompt, within five minutes and
 * while no recipient has acted; and an order that its holder closes takes what hangs below it
 * along. Whoever loses an order is told, and a reply to it is refused with the reason.
 */
#include "mtagw/router/order.h"

#include <string.h>

static int tell_recalled(struct order_case *c, const struct disposition_row *d, const char *by)
{
	struct order_mail mail = {.kind = "recalled", .about = &d->id, .about_count = 1, .by = by};

	return order_tell(c, &mail, d->to_position, order_title(c->t, by), NULL, 0, NULL);
}

static bool acted(const struct order_case *c, const struct disposition_row *d)
{
	if (strcmp(d->state, "sent") != 0)
		return true;
	for (size_t i = 0; i < c->trail.report_count; i++)
		if (c->reports[i].disposition_id == d->id)
			return true;
	return false;
}

/* The mail that gave the newest orders on this prompt that still stand; 0: none. */
static int64_t newest(const struct order_case *c, int64_t prompt)
{
	int64_t message = 0;

	for (size_t i = 0; i < c->trail.count; i++)
		if (c->orders[i].prompt == prompt && trail_stands(&c->orders[i]))
			message = c->orders[i].message_id; /* by time */
	return message;
}

static enum task_result say(struct order_case *c, struct answer *a, const char *words,
    const char *name, const char *outcome)
{
	const char *pairs[] = {"nama", name, "hal", c->letter.subject, NULL};

	(void)a;
	return answer_say(
	    c->w, c->t, words, pairs, "DispositionRecalled", outcome, c->row.id, NULL);
}

static int recall_one(struct order_case *c, struct disposition_row *d)
{
	order_case_state(c, d, "recalled", NULL);
	if (tell_recalled(c, d, c->t->message.position) < 0)
		return -1;
	return order_case_exchange(
	    c, "DispositionRecalled", "done", d->rule_id, d->to_position, NULL);
}

/* What the order above, or the letter, becomes when nothing stands below it any more. */
static void set_back(struct order_case *c, struct disposition_row *parent)
{
	int64_t id = parent ? parent->id : 0;

	for (size_t i = 0; i < c->trail.count; i++)
		if (c->orders[i].parent == id && trail_stands(&c->orders[i]))
			return;
	if (parent == NULL)
		order_case_standing(c, "presented", "presented");
	else if (strcmp(parent->state, "passed_on") == 0)
		order_case_state(c, parent, "sent", NULL);
}

enum task_result order_recall(
    struct order_case *c, struct answer *a, struct disposition_row *parent)
{
	int64_t message = newest(c, a->token.id);
	int64_t *about = arena_alloc(c->t->arena, (c->trail.count + 1) * sizeof(*about));
	struct order_mail mail = {
	    .kind = "recalled_given", .about = about, .automatic_reply = true};
	enum task_result result;
	int rc = order_assured(c, "cancel", &result);

	if (rc != 1)
		return rc == 0 ? result : TASK_WAIT;
	if (message == 0)
		return say(c, a, "order-cancel-none", "", "refused");
	for (size_t i = 0; i < c->trail.count; i++) {
		const struct disposition_row *d = &c->orders[i];
		const char *title = order_title(c->t, d->to_position);

		if (d->message_id != message || !trail_stands(d))
			continue;
		if (acted(c, d))
			return say(c, a, "order-cancel-acted", title, "refused");
		if (c->t->now_ms - d->created_at_ms > ORDER_RECALL_MS)
			return say(c, a, "order-cancel-late", title, "refused");
	}
	order_case_fence(c);
	for (size_t i = 0; i < c->trail.count; i++) {
		if (c->orders[i].message_id != message || !trail_stands(&c->orders[i]))
			continue;
		about[mail.about_count++] = c->orders[i].id;
		if (recall_one(c, &c->orders[i]) < 0)
			return TASK_WAIT;
	}
	set_back(c, parent);
	if (order_tell(c, &mail, c->t->message.position, "", parent ? "report" : "dispose",
	        a->token.id, NULL) < 0)
		return TASK_WAIT;
	return order_end(c, "recalled");
}

int order_close_below(struct order_case *c, struct disposition_row *d)
{
	const char *reason =
	    policy_words(c->t->law->policy, "order.closed-above", NULL, c->t->arena);

	for (size_t i = 0; i < c->trail.count; i++) {
		struct disposition_row *child = &c->orders[i];

		if (child->parent != d->id || !trail_open(c->t->law->policy, child))
			continue;
		if (order_close_below(c, child) < 0)
			return -1;
		order_case_state(c, child, "recalled", reason);
		if (tell_recalled(c, child, d->to_position) < 0 ||
		    order_case_exchange(c, "DispositionRecalled", "closed", child->rule_id,
		        child->to_position, NULL) < 0)
			return -1;
	}
	return 1;
}
