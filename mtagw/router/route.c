/*
 * route: a message that was taken in becomes what it wants to be (T1). From a login: a letter, a
 * preview, a pesan, an answer to a prompt, or a notice that says what is wrong. From outside: a
 * delivery to the registry clerk. Nothing is lost whatever it says: what cannot be understood is
 * told to its writer or set aside for a person.
 */
#include "mtagw/router/answer.h"
#include "mtagw/router/intake.h"
#include "mtagw/router/order.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/office/facts.h"
#include "mtagw/office/letter_xml.h"

/* A preview may be answered for as long as people are on leave. */
#define PROMPT_MS (INT64_C(30) * 24 * 3600 * 1000)

static enum task_result waits(void)
{
	return TASK_WAIT;
}

static void end_message(struct task *t, const char *state, const char *reason, int64_t letter_id)
{
	t->plan->message_id = t->message.id;
	t->plan->message_state = state;
	t->plan->message_reason = reason;
	t->plan->message_letter = letter_id;
}

/* A notice to the writer and an end of the message. */
static enum task_result tell_writer(struct worker *w, struct task *t, const char *words,
    const char *const *pairs, const char *state, const char *reason)
{
	struct notice n = {
	    .words = words, .pairs = pairs, .in_reply_to = t->message.mime_message_id};

	if (plan_notice(w, t, "notice", t->message.position, &n, 0) < 0)
		return waits();
	end_message(t, state, reason, 0);
	return TASK_GO;
}

static enum task_result invalid(struct worker *w, struct task *t, const struct draft *draft)
{
	const char *pairs[] = {"apa", draft->problem_what, "hal", t->message.subject, NULL};
	const char *details[] = {"what", draft->problem_what, NULL};

	if (plan_exchange(w, t,
	        (struct exchange){.event = "SubmissionRejection",
	            .outcome = "refused",
	            .actor = letters_actor(t, 0),
	            .code = draft->problem},
	        details) < 0)
		return waits();
	return tell_writer(w, t, draft->problem, pairs, "refused", draft->problem);
}

static enum task_result pesan(
    struct worker *w, struct task *t, const struct draft *draft, struct range bytes)
{
	struct pieces *pieces = pieces_new(t->arena);
	struct outgoing *out;

	pieces_add_stored(pieces, bytes, t->message.body_id, 0);
	if (plan_outgoing(w, t, "pesan", "inside", pieces, t->message.from_address,
	        t->message.mime_message_id, t->message.subject, 0, &out) < 0)
		return waits();
	for (size_t i = 0; i < draft->addressee_count; i++) {
		struct policy_facts facts = {.recipient = draft->addressees[i].address,
		    .recipient_kind = "inside",
		    .recipient_domain = draft->addressees[i].domain,
		    .agency = draft->letter.agency,
		    .position = t->message.position,
		    .channel = "submission"};
		struct policy_decision d;
		char day[16];

		clock_iso_day(t->now_ms, day);
		facts.date = day;
		if (letters_decide(w, t, POLICY_ROUTE, &facts, 0, &d) < 0)
			return waits();
		if (!d.allowed) {
			const char *pairs[] = {
			    "apa", draft->addressees[i].address, "hal", t->message.subject, NULL};

			return tell_writer(w, t, "notice.no-route", pairs, "refused", d.rule_id);
		}
	}
	if (letters_deliver_inside(w, t, out, draft->addressees, draft->addressee_count, false,
	        t->message.login) < 0 ||
	    plan_outgoing_done(w, t, out) < 0)
		return waits();
	end_message(t, "routed", "pesan", 0);
	return TASK_GO;
}

/* Someone without authority: the notice names the rule, the letter stays a draft (clearance comes
 * later). */
static enum task_result refuse(
    struct worker *w, struct task *t, struct draft *draft, const struct policy_decision *d)
{
	struct letter *letter = &draft->letter;
	const char *pairs[] = {"aturan", d->rule_id, "kode", d->code ? d->code : "-", "kalimat",
	    d->sentence ? d->sentence : "", "dasar", d->legal_basis ? d->legal_basis : "-", "hal",
	    letter->subject, "jabatan", letter->position_title, NULL};

	if (letters_insert(w, t, letter, "draft", d->rule_id) < 0)
		return waits();
	struct notice n = {
	    .words = "refused", .pairs = pairs, .in_reply_to = t->message.mime_message_id};
	if (plan_notice(w, t, "notice", t->message.position, &n, letter->id) < 0)
		return waits();
	end_message(t, "routed", d->rule_id, letter->id);
	return TASK_GO;
}

/* The letter as OK would send it, by whatever right its writer may sign; the decision itself is
 * made at OK. */
static const char *preview_text(
    struct worker *w, struct task *t, struct letter *letter, const struct policy_facts *facts)
{
	struct policy_facts asked = *facts;
	struct policy_decision d;
	struct xml *document = letter_xml(letter);
	int rc;

	asked.letter = xml_root(document);
	rc = policy_decide(t->law->policy, POLICY_SIGN, &asked, t->arena, &d, NULL, &t->err);
	xml_free(&document);
	if (rc < 0)
		return NULL;
	if (d.allowed)
		letters_authority(t, letter, &d);
	return letters_text(w, t, letter, true);
}

static enum task_result preview(
    struct worker *w, struct task *t, struct draft *draft, const struct policy_facts *facts)
{
	struct letter *letter = &draft->letter;
	const char *text = preview_text(w, t, letter, facts);
	const char *pairs[] = {"hal", letter->subject, "penerima",
	    letters_recipient_lines(t, letter), "jenis", draft->type->word, NULL};
	struct token_row *prompt;
	char token[TOKEN_CHARS + 1];

