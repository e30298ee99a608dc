/*
 * registry: the clerk's part of intake. One mail shows all that waits as a numbered table and takes
 * one reply for many: `1,2,5 OK`, `3 BUKAN SURAT`, `4 hal: ...`. A reply is done whole or not at
 * all. A registered letter is corrected by RALAT, with what was there kept in the trail (R3).
 */
#include "mtagw/router/answer.h"
#include "mtagw/router/intake.h"

#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define LIST_MS (90 * DAY_MS)

static const char *time_words(struct arena *arena, int64_t at_ms)
{
	struct city_date d = clock_city_date(at_ms);

	return arena_printf(
	    arena, "%02d-%02d-%04d %02d.%02d", d.day, d.month, d.year, d.hour, d.minute);
}

/* --- the list ----------------------------------------------------------------------------------
 */

/* What earlier letters of the sender teach, and a warning where the number was seen before. -1. */
static int hints_of(struct worker *w, struct task *t, const struct incoming_row *row,
    const char **hint_r, const char **warning_r)
{
	const struct policy *policy = t->law->policy;
	struct sender_past past;
	int agenda = 0, rc;

	*hint_r = *warning_r = "";
	if (incoming_past(w->db, row->agency, row->sender_address, t->arena, &past, &t->err) < 0 ||
	    (rc = incoming_twin(w->db, row, &agenda, &t->err)) < 0)
		return -1;
	const char *pairs[] = {"jumlah",
	    arena_printf(t->arena, "%d", past.registered ? past.registered : past.noise), "hal",
	    past.subject, NULL};
	if (strcmp(row->level, "failed") == 0)
		*hint_r = ""; /* whoever wrote it, it was not proven to be that sender */
	else if (past.registered > 0)
		*hint_r = policy_words(policy, "list.hint-letter", pairs, t->arena);
	else if (past.noise > 0)
		*hint_r = policy_words(policy, "list.hint-noise", pairs, t->arena);
	const char *twin[] = {
	    "agenda", agenda > 0 ? arena_printf(t->arena, "%d", agenda) : "-", NULL};
	if (rc == 1)
		*warning_r = policy_words(policy, "list.warning-twin", twin, t->arena);
	return 1;
}

static int list_line(
    struct worker *w, struct task *t, const struct incoming_row *row, int n, struct buf *out)
{
	const struct policy *policy = t->law->policy;
	const char *hint, *warning, *thread = "", *level, *json, *number = "-";
	struct verdicts verdicts = {.from_domain = ""};
	struct letter_row answered;
	int rc;

	if (hints_of(w, t, row, &hint, &warning) < 0)
		return -1;
	rc = verdict_load(w->db, row->message_id, t->arena, &level, &json, &t->err);
	if (rc == 1)
		rc = verdicts_read(json, t->arena, &verdicts, &t->err);
	if (rc < 0)
		return -1;
	if (row->reply_to != 0) {
		rc = letter_row_load(w->db, row->reply_to, t->arena, &answered, &t->err);
		if (rc < 0)
			return -1;
		if (rc == 1 && answered.number != NULL)
			number = answered.number;
		const char *pairs[] = {"nomor", number, NULL};
		thread = policy_words(policy,
		    row->stranger ? "present.stranger" : "present.answers", pairs, t->arena);
	}
	const char *pairs[] = {"no", arena_printf(t->arena, "%d", n), "pengirim", row->sender_name,
	    "alamat", row->sender_address, "hal", row->subject, "nomor",
	    row->letter_number[0] ? row->letter_number : "-", "diterima",
	    time_words(t->arena, row->received_at_ms), "isi", row->excerpt, "keaslian",
	    verdict_line(policy, &verdicts, row->level, row->sender_address, t->arena), "jawaban",
	    thread, "usul", hint, "peringatan", warning, NULL};
	const char *text = policy_words(policy, "list.item", pairs, t->arena);

	intake_put_lines(out, text);
	buf_putc(out, '\n');
	return 1;
}

enum task_result list_task(struct worker *w, struct task *t)
{
	const char *agency = t->work->arg, *clerk = registry_of(t->law->policy, agency);
	struct incoming_row *list;
	struct buf table = {0};
	int64_t token;
	size_t count;
	bool more;
	int rc = 1;

