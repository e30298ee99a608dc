/*
 * order_recall: BATAL takes back what the giver ordered by the mail whose confirmation he answers,
 * within five minutes and while no recipient has acted; where that mail is not told and several
 * might be meant, it is asked; and an order that its holder closes takes what hangs below it
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

static bool may_recall(const struct order_case *c, const struct disposition_row *d)
{
	return trail_stands(d) && !acted(c, d) &&
	       c->t->now_ms - d->created_at_ms <= ORDER_RECALL_MS;
}

/* The mail whose confirmation is answered: 1; 0: the answer tells none (it is to the letter). */
static int answered(struct order_case *c, struct answer *a, int64_t *message_r)
{
	struct order_ids *ids = arena_alloc(c->t->arena, sizeof(*ids));
	const struct header *header = &a->root->header;

	ids->arena = c->t->arena;
	order_add_ids(ids, header_raw(header, "In-Reply-To", ids->arena));
	order_add_ids(ids, header_raw(header, "References", ids->arena));
	return disposition_given_by(
	    c->w->db, c->row.id, a->token.id, ids->list, ids->count, message_r, &c->t->err);
}

/* The mail that gave the newest orders on this prompt that still stand (0: none), and how many
 * mails gave orders that may still be taken back. */
static int64_t newest(const struct order_case *c, int64_t prompt, size_t *recallable_r)
{
	int64_t message = 0, last = 0;

	*recallable_r = 0;
	for (size_t i = 0; i < c->trail.count; i++) {
		const struct disposition_row *d = &c->orders[i];

		if (d->prompt != prompt || !trail_stands(d))
			continue;
		message = d->message_id; /* by time */
		*recallable_r += may_recall(c, d) && d->message_id != last;
		if (may_recall(c, d))
			last = d->message_id;
	}
	return *recallable_r == 1 ? last : message;
}

static enum task_result say(
    struct order_case *c, const char *words, const char *name, const char *outcome)
{
	const char *pairs[] = {"nama", name, "hal", c->letter.subject, NULL};

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

/* Several mails gave orders: which of them is named by what they say. */
static enum task_result ask_which(struct order_case *c, struct answer *a)
{
	struct buf list = {0};
	const char *text;

	for (size_t i = 0; i < c->trail.count; i++) {
		const struct disposition_row *d = &c->orders[i];

		if (d->prompt == a->token.id && may_recall(c, d))
			buf_printf(&list, "%s- %s, %s", list.len ? "\n" : "",
			    order_title(c->t, d->to_position), order_clock(c->t, d->created_at_ms));
	}
	text = arena_strdup(c->t->arena, buf_str(&list));
	buf_free(&list);
	return say(c, "order-cancel-which", text, "asked");
}

/* What the order above, or the letter, becomes with what still stands below it; letter_done_r: all
 * of that is done. */
static void set_back(struct order_case *c, struct disposition_row *parent, bool *letter_done_r)
{
	int64_t id = parent ? parent->id : 0;
	bool stands = false, touched = false;

	*letter_done_r = false;
	for (size_t i = 0; i < c->trail.count; i++) {
		const struct disposition_row *d = &c->orders[i];

		touched |= trail_stands(d) && strcmp(d->state, "sent") != 0;
		stands |= d->parent == id && trail_stands(d);
	}
	if (parent != NULL) {
		if (!stands && strcmp(parent->state, "passed_on") == 0)
			order_case_state(c, parent, "sent", NULL);
		return;
	}
	*letter_done_r = trail_closed_below(&c->trail, c->t->law->policy, 0);
	if (*letter_done_r)
		order_case_standing(c, "done", "done");
	else if (!stands)
		order_case_standing(c, "presented", "presented");
	else
		order_case_standing(c, "disposed", touched ? "in_progress" : "disposed");
}

static int tell_letter_done(struct order_case *c)
{
	const struct policy_agency *agency = policy_agency(c->t->law->policy, c->agency);
	struct order_mail mail = {.kind = "letter_done"};

	if (order_case_exchange(c, "LetterDone", "done", NULL, c->t->message.position, NULL) < 0)
		return -1;
	if (agency == NULL || agency->registry == NULL)
		return 1;
	return order_tell(c, &mail, agency->registry, "", NULL, 0, NULL);
}

/* What stands against taking back that mail's orders: the words, NULL for nothing; name_r whose. */
static const char *hindrance(const struct order_case *c, int64_t message, const char **name_r)
{
	const char *words = "order-cancel-none";

	*name_r = "";
	for (size_t i = 0; i < c->trail.count; i++) {
		const struct disposition_row *d = &c->orders[i];

		if (d->message_id != message || !trail_stands(d))
			continue;
		words = NULL;
		*name_r = order_title(c->t, d->to_position);
		if (acted(c, d))
			return "order-cancel-acted";
		if (!may_recall(c, d))
			return "order-cancel-late";
	}
	return words;
}

static enum task_result recall(
    struct order_case *c, struct answer *a, struct disposition_row *parent, int64_t message)
{
	int64_t *about = arena_alloc(c->t->arena, (c->trail.count + 1) * sizeof(*about));
	struct order_mail mail = {
	    .kind = "recalled_given", .about = about, .automatic_reply = true};

	order_case_fence(c);
	for (size_t i = 0; i < c->trail.count; i++) {
		if (c->orders[i].message_id != message || !trail_stands(&c->orders[i]))
			continue;
		about[mail.about_count++] = c->orders[i].id;
		if (recall_one(c, &c->orders[i]) < 0)
			return TASK_WAIT;
	}
	set_back(c, parent, &mail.letter_done);
	if ((mail.letter_done && tell_letter_done(c) < 0) ||
	    order_tell(c, &mail, c->t->message.position, "", parent ? "report" : "dispose",
	        a->token.id, NULL) < 0)
		return TASK_WAIT;
	return order_end(c, "recalled");
}

enum task_result order_recall(
    struct order_case *c, struct answer *a, struct disposition_row *parent)
{
	int64_t message;
	size_t recallable = 0;
	const char *words, *name;
	enum task_result result;
	int rc = order_assured(c, "cancel", &result);

	if (rc != 1)
		return rc == 0 ? result : TASK_WAIT;
	rc = answered(c, a, &message);
	if (rc < 0)
		return TASK_WAIT;
	if (rc == 0)
		message = newest(c, a->token.id, &recallable);
	if (recallable > 1)
		return ask_which(c, a);
	words = hindrance(c, message, &name);
	return words ? say(c, words, name, "refused") : recall(c, a, parent, message);
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
