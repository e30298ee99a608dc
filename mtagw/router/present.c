/*
 * present: a registered letter is laid before the head and the clerk of the agency: a cover page in
 * plain words above the untouched original, answered by a reply. Then its sender gets a receipt
 * where policy says so, by the rules for automatic mail (RFC 3834): null sender, never to our own
 * domain, never more than a few a day to one address.
 */
#include "mtagw/router/answer.h"
#include "mtagw/router/intake.h"

#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"
#include "mtagw/office/shape.h"

/* A letter may be ordered upon for as long as a year's agenda is open. */
#define PROMPT_MS (INT64_C(400) * 24 * 3600 * 1000)
#define RECEIPTS_A_DAY 10
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define SUBORDINATES_MAX 60

struct presented {
	struct incoming_row row;
	struct letter_row letter;
	const struct policy_agency *agency;
	struct range original;
	struct verdicts verdicts;
	const char *answers; /* number of the letter it answers, "" */
	const char *writer;  /* position of that letter's signatory, "" */
	bool inside;         /* of another agency of the city: its sealed form is the original */
	int64_t original_body;
};

static const char *time_words(const struct task *t, int64_t at_ms)
{
	struct city_date d = clock_city_date(at_ms);

	if (at_ms == 0)
		return "-";
	return arena_printf(
	    t->arena, "%02d-%02d-%04d %02d.%02d", d.day, d.month, d.year, d.hour, d.minute);
}

/* `2026-11-24` as people write it. */
static const char *day_words(const struct task *t, const char *iso)
{
	return arena_printf(t->arena, "%.2s-%.2s-%.4s", iso + 8, iso + 5, iso);
}

static int load(struct worker *w, struct task *t, struct presented *p)
{
	const char *level, *json;
	struct letter_row answered;
	int rc;

	*p = (struct presented){.answers = "", .writer = "", .verdicts = {.from_domain = ""}};
	rc = letter_row_load(w->db, t->work->ref, t->arena, &p->letter, &t->err);
	if (rc == 1)
		rc = incoming_load(w->db, t->work->ref, t->work->arg, t->arena, &p->row, &t->err);
	if (rc == 1)
		rc = message_load(w->db, p->letter.message_id, t->arena, &t->message, &t->err);
	p->inside = rc == 1 && strcmp(p->letter.direction, "incoming") != 0;
	p->original_body = p->inside ? 0 : p->row.body_id;
	if (rc == 1 && p->inside)
		rc =
		    letter_row_form(w->db, p->letter.id, "inside", t->arena, &p->original, &t->err);
	else if (rc == 1)
		rc = message_body(w->db, p->row.body_id, t->arena, &p->original, &t->err);
	p->agency = policy_agency(t->law->policy, t->work->arg);
	if (rc == 0 || (rc == 1 && p->agency == NULL))
		return err_set(&t->err, "letter %lld of %s is not in the store or not in the law",
		    (long long)t->work->ref, t->work->arg);
	if (rc == 1 && !p->inside)
		rc = verdict_load(w->db, p->letter.message_id, t->arena, &level, &json, &t->err);
	if (rc == 1 && !p->inside)
		rc = verdicts_read(json, t->arena, &p->verdicts, &t->err);
	if (rc >= 0 && p->row.reply_to != 0 &&
	    (rc = letter_row_load(w->db, p->row.reply_to, t->arena, &answered, &t->err)) == 1) {
		p->answers = answered.number ? answered.number : "";
		p->writer = answered.position;
	}
	return rc < 0 ? -1 : 1;
}

