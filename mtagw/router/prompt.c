/*
 * prompt: the answer to a preview, sent to ttd+<token>@. It is done only if all hold: the login
 * holds the position the prompt was made for, the token is open, the mail is not an automatic one
 * (RFC 3834), and its first line is exactly OK, PESAN or BATAL. Anything else is asked back and
 * nothing is done. Once per (actor, prompt, verb): a second OK is answered with the time of the
 * first.
 */
#include "mtagw/router/answer.h"

#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/automatic.h"
#include "mtagw/office/facts.h"
#include "mtagw/office/letter_xml.h"
#include "mtagw/office/shape.h"

struct previewed {
	struct token_row token;
	struct letter_row row;
	struct letter letter;
	struct range bytes; /* of the mail the letter was written as */
};

static enum task_result ignore_automatic(struct worker *w, struct task *t)
{
	t->plan->message_id = t->message.id;
	t->plan->message_state = "routed";
	t->plan->message_reason = "automatic";
	if (plan_exchange(w, t,
	        (struct exchange){.event = "PromptAnswered",
	            .outcome = "ignored",
	            .actor = letters_actor(t, 0),
	            .code = "automatic"},
	        NULL) < 0)
		return TASK_WAIT;
	return TASK_GO;
}

static enum task_result done_before(struct worker *w, struct task *t, const struct previewed *a)
{
	struct city_date d = clock_city_date(a->token.closed_at_ms);
	const char *pairs[] = {"pukul", arena_printf(t->arena, "%02d.%02d", d.hour, d.minute),
	    "tanggal", arena_printf(t->arena, "%02d-%02d-%04d", d.day, d.month, d.year), "tindakan",
	    a->token.closed_by, "hal", a->row.subject, NULL};

	return answer_say(
	    w, t, "prompt-done", pairs, "PromptAnswered", "repeated", a->row.id, NULL);
}

static void close_prompt(struct task *t, const struct previewed *a, const char *verb)
{
	t->plan->close_token = a->token.id;
	t->plan->close_by = verb;
	t->plan->action_actor = t->message.position;
	t->plan->action_verb = verb;
}

static enum task_result release(struct worker *w, struct task *t, struct previewed *a)
{
	struct policy_facts facts;
	struct policy_decision d;
	const char *missing;
	char day[16];
	int rc;

	clock_iso_day(t->now_ms, day);
	letter_facts(&a->letter, t->law->policy, day, &facts);
	if (letters_decide_letter(w, t, POLICY_SIGN, &facts, &a->letter, &d) < 0)
		return TASK_WAIT;
	if (!d.allowed) {
		const char *pairs[] = {"aturan", d.rule_id, "kode", d.code ? d.code : "-",
		    "kalimat", d.sentence ? d.sentence : "", "dasar",
		    d.legal_basis ? d.legal_basis : "-", "hal", a->row.subject, "jabatan",
		    a->letter.position_title, NULL};

		return answer_say(
		    w, t, "refused", pairs, "PromptAnswered", "refused", a->row.id, NULL);
	}
	rc = letters_same_signatory(w, t, &a->letter, &d);
	if (rc < 0)
		return TASK_WAIT;
	if (rc == 0) { /* another person or right than the preview showed */
		const char *pairs[] = {"hal", a->row.subject, NULL};

		return answer_say(
		    w, t, "prompt-expired", pairs, "PromptAnswered", "refused", a->row.id, NULL);
	}
	if ((rc = letters_trial(w, t, &a->letter)) != 1)
		return waiting_task(w, t, &a->letter, rc == 0);
	if ((rc = letters_glyphs(w, t, &a->letter, &missing)) < 0)
		return waiting_task(w, t, &a->letter, false);
	if (rc == 0) { /* with the fonts of the day of the preview it could be printed */
		const char *pairs[] = {"apa", missing, "hal", a->row.subject, NULL};

		return answer_say(
		    w, t, "notice.no-glyph", pairs, "PromptAnswered", "refused", a->row.id, NULL);
	}
	close_prompt(t, a, "ok");
	t->plan->letter_id = a->row.id;
	t->plan->letter_state = "cleared";
	t->plan->clear_version = t->law->version;
	t->plan->clear_rule = d.rule_id;
	t->plan->message_id = t->message.id;
	t->plan->message_state = "routed";
	t->plan->message_reason = "ok";
	t->plan->message_letter = a->row.id;
	t->plan->next_kind = "number";
	t->plan->next_ref = a->row.id;
	if (plan_exchange(w, t,
	        (struct exchange){.event = "PromptAnswered",
	            .outcome = "ok",
	            .letter_id = a->row.id,
	            .actor = letters_actor(t, a->row.incumbency),
	            .rule_id = d.rule_id},
	        NULL) < 0)
		return TASK_WAIT;
	return TASK_GO;
}

static int plain_outside(
    struct worker *w, struct task *t, struct previewed *a, const struct letter *l)
{
	struct pieces *pieces = pieces_new(t->arena);
	struct outgoing *out;
	int rc =
	    shape_plain(a->bytes, a->row.body_id, l->login, w->signer, t->now_ms, pieces, &t->err);

	if (rc != 1 || plan_outgoing(w, t, "pesan", "outside", pieces, l->login, l->message_id,
	                   l->subject, 0, &out) < 0)
		return -1;
	for (size_t i = 0; i < l->recipient_count; i++)
		if (!l->recipients[i].inside && plan_delivery(w, t, out, l->recipients[i].address,
		                                    "smtp", true, NULL, NULL) < 0)
			return -1;
	return plan_outgoing_done(w, t, out);
}

