/*
 * order_report: the answer to an order (lapor+token@): a report in words with files, SELESAI, TOLAK
 * with a reason, orders to one's own subordinates, BATAL of these. Each goes to who gave the order,
 * with the tree as it then is; what closes the last open order closes the letter.
 */
#include "mtagw/router/order.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/office/enclosure.h"

struct reporting {
	struct order_case *c;
	struct answer *a;
	struct disposition_row *d; /* the order that is answered */
	const struct mime_part **parts;
	size_t part_count;
	const struct letter_enclosure *files;
};

static enum task_result say(
    struct reporting *r, const char *words, const char *outcome, const char *name)
{
	struct order_case *c = r->c;
	const char *first = r->a->reading.first_line;
	const char *pairs[] = {"baris", first[0] ? first : "-", "nama", name, "hal",
	    c->letter.subject, "petunjuk", order_hint(c->t, &r->a->reading), NULL};

	return answer_say(c->w, c->t, words, pairs, "DispositionReported", outcome, c->row.id,
	    answer_address(c->w, c->t, "report", r->a->token.id));
}

/* An order that is over: refused with what became of it and when. */
static enum task_result say_over(struct reporting *r, const char *words, const char *outcome)
{
	struct order_case *c = r->c;
	const char *pairs[] = {"pukul", order_clock(c->t, r->d->state_at_ms), "tanggal",
	    order_day(c->t, r->d->state_at_ms), "alasan", r->d->reason, "nama",
	    order_title(c->t, r->d->position), "hal", c->letter.subject, NULL};

	return answer_say(
	    c->w, c->t, words, pairs, "DispositionReported", outcome, c->row.id, NULL);
}

static enum task_result say_repeated(struct reporting *r, int64_t at_ms)
{
	struct order_case *c = r->c;
	const char *pairs[] = {"pukul", order_clock(c->t, at_ms), "tanggal", order_day(c->t, at_ms),
	    "nama", order_title(c->t, r->d->position), "hal", c->letter.subject, NULL};

	return answer_say(c->w, c->t, "order-repeated", pairs, "DispositionReported", "repeated",
	    c->row.id, NULL);
}

/* --- telling ---------------------------------------------------------------------------------- */

static int tell_giver(
    struct reporting *r, const char *kind, const char *text, bool closed_below, bool letter_done)
{
	struct order_case *c = r->c;
	struct order_mail mail = {.kind = kind,
	    .about = &r->d->id,
	    .about_count = 1,
	    .by = r->d->to_position,
	    .text = text,
	    .closed_below = closed_below,
	    .letter_done = letter_done,
	    .enclosures = r->parts,
	    .files = r->files,
	    .enclosure_count = r->part_count,
	    .source = r->a->bytes,
	    .source_body = c->t->message.body_id};

	return order_tell(c, &mail, r->d->position, order_title(c->t, r->d->to_position),
	    order_giver_target(r->d), r->d->prompt, NULL);
}

static int tell_reporter(struct reporting *r)
{
	struct order_mail mail = {.kind = "noted",
	    .about = &r->d->id,
	    .about_count = 1,
	    .by = r->d->position,
	    .corrected = r->a->reading.corrected,
	    .automatic_reply = true};

	return order_tell(r->c, &mail, r->d->to_position, "", "report", r->a->token.id, NULL);
}

static int tell_clerk(struct reporting *r)
{
	struct order_case *c = r->c;
	const struct policy_agency *agency = policy_agency(c->t->law->policy, c->agency);
	struct order_mail mail = {.kind = "letter_done"};

	if (agency == NULL || agency->registry == NULL)
		return 1;
	return order_tell(c, &mail, agency->registry, "", NULL, 0, NULL);
}

/* --- actions ---------------------------------------------------------------------------------- */

static int assured(struct reporting *r, const char *action, enum task_result *result_r)
{
	int rc = order_assured(r->c, action, result_r);

	if (rc < 0)
		*result_r = TASK_WAIT;
	return rc;
}

static enum task_result report(struct reporting *r)
{
	struct order_case *c = r->c;
	const char *text = r->a->reading.text;
	enum task_result result;