	t->message = (struct message){.position = clerk ? clerk : "", .login = ""};
	if (incoming_waiting(
	        w->db, agency, INTAKE_TABLE_MAX + 1, t->arena, &list, &count, &t->err) < 0)
		return TASK_WAIT;
	more = count > INTAKE_TABLE_MAX;
	count -= more;
	if (count == 0)
		return TASK_GO;
	if (clerk == NULL) {
		(void)err_set(&t->err,
		    "agency %s has neither clerk nor head to show %zu letters to", agency, count);
		return TASK_WAIT;
	}
	if (answer_prompt(w, t, "list", clerk, 0, t->now_ms + LIST_MS, &token) < 0)
		return TASK_WAIT;
	for (size_t i = 0; rc == 1 && i < count; i++) {
		struct list_item *item = arena_alloc(t->arena, sizeof(*item));

		*item = (struct list_item){token, list[i].letter_id, (int)i + 1, list[i].agency};
		plan_row(t, list_item_queue, item);
		rc = list_line(w, t, &list[i], item->n, &table);
	}
	if (more)
		buf_printf(
		    &table, "%s\n\n", policy_words(t->law->policy, "list.more", NULL, t->arena));
	const char *pairs[] = {"jumlah", arena_printf(t->arena, "%zu%s", count, more ? "+" : ""),
	    "daftar", arena_strndup(t->arena, buf_str(&table), table.len), NULL};
	struct notice n = {.words = "list",
	    .pairs = pairs,
	    .reply_to = answer_address(w, t, "list", token),
	    .folder = policy_words(t->law->policy, "folder.waiting", NULL, t->arena)};
	buf_free(&table);
	if (rc < 0 || plan_notice(w, t, "list", clerk, &n, 0) < 0)
		return TASK_WAIT;
	return TASK_GO;
}

/* --- one reply for many ------------------------------------------------------------------------
 */

enum choice { CHOICE_NONE, CHOICE_LETTER, CHOICE_NOISE, CHOICE_LATER };
struct choosing {
	struct list_item *items;
	size_t count;
	enum choice *choice;  /* of each item */
	const char **subject; /* of each, NULL: as it is */
	const char **number;
	struct buf problems;
};

static struct list_item *item_of(const struct choosing *c, int n)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].n == n)
			return &c->items[i];
	return NULL;
}

static void problem(struct task *t, struct choosing *c, const char *words, int n, const char *what)
{
	const char *pairs[] = {
	    "no", n > 0 ? arena_printf(t->arena, "%d", n) : "", "apa", what, NULL};

	buf_printf(&c->problems, "%s- %s", c->problems.len ? "\n" : "",
	    policy_words(t->law->policy, words, pairs, t->arena));
}

static void choose(struct task *t, struct choosing *c, const struct reply_pick *pick)
{
	enum choice choice = CHOICE_NONE;
	bool subject = strcmp(pick->label, "subject") == 0,
	     number = strcmp(pick->label, "number") == 0;

	if (strcmp(pick->verb, "ok") == 0 || ((subject || number) && pick->words[0] != '\0'))
		choice = CHOICE_LETTER;
	else if (strcmp(pick->verb, "not_letter") == 0)
		choice = CHOICE_NOISE;
	else
		problem(t, c, "list.problem-words", 0, pick->words);
	for (size_t i = 0; choice != CHOICE_NONE && i < pick->count; i++) {
		struct list_item *item = item_of(c, pick->numbers[i]);
		size_t at = item ? (size_t)(item - c->items) : 0;

		if (item == NULL) {
			problem(t, c, "list.problem-number", pick->numbers[i], "");
		} else if (c->choice[at] != CHOICE_NONE && c->choice[at] != choice) {
			problem(t, c, "list.problem-twice", pick->numbers[i], "");
		} else {
			c->choice[at] = choice;
			if (subject)
				c->subject[at] = pick->words;
			if (number)
				c->number[at] = pick->words;
		}
	}
}

struct state_row {
	int64_t letter_id, at_ms;
	const char *state;
};

static void queue_state(struct db *db, const void *row)
{
	const struct state_row *s = row;

	letter_row_queue_state(db, s->letter_id, s->state, s->at_ms);
}

/* One chosen item; a line about it. -1. */
static int settle(
    struct worker *w, struct task *t, const struct choosing *c, size_t at, struct buf *lines)
{
	const struct list_item *item = &c->items[at];
	struct incoming_row *row = arena_alloc(t->arena, sizeof(*row));
	bool letter = c->choice[at] == CHOICE_LETTER;
	const char *words = letter ? "list.done-letter" : "list.done-noise";
	int rc = incoming_load(w->db, item->letter_id, item->agency, t->arena, row, &t->err);

