/*
 * letters: the steps several stages share: completing a letter from rows, asking policy with a row
 * in the trail, the trial before a number is spent, mailboxes of addressees.
 */
#include "mtagw/router/letters.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"
#include "mtagw/office/body_xml.h"
#include "mtagw/office/facts.h"
#include "mtagw/office/letter_xml.h"

/* A reply token outlives its letter by far: an answer may come a year later (DESIGN 7: then it only
 * makes a suggestion). */
#define REPLY_TOKEN_MS (INT64_C(5) * 366 * 24 * 3600 * 1000)

struct exchange_actor letters_actor(const struct task *t, int64_t incumbency)
{
	return (struct exchange_actor){t->message.position, incumbency, t->message.login};
}

const char *letters_postmaster(struct worker *w, struct task *t)
{
	struct addressee a;

	addressing_resolve(t->law->policy, w->settings->domain,
	    arena_printf(t->arena, "postmaster@%s", w->settings->domain), t->arena, &a);
	return a.position;
}

const char *letters_reply_to(
    struct worker *w, struct task *t, const struct letter *letter, int64_t token_id)
{
	const struct policy_agency *agency = policy_agency(t->law->policy, letter->agency);
	char token[TOKEN_CHARS + 1];

	if (agency == NULL || token_id == 0)
		return NULL;
	token_make(&w->token_key, TOKEN_REPLY, token_id, token);
	return arena_printf(
	    t->arena, "%s+%s@%s", agency->registry_local, token, w->settings->domain);
}

int letters_complete(struct worker *w, struct task *t, struct letter *letter)
{
	struct buf body = {0};

	if (letters_holder(w, t, letter) < 0)
		return -1;
	body_xml_write(letter->body_text ? letter->body_text : "", &body);
	letter->body_xml = arena_strndup(t->arena, buf_str(&body), body.len);
	buf_free(&body);
	if (ids_next(&w->ids, w->db, t->now_ms, &letter->id, &t->err) < 0)
		return -1;
	letter->message_id = compose_message_id(t->arena, letter->id, w->settings->domain);
	return 1;
}

static const struct letter_row_recipient *recipient_rows(
    const struct letter *letter, struct arena *arena)
{
	struct letter_row_recipient *list =
	    arena_alloc(arena, (letter->recipient_count + 1) * sizeof(*list));

	for (size_t i = 0; i < letter->recipient_count; i++) {
		const struct letter_recipient *r = &letter->recipients[i];

		list[i] = (struct letter_row_recipient){
		    r->copy, r->inside, r->name, r->address, r->position, r->agency};
	}
	return list;
}

int letters_insert(
    struct worker *w, struct task *t, struct letter *letter, const char *state, const char *rule_id)
{
	struct letter_row *row = arena_alloc(t->arena, sizeof(*row));
	struct token_row *token = &t->plan->tokens[t->plan->token_count];
	struct buf xml = {0};

	letter->state = state;
	*row = (struct letter_row){.id = letter->id,
	    .message_id = t->message.id,
	    .type = letter->type,
	    .scope = letter_scope_names[letter->scope],
	    .direction = "outgoing",
	    .state = state,
	    .agency = letter->agency,
	    .position = letter->position,
	    .login = letter->login,
	    .incumbency = letter->incumbency,
	    .subject = letter->subject,
	    .summary = letter->summary,
	    .classification_code = letter->classification_code,
	    .security_class = letter->security_class,
	    .urgency = letter->urgency,
	    .mime_message_id = letter->message_id,
	    .policy_version = t->law->version,
	    .rule_id = rule_id,
	    .created_at_ms = t->now_ms};
	if (ids_next(&w->ids, w->db, t->now_ms, &row->reply_token, &t->err) < 0)
		return -1;
	if (letter_xml_canonical(letter, row->canonical_sha256, &xml, &t->err) < 0) {
		buf_free(&xml);
		return -1;
	}
	row->xml = arena_strndup(t->arena, buf_str(&xml), xml.len);
	buf_free(&xml);
	*token = (struct token_row){.id = row->reply_token,
	    .kind = "reply",
	    .letter_id = letter->id,
	    .message_id = t->message.id,
	    .actor = "",
	    .verb = "",
	    .created_at_ms = t->now_ms,
	    .expires_at_ms = t->now_ms + REPLY_TOKEN_MS};
	t->plan->token_count++;
	row->body_id = t->message.body_id;
	row->dsn = t->message.dsn;
	t->plan->letter = t->row = row;
	t->plan->recipients = recipient_rows(letter, t->arena);
	t->plan->recipient_count = letter->recipient_count;
	return 1;
}