/* The cover's lines about the letter: the same for head, clerk and writer. */
static const char *about(const struct task *t, const struct presented *p)
{
	const struct policy *policy = t->law->policy;
	const struct policy_urgency *urgency = policy_urgency(policy, p->row.urgency);
	const char *thread = "";
	const char *answered[] = {"nomor", p->answers, NULL};

	if (p->answers[0] != '\0')
		thread = policy_words(policy,
		    p->row.stranger ? "present.stranger" : "present.answers", answered, t->arena);
	const char *pairs[] = {"agenda", arena_printf(t->arena, "%d", p->row.agenda_n), "pengirim",
	    p->row.sender_name, "alamat", p->row.sender_address, "nomor",
	    p->row.letter_number[0] ? p->row.letter_number : "-", "tanggal",
	    day_words(t, p->row.letter_date), "hal", p->row.subject, "diterima",
	    time_words(t, p->row.received_at_ms), "batas", time_words(t, p->row.due_at_ms), "sifat",
	    urgency ? urgency->word : p->row.urgency, "keaslian",
	    verdict_line(policy, &p->verdicts, p->row.level, p->row.sender_address, t->arena),
	    "jawaban", thread, NULL};
	struct buf out = {0};
	const char *text;

	intake_put_lines(&out, policy_words(policy, "present.about", pairs, t->arena));
	text = arena_strndup(t->arena, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

/* `1 Kabid ...` a line: numbers that an answer may use. */
static const char *subordinate_lines(const struct task *t, const char *position)
{
	const struct policy_position *list[SUBORDINATES_MAX];
	size_t count = policy_subordinates(t->law->policy, position, list, SUBORDINATES_MAX);
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < count && i < SUBORDINATES_MAX; i++)
		buf_printf(&out, "%s%zu  %s", i ? "\n" : "", i + 1, list[i]->title);
	text = arena_strndup(t->arena, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

/* The letter before one reader; target: what his answer goes to, NULL: he is only told. */
static int lay_before(struct worker *w, struct task *t, const struct presented *p,
    const char *position, const char *words, const char *target)
{
	const char *pairs[] = {"agenda", arena_printf(t->arena, "%d", p->row.agenda_n), "hal",
	    p->row.subject, "pengirim", p->row.sender_name, "surat", about(t, p), "bawahan",
	    subordinate_lines(t, position), NULL};
	struct notice n = {.words = words,
	    .pairs = pairs,
	    .in_reply_to = p->row.mime_message_id,
	    .original = p->original,
	    .original_body = p->original_body};
	int64_t token;

	if (target != NULL) {
		if (answer_prompt(
		        w, t, target, position, p->letter.id, t->now_ms + PROMPT_MS, &token) < 0)
			return -1;
		n.reply_to = answer_address(w, t, target, token);
	}
	return plan_notice(w, t, "presentation", position, &n, p->letter.id);
}

/* --- the receipt -------------------------------------------------------------------------------
 */

static int compose_receipt(
    struct worker *w, struct task *t, const struct presented *p, struct outgoing **out_r)
{
	const struct policy *policy = t->law->policy;
	const char *from =
	    arena_printf(t->arena, "%s@%s", p->agency->registry_local, w->settings->domain);
	const char *pairs[] = {"agenda", arena_printf(t->arena, "%d", p->row.agenda_n), "hal",
	    p->row.subject, "dinas", p->agency->name, "tanggal",
	    time_words(t, p->row.received_at_ms), "nomor",
	    p->row.letter_number[0] ? p->row.letter_number : "-", NULL};
	struct notice n = {.policy = policy,
	    .domain = w->settings->domain,
	    .from = from,
	    .to = p->row.sender_address,
	    .to_name = "",
	    .words = "receipt",
	    .pairs = pairs,
	    .in_reply_to = p->row.mime_message_id,
	    .date_ms = t->now_ms};
	struct pieces *plain = pieces_new(t->arena), *signed_ = pieces_new(t->arena);
	struct buf bytes = {0};
	const char *subject;
	struct range whole;
	int64_t id;
	int rc;

	if (ids_next(&w->ids, w->db, t->now_ms, &id, &t->err) < 0)
		return -1;
	n.message_id = compose_message_id(t->arena, id, w->settings->domain);
	subject = notice_compose(&n, t->arena, plain);
	pieces_flatten(plain, &bytes);
	whole = (struct range){arena_strndup(t->arena, buf_str(&bytes), bytes.len), bytes.len};
	buf_free(&bytes);
	rc = shape_plain(whole, 0, from, w->signer, t->now_ms, signed_, &t->err);
	if (rc != 1)
		return -1;
	return plan_outgoing(w, t, "acknowledgement", "outside", signed_, from, n.message_id,
	    subject, p->letter.id, out_r);
}

static int receipt(struct worker *w, struct task *t, const struct presented *p)
{
	const char *at = strrchr(p->row.sender_address, '@');
	struct policy_decision d;
	struct incoming_room *room;
	struct outgoing *out;
	struct mime_part *root;
	struct err err;
	char day[16];
	int sent;

	clock_iso_day(t->now_ms, day);
	struct policy_facts facts = {.direction = "incoming",
	    .scope = "outside",
	    .agency = p->row.agency,
	    .channel = t->message.channel,
	    .verdict = p->row.level,
	    .thread = p->row.thread,
	    .correspondent = policy_correspondent(t->law->policy, p->row.sender_address) != NULL
	                         ? "known"
	                         : "unknown",
	    .automatic = "no",
	    .recipient = p->row.sender_address,
	    .recipient_kind = "outside",
	    .recipient_domain = at ? at + 1 : "",
	    .date = day};
	/* RFC 3834 section 2: a null sender, our own addresses and programs get none. */
	if (p->inside || at == NULL || t->message.sender[0] == '\0' ||
	    strcmp(at + 1, w->settings->domain) == 0 ||
	    (mime_parse(p->original, t->arena, &root, &err) == 1 &&
	        automatic_forbids_answer(root, t->message.sender, t->arena)))
		return 1;
	if (letters_decide(w, t, POLICY_ACKNOWLEDGE, &facts, p->letter.id, &d) < 0)
		return -1;
	if (!d.allowed)
		return 1;
	sent = incoming_receipts(w->db, p->row.sender_address, t->now_ms - DAY_MS, &t->err);
	if (sent < 0)
		return -1;
	if (sent >= RECEIPTS_A_DAY)
		return plan_exchange(w, t,
		    (struct exchange){.event = "ReceiptWithheld",
		        .outcome = "done",
		        .letter_id = p->letter.id,
		        .code = "daily-limit"},
		    NULL);
	if (compose_receipt(w, t, p, &out) < 0 ||
	    plan_delivery(w, t, out, p->row.sender_address, "smtp", false, "", NULL) < 0)
		return -1;
	room = arena_alloc(t->arena, sizeof(*room));
	*room = (struct incoming_room){p->row.sender_address, t->now_ms - DAY_MS, RECEIPTS_A_DAY};
	plan_row(t, incoming_queue_room, room);
	return plan_outgoing_done(w, t, out);
}

enum task_result present_task(struct worker *w, struct task *t)
{
	struct presented p;
	const char *clerk;

	if (load(w, t, &p) < 0)
		return TASK_WAIT;
	clerk = registry_of(t->law->policy, p.row.agency);
	if (p.agency->head != NULL &&
	    lay_before(w, t, &p, p.agency->head, "present", "dispose") < 0)
		return TASK_WAIT;
	if (clerk != NULL && (p.agency->head == NULL || strcmp(clerk, p.agency->head) != 0) &&
	    lay_before(w, t, &p, clerk, "present-clerk", "registration") < 0)
		return TASK_WAIT;
	if (p.writer[0] != '\0' && !p.row.stranger &&
	    (p.agency->head == NULL || strcmp(p.writer, p.agency->head) != 0) &&
	    (clerk == NULL || strcmp(p.writer, clerk) != 0) &&
	    lay_before(w, t, &p, p.writer, "present-writer", NULL) < 0)
		return TASK_WAIT;
	if (receipt(w, t, &p) < 0)
		return TASK_WAIT;
	if (p.row.reply_to != 0 && !p.row.stranger) {
		struct replied_row *replied = arena_alloc(t->arena, sizeof(*replied));

		*replied = (struct replied_row){p.row.reply_to, t->now_ms};
		plan_row(t, replied_queue, replied);
	}
	p.row.state = "presented";
	plan_row(t, incoming_queue_update, arena_memdup(t->arena, &p.row, sizeof(p.row)));
	if (!p.inside) { /* that of a letter from inside is its sender's */
		t->plan->letter_id = p.letter.id;
		t->plan->letter_state = "presented";
	}
	return plan_exchange(w, t,
	           (struct exchange){.event = "Presented",
	               .outcome = "done",
	               .letter_id = p.letter.id,
	               .rule_id = p.row.rule_id},
	           NULL) < 0
	           ? TASK_WAIT
	           : TASK_GO;
}