	if (rc != 1)
		return rc == 0 ? err_set(&t->err, "letter %lld is gone", (long long)item->letter_id)
		               : -1;
	if (c->subject[at] != NULL)
		row->subject = db_text_clean(c->subject[at], t->arena);
	const char *pairs[] = {"no", arena_printf(t->arena, "%d", item->n), "hal", row->subject,
	    "pengirim", row->sender_name, "pukul", time_words(t->arena, row->decided_at_ms), NULL};
	/* What was called no letter may still become one; a number is never taken back. */
	if (c->choice[at] == CHOICE_LATER)
		words = "list.done-left";
	if (strcmp(row->state, "waiting") != 0 && !(letter && strcmp(row->state, "noise") == 0))
		words = "list.done-before";
	buf_printf(lines, "%s%s", lines->len ? "\n" : "",
	    policy_words(t->law->policy, words, pairs, t->arena));
	if (strcmp(words, "list.done-before") == 0 || c->choice[at] == CHOICE_LATER)
		return 1;
	if (c->number[at] != NULL)
		row->letter_number = db_text_clean(c->number[at], t->arena);
	row->state = letter ? "registered" : "noise";
	row->decided_at_ms = t->now_ms;
	row->decided_by = t->message.position;
	plan_row(t, incoming_queue_update, row);
	if (plan_exchange(w, t,
	        (struct exchange){.event = "IntakeDecided",
	            .outcome = letter ? "letter" : "noise",
	            .letter_id = row->letter_id,
	            .actor = letters_actor(t, 0)},
	        NULL) < 0)
		return -1;
	if (letter)
		return plan_work(w, t, "register", row->letter_id, row->agency, t->now_ms);
	struct state_row *state = arena_alloc(t->arena, sizeof(*state));
	*state = (struct state_row){row->letter_id, t->now_ms, "noise"};
	plan_row(t, queue_state, state);
	return 1;
}

/* Whether the clerk may decide at all (assurance): 1; 0 refused, result_r. */
static int may(struct worker *w, struct task *t, const char *action, int64_t letter_id,
    enum task_result *result_r)
{
	const struct policy_position *p = policy_position(t->law->policy, t->message.position);
	struct policy_decision d;
	char day[16];

	clock_iso_day(t->now_ms, day);
	struct policy_facts facts = {.action = action,
	    .channel = "submission",
	    .automatic = "no",
	    .verdict = "internal",
	    .position = t->message.position,
	    .agency = p ? p->agency : NULL,
	    .echelon = p ? p->echelon : NULL,
	    .date = day};
	*result_r = TASK_WAIT;
	if (letters_decide(w, t, POLICY_ASSURANCE, &facts, letter_id, &d) < 0)
		return 0;
	if (d.allowed)
		return 1;
	const char *pairs[] = {"aturan", d.rule_id, "kode", d.code ? d.code : "-", "kalimat",
	    d.sentence ? d.sentence : "", "dasar", d.legal_basis ? d.legal_basis : "-", "hal",
	    t->message.subject, "jabatan", p ? p->title : t->message.position, NULL};
	*result_r =
	    answer_say(w, t, "action-refused", pairs, "PromptAnswered", "refused", letter_id, NULL);
	return 0;
}

/* Whether an item needs a word of its own: not proven, or seen before. -1. */
static int suspicious(struct worker *w, struct task *t, const struct list_item *item)
{
	struct incoming_row row;
	int agenda,
	    rc = incoming_load(w->db, item->letter_id, item->agency, t->arena, &row, &t->err);

	if (rc != 1)
		return rc;
	if (strcmp(row.level, "failed") == 0)
		return 1;
	return incoming_twin(w->db, &row, &agenda, &t->err);
}

/* A single verb is enough where one letter stands in the list; `OK semua` says it of all but those
 * with a warning. -1. */
static int choose_all(
    struct worker *w, struct task *t, struct choosing *c, const struct reply_reading *r)
{
	bool all = strcmp(r->verb, "ok_all") == 0 || strcmp(r->verb, "not_letter_all") == 0;
	bool ok = strncmp(r->verb, "ok", 2) == 0, noise = strncmp(r->verb, "not_letter", 10) == 0;

	if ((!ok && !noise) || (!all && c->count != 1)) {
		problem(t, c, "list.problem-words", 0, r->first_line);
		return 1;
	}
	for (size_t i = 0; i < c->count; i++) {
		int warned = ok && all ? suspicious(w, t, &c->items[i]) : 0;

		if (warned < 0)
			return -1;
		c->choice[i] = warned ? CHOICE_LATER : ok ? CHOICE_LETTER : CHOICE_NOISE;
	}
	return 1;
}

enum task_result list_answer(struct worker *w, struct task *t, struct answer *a)
{
	struct choosing c = {0};
	struct buf lines = {0};
	enum task_result result = TASK_WAIT;
	int rc = 1;

