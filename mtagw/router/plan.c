/*
 * plan: a stage prepares all its writes here, outside any transaction (ids, hashes, renderings,
 * signatures), and the driver queues the plans of a whole batch into one transaction. So no call to
 * another process is ever made inside one, and a failed commit leaves nothing behind but memory.
 */
#include "mtagw/router/plan.h"

#include <string.h>

#include "mtagw/mail/compose.h"
#include "mtagw/office/addressing.h"
#include "mtagw/office/shape.h"

void plan_queue(struct worker *w, struct task *t)
{
	struct plan *p = t->plan;

	for (size_t i = 0; i < p->token_count; i++)
		token_row_queue_insert(w->db, &p->tokens[i]);
	if (p->close_token != 0) {
		token_row_queue_close(w->db, p->close_token, t->now_ms, p->close_by);
		action_queue_insert(w->db, p->action_actor, p->close_token, p->action_verb,
		    t->now_ms, t->message.id);
	}
	if (p->letter != NULL)
		letter_row_queue_insert(
		    w->db, p->letter, p->recipients, p->recipient_count, t->arena);
	if (p->letter_state != NULL && strcmp(p->letter_state, "cleared") == 0)
		letter_row_queue_clear(
		    w->db, p->letter_id, p->clear_version, p->clear_rule, t->now_ms);
	else if (p->letter_state != NULL)
		letter_row_queue_state(w->db, p->letter_id, p->letter_state, t->now_ms);
	if (p->message_id != 0)
		message_queue_state(
		    w->db, p->message_id, p->message_state, p->message_letter, p->message_reason);
	if (p->body_id != 0)
		body_queue_publish(w->db, p->body_id, p->body);
	for (size_t i = 0; i < p->outgoing_count; i++)
		outgoing_queue(w->db, p->outgoing[i], t->arena);
	for (size_t i = 0; i < p->form_count; i++)
		letter_row_queue_form(w->db, p->letter_id, p->forms[i].form, p->forms[i].ref,
		    p->forms[i].size, p->forms[i].sha256, p->forms[i].fingerprint, t->now_ms);
	for (size_t i = 0; i < p->register_count; i++)
		work_queue_add(w->db, p->register_ids[i], "register", p->letter_id,
		    p->register_agencies[i], t->now_ms);
	for (const struct plan_row *row = p->rows; row != NULL; row = row->next)
		row->queue(w->db, row->row);
	if (p->next_kind != NULL)
		work_queue_next(w->db, t->work, p->next_kind, p->next_ref);
	else
		work_queue_done(w->db, t->work);
}

void plan_row(struct task *t, void (*queue)(struct db *db, const void *row), const void *row)
{
	struct plan *p = t->plan;
	struct plan_row *new = arena_alloc(t->arena, sizeof(*new));

	*new = (struct plan_row){queue, row, NULL};
	if (p->rows_end == NULL)
		p->rows_end = &p->rows;
	*p->rows_end = new;
	p->rows_end = &new->next;
}

struct work_add {
	int64_t id, ref, at_ms;
	const char *kind, *arg;
};

static void queue_work(struct db *db, const void *row)
{
	const struct work_add *a = row;

	work_queue_add(db, a->id, a->kind, a->ref, a->arg, a->at_ms);
}

int plan_work(
    struct worker *w, struct task *t, const char *kind, int64_t ref, const char *arg, int64_t at_ms)
{
	struct work_add *a = arena_alloc(t->arena, sizeof(*a));

	*a = (struct work_add){.ref = ref, .at_ms = at_ms, .kind = kind, .arg = arg};
	if (ids_next(&w->ids, w->db, t->now_ms, &a->id, &t->err) < 0)
		return -1;
	plan_row(t, queue_work, a);
	t->plan->more_work = true;
	return 1;
}

int plan_outgoing(struct worker *w, struct task *t, const char *kind, const char *form,
    const struct pieces *pieces, const char *from, const char *message_id, const char *subject,
    int64_t letter_id, struct outgoing **out_r)
{
	struct outgoing *out = arena_alloc(t->arena, sizeof(*out));
	struct outgoing_segment *segments =
	    arena_alloc(t->arena, (pieces->count + 1) * sizeof(*segments));

	for (size_t i = 0; i < pieces->count; i++)
		segments[i] = (struct outgoing_segment){
		    pieces->list[i].body_id, pieces->list[i].offset, pieces->list[i].bytes};
	*out = (struct outgoing){.message_id = t->message.id,
	    .letter_id = letter_id,
	    .kind = kind,
	    .form = form,
	    .position = t->message.position ? t->message.position : "",
	    .from_address = from,
	    .mime_message_id = message_id,
	    .subject = subject,
	    .eight_bit = shape_eight_bit(pieces),
	    .dsn = t->message.dsn,
	    .policy_version = t->law ? t->law->version : 0,
	    .segments = segments,
	    .segment_count = pieces->count,
	    .at_ms = t->now_ms,
	    .expires_at_ms = t->now_ms + (int64_t)w->settings->expire_secs * 1000};
	if (t->plan->outgoing_count == PLAN_OUTGOING_MAX) {
		(void)err_set(&t->err, "more than %d messages in one stage", PLAN_OUTGOING_MAX);
		return -1;
	}
	if (ids_next(&w->ids, w->db, t->now_ms, &out->id, &t->err) < 0)
		return -1;
	t->plan->outgoing[t->plan->outgoing_count++] = out;
	*out_r = out;
	return 1;
}

