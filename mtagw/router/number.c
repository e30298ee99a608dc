/*
 * number: T2 of DESIGN 3. The number, the agenda entry and the trail are written by one SQL
 * function, last before COMMIT; here its parameters are found: series and pattern by policy, the
 * office's day. Whether the letter's forms need a PDF is asked now, because letters that do are
 * handed to a render worker and never hold up the others. A recipient agency's agenda entry is the
 * same function without a series.
 */
#include "mtagw/router/intake.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/office/facts.h"
#include "mtagw/office/letter_xml.h"

/* The agenda's one line: whom it goes to, in order; of one agency only, where that is named. */
static const char *destinations(
    struct task *t, const struct letter *letter, const char *agency_only)
{
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < letter->recipient_count; i++) {
		const struct letter_recipient *r = &letter->recipients[i];

		if (agency_only != NULL &&
		    (r->agency == NULL || strcmp(r->agency, agency_only) != 0))
			continue;
		buf_printf(&out, "%s%s", out.len ? "; " : "", r->name);
	}
	text = arena_strndup(t->arena, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

static const char *title_of(const struct task *t, const char *position)
{
	const struct policy_position *p = policy_position(t->law->policy, position);

	return p ? p->title : position;
}

/* The row and the document in it. */
static int load_letter(
    struct worker *w, struct task *t, struct letter_row *row, struct letter *letter)
{
	int64_t id = t->plan->next_ref != 0 ? t->plan->next_ref : t->work->ref;
	int rc = 1;

	if (t->row != NULL)
		*row = *t->row;
	else
		rc = letter_row_load(w->db, id, t->arena, row, &t->err);
	if (rc == 0)
		return err_set(&t->err, "letter %lld is not in the store", (long long)id);
	if (rc < 0)
		return -1;
	if (t->plan->clear_version != 0) { /* cleared in this commit: under today's law */
		row->policy_version = t->plan->clear_version;
		row->rule_id = t->plan->clear_rule;
	}
	if (t->letter != NULL)
		*letter = *t->letter;
	else if (letter_xml_read(range_of(row->xml), t->arena, letter, &t->err) < 0)
		return -1;
	letter->id = row->id;
	t->letter = arena_memdup(t->arena, letter, sizeof(*letter));
	t->message =
	    (struct message){.id = row->message_id, .position = row->position, .login = row->login};
	return 1;
}

enum task_result number_task(struct worker *w, struct task *t)
{
	struct number_item *item = arena_alloc(t->arena, sizeof(*item));
	struct policy_decision d;
	struct policy_facts facts;
	struct letter_row row;
	struct letter letter = {0};
	char day[16];
	struct letters_forms forms;
	int rc;

	if (load_letter(w, t, &row, &letter) != 1)
		return TASK_WAIT;
	clock_iso_day(t->now_ms, day);
	letter_facts(&letter, t->law->policy, day, &facts);
	if (letters_decide_letter(w, t, POLICY_NUMBER, &facts, &letter, &d) < 0)
		return TASK_WAIT;
	if (!d.allowed || d.series == NULL || d.pattern == NULL) {
		(void)err_set(&t->err, "no numbering rule for %s of %s (rule %s)", row.type,
		    row.agency, d.rule_id);
		return waiting_task(w, t, &letter, false);
	}
	rc = letters_decide_forms(w, t, &letter, day, false, &forms); /* finish decides them */
	if (policy_agency(t->law->policy, row.agency) == NULL)
		rc = err_set(
		    &t->err, "agency %s is not in policy version %d", row.agency, t->law->version);
	if (rc < 0)
		return waiting_task(w, t, &letter, false);
	*item = (struct number_item){.letter_id = row.id,
	    .date = arena_strdup(t->arena, day),
	    .at_ms = t->now_ms,
	    .position = row.position,
	    .login = row.login,
	    .incumbency = row.incumbency,
	    .series = d.series,
	    .pattern = d.pattern,
	    .agenda_series = arena_printf(t->arena, "agenda-keluar/%s", row.agency),
	    .agenda_agency = row.agency,
	    .agenda_direction = "outgoing",
	    .agenda_sender = title_of(t, row.position),
	    .agenda_destination = destinations(t, &letter, NULL),
	    .agenda_channel = "internal",
	    .event = "Numbered",
	    .policy_version = t->law->version,
	    .rule_id = d.rule_id};
	if (letter.scope == SCOPE_OUTSIDE)
		item->agenda_channel = "email";
	if (ids_next(&w->ids, w->db, t->now_ms, &item->agenda_id, &t->err) < 0 ||
	    ids_next(&w->ids, w->db, t->now_ms, &item->exchange_id, &t->err) < 0)
		return TASK_WAIT;
	t->number = item;
	t->row = arena_memdup(t->arena, &row, sizeof(row));
	t->plan->deciding = true;
	t->plan->next_kind = forms.pdf ? "render" : "finish";
	t->plan->next_ref = row.id;
	return TASK_GO;
}

enum task_result register_task(struct worker *w, struct task *t)
{
	struct number_item *item = arena_alloc(t->arena, sizeof(*item));
	struct letter_row row;
	struct letter letter = {0};
	char day[16];

	if (load_letter(w, t, &row, &letter) != 1)
		return TASK_WAIT;
	if (strcmp(row.direction, "incoming") == 0)
		return incoming_register_task(w, t, &row);
	clock_iso_day(t->now_ms, day);
	*item = (struct number_item){.letter_id = row.id,
	    .date = arena_strdup(t->arena, day),
	    .at_ms = t->now_ms,
	    .position = row.position,
	    .login = row.login,
	    .incumbency = row.incumbency,
	    .agenda_series = arena_printf(t->arena, "agenda-masuk/%s", t->work->arg),
	    .agenda_agency = t->work->arg,
	    .agenda_direction = "incoming",
	    .agenda_sender = title_of(t, row.position),
	    .agenda_destination = destinations(t, &letter, t->work->arg),
	    .agenda_channel = "internal",
	    .event = "Registered",
	    .policy_version = row.policy_version,
	    .rule_id = row.rule_id};
	if (ids_next(&w->ids, w->db, t->now_ms, &item->agenda_id, &t->err) < 0 ||
	    ids_next(&w->ids, w->db, t->now_ms, &item->exchange_id, &t->err) < 0)
		return TASK_WAIT;
	t->number = item;
	incoming_from_inside(w, t, &row);
	return TASK_GO;
}