static int plain_inside(
    struct worker *w, struct task *t, struct previewed *a, const struct letter *l)
{
	struct pieces *pieces = pieces_new(t->arena);
	struct outgoing *out;
	size_t count = 0;

	for (size_t i = 0; i < l->recipient_count; i++)
		count += l->recipients[i].inside;
	if (count == 0)
		return 1;
	pieces_add_stored(pieces, a->bytes, a->row.body_id, 0);
	if (plan_outgoing(
	        w, t, "pesan", "inside", pieces, l->login, l->message_id, l->subject, 0, &out) < 0)
		return -1;
	for (size_t i = 0; i < l->recipient_count; i++) {
		struct addressee who;

		if (!l->recipients[i].inside)
			continue;
		addressing_resolve(
		    t->law->policy, w->settings->domain, l->recipients[i].address, t->arena, &who);
		if (letters_deliver_inside(w, t, out, &who, 1, false, l->login) < 0)
			return -1;
	}
	return plan_outgoing_done(w, t, out);
}

/* PESAN: the writer's own mail goes as it is, with DKIM, where policy lets this position do so. */
static enum task_result send_plain(struct worker *w, struct task *t, struct previewed *a)
{
	struct policy_facts facts;
	struct policy_decision d;
	const char *pairs[] = {
	    "hal", a->row.subject, "penerima", letters_recipient_lines(t, &a->letter), NULL};
	char day[16];

	clock_iso_day(t->now_ms, day);
	letter_facts(&a->letter, t->law->policy, day, &facts);
	if (letters_decide_letter(w, t, POLICY_PLAIN, &facts, &a->letter, &d) < 0)
		return TASK_WAIT;
	if (!d.allowed) {
		const char *why[] = {"aturan", d.rule_id, "kode", d.code ? d.code : "-", "kalimat",
		    d.sentence ? d.sentence : "", "dasar", d.legal_basis ? d.legal_basis : "-",
		    "hal", a->row.subject, "jabatan", a->letter.position_title, NULL};

		return answer_say(
		    w, t, "refused", why, "PromptAnswered", "refused", a->row.id, NULL);
	}
	if (plain_outside(w, t, a, &a->letter) < 0 || plain_inside(w, t, a, &a->letter) < 0)
		return TASK_WAIT;
	close_prompt(t, a, "pesan");
	t->plan->letter_id = a->row.id;
	t->plan->letter_state = "void";
	return answer_say(w, t, "plain-sent", pairs, "PromptAnswered", "pesan", a->row.id, NULL);
}

static enum task_result cancel(struct worker *w, struct task *t, struct previewed *a)
{
	const char *pairs[] = {"hal", a->row.subject, NULL};

	close_prompt(t, a, "batal");
	t->plan->letter_id = a->row.id;
	t->plan->letter_state = "void";
	return answer_say(w, t, "cancelled", pairs, "PromptAnswered", "batal", a->row.id, NULL);
}

static int load_answer(struct worker *w, struct task *t, int64_t token_id, struct previewed *a)
{
	int rc = token_row_load(w->db, token_id, false, t->arena, &a->token, &t->err);

	if (rc != 1)
		return rc;
	rc = letter_row_load(w->db, a->token.letter_id, t->arena, &a->row, &t->err);
	if (rc != 1)
		return rc;
	if (letter_xml_read(range_of(a->row.xml), t->arena, &a->letter, &t->err) < 0)
		return -1;
	a->letter.id = a->row.id;
	a->letter.incumbency = a->row.incumbency;
	a->letter.login = a->row.login;
	a->letter.message_id = a->row.mime_message_id;
	return message_body(w->db, a->row.body_id, t->arena, &a->bytes, &t->err);
}

enum task_result prompt_task(
    struct worker *w, struct task *t, const struct mime_part *root, const char *detail)
{
	const char *first, *text = mime_main_text(root, t->arena);
	const char *nothing[] = {"hal", t->message.subject, NULL};
	struct previewed a = {0};
	int64_t token_id;
	int rc = 0;

	if (automatic_kind(root, t->message.sender, t->arena, NULL) != AUTOMATIC_NO)
		return ignore_automatic(w, t);
	if (token_read(&w->token_key, TOKEN_PROMPT, detail, &token_id) == 1)
		rc = load_answer(w, t, token_id, &a);
	if (rc < 0)
		return TASK_WAIT;
	if (rc == 0 || strcmp(a.token.actor, t->message.position) != 0)
		return answer_say(
		    w, t, "prompt-stranger", nothing, "PromptAnswered", "refused", 0, NULL);
	if (a.token.closed_at_ms != 0)
		return done_before(w, t, &a);
	if (a.token.expires_at_ms < t->now_ms)
		return answer_say(
		    w, t, "prompt-expired", nothing, "PromptAnswered", "refused", a.row.id, NULL);
	switch (reply_verb(text, t->arena, &first)) {
	case REPLY_OK:
		return release(w, t, &a);
	case REPLY_PESAN:
		return send_plain(w, t, &a);
	case REPLY_BATAL:
		return cancel(w, t, &a);
	case REPLY_NONE:
		break;
	}
	const char *asked[] = {"baris", first, "hal", a.row.subject, NULL};
	return answer_say(w, t, "asked-back", asked, "PromptAnswered", "asked", a.row.id,
	    arena_printf(t->arena, "ttd+%s@%s", detail, w->settings->domain));
}