/* `kembali+<token>@domain`: every bounce of this delivery comes back to it (DESIGN 9). */
static const char *keyed_return_path(struct worker *w, struct task *t, int64_t delivery_id)
{
	const char *local = addressing_action(t->law->policy, "return");
	char token[TOKEN_CHARS + 1];

	if (local == NULL)
		return "";
	token_make(&w->token_key, TOKEN_DELIVERY, delivery_id, token);
	return arena_printf(t->arena, "%s+%s@%s", local, token, w->settings->domain);
}

int plan_delivery(struct worker *w, struct task *t, struct outgoing *out, const char *recipient,
    const char *route, bool keyed, const char *return_path, const char *extra_header)
{
	struct outgoing_delivery *list = arena_alloc(t->arena,
	    (out->delivery_count + 1) * sizeof(*list)); /* lists are short: a letter's recipients */
	struct outgoing_delivery *d = &list[out->delivery_count];
	const char *at = strrchr(recipient, '@');

	for (size_t i = 0; i < out->delivery_count; i++)
		if (strcmp(out->deliveries[i].recipient, recipient) == 0)
			return 1;
	if (out->delivery_count > 0)
		memcpy(list, out->deliveries, out->delivery_count * sizeof(*list));
	if (ids_next(&w->ids, w->db, t->now_ms, &d->id, &t->err) < 0)
		return -1;
	d->recipient = recipient;
	d->route = route;
	d->destination = strcmp(route, "lmtp") == 0 || at == NULL ? "lmtp" : at + 1;
	d->return_path = keyed ? keyed_return_path(w, t, d->id) : return_path;
	d->extra_header = extra_header;
	out->deliveries = list;
	out->delivery_count++;
	return 1;
}

int plan_outgoing_done(struct worker *w, struct task *t, struct outgoing *out)
{
	return outgoing_prepare(w->db, &w->ids, out, t->arena, &t->err);
}

const char *plan_folder(struct worker *w, struct task *t, const char *position, const char *folder)
{
	struct address address = {
	    arena_printf(t->arena, "%s+%s", position, folder), w->settings->domain};

	return address_format(&address, t->arena);
}

int plan_notice(struct worker *w, struct task *t, const char *kind, const char *position,
    struct notice *n, int64_t letter_id)
{
	const struct policy_position *p = policy_position(t->law->policy, position);
	const struct policy_agency *agency = p ? policy_agency(t->law->policy, p->agency) : NULL;
	struct pieces *pieces = pieces_new(t->arena);
	struct outgoing *out = NULL;
	int64_t id;

	if (ids_next(&w->ids, w->db, t->now_ms, &id, &t->err) < 0)
		return -1;
	n->policy = t->law->policy;
	n->domain = w->settings->domain;
	n->to = addressing_mailbox(position, w->settings->domain, t->arena);
	n->to_name = p ? p->title : "";
	n->from = arena_printf(
	    t->arena, "%s@%s", agency ? agency->registry_local : "postmaster", w->settings->domain);
	n->message_id = compose_message_id(t->arena, id, w->settings->domain);
	n->date_ms = t->now_ms;
	const char *subject = notice_compose(n, t->arena, pieces);
	if (plan_outgoing(
	        w, t, kind, "inside", pieces, n->from, n->message_id, subject, letter_id, &out) < 0)
		return -1;
	out->position = position;
	const char *mailbox = n->folder == NULL ? n->to : plan_folder(w, t, position, n->folder);
	if (plan_delivery(w, t, out, mailbox, "lmtp", false, "", NULL) < 0)
		return -1;
	return plan_outgoing_done(w, t, out);
}

int plan_exchange(struct worker *w, struct task *t, struct exchange x, const char *const *details)
{
	x.at_ms = t->now_ms;
	if (x.message_id == 0)
		x.message_id = t->message.id;
	if (x.policy_version == 0 && t->law != NULL)
		x.policy_version = t->law->version;
	return exchanges_add(t->plan->exchanges, w->db, &w->ids, &x, details, &t->err);
}
