/*
 * order: from what a person wrote to a list of orders, or to a list of what is wrong with it. Names
 * are found exactly or not at all; one thing that is wrong makes the whole order nothing, because a
 * half-given order is worse than none (DESIGN 7). The words are kept as they were written beside
 * what was understood, so that recipients read both.
 */
#include "mtagw/office/order.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/office/order_private.h"

static const char *const problem_names[ORDER_PROBLEM_COUNT] = {"unknown-name", "no-such-number",
    "named-twice", "nobody", "nothing-to-do", "unknown-instruction", "bad-date",
    "unknown-qualifier", "strange-line", "other-recipients", "too-many", "unread", "unread-date"};

const char *order_problem_name(enum order_problem_kind kind)
{
	return problem_names[kind];
}

bool order_ids_want_report(
    const struct policy *policy, const char *const *instructions, size_t count)
{
	size_t n;
	const struct policy_instruction *list = policy_instructions(policy, &n);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < n; k++)
			if (strcmp(list[k].id, instructions[i]) == 0 && list[k].report)
				return true;
	return count == 0; /* a note alone asks for something */
}

bool order_wants_report(const struct order *o)
{
	for (size_t i = 0; i < o->instruction_count; i++)
		if (o->instructions[i]->report)
			return true;
	return o->instruction_count == 0;
}

/* --- what the parts share --------------------------------------------------------------------- */

struct order_problem *order_problem_add(
    struct order_making *m, enum order_problem_kind kind, const char *what)
{
	struct order_list *list = m->list;
	struct order_problem *p;

	if (list->problem_count == ORDER_PROBLEMS_MAX)
		return &list->problems[list->problem_count - 1];
	p = &list->problems[list->problem_count++];
	*p = (struct order_problem){.kind = kind, .what = what};
	return p;
}

struct range order_cut(struct range r)
{
	bool again = true;

	while (again) {
		again = false;
		r = range_trim(r);
		while (r.len > 0 && strchr(",;.:-*+&", r.p[0]) != NULL) {
			r.p++;
			r.len--;
			again = true;
		}
		if (r.len > 2 && memcmp(r.p, "\xc2\xa0", 2) == 0) {
			r.p += 2;
			r.len -= 2;
			again = true;
		}
		for (size_t i = 0; i < sizeof(order_joins) / sizeof(order_joins[0]); i++) {
			size_t n = strlen(order_joins[i]);

			if (r.len > n && strncasecmp(r.p, order_joins[i], n) == 0 &&
			    isspace((unsigned char)r.p[n])) {
				r.p += n;
				r.len -= n;
				again = true;
			}
		}
	}
	return r;
}

/* --- groups of recipients --------------------------------------------------------------------- */

/* What was gathered for the names so far becomes one order for each of them. */
void order_end_group(struct order_making *m, struct order *o)
{
	struct order_list *list = m->list;

	if (m->name_count == 0 && m->failed_names == 0)
		(void)order_problem_add(m, ORDER_NOBODY, "");
	if (o->instruction_count == 0) /* `Kepada: kabid ikp`, and below it `TL besok` */
		(void)order_read_free(
		    m, o, (struct range){m->common_note, strcspn(m->common_note, "\n")});
	o->undated |= m->common_undated ||
	              (o->words != NULL && reply_date_like(o->words, m->source->mail_ms, NULL));
	o->note = order_joined(m, o->note, m->common_note);
	if (o->instruction_count == 0 && o->note[0] == '\0' &&
	    (o->words == NULL || o->words[0] == '\0'))
		(void)order_problem_add(m, ORDER_NOTHING_TO_DO, "");
	for (size_t i = 0; i < m->name_count; i++) {
		for (size_t k = 0; k < list->count; k++)
			if (list->orders[k].to == m->names[i])
				(void)order_problem_add(m, ORDER_NAMED_TWICE, m->names[i]->title);
		if (list->count == ORDER_RECIPIENTS_MAX) {
			(void)order_problem_add(m, ORDER_TOO_MANY, "");
			break;
		}
		list->orders[list->count] = *o;
		list->orders[list->count++].to = m->names[i];
	}
	m->name_count = 0;
	m->failed_names = 0;
	*o = (struct order){.words = "", .note = ""};
}

