/*
 * order_case: the letter with its orders, loaded once for a task, changed in memory and in the plan
 * alike, so that the tree that a mail shows is the one that the transaction leaves behind.
 */
#include "mtagw/router/order.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/router/intake.h"

const char *order_title(struct task *t, const char *position)
{
	const struct policy_position *p = policy_position(t->law->policy, position);

	return p ? p->title : position;
}

const char *order_clock(struct task *t, int64_t at_ms)
{
	struct city_date d = clock_city_date(at_ms);

	return arena_printf(t->arena, "%02d.%02d", d.hour, d.minute);
}

const char *order_day(struct task *t, int64_t at_ms)
{
	struct city_date d = clock_city_date(at_ms);

	return arena_printf(t->arena, "%02d-%02d-%04d", d.day, d.month, d.year);
}

const char *order_people(struct task *t, const char *position)
{
	const struct policy_position *list[ORDER_SUBORDINATES_MAX];
	size_t n = policy_subordinates(t->law->policy, position, list, ORDER_SUBORDINATES_MAX);
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < n && i < ORDER_SUBORDINATES_MAX; i++)
		buf_printf(&out, "%s%zu. %s", i ? "\n" : "", i + 1, list[i]->title);
	text = arena_strdup(t->arena, buf_str(&out));
	buf_free(&out);
	return text;
}

const char *order_hint(struct task *t, const struct reply_reading *reading)
{
	return reading->below
	           ? policy_words(t->law->policy, "order.above-quotation", NULL, t->arena)
	           : "";
}

const char *order_giver_target(const struct disposition_row *d)
{
	return d->parent == 0 ? "dispose" : "report";
}

/* --- loading ---------------------------------------------------------------------------------- */

/* A letter of the city itself that no agency got by mail from outside. */
static struct incoming_row own_letter(struct order_case *c)
{
	const struct letter_row *l = &c->row;

	return (struct incoming_row){.letter_id = l->id,
	    .agency = c->agency,
	    .state = l->state,
	    .sender_address = l->login,
	    .sender_name = order_title(c->t, l->position),
	    .letter_number = l->number ? l->number : "",
	    .letter_date = l->date ? l->date : "",
	    .subject = l->subject,
	    .excerpt = "",
	    .thread = "none",
	    .level = "internal",
	    .urgency = l->urgency,
	    .received_at_ms = l->created_at_ms,
	    .decided_by = "",
	    .rule_id = l->rule_id,
	    .body_id = l->body_id,
	    .message_id = l->message_id,
	    .mime_message_id = l->mime_message_id};
}

/* What is proven of its sender, "" of a letter of the house. */
static int load_verdict(struct order_case *c)
{
	struct task *t = c->t;
	struct verdicts verdicts;
	const char *level, *json;
	int rc = verdict_load(c->w->db, c->letter.message_id, t->arena, &level, &json, &t->err);

	c->verdict = "";
	if (rc == 1)
		rc = verdicts_read(json, t->arena, &verdicts, &t->err);
	if (rc == 1)
		c->verdict = verdict_line(
		    t->law->policy, &verdicts, c->letter.level, c->letter.sender_address, t->arena);
	return rc < 0 ? -1 : 1;
}

/* What is attached to orders: the mail from outside, or the sealed form of a letter of the city. */
static int load_original(struct order_case *c)
{
	struct task *t = c->t;

	if (strcmp(c->row.direction, "incoming") != 0 && c->row.number != NULL) {
		int rc =
		    letter_row_form(c->w->db, c->row.id, "inside", t->arena, &c->original, &t->err);

		if (rc == 0) /* nobody inside had one */
			rc = letter_row_form(
			    c->w->db, c->row.id, "outside", t->arena, &c->original, &t->err);
		return rc;
	}
	c->original_body = c->letter.body_id;
	return message_body(c->w->db, c->original_body, t->arena, &c->original, &t->err);
}

static int load_trail(struct order_case *c)
{
	struct worker *w = c->w;
	struct task *t = c->t;
	struct disposition_row *orders;
	struct disposition_report *reports;
	size_t n, k;

	if (disposition_version(w->db, c->row.id, &c->version, &c->state_at_ms, &t->err) < 0 ||
	    disposition_tree(w->db, c->row.id, c->agency, t->arena, &orders, &n, &t->err) < 0 ||
	    disposition_reports(w->db, c->row.id, t->arena, &reports, &k, &t->err) < 0)
		return -1;
	c->orders = arena_alloc(t->arena, (n + ORDER_RECIPIENTS_MAX) * sizeof(*c->orders));
	c->reports = arena_alloc(t->arena, (k + 1) * sizeof(*c->reports));
	if (n > 0)
		memcpy(c->orders, orders, n * sizeof(*orders));
	if (k > 0)
		memcpy(c->reports, reports, k * sizeof(*reports));
	c->trail = (struct trail){c->orders, n, c->reports, k, t->now_ms};
	return 1;
}

