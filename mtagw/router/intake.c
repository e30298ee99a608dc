/*
 * intake: what comes from outside (DESIGN 7, 9). Verdicts are computed once, before any
 * transaction, and stored. Then each recipient: a bounce goes to its delivery, a program's mail is
 * noted with the letter it is about, a person's mail becomes a letter that is numbered at once or
 * after the clerk's word. The mail itself is never touched, and what cannot be understood is laid
 * before a person.
 */
#include "mtagw/router/intake.h"

#include <string.h>

const char *registry_of(const struct policy *policy, const char *agency)
{
	const struct policy_agency *a = agency ? policy_agency(policy, agency) : NULL;

	if (a == NULL)
		return NULL;
	return a->registry ? a->registry : a->head;
}

/* The mailbox for what has no other reader: who reads postmaster@ (RFC 5321 4.5.1). */
static const char *last_reader(struct worker *w, struct task *t)
{
	struct addressee a;

	addressing_resolve(t->law->policy, w->settings->domain,
	    arena_printf(t->arena, "postmaster@%s", w->settings->domain), t->arena, &a);
	return a.position;
}

int intake_forward(struct worker *w, struct task *t, struct intake_letter *in, const char *position,
    const char *folder)
{
	const char *mailbox;

	if (position == NULL && (position = last_reader(w, t)) == NULL)
		return err_set(
		    &t->err, "nobody reads it, and policy names no reader of postmaster@");
	if (in->forward == NULL) {
		struct pieces *pieces = pieces_new(t->arena);

		pieces_add_stored(pieces, in->bytes, t->message.body_id, 0);
		if (plan_outgoing(w, t, "forward", "inside", pieces, t->message.from_address,
		        t->message.mime_message_id, t->message.subject, 0, &in->forward) < 0)
			return -1;
	}
	mailbox = folder == NULL ? addressing_mailbox(position, w->settings->domain, t->arena)
	                         : plan_folder(w, t, position, folder);
	return plan_delivery(w, t, in->forward, mailbox, "lmtp", false, t->message.sender, NULL);
}

int intake_note(struct worker *w, struct task *t, const struct intake_letter *in, int64_t letter_id,
    int64_t delivery_id)
{
	struct noted_row *row = arena_alloc(t->arena, sizeof(*row));
	const char *details[] = {"kind", automatic_name(in->automatic), "why", in->why, "sender",
	    in->arrival.sender_address, "subject", in->arrival.subject, NULL};

	*row = (struct noted_row){.message_id = t->message.id,
	    .letter_id = letter_id,
	    .delivery_id = delivery_id,
	    .at_ms = t->now_ms,
	    .kind = automatic_name(in->automatic),
	    .address = in->arrival.sender_address,
	    .action = "",
	    .status = "",
	    .words = db_text_clean(in->arrival.subject, t->arena)};
	if (ids_next(&w->ids, w->db, t->now_ms, &row->id, &t->err) < 0)
		return -1;
	plan_row(t, noted_queue, row);
	return plan_exchange(w, t,
	    (struct exchange){.event = "AutomaticNoted",
	        .outcome = "done",
	        .letter_id = letter_id,
	        .delivery_id = delivery_id,
	        .code = automatic_name(in->automatic)},
	    details);
}

int intake_verify(struct worker *w, struct task *t, struct intake_letter *in,
    const struct verify_request *request, enum task_result *result_r)
{
	struct verdict_row *row = arena_alloc(t->arena, sizeof(*row));
	const char *level, *json;
	struct buf out = {0};
	int rc = verdict_load(w->db, t->message.id, t->arena, &level, &json, &t->err);

	*result_r = TASK_WAIT;
	if (rc == 1)
		return verdicts_read(json, t->arena, &in->verdicts, &t->err) < 0 ? 0 : 1;
	if (rc < 0)
		return 0;
	rc = verifier_ask(w->verifier, request, t->arena, &in->verdicts, &t->err);
	if (rc == 0 && t->work->waits > 0)
		*result_r = TASK_BROKEN; /* it killed two of them */
	if (rc != 1)
		return 0;
	verdicts_json(&in->verdicts, &out);
	*row = (struct verdict_row){t->message.id, t->now_ms, verdicts_level(&in->verdicts),
	    arena_strndup(t->arena, buf_str(&out), out.len)};
	buf_free(&out);
	plan_row(t, verdict_queue, row);
	const char *details[] = {"verdicts", row->json, NULL};
	return plan_exchange(w, t,
	           (struct exchange){.event = "Verified", .outcome = "done", .code = row->level},
	           details) < 0
	           ? 0
	           : 1;
}