/* A second `Kepada:` behind other lines begins a second group of recipients. */
static void read_fields(struct order_making *m)
{
	const struct reply_reading *r = m->source->reading;
	struct order o = {.words = "", .note = ""};
	bool more = false;

	for (size_t i = 0; i < r->field_count; i++) {
		bool to = strcmp(r->fields[i].label, "to") == 0;

		if (to && more && (m->name_count > 0 || m->failed_names > 0)) {
			order_end_group(m, &o);
			more = false;
		}
		more |= !to;
		order_read_field(m, &o, &r->fields[i]);
	}
	if (m->envelope_orders) /* a forward: the block holds what, the envelope whom */
		order_envelope_names(m);
	order_end_group(m, &o);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Looked through for days once: a mail may hold a thousand groups above a long text. */
static void set_common_note(struct order_making *m, const char *note)
{
	m->common_note = note;
	m->common_undated = reply_date_like(note, m->source->mail_ms, NULL);
}

static void read_forward(struct order_making *m)
{
	struct order o = {.words = "", .note = ""};

	order_envelope_names(m);
	if (m->source->reading->shape == REPLY_WORDS)
		(void)order_read_free(m, &o, range_of(m->source->reading->first_line));
	set_common_note(m, m->source->reading->text);
	order_end_group(m, &o);
}

/* Only what nobody wrote is filled in: an order that wants a report gets the time of the order
 * above it, else that of the letter's urgency. Where a day stands in its words that was not read as
 * the due time none is made up beside it. */
static void fill_due(struct order_making *m)
{
	const struct order_source *s = m->source;

	for (size_t i = 0; i < m->list->count; i++) {
		struct order *o = &m->list->orders[i];

		if (o->due_ms != 0 || o->undated || !order_wants_report(o))
			continue;
		if (s->due_ms > s->now_ms)
			o->due_ms = s->due_ms;
		else if (s->urgency != NULL)
			o->due_ms = policy_due_of(s->policy, s->urgency, s->now_ms);
	}
}

bool order_shaped(const struct order_source *s)
{
	return s->reading->shape == REPLY_FIELDS || s->reading->shape == REPLY_NUMBERS ||
	       (s->reading->forwarded && s->envelope_count > 0);
}

void order_read(const struct order_source *source, struct arena *arena, struct order_list *list_r)
{
	struct order_making m = {.source = source,
	    .arena = arena,
	    .list = list_r,
	    .envelope_orders = source->reading->forwarded && source->envelope_count > 0 &&
	                       source->reading->shape != REPLY_NUMBERS};

	list_r->orders = arena_alloc(arena, ORDER_RECIPIENTS_MAX * sizeof(*list_r->orders));
	list_r->problems = arena_alloc(arena, ORDER_PROBLEMS_MAX * sizeof(*list_r->problems));
	list_r->count = list_r->problem_count = 0;
	set_common_note(&m, source->reading->note);
	m.subordinate_count = policy_subordinates(
	    source->policy, source->actor->id, m.subordinates, ORDER_SUBORDINATES_MAX);
	if (m.subordinate_count > ORDER_SUBORDINATES_MAX)
		m.subordinate_count = ORDER_SUBORDINATES_MAX;
	if (source->reading->shape == REPLY_FIELDS)
		read_fields(&m);
	else if (source->reading->shape == REPLY_NUMBERS)
		order_read_picks(&m);
	else
		read_forward(&m);
	if (!m.envelope_orders)
		order_check_envelope(&m);
	if (list_r->problem_count > 0)
		list_r->count = 0;
	fill_due(&m);
}