	if (list_items(w->db, a->token.id, t->arena, &c.items, &c.count, &t->err) < 0 ||
	    may(w, t, "confirm", 0, &result) == 0)
		return result;
	c.choice = arena_alloc(t->arena, (c.count + 1) * sizeof(*c.choice));
	c.subject = arena_alloc(t->arena, (c.count + 1) * sizeof(*c.subject));
	c.number = arena_alloc(t->arena, (c.count + 1) * sizeof(*c.number));
	if (a->reading.shape == REPLY_NUMBERS)
		for (size_t i = 0; i < a->reading.pick_count; i++)
			choose(t, &c, &a->reading.picks[i]);
	else if (a->reading.shape == REPLY_VERB)
		rc = choose_all(w, t, &c, &a->reading);
	else
		problem(t, &c, "list.problem-words", 0, a->reading.first_line);
	if (c.problems.len > 0) {
		const char *pairs[] = {
		    "masalah", arena_strndup(t->arena, buf_str(&c.problems), c.problems.len), NULL};

		buf_free(&c.problems);
		return answer_say(w, t, "list-asked", pairs, "PromptAnswered", "asked", 0,
		    answer_address(w, t, "list", a->token.id));
	}
	for (size_t i = 0; rc == 1 && i < c.count; i++)
		if (c.choice[i] != CHOICE_NONE)
			rc = settle(w, t, &c, i, &lines);
	const char *pairs[] = {"hasil", arena_strndup(t->arena, buf_str(&lines), lines.len), NULL};
	buf_free(&lines);
	if (rc < 0)
		return TASK_WAIT;
	if (c.count == INTAKE_TABLE_MAX &&
	    plan_work(w, t, "list", 0, c.items[0].agency, t->now_ms) < 0)
		return TASK_WAIT; /* what did not fit into it */
	return answer_say(w, t, "list-done", pairs, "PromptAnswered", "done", 0,
	    answer_address(w, t, "list", a->token.id));
}

/* --- RALAT -------------------------------------------------------------------------------------
 */

static const char *field(const struct reply_reading *r, const char *label)
{
	for (size_t i = 0; i < r->field_count; i++)
		if (strcmp(r->fields[i].label, label) == 0 && r->fields[i].value[0] != '\0')
			return r->fields[i].value;
	return NULL;
}

enum task_result registration_answer(struct worker *w, struct task *t, struct answer *a)
{
	const struct policy_position *p = policy_position(t->law->policy, t->message.position);
	struct agenda_correction *c = arena_alloc(t->arena, sizeof(*c));
	struct incoming_row *row = arena_alloc(t->arena, sizeof(*row));
	const char *agency = p ? p->agency : "", *date = NULL;
	struct reply_reading below = {0};
	enum task_result result;
	char tomorrow[16];
	int rc = incoming_load(w->db, a->token.letter_id, agency, t->arena, row, &t->err);

	if (rc < 0)
		return TASK_WAIT;
	clock_iso_day(t->now_ms + DAY_MS, tomorrow);
	const char *asked[] = {"baris", a->reading.first_line, "hal", t->message.subject, NULL};
	if (a->reading.shape == REPLY_VERB && strcmp(a->reading.verb, "correct") == 0)
		below = a->reading;
	if (field(&below, "date") != NULL)
		date = arrival_date(field(&below, "date"), t->arena);
	*c = (struct agenda_correction){.letter_id = a->token.letter_id,
	    .agency = agency,
	    .subject = field(&below, "subject"),
	    .letter_number = field(&below, "number"),
	    .letter_date = date};
	if (rc == 0 || row->agenda_n == 0 ||
	    (c->subject == NULL && c->letter_number == NULL && c->letter_date == NULL) ||
	    (field(&below, "date") != NULL && (date == NULL || strcmp(date, tomorrow) > 0)))
		return answer_say(w, t, "correct-asked", asked, "PromptAnswered", "asked",
		    a->token.letter_id, answer_address(w, t, "registration", a->token.id));
	if (may(w, t, "correct", row->letter_id, &result) == 0)
		return result;
	const char *details[] = {"agency", agency, "subject-was", row->subject, "subject",
	    c->subject, "number-was", row->letter_number, "number", c->letter_number, "date-was",
	    row->letter_date, "date", c->letter_date, NULL};
	for (size_t i = 1; details[i - 1] != NULL; i += 2)
		if (details[i] == NULL)
			details[i] = "";
	if (plan_exchange(w, t,
	        (struct exchange){.event = "AgendaCorrected",
	            .outcome = "done",
	            .letter_id = row->letter_id,
	            .actor = letters_actor(t, 0)},
	        details) < 0)
		return TASK_WAIT;
	plan_row(t, agenda_queue_correct, c);
	if (c->subject != NULL)
		row->subject = db_text_clean(c->subject, t->arena);
	if (c->letter_number != NULL)
		row->letter_number = db_text_clean(c->letter_number, t->arena);
	if (c->letter_date != NULL)
		row->letter_date = c->letter_date;
	plan_row(t, incoming_queue_update, row);
	const char *pairs[] = {"agenda", arena_printf(t->arena, "%d", row->agenda_n), "hal",
	    row->subject, "nomor", row->letter_number[0] ? row->letter_number : "-", "tanggal",
	    row->letter_date, NULL};
	return answer_say(w, t, "correct-done", pairs, "PromptAnswered", "done", row->letter_id,
	    answer_address(w, t, "registration", a->token.id));
}