/* A mail from outside that bears our own domain and cannot prove it is a forgery until somebody
 * says otherwise. */
static const char *level_of(struct worker *w, const struct intake_letter *in)
{
	const char *level = verdicts_level(&in->verdicts);

	if (strcmp(in->arrival.domain, w->settings->domain) == 0 && strcmp(level, "signed") != 0 &&
	    strcmp(level, "proven") != 0)
		return "failed";
	return in->arrival.from_count > 1 ? "failed" : level;
}

static int take_return(
    struct worker *w, struct task *t, struct intake_letter *in, const struct addressee *a)
{
	const char *position = "", *rcpt;
	int64_t delivery_id = 0, letter_id = 0;
	const struct policy_position *p;
	int rc;

	if (token_read(&w->token_key, TOKEN_DELIVERY, a->detail ? a->detail : "", &delivery_id) !=
	    1)
		delivery_id = 0;
	if (in->automatic == AUTOMATIC_BOUNCE && (rc = bounce_take(w, t, in, delivery_id)) != 0)
		return rc;
	if (delivery_id != 0 && delivery_recipient(w->db, delivery_id, t->arena, &rcpt, &letter_id,
	                            &position, &t->err) < 0)
		return -1;
	if (in->automatic != AUTOMATIC_NO && letter_id != 0)
		return intake_note(w, t, in, letter_id, delivery_id);
	p = policy_position(t->law->policy, position);
	return intake_forward(w, t, in, p ? registry_of(t->law->policy, p->agency) : NULL, NULL);
}

static int take_one(struct worker *w, struct task *t, struct intake_letter *in, const char *rcpt)
{
	struct addressee a;

	addressing_resolve(t->law->policy, w->settings->domain, rcpt, t->arena, &a);
	const char *details[] = {
	    "recipient", rcpt, "sender", t->message.sender, "level", in->level, NULL};
	if (plan_exchange(w, t,
	        (struct exchange){
	            .event = a.kind == ADDRESSEE_RETURN ? "BounceReceived" : "IntakeReceived",
	            .outcome = "done"},
	        details) < 0)
		return -1;
	if (a.kind == ADDRESSEE_RETURN)
		return take_return(w, t, in, &a);
	if (a.kind == ADDRESSEE_ROLE || a.agency == NULL || in->root == NULL)
		return intake_forward(w, t, in, a.position, NULL);
	return incoming_take(w, t, in, a.agency, a.kind == ADDRESSEE_REGISTRY ? a.detail : NULL);
}

enum task_result intake_task(struct worker *w, struct task *t, struct range bytes)
{
	struct intake_letter *in = arena_alloc(t->arena, sizeof(*in));
	enum task_result result;
	struct mime_part *root;
	struct err err;

	*in = (struct intake_letter){.bytes = bytes, .channel = "mx", .why = ""};
	const struct verify_request request = {
	    bytes, t->message.peer, t->message.helo, t->message.sender};
	if (intake_verify(w, t, in, &request, &result) == 0)
		return result;
	if (mime_parse(bytes, t->arena, &root, &err) == 1) {
		in->root = root;
		in->automatic = automatic_kind(root, t->message.sender, t->arena, &in->why);
		arrival_read(root, t->message.sender, t->message.received_at_ms, t->law->policy,
		    t->arena, &in->arrival);
	} else {
		in->arrival = (struct arrival){.sender_address = t->message.from_address,
		    .sender_name = "",
		    .domain = "",
		    .subject = t->message.subject};
	}
	in->level = level_of(w, in);
	/* An address with a token tells more than another one of the same agency. */
	for (int tokens = 1; tokens >= 0; tokens--)
		for (size_t i = 0; i < t->message.rcpt_count; i++)
			if ((strchr(t->message.rcpts[i], '+') != NULL) == (tokens == 1) &&
			    take_one(w, t, in, t->message.rcpts[i]) < 0)
				return TASK_WAIT;
	if (in->forward != NULL && plan_outgoing_done(w, t, in->forward) < 0)
		return TASK_WAIT;
	t->plan->message_id = t->message.id;
	t->plan->message_state = "routed";
	t->plan->message_reason = "intake";
	t->plan->message_letter = in->letter ? in->letter->id : 0;
	return TASK_GO;
}