int order_case_load(
    struct worker *w, struct task *t, int64_t letter_id, const char *agency, struct order_case *c)
{
	struct holder holder;
	int rc;

	*c = (struct order_case){.w = w, .t = t, .agency = agency};
	rc = letter_row_load(w->db, letter_id, t->arena, &c->row, &t->err);
	if (rc == 1)
		rc = disposition_letter_of(w->db, agency, letter_id, &t->err);
	if (rc != 1)
		return rc;
	rc = incoming_load(w->db, letter_id, agency, t->arena, &c->letter, &t->err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		c->letter = own_letter(c);
	if (load_verdict(c) < 0 || load_original(c) < 0 || load_trail(c) < 0)
		return -1;
	if (t->message.position != NULL && t->message.position[0] != '\0') {
		if (holder_of(w->db, t->message.position, t->now_ms, t->arena, &holder, &t->err) <
		    0)
			return -1;
		c->incumbency = holder.incumbency;
	}
	return 1;
}

/* --- changes ---------------------------------------------------------------------------------- */

void order_case_fence(struct order_case *c)
{
	struct disposition_fence *f = arena_alloc(c->t->arena, sizeof(*f));

	*f = (struct disposition_fence){c->row.id, c->version};
	plan_row(c->t, disposition_queue_fence, f);
}

void order_case_state(
    struct order_case *c, struct disposition_row *d, const char *state, const char *reason)
{
	struct disposition_change *change = arena_alloc(c->t->arena, sizeof(*change));

	*change = (struct disposition_change){d->id, c->t->now_ms, state, reason};
	plan_row(c->t, disposition_queue_state, change);
	d->state = state;
	d->state_at_ms = c->t->now_ms;
	if (reason != NULL)
		d->reason = reason;
}

void order_case_standing(struct order_case *c, const char *state, const char *letter_state)
{
	struct disposition_standing *s = arena_alloc(c->t->arena, sizeof(*s));

	*s = (struct disposition_standing){c->row.id, c->t->now_ms, c->agency, state, letter_state};
	plan_row(c->t, disposition_queue_standing, s);
	c->letter.state = state;
}

const struct disposition_report *order_case_report(struct order_case *c,
    const struct disposition_row *d, const char *body, size_t enclosures, bool closing)
{
	struct task *t = c->t;
	struct disposition_report *r = &c->reports[c->trail.report_count];

	*r = (struct disposition_report){.disposition_id = d->id,
	    .message_id = t->message.id,
	    .incumbency = c->incumbency,
	    .at_ms = t->now_ms,
	    .position = t->message.position,
	    .login = t->message.login,
	    .body = db_text_clean(body, t->arena),
	    .enclosures = (int)enclosures,
	    .closing = closing};
	if (ids_next(&c->w->ids, c->w->db, t->now_ms, &r->id, &t->err) < 0)
		return NULL;
	c->trail.report_count++;
	plan_row(t, disposition_queue_report, r);
	return r;
}

int order_case_exchange(struct order_case *c, const char *event, const char *outcome,
    const char *rule_id, const char *position, const char *more)
{
	const char *details[] = {"position", position, "words", more ? more : "", NULL};

	return plan_exchange(c->w, c->t,
	    (struct exchange){.event = event,
	        .outcome = outcome,
	        .letter_id = c->row.id,
	        .actor = letters_actor(c->t, c->incumbency),
	        .rule_id = rule_id},
	    details);
}

enum task_result order_end(struct order_case *c, const char *why)
{
	struct plan *plan = c->t->plan;

	plan->message_id = c->t->message.id;
	plan->message_state = "routed";
	plan->message_reason = why;
	plan->message_letter = c->row.id;
	return TASK_GO;
}

int order_assured(struct order_case *c, const char *action, enum task_result *result_r)
{
	struct task *t = c->t;
	const struct policy_position *p = policy_position(t->law->policy, t->message.position);
	char day[16];
	struct policy_facts facts = {.position = t->message.position,
	    .agency = c->agency,
	    .echelon = p ? p->echelon : NULL,
	    .type = c->row.type,
	    .security_class = c->row.security_class,
	    .urgency = c->row.urgency,
	    .channel = "submission",
	    .verdict = "internal",
	    .automatic = "no",
	    .action = action,
	    .date = day};
	struct policy_decision d;

	clock_iso_day(t->now_ms, day);
	if (letters_decide(c->w, t, POLICY_ASSURANCE, &facts, c->row.id, &d) < 0)
		return -1;
	if (d.allowed)
		return 1;
	const char *pairs[] = {"aturan", d.rule_id, "kode", d.code ? d.code : "-", "kalimat",
	    d.sentence ? d.sentence : "", "dasar", d.legal_basis ? d.legal_basis : "-", "hal",
	    c->letter.subject, "jabatan", order_title(t, t->message.position), NULL};
	*result_r = answer_say(
	    c->w, t, "action-refused", pairs, "PromptAnswered", "refused", c->row.id, NULL);
	return 0;
}