	if (text == NULL)
		return TASK_BROKEN;
	if (letters_insert(w, t, letter, "draft", "-") < 0)
		return waits();
	prompt = &t->plan->tokens[t->plan->token_count++];
	*prompt = (struct token_row){.kind = "prompt",
	    .letter_id = letter->id,
	    .message_id = t->message.id,
	    .actor = letter->position,
	    .verb = "ttd",
	    .created_at_ms = t->now_ms,
	    .expires_at_ms = t->now_ms + PROMPT_MS};
	if (ids_next(&w->ids, w->db, t->now_ms, &prompt->id, &t->err) < 0)
		return waits();
	token_make(&w->token_key, TOKEN_PROMPT, prompt->id, token);
	struct notice n = {.words = "preview",
	    .pairs = pairs,
	    .more = draft->source_signed
	                ? arena_printf(t->arena, "%s\n\n%s",
	                      policy_words(t->law->policy, "signature-left", NULL, t->arena), text)
	                : text,
	    .in_reply_to = t->message.mime_message_id,
	    .reply_to = arena_printf(t->arena, "ttd+%s@%s", token, w->settings->domain)};
	if (plan_notice(w, t, "preview", t->message.position, &n, letter->id) < 0)
		return waits();
	end_message(t, "routed", "preview", letter->id);
	return plan_exchange(w, t,
	           (struct exchange){.event = "Previewed",
	               .outcome = "done",
	               .letter_id = letter->id,
	               .actor = letters_actor(t, letter->incumbency)},
	           NULL) < 0
	           ? waits()
	           : TASK_GO;
}

/* True when the PDF could not show all of the letter: told, or waiting where it cannot be found. */
static bool not_printable(
    struct worker *w, struct task *t, struct draft *draft, enum task_result *result_r)
{
	const char *missing;
	int rc = letters_glyphs(w, t, &draft->letter, &missing);

	if (rc == 1)
		return false;
	draft->problem = "notice.no-glyph";
	draft->problem_what = missing;
	*result_r = rc == 0 ? invalid(w, t, draft) : waiting_task(w, t, &draft->letter, false);
	return true;
}

static enum task_result letter(struct worker *w, struct task *t, struct draft *draft)
{
	struct letter *letter = &draft->letter;
	struct policy_facts facts;
	struct policy_decision d;
	enum task_result result;
	char day[16];
	int rc;

	clock_iso_day(t->now_ms, day);
	if (letters_complete(w, t, letter) < 0)
		return waits();
	letter_facts(letter, t->law->policy, day, &facts);
	if (not_printable(w, t, draft, &result))
		return result;
	if (draft->kind == DRAFT_PREVIEW)
		return preview(w, t, draft, &facts);
	if (letters_decide_letter(w, t, POLICY_SIGN, &facts, letter, &d) < 0)
		return waits();
	if (!d.allowed)
		return refuse(w, t, draft, &d);
	letters_authority(t, letter, &d);
	rc = letters_trial(w, t, letter);
	if (rc != 1) /* key, agent or stylesheet; nothing was spent */
		return waiting_task(w, t, letter, rc == 0);
	if (letters_insert(w, t, letter, "cleared", d.rule_id) < 0)
		return waits();
	end_message(t, "routed", d.rule_id, letter->id);
	t->letter = arena_memdup(t->arena, letter, sizeof(*letter));
	t->plan->next_kind = "number";
	t->plan->next_ref = letter->id;
	return TASK_GO;
}

enum task_result route_task(struct worker *w, struct task *t)
{
	struct draft_source source;
	enum task_result result;
	struct range bytes;
	struct draft draft;

	if ((t->message.id == 0 &&
	        message_load(w->db, t->work->ref, t->arena, &t->message, &t->err) != 1) ||
	    (t->source.p == NULL &&
	        message_body(w->db, t->message.body_id, t->arena, &t->source, &t->err) != 1))
		return waits();
	bytes = t->source;
	t->plan->deciding = true;
	if (strcmp(t->message.channel, "mx") == 0)
		return intake_task(w, t, bytes);
	source = (struct draft_source){t->law->policy, w->settings->domain, t->message.login,
	    t->message.position, t->message.rcpts, t->message.rcpt_count, bytes};
	if (draft_read(&source, t->arena, &draft, &t->err) < 0) {
		const char *pairs[] = {"apa", t->err.text, "hal", t->message.subject, NULL};

		return tell_writer(w, t, "notice.unreadable", pairs, "refused", t->err.text);
	}
	switch (draft.kind) {
	case DRAFT_PROMPT:
		if (strcmp(draft.prompt_target, "ttd") == 0)
			return prompt_task(w, t, draft.root, draft.prompt_detail);
		return answer_task(
		    w, t, draft.root, bytes, draft.prompt_target, draft.prompt_detail);
	case DRAFT_PESAN:
		if (forward_order(w, t, &draft, bytes, &result) == 1)
			return result;
		if (softcopy_take(w, t, &draft, bytes, &result) == 1)
			return result;
		return pesan(w, t, &draft, bytes);
	case DRAFT_LETTER:
	case DRAFT_PREVIEW:
		return letter(w, t, &draft);
	case DRAFT_INVALID:
		break;
	}
	return invalid(w, t, &draft);
}
