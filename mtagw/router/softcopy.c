/*
 * softcopy: a colleague forwards what a citizen or an office wrote to him to the registry (R33).
 * The letter is the forwarded mail: its sender stays the citizen, its signatures are judged; the
 * colleague's own mail is kept whole beneath it. Others among the recipients get it as a pesan.
 */
#include "mtagw/router/intake.h"

#include <string.h>
#include <strings.h>

static bool any_registry(const struct draft *draft)
{
	for (size_t i = 0; i < draft->addressee_count; i++)
		if (draft->addressees[i].kind == ADDRESSEE_REGISTRY)
			return true;
	return false;
}

/* The forwarded mail as an arrival; the sender of an inline forward is what its header says. */
static void read_arrival(struct task *t, const struct arrival_forward *forward,
    const struct mime_part *outer, struct intake_letter *in)
{
	in->root = forward->part ? forward->part : outer;
	arrival_read(
	    in->root, "", t->message.received_at_ms, t->law->policy, t->arena, &in->arrival);
	if (forward->part != NULL)
		return;
	in->arrival.sender_address = forward->address;
	in->arrival.sender_name = forward->name;
	in->arrival.domain = strrchr(forward->address, '@') + 1;
}

static int take_all(
    struct worker *w, struct task *t, const struct draft *draft, struct intake_letter *in)
{
	for (size_t i = 0; i < draft->addressee_count; i++) {
		const struct addressee *a = &draft->addressees[i];

		if (a->kind == ADDRESSEE_REGISTRY ? incoming_take(w, t, in, a->agency, NULL) < 0
		                                  : intake_forward(w, t, in, a->position, NULL) < 0)
			return -1;
	}
	return in->forward == NULL ? 1 : plan_outgoing_done(w, t, in->forward);
}

int softcopy_take(struct worker *w, struct task *t, const struct draft *draft, struct range bytes,
    enum task_result *result_r)
{
	struct intake_letter *in = arena_alloc(t->arena, sizeof(*in));
	struct arrival_forward forward;
	struct verify_request request = {.peer_ip = "", .helo = "", .sender = ""};
	const char *hal[] = {"hal", t->message.subject, "pengirim", NULL, NULL};

	if (!any_registry(draft) || arrival_forwarded(draft->root, t->arena, &forward) == 0)
		return 0;
	*in = (struct intake_letter){.bytes = bytes, .channel = "softcopy", .why = ""};
	read_arrival(t, &forward, draft->root, in);
	if (in->arrival.sender_address[0] == '\0' ||
	    strcasecmp(in->arrival.domain, w->settings->domain) == 0)
		return 0; /* mail of the house is a pesan */
	in->level = "unproven";
	request.message = forward.part ? forward.bytes : bytes;
	*result_r = TASK_WAIT;
	if (intake_verify(w, t, in, &request, result_r) == 0)
		return 1;
	/* The path of the forwarded mail is not known here: only what it carries can prove it. */
	if (forward.part != NULL && (strcmp(verdicts_level(&in->verdicts), "signed") == 0 ||
	                                strcmp(verdicts_level(&in->verdicts), "proven") == 0))
		in->level = verdicts_level(&in->verdicts);
	hal[3] = in->arrival.sender_name;
	struct notice n = {
	    .words = "softcopy", .pairs = hal, .in_reply_to = t->message.mime_message_id};
	if (take_all(w, t, draft, in) < 0 ||
	    plan_notice(w, t, "notice", t->message.position, &n, 0) < 0)
		return 1;
	t->plan->message_id = t->message.id;
	t->plan->message_state = "routed";
	t->plan->message_reason = "softcopy";
	t->plan->message_letter = in->letter ? in->letter->id : 0;
	*result_r = plan_exchange(w, t,
	                (struct exchange){.event = "IntakeReceived",
	                    .outcome = "done",
	                    .actor = letters_actor(t, 0),
	                    .code = "softcopy"},
	                NULL) < 0
	                ? TASK_WAIT
	                : TASK_GO;
	return 1;
}