	if (assured(r, "report", &result) != 1)
		return result;
	order_case_fence(c);
	if (order_case_report(c, r->d, text, r->part_count, false) == NULL)
		return TASK_WAIT;
	if (strcmp(r->d->state, "done") != 0) /* a late addition opens nothing again */
		order_case_state(c, r->d, "reported", NULL);
	if (strcmp(c->letter.state, "done") != 0)
		order_case_standing(c, "disposed", "in_progress");
	if (order_case_exchange(
	        c, "DispositionReported", "done", r->d->rule_id, r->d->position, NULL) < 0 ||
	    tell_giver(r, "report", text, false, false) < 0 || tell_reporter(r) < 0)
		return TASK_WAIT;
	return order_end(c, "report");
}

static enum task_result done(struct reporting *r)
{
	struct order_case *c = r->c;
	const struct reply_reading *reading = &r->a->reading;
	const char *text = reading->argument[0] == '\0' ? reading->note
	                   : reading->note[0] == '\0'   ? reading->argument
	                                                : arena_printf(c->t->arena, "%s\n%s",
	                                                      reading->argument, reading->note);
	bool closed, letter_done;
	enum task_result result;

	if (strcmp(r->d->state, "done") == 0)
		return say_over(r, "order-done", "repeated");
	if (assured(r, "done", &result) != 1)
		return result;
	order_case_fence(c);
	if (order_case_report(c, r->d, text, r->part_count, true) == NULL ||
	    order_close_below(c, r->d) < 0)
		return TASK_WAIT;
	order_case_state(c, r->d, "done", NULL);
	closed = trail_closed_below(&c->trail, c->t->law->policy, r->d->parent);
	letter_done = closed && r->d->parent == 0;
	if (letter_done)
		order_case_standing(c, "done", "done");
	else if (strcmp(c->letter.state, "done") != 0)
		order_case_standing(c, "disposed", "in_progress");
	if (order_case_exchange(c, "DispositionDone", "done", r->d->rule_id, r->d->position, NULL) <
	        0 ||
	    (letter_done && order_case_exchange(c, "LetterDone", "done", r->d->rule_id,
	                        r->d->position, NULL) < 0) ||
	    tell_giver(r, "done", text, closed, letter_done) < 0 || tell_reporter(r) < 0 ||
	    (letter_done && tell_clerk(r) < 0))
		return TASK_WAIT;
	return order_end(c, "done");
}

static enum task_result decline(struct reporting *r)
{
	struct order_case *c = r->c;
	const char *reason =
	    r->a->reading.argument[0] ? r->a->reading.argument : r->a->reading.note;
	enum task_result result;

	if (strcmp(r->d->state, "done") == 0)
		return say_over(r, "order-done", "refused");
	for (size_t i = 0; i < c->trail.count; i++)
		if (c->orders[i].parent == r->d->id && trail_stands(&c->orders[i]))
			return say(r, "report-passed", "refused",
			    order_title(c->t, c->orders[i].to_position));
	if (reason[0] == '\0')
		return say(r, "report-reason", "asked", "");
	if (assured(r, "decline", &result) != 1)
		return result;
	reason = db_text_clean(reason, c->t->arena);
	order_case_fence(c);
	order_case_state(c, r->d, "declined", reason);
	if (strcmp(c->letter.state, "done") != 0)
		order_case_standing(c, "disposed", "in_progress");
	if (order_case_exchange(
	        c, "DispositionDeclined", "done", r->d->rule_id, r->d->position, reason) < 0 ||
	    tell_giver(r, "declined", NULL,
	        trail_closed_below(&c->trail, c->t->law->policy, r->d->parent), false) < 0 ||
	    tell_reporter(r) < 0)
		return TASK_WAIT;
	return order_end(c, "declined");
}

/* --- what it is ------------------------------------------------------------------------------- */