/* The letter with a placeholder where numbering has not been yet. */
static struct letter numbered_or_blank(struct task *t, const struct letter *letter)
{
	struct letter copy = *letter;

	if (copy.number != NULL)
		return copy;
	if (t->blank_number == NULL) {
		char day[16];

		clock_iso_day(t->now_ms, day);
		t->blank_number = policy_words(t->law->policy, "preview.number", NULL, t->arena);
		t->blank_date = arena_strdup(t->arena, day);
	}
	copy.number = t->blank_number;
	copy.date = t->blank_date;
	return copy;
}

/* letter.xml of the letter: made again only when a field of it changed. Lives as long as the task's
 * stage; not to be changed. */
static struct xml *document(struct task *t, const struct letter *letter)
{
	/* A difference in padding makes it again, which does no harm. */
	if (t->document != NULL &&
	    memcmp(t->document_of, letter, sizeof(*letter)) == 0) /* NOLINT(bugprone-*) */
		return t->document;
	xml_free(&t->document);
	t->document = letter_xml(letter);
	t->document_of = arena_memdup(t->arena, letter, sizeof(*letter));
	return t->document;
}

struct document_call {
	struct task *t;
	const struct letter *letter;
};

static const struct xml_node *document_root(void *ctx)
{
	const struct document_call *call = ctx;

	return xml_root(document(call->t, call->letter));
}

static int decide_form(struct worker *w, struct task *t, const struct letter *letter,
    const char *day, bool outside, bool trail, struct letters_forms *forms)
{
	struct document_call call = {t, letter};
	struct policy_decision *d = &forms->of[outside];
	struct policy_facts facts;
	int rc;

	letter_facts(letter, t->law->policy, day, &facts);
	facts.form = outside ? "outside" : "inside";
	facts.letter_of = document_root;
	facts.letter_ctx = &call;
	rc = trail ? letters_decide(w, t, POLICY_SEAL, &facts, letter->id, d)
	           : policy_decide(t->law->policy, POLICY_SEAL, &facts, t->arena, d, NULL, &t->err);
	if (rc < 0)
		return -1;
	if (!d->allowed)
		return err_set(&t->err,
		    "policy %d has no sealing rule for the %s form of this letter (rule %s)",
		    t->law->version, facts.form, d->rule_id);
	forms->made[outside] = true;
	forms->sealed &= d->seal;
	forms->pdf |= d->pdf;
	forms->pdf_sealed &= d->seal || !d->pdf;
	return 1;
}

int letters_decide_forms(struct worker *w, struct task *t, const struct letter *letter,
    const char *day, bool trail, struct letters_forms *forms)
{
	bool inside = false, outside = false;

	*forms = (struct letters_forms){.sealed = true, .pdf_sealed = true};
	for (size_t i = 0; i < letter->recipient_count; i++) {
		inside |= letter->recipients[i].inside;
		outside |= !letter->recipients[i].inside;
	}
	if (outside && decide_form(w, t, letter, day, true, trail, forms) < 0)
		return -1;
	inside |= outside && forms->of[1].copy;
	if (inside && decide_form(w, t, letter, day, false, trail, forms) < 0)
		return -1;
	forms->confirm = forms->of[outside].confirm;
	forms->copy = forms->of[outside].copy;
	return 1;
}

int letters_render(struct task *t, const struct letter *letter, enum render_form form, bool outside,
    bool seal, const char **out_r)
{
	const struct policy_type *type = policy_type(t->law->policy, letter->type);
	const char *const params[] = {
	    "form", outside ? "outside" : "inside", "seal", seal ? "yes" : "no", NULL};
	struct buf out = {0};
	int rc;

	if (type == NULL)
		return err_set(&t->err, "letter type %s is not in policy version %d", letter->type,
		    t->law->version);
	rc = render_apply(
	    t->law->render, type->template_base, form, document(t, letter), params, &out, &t->err);
	if (rc == 1)
		*out_r = arena_strndup(t->arena, buf_str(&out), out.len);
	buf_free(&out);
	return rc;
}

const char *letters_text(
    struct worker *w, struct task *t, const struct letter *letter, bool outside)
{
	struct letter copy = numbered_or_blank(t, letter);
	struct letters_forms forms = {0};
	const char *text = NULL;

	if (letters_decide_forms(w, t, &copy, copy.date, false, &forms) < 0 ||
	    letters_render(t, &copy, RENDER_TEXT, outside, forms.sealed, &text) < 0)
		return NULL;
	return text;
}

