/*
 * order_tell: mails about orders into the plan: who gets it from whom, on which prompt it is
 * answered, and how clients thread it. What they say is office/order_mail's. All of them stay in
 * the house (LMTP).
 */
#include "mtagw/router/order.h"

#include <string.h>

#include "mtagw/mail/compose.h"
#include "mtagw/office/addressing.h"

/* A letter's mails hang together by its own Message-ID, which nobody inside may have got, and by
 * the orders above the one they are about. */
static void set_thread(struct order_case *c, struct order_mail *m)
{
	const struct disposition_row *d =
	    m->about_count > 0 ? trail_find(&c->trail, m->about[0]) : NULL;
	const char *ids = c->letter.mime_message_id ? c->letter.mime_message_id : "";
	const struct disposition_row *above = d ? trail_find(&c->trail, d->parent) : NULL;

	m->in_reply_to = ids;
	if (above != NULL) {
		ids = arena_printf(c->t->arena, "%s %s", ids, above->mime_message_id);
		m->in_reply_to = above->mime_message_id;
	}
	if (d != NULL && strcmp(m->message_id, d->mime_message_id) != 0) {
		ids = arena_printf(c->t->arena, "%s %s", ids, d->mime_message_id);
		m->in_reply_to = d->mime_message_id;
	}
	m->references = ids;
	if (m->automatic_reply && c->t->message.mime_message_id != NULL &&
	    c->t->message.mime_message_id[0] != '\0') {
		m->references =
		    arena_printf(c->t->arena, "%s %s", ids, c->t->message.mime_message_id);
		m->in_reply_to = c->t->message.mime_message_id;
	}
}

static const char *outgoing_kind(const char *kind)
{
	if (strcmp(kind, "order") == 0)
		return "order";
	if (strcmp(kind, "reminder") == 0 || strcmp(kind, "escalation") == 0)
		return "reminder";
	if (strcmp(kind, "given") == 0 || strcmp(kind, "recalled_given") == 0 ||
	    strcmp(kind, "noted") == 0)
		return "confirmation";
	return "report";
}

static int deliver(struct order_case *c, struct order_mail *m, const char *position)
{
	struct task *t = c->t;
	struct pieces *pieces = pieces_new(t->arena);
	struct outgoing *out;

	if (order_mail_compose(m, t->law->render, t->arena, pieces, &t->err) != 1 ||
	    plan_outgoing(c->w, t, outgoing_kind(m->kind), "inside", pieces, m->from, m->message_id,
	        m->subject, c->row.id, &out) < 0)
		return -1;
	out->position =
	    m->by && strcmp(m->kind, "noted") != 0 ? m->by : position; /* on whose behalf */
	if (plan_delivery(c->w, t, out, m->to, "lmtp", false, "", NULL) < 0)
		return -1;
	return plan_outgoing_done(c->w, t, out);
}

int order_tell(struct order_case *c, struct order_mail *m, const char *position, const char *name,
    const char *reply_target, int64_t reply_token, const char *message_id)
{
	struct task *t = c->t;
	const struct policy *policy = t->law->policy;
	const struct policy_agency *agency = policy_agency(policy, c->agency);
	bool know = strcmp(m->kind, "order") == 0 && m->about_count == 1 &&
	            !trail_open(policy, trail_find(&c->trail, m->about[0]));
	const char *pairs[] = {"hal", c->letter.subject, "nama", name, NULL};
	int64_t id;

	m->policy = policy;
	m->letter = &c->letter;
	m->verdict = c->verdict;
	m->trail = &c->trail;
	m->reader = position;
	m->subject = policy_words(policy,
	    arena_printf(t->arena, "order-mail.%s", know ? "know" : m->kind), pairs, t->arena);
	m->from = arena_printf(t->arena, "%s@%s", agency ? agency->registry_local : "postmaster",
	    c->w->settings->domain);
	m->from_name =
	    m->by ? order_title(t, m->by) : policy_words(policy, "gateway.name", NULL, t->arena);
	m->to = addressing_mailbox(position, c->w->settings->domain, t->arena);
	m->to_name = order_title(t, position);
	if (reply_target != NULL)
		m->reply_to = answer_address(c->w, t, reply_target, reply_token);
	if (message_id == NULL) {
		if (ids_next(&c->w->ids, c->w->db, t->now_ms, &id, &t->err) < 0)
			return -1;
		message_id = compose_message_id(t->arena, id, c->w->settings->domain);
	}
	m->message_id = message_id;
	m->date_ms = t->now_ms;
	set_thread(c, m);
	return deliver(c, m, position);
}