/* Whether that report carried the very files of this one: 1, 0, -1. */
static int same_files(const struct reporting *r, const struct disposition_report *p)
{
	struct task *t = r->c->t;
	const struct mime_part **parts;
	const struct letter_enclosure *files;
	struct message message;
	struct mime_part *root;
	struct range bytes;
	size_t n;
	int rc;

	if (p->enclosures != (int)r->part_count)
		return 0;
	if (r->part_count == 0)
		return 1;
	rc = message_load(r->c->w->db, p->message_id, t->arena, &message, &t->err);
	if (rc == 1)
		rc = message_body(r->c->w->db, message.body_id, t->arena, &bytes, &t->err);
	if (rc == 1)
		rc = mime_parse(bytes, t->arena, &root, &t->err);
	if (rc != 1)
		return rc; /* it is gone: what it carried is not known, and this one goes on */
	n = mime_enclosures(root, t->arena, &parts);
	files = enclosures_describe(parts, n, t->law->policy, t->arena);
	if (n != r->part_count)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].sha256, r->files[i].sha256) != 0)
			return 0;
	return 1;
}

/* The same words and files on the same day: the phone sent it again over a bad line. 1, 0, -1. */
static int reported_before(const struct reporting *r, const struct disposition_report **before_r)
{
	const struct order_case *c = r->c;
	const char *text = db_text_clean(r->a->reading.text, c->t->arena);
	struct city_date now = clock_city_date(c->t->now_ms);

	for (size_t i = c->trail.report_count; i > 0; i--) {
		const struct disposition_report *p = &c->reports[i - 1];
		struct city_date d = clock_city_date(p->at_ms);
		int rc;

		if (p->disposition_id != r->d->id || p->closing || strcmp(p->body, text) != 0 ||
		    d.day != now.day || d.month != now.month || d.year != now.year)
			continue;
		*before_r = p;
		rc = same_files(r, p);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static enum task_result words(struct reporting *r)
{
	const struct disposition_report *before;
	int rc;

	bool files = r->part_count > 0 && !r->a->reading.forwarded;

	if ((r->a->reading.text[0] == '\0' && !files) || order_is_command(r->c->t, &r->a->reading))
		return say(r, "report-asked", "asked", "");
	rc = reported_before(r, &before);
	if (rc < 0)
		return TASK_WAIT;
	return rc == 1 ? say_repeated(r, before->at_ms) : report(r);
}

static enum task_result act(struct reporting *r)
{
	const struct reply_reading *reading = &r->a->reading;
	bool verb = reading->shape == REPLY_VERB;

	if (strcmp(r->d->state, "recalled") == 0)
		return say_over(r, "order-recalled", "refused");
	if (verb && strcmp(reading->verb, "cancel") == 0)
		return order_recall(r->c, r->a, r->d);
	if (strcmp(r->d->state, "declined") == 0)
		return say_over(r, "order-declined", "refused");
	if (verb && strcmp(reading->verb, "done") == 0)
		return done(r);
	if (verb && strcmp(reading->verb, "decline") == 0)
		return decline(r);
	if (verb)
		return say(r, "report-asked", "asked", "");
	if (reading->shape == REPLY_WORDS || reading->shape == REPLY_EMPTY)
		return reading->forwarded && order_envelope_count(r->c) > 0
		           ? order_give(r->c, r->a, r->d)
		           : words(r);
	if (order_is_report_list(r->c->t, reading))
		return words(r);
	if (strcmp(r->d->state, "done") == 0)
		return say_over(r, "order-done", "refused");
	return order_give(r->c, r->a, r->d);
}

enum task_result report_answer(struct worker *w, struct task *t, struct answer *a)
{
	const char *pairs[] = {"hal", t->message.subject, NULL};
	struct disposition_row row;
	struct order_case c;
	struct reporting r = {.c = &c, .a = a};
	int rc = disposition_by_token(w->db, a->token.id, t->arena, &row, &t->err);

	if (rc == 1)
		rc = order_case_load(w, t, row.letter_id, row.agency, &c);
	if (rc < 0)
		return TASK_WAIT;
	for (size_t i = 0; rc == 1 && i < c.trail.count; i++)
		if (c.orders[i].id == row.id)
			r.d = &c.orders[i];
	if (r.d == NULL)
		return answer_say(
		    w, t, "prompt-stranger", pairs, "PromptAnswered", "refused", 0, NULL);
	r.part_count = mime_enclosures(a->root, t->arena, &r.parts);
	r.files = enclosures_describe(r.parts, r.part_count, t->law->policy, t->arena);
	return act(&r);
}