/* One form as finish will make it. */
static int try_form(
    struct task *t, const struct letter *letter, bool outside, const struct policy_decision *d)
{
	const char *text;

	if (letters_render(t, letter, RENDER_TEXT, outside, d->seal, &text) < 0 ||
	    (!outside && letters_render(t, letter, RENDER_HTML, false, d->seal, &text) < 0) ||
	    (d->pdf && letters_render(t, letter, RENDER_PAGE, outside, d->seal, &text) < 0))
		return -1;
	return 1;
}

int letters_trial(struct worker *w, struct task *t, const struct letter *letter)
{
	struct letter copy = numbered_or_blank(t, letter);
	struct letters_forms forms;
	bool sealed = false;

	if (letters_decide_forms(w, t, &copy, copy.date, false, &forms) < 0)
		return -1;
	for (int form = 0; form <= 1; form++) {
		if (!forms.made[form])
			continue;
		if (try_form(t, &copy, form, &forms.of[form]) < 0)
			return -1;
		sealed |= forms.of[form].seal;
	}
	if (!sealed)
		return 1;
	return signer_usable(w->signer, letter->registry_address, t->now_ms / 1000, &t->err);
}

int letters_glyphs(
    struct worker *w, struct task *t, const struct letter *letter, const char **missing_r)
{
	struct letter copy = numbered_or_blank(t, letter);
	struct letters_forms forms;
	const char *page = NULL;
	int form;

	*missing_r = NULL;
	if (letters_decide_forms(w, t, &copy, copy.date, false, &forms) < 0)
		return -1;
	if (!forms.pdf)
		return 1;
	if (w->glyphs == NULL)
		return err_set(&t->err, "a PDF is wanted and no font is installed");
	form = forms.of[0].pdf ? 0 : 1; /* the page is the same in both */
	if (letters_render(t, &copy, RENDER_PAGE, form, forms.of[form].seal, &page) != 1)
		return -1;
	*missing_r = glyphs_missing(w->glyphs, range_of(page), t->arena);
	return *missing_r == NULL;
}

const char *letters_recipient_lines(struct task *t, const struct letter *letter)
{
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < letter->recipient_count; i++) {
		const struct letter_recipient *r = &letter->recipients[i];

		if (strcmp(r->name, r->address) == 0)
			buf_printf(&out, "%s- %s", i ? "\n" : "", r->address);
		else
			buf_printf(&out, "%s- %s <%s>%s", i ? "\n" : "", r->name, r->address,
			    r->copy ? " (tembusan)" : "");
	}
	text = arena_strndup(t->arena, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

int letters_decide(struct worker *w, struct task *t, enum policy_kind kind,
    const struct policy_facts *facts, int64_t letter_id, struct policy_decision *d)
{
	const char *details[POLICY_FACTS_PAIRS + 4] = {"kind", policy_kind_name(kind)};
	size_t n = 2;

	if (policy_decide(t->law->policy, kind, facts, t->arena, d, NULL, &t->err) < 0)
		return -1;
	policy_facts_pairs(facts, details + 2);
	while (details[n] != NULL)
		n += 2;
	if (!d->allowed) {
		details[n++] = "sentence";
		details[n++] = d->sentence;
	}
	details[n] = NULL;
	return plan_exchange(w, t,
	    (struct exchange){.event = "PolicyDecision",
	        .outcome = d->allowed ? "allowed" : "refused",
	        .letter_id = letter_id,
	        .actor = letters_actor(t, 0),
	        .rule_id = d->rule_id,
	        .code = d->allowed ? NULL : d->code,
	        .policy_version = t->law->version},
	    details);
}

int letters_decide_letter(struct worker *w, struct task *t, enum policy_kind kind,
    struct policy_facts *facts, const struct letter *letter, struct policy_decision *d)
{
	struct document_call call = {t, letter};
	int rc;

	facts->letter_of = document_root;
	facts->letter_ctx = &call;
	rc = letters_decide(w, t, kind, facts, letter->id, d);
	facts->letter_of = NULL;
	return rc;
}

int letters_deliver_inside(struct worker *w, struct task *t, struct outgoing *out,
    const struct addressee *list, size_t count, bool keyed, const char *return_path)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].kind == ADDRESSEE_OUTSIDE || list[i].position == NULL)
			continue;
		if (plan_delivery(w, t, out,
		        addressing_mailbox(list[i].position, w->settings->domain, t->arena), "lmtp",
		        keyed, return_path, NULL) < 0)
			return -1;
	}
	return 1;
}
