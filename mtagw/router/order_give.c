/*
 * order_give: a reply becomes orders: read whole, asked of policy for each recipient, and given all
 * together or not at all. Each recipient gets a mail with a prompt of his own and the letter
 * attached; who gave it gets everything back as it was understood, on the prompt he answered, where
 * BATAL takes it back and a further order replaces what was declined.
 */
#include "mtagw/router/order.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"
#include "mtagw/office/addressing.h"

struct giving {
	struct order_case *c;
	struct answer *a;
	struct disposition_row *parent; /* NULL: the head's orders */
	struct order_list list;
	struct buf problems;
	const char *refusal; /* code of the first refused recipient, NULL */
};

static const char *target_of(const struct giving *g)
{
	return g->parent == NULL ? "dispose" : "report";
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void add_line(struct giving *g, const char *text)
{
	buf_printf(&g->problems, "%s- %s", g->problems.len > 0 ? "\n" : "", text);
}

static void add_problem(struct giving *g, const struct order_problem *p)
{
	struct task *t = g->c->t;
	const struct policy *policy = t->law->policy;
	struct buf names = {0};
	const char *usul = "";

	for (size_t i = 0; i < p->suggestion_count; i++)
		buf_printf(&names, "%s%s", i ? "; " : "", p->suggestions[i]->title);
	if (names.len > 0) {
		const char *pairs[] = {"apa", p->what, "usul", buf_str(&names), NULL};

		usul = policy_words(policy, "order-problem.suggestions", pairs, t->arena);
	}
	const char *pairs[] = {"apa", p->what, "usul", usul, NULL};
	add_line(g, policy_words(policy,
	                arena_printf(t->arena, "order-problem.%s", order_problem_name(p->kind)),
	                pairs, t->arena));
	buf_free(&names);
}

static enum task_result say_problems(struct giving *g)
{
	struct order_case *c = g->c;
	const char *pairs[] = {"masalah", arena_strdup(c->t->arena, buf_str(&g->problems)), "baris",
	    g->a->reading.first_line, "hal", c->letter.subject, "bawahan",
	    order_people(c->t, c->t->message.position), NULL};

	return answer_say(c->w, c->t, g->parent ? "report-problems" : "order-problems", pairs,
	    "DispositionGiven", g->refusal ? "refused" : "asked", c->row.id,
	    answer_address(c->w, c->t, target_of(g), g->a->token.id));
}

/* --- rights ----------------------------------------------------------------------------------- */

static int decide(struct giving *g, const struct order *o, const char **rule_r)
{
	struct order_case *c = g->c;
	struct task *t = c->t;
	const char *actor = t->message.position;
	const struct policy_position *p = policy_position(t->law->policy, actor);
	char day[16];
	struct policy_facts facts = {.type = c->row.type,
	    .scope = c->row.scope,
	    .security_class = c->row.security_class,
	    .urgency = c->row.urgency,
	    .agency = c->agency,
	    .position = actor,
	    .echelon = p ? p->echelon : NULL,
	    .channel = "submission",
	    .verdict = "internal",
	    .recipient = o->to->id,
	    .recipient_kind = "inside",
	    .direction = c->row.direction,
	    .relation = policy_relation(t->law->policy, actor, o->to->id),
	    .action = g->parent == NULL ? "dispose" : "pass_on",
	    .automatic = "no",
	    .date = day};
	struct policy_decision d;

	clock_iso_day(t->now_ms, day);
	if (letters_decide(c->w, t, POLICY_DISPOSE, &facts, c->row.id, &d) < 0)
		return -1;
	*rule_r = d.rule_id;
	if (d.allowed)
		return 1;
	const char *pairs[] = {"nama", o->to->title, "kalimat", d.sentence ? d.sentence : "",
	    "kode", d.code ? d.code : "-", "dasar", d.legal_basis ? d.legal_basis : "-", NULL};
	add_line(g, policy_words(t->law->policy, "order-refusal", pairs, t->arena));
	g->refusal = d.code ? d.code : d.rule_id;
	return 0;
}

/* --- given before ----------------------------------------------------------------------------- */

static bool same_order(
    const struct giving *g, const struct order *o, const struct disposition_row *d)
{
	if (d->prompt != g->a->token.id || strcmp(d->to_position, o->to->id) != 0 ||
	    !trail_stands(d) || d->instruction_count != o->instruction_count ||
	    strcmp(d->note, db_text_clean(o->note, g->c->t->arena)) != 0 ||
	    (o->due_written && d->due_at_ms != o->due_ms))
		return false;
	for (size_t i = 0; i < o->instruction_count; i++)
		if (strcmp(d->instructions[i], o->instructions[i]->id) != 0)
			return false;
	return true;
}

/* Orders that stand already: all of them make the mail a repetition (1), some a problem (0). */
static int given_before(struct giving *g, const struct disposition_row **first_r)
{
	struct order_case *c = g->c;
	size_t n = 0;

	for (size_t i = 0; i < g->list.count; i++) {
		const struct disposition_row *found = NULL;

		for (size_t k = 0; k < c->trail.count && found == NULL; k++)
			if (same_order(g, &g->list.orders[i], &c->orders[k]))
				found = &c->orders[k];
		if (found == NULL)
			continue;
		n++;
		*first_r = found;
		const char *pairs[] = {"apa", g->list.orders[i].to->title, "usul", "", NULL};
		add_line(g, policy_words(c->t->law->policy, "order-problem.given-before", pairs,
		                c->t->arena));
	}
	return n > 0 && n == g->list.count;
}

static enum task_result say_repeated(struct giving *g, const struct disposition_row *d)
{
	struct order_case *c = g->c;
	const char *pairs[] = {"pukul", order_clock(c->t, d->created_at_ms), "tanggal",
	    order_day(c->t, d->created_at_ms), "nama", order_title(c->t, d->to_position), "hal",
	    c->letter.subject, NULL};

	return answer_say(
	    c->w, c->t, "order-repeated", pairs, "DispositionGiven", "repeated", c->row.id, NULL);
}

/* --- giving ----------------------------------------------------------------------------------- */

static struct disposition_row *add_row(struct giving *g, const struct order *o, const char *rule_id)
{
	struct order_case *c = g->c;
	struct task *t = c->t;
	struct disposition_row *d = &c->orders[c->trail.count];
	const char **ids = arena_alloc(t->arena, (o->instruction_count + 1) * sizeof(*ids));

	for (size_t i = 0; i < o->instruction_count; i++)
		ids[i] = o->instructions[i]->id;
	*d = (struct disposition_row){.letter_id = c->row.id,
	    .parent = g->parent ? g->parent->id : 0,
	    .prompt = g->a->token.id,
	    .message_id = t->message.id,
	    .agency = c->agency,
	    .position = t->message.position,
	    .login = t->message.login,
	    .incumbency = c->incumbency,
	    .to_position = o->to->id,
	    .instructions = ids,
	    .instruction_count = o->instruction_count,
	    .words = db_text_clean(o->words, t->arena),
	    .note = db_text_clean(o->note, t->arena),
	    .due_at_ms = o->due_ms,
	    .state = "sent",
	    .state_at_ms = t->now_ms,
	    .reason = "",
	    .policy_version = t->law->version,
	    .rule_id = rule_id,
	    .created_at_ms = t->now_ms};
	if (ids_next(&c->w->ids, c->w->db, t->now_ms, &d->id, &t->err) < 0 ||
	    answer_prompt(c->w, t, "report", o->to->id, c->row.id, t->now_ms + ORDER_PROMPT_MS,
	        &d->token) < 0)
		return NULL;
	d->mime_message_id = compose_message_id(t->arena, d->id, c->w->settings->domain);
	plan_row(t, disposition_queue_insert, d);
	c->trail.count++;
	return d;
}

static int send_orders(struct giving *g, size_t first)
{
	struct order_case *c = g->c;

	for (size_t i = first; i < c->trail.count; i++) {
		struct disposition_row *d = &c->orders[i];
		struct order_mail mail = {.kind = "order",
		    .about = &d->id,
		    .about_count = 1,
		    .by = d->position,
		    .original = c->original,
		    .original_body = c->original_body};

		if (order_tell(
		        c, &mail, d->to_position, "", "report", d->token, d->mime_message_id) < 0)
			return -1;
	}
	return 1;
}

static int confirm(struct giving *g, size_t first)
{
	struct order_case *c = g->c;
	size_t n = c->trail.count - first;
	int64_t *about = arena_alloc(c->t->arena, (n + 1) * sizeof(*about));

	for (size_t i = 0; i < n; i++)
		about[i] = c->orders[first + i].id;
	struct order_mail mail = {.kind = "given",
	    .about = about,
	    .about_count = n,
	    .corrected = g->a->reading.corrected,
	    .automatic_reply = true};
	return order_tell(c, &mail, c->t->message.position, "", target_of(g), g->a->token.id, NULL);
}

/* After the rows: the one they hang on, and the letter. */
static void set_states(struct giving *g)
{
	struct order_case *c = g->c;

	if (g->parent != NULL && strcmp(g->parent->state, "sent") == 0)
		order_case_state(c, g->parent, "passed_on", NULL);
	order_case_standing(c, "disposed", g->parent == NULL ? "disposed" : "in_progress");
}

static enum task_result give(struct giving *g, const char **rules)
{
	struct order_case *c = g->c;
	size_t first = c->trail.count;

	order_case_fence(c);
	for (size_t i = 0; i < g->list.count; i++) {
		const struct disposition_row *d = add_row(g, &g->list.orders[i], rules[i]);

		if (d == NULL ||
		    order_case_exchange(c, g->parent ? "DispositionPassedOn" : "DispositionGiven",
		        "done", rules[i], d->to_position, d->words) < 0)
			return TASK_WAIT;
	}
	set_states(g);
	if (send_orders(g, first) < 0 || confirm(g, first) < 0)
		return TASK_WAIT;
	return order_end(c, "disposition");
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A recipient of the mail that is neither a prompt nor its writer: a copy to oneself orders nobody.
 */
static bool envelope_address(struct order_case *c, size_t i, struct addressee *who_r)
{
	const struct message *m = &c->t->message;

	addressing_resolve(
	    c->t->law->policy, c->w->settings->domain, m->rcpts[i], c->t->arena, who_r);
	return who_r->kind != ADDRESSEE_PROMPT &&
	       (who_r->position == NULL || strcmp(who_r->position, m->position) != 0);
}

size_t order_envelope_count(struct order_case *c)
{
	struct addressee who;
	size_t n = 0;

	for (size_t i = 0; i < c->t->message.rcpt_count; i++)
		n += envelope_address(c, i, &who);
	return n;
}

static void read_envelope(struct giving *g, struct order_source *s)
{
	struct order_case *c = g->c;
	size_t n = c->t->message.rcpt_count;
	const struct policy_position **list = arena_alloc(c->t->arena, (n + 1) * sizeof(*list));
	const char **addresses = arena_alloc(c->t->arena, (n + 1) * sizeof(*addresses));

	for (size_t i = 0; i < n; i++) {
		struct addressee who;

		if (!envelope_address(c, i, &who))
			continue;
		list[s->envelope_count] = who.kind == ADDRESSEE_POSITION
		                              ? policy_position(c->t->law->policy, who.position)
		                              : NULL;
		addresses[s->envelope_count++] = who.address;
	}
	s->envelope = list;
	s->envelope_addresses = addresses;
}

static enum task_result ask(struct giving *g)
{
	struct order_case *c = g->c;
	const char *first = g->a->reading.first_line[0] ? g->a->reading.first_line : "-";
	const char *hint = order_hint(c->t, &g->a->reading);
	const char *order[] = {"baris", first, "hal", c->letter.subject, "bawahan",
	    order_people(c->t, c->t->message.position), "petunjuk", hint, NULL};
	const char *report[] = {
	    "baris", first, "nama", "", "hal", c->letter.subject, "petunjuk", hint, NULL};

	return answer_say(c->w, c->t, g->parent ? "report-asked" : "order-asked",
	    g->parent ? report : order, "DispositionGiven", "asked", c->row.id,
	    answer_address(c->w, c->t, target_of(g), g->a->token.id));
}

static enum task_result judge(struct giving *g)
{
	struct order_case *c = g->c;
	const char **rules = arena_alloc(c->t->arena, (g->list.count + 1) * sizeof(*rules));
	const struct disposition_row *before = NULL;
	enum task_result result;
	int rc = order_assured(c, g->parent ? "pass_on" : "dispose", &result);

	if (rc != 1)
		return rc == 0 ? result : TASK_WAIT;
	for (size_t i = 0; i < g->list.count; i++)
		if (decide(g, &g->list.orders[i], &rules[i]) < 0)
			return TASK_WAIT;
	if (g->refusal == NULL && given_before(g, &before) == 1)
		return say_repeated(g, before);
	return g->problems.len > 0 ? say_problems(g) : give(g, rules);
}

enum task_result order_give(struct order_case *c, struct answer *a, struct disposition_row *parent)
{
	struct giving g = {.c = c, .a = a, .parent = parent};
	struct order_source source = {.policy = c->t->law->policy,
	    .domain = c->w->settings->domain,
	    .actor = policy_position(c->t->law->policy, c->t->message.position),
	    .reading = &a->reading,
	    .mail_ms = a->mail_ms,
	    .now_ms = c->t->now_ms,
	    .due_ms = parent ? parent->due_at_ms : c->letter.due_at_ms,
	    .urgency = policy_urgency(c->t->law->policy, c->letter.urgency)};
	enum task_result result;

	if (source.actor == NULL)
		return ask(&g);
	read_envelope(&g, &source);
	if (!order_shaped(&source))
		return ask(&g);
	order_read(&source, c->t->arena, &g.list);
	for (size_t i = 0; i < g.list.problem_count; i++)
		add_problem(&g, &g.list.problems[i]);
	result = g.list.problem_count > 0 ? say_problems(&g) : judge(&g);
	buf_free(&g.problems);
	return result;
}
