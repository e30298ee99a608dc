/*
 * incoming: one mail from outside for one agency. It finds its letter by token, references or a
 * quoted number of the same correspondent (DESIGN 9); policy says whether it gets its agenda number
 * at once, waits for the clerk's word, or never gets one. The receipt row is written by the
 * transaction that routes it (R36), the number by a T2 of its own.
 */
#include "mtagw/router/intake.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"
#include "mtagw/office/letter_xml.h"

/* --- the thread --------------------------------------------------------------------------------
 */

static int by_token(struct worker *w, struct task *t, const char *detail, struct incoming_row *row)
{
	struct token_row token = {0};
	int64_t id;
	int rc = 0;

	if (detail != NULL && token_read(&w->token_key, TOKEN_REPLY, detail, &id) == 1)
		rc = token_row_load(w->db, id, false, t->arena, &token, &t->err);
	if (rc == 1 && token.letter_id != 0) {
		row->thread = "token";
		row->reply_to = token.letter_id;
	}
	return rc;
}

int thread_find(struct worker *w, struct task *t, const struct intake_letter *in,
    const char *detail, struct incoming_row *row)
{
	const struct arrival *a = &in->arrival;
	int rc = by_token(w, t, detail, row);

	if (rc >= 0 && row->reply_to == 0 &&
	    (rc = thread_by_mime(w->db, a->ids, a->id_count, &row->reply_to, &t->err)) == 1)
		row->thread = "references";
	if (rc >= 0 && row->reply_to == 0 && a->domain[0] != '\0' &&
	    (rc = thread_by_number(
	         w->db, a->numbers, a->number_count, a->domain, &row->reply_to, &t->err)) == 1)
		row->thread = "number";
	if (rc < 0)
		return -1;
	if (row->reply_to == 0)
		return 1;
	rc = thread_correspondent(w->db, row->reply_to, a->sender_address, &t->err);
	row->stranger = rc == 0;
	return rc < 0 ? -1 : 1;
}

/* --- the letter --------------------------------------------------------------------------------
 */

/* The letter row of this mail, once however many agencies it came to. */
static int make_letter(struct worker *w, struct task *t, struct intake_letter *in,
    const struct incoming_row *first, const struct policy_agency *agency)
{
	const struct policy_position *head =
	    agency->head ? policy_position(t->law->policy, agency->head) : NULL;
	struct letter_row_recipient *to = arena_alloc(t->arena, sizeof(*to));
	struct letter_recipient recipient = {.inside = true,
	    .name = head ? head->title : agency->name,
	    .address = arena_printf(t->arena, "%s@%s", agency->registry_local, w->settings->domain),
	    .position = agency->head,
	    .agency = agency->code,
	    .place = agency->place ? agency->place : ""};
	struct letter letter = {.type = "incoming",
	    .scope = SCOPE_OUTSIDE,
	    .direction = "incoming",
	    .state = "received",
	    .classification_code = "000",
	    .security_class = in->arrival.security_class,
	    .urgency = first->urgency,
	    .subject = first->subject,
	    .summary = first->excerpt,
	    .position_title = first->sender_name,
	    .agency_name = first->sender_name,
	    .capacity = "substantive",
	    .registry_address = first->sender_address,
	    .recipients = &recipient,
	    .recipient_count = 1,
	    .body_text = mime_main_text(in->root, t->arena),
	    .enclosures = in->arrival.enclosures,
	    .enclosure_count = in->arrival.enclosure_count,
	    .message_id = t->message.mime_message_id};
	struct letter_row *row = arena_alloc(t->arena, sizeof(*row));
	struct buf xml = {0};

	*row = (struct letter_row){.message_id = t->message.id,
	    .type = letter.type,
	    .scope = "outside",
	    .direction = "incoming",
	    .state = letter.state,
	    .agency = agency->code,
	    .position = agency->head ? agency->head : "",
	    .login = "",
	    .subject = letter.subject,
	    .summary = letter.summary,
	    .classification_code = letter.classification_code,
	    .security_class = letter.security_class,
	    .urgency = letter.urgency,
	    .mime_message_id = letter.message_id,
	    .policy_version = t->law->version,
	    .rule_id = first->rule_id,
	    .created_at_ms = t->now_ms};
	*to = (struct letter_row_recipient){
	    false, true, recipient.name, recipient.address, recipient.position, recipient.agency};
	if (ids_next(&w->ids, w->db, t->now_ms, &row->id, &t->err) < 0)
		return -1;
	letter.id = row->id;
	if (letter_xml_canonical(&letter, row->canonical_sha256, &xml, &t->err) < 0) {
		buf_free(&xml);
		return -1;
	}
	row->xml = arena_strndup(t->arena, buf_str(&xml), xml.len);
	buf_free(&xml);
	t->plan->letter = in->letter = row;
	t->plan->recipients = to;
	t->plan->recipient_count = 1;
	return 1;
}

static void facts_of(const struct task *t, const struct intake_letter *in,
    const struct incoming_row *row, const char *day, struct policy_facts *facts)
{
	*facts = (struct policy_facts){.direction = "incoming",
	    .scope = "outside",
	    .agency = row->agency,
	    .channel = in->channel,
	    .verdict = in->level,
	    .urgency = row->urgency,
	    .security_class = in->arrival.security_class,
	    .thread = row->reply_to != 0 && row->stranger ? "stranger" : row->thread,
	    .correspondent = policy_correspondent(t->law->policy, row->sender_address) != NULL
	                         ? "known"
	                         : "unknown",
	    .automatic = automatic_name(in->automatic),
	    .action = "answer",
	    .recipient = row->sender_address,
	    .recipient_kind = "outside",
	    .recipient_domain = in->arrival.domain,
	    .date = day};
}

/* A program's mail: with the letter it is about, or in a folder of the clerk's beside his inbox. */
static int take_automatic(
    struct worker *w, struct task *t, struct intake_letter *in, const struct incoming_row *row)
{
	int rc;

	if (in->automatic == AUTOMATIC_BOUNCE && (rc = bounce_take(w, t, in, 0)) != 0)
		return rc;
	if (intake_note(w, t, in, row->reply_to, 0) < 0)
		return -1;
	if (row->reply_to != 0)
		return 1;
	return intake_forward(w, t, in, registry_of(t->law->policy, row->agency),
	    policy_words(t->law->policy, "folder.automatic", NULL, t->arena));
}

/* Whether an answer of this verdict may belong to the letter at all (assurance). */
static int may_answer(
    struct worker *w, struct task *t, const struct policy_facts *facts, struct incoming_row *row)
{
	struct policy_decision d;

	if (row->reply_to == 0)
		return 1;
	if (letters_decide(w, t, POLICY_ASSURANCE, facts, row->reply_to, &d) < 0)
		return -1;
	if (!d.allowed)
		row->stranger = true; /* linked for the clerk to see, closes nothing */
	return 1;
}

/* Whether this agency has it already; else it has now. */
static bool taken(struct task *t, struct intake_letter *in, const char *agency)
{
	const char **list = arena_alloc(t->arena, (in->agency_count + 1) * sizeof(*list));

	for (size_t i = 0; i < in->agency_count; i++) {
		if (strcmp(in->agencies[i], agency) == 0)
			return true;
		list[i] = in->agencies[i];
	}
	list[in->agency_count++] = agency;
	in->agencies = list;
	return false;
}

/* What the list shows of it: the top of the text and the names of its files; of a secret one that
 * it is secret (domain.md 3.3: envelope data only). */
static const char *excerpt_of(const struct task *t, const struct arrival *a)
{
	const struct policy *policy = t->law->policy;
	struct buf names = {0};
	const char *text = a->excerpt;

	if (strcmp(a->security_class, "secret") == 0 ||
	    strcmp(a->security_class, "top_secret") == 0)
		return policy_words(policy, "list.secret", NULL, t->arena);
	for (size_t i = 0; i < a->enclosure_count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", a->enclosures[i].filename);
	if (names.len > 0) {
		const char *pairs[] = {"isi", a->excerpt, "berkas", buf_str(&names), NULL};

		text = policy_words(policy, "list.files", pairs, t->arena);
	}
	buf_free(&names);
	return db_text_clean(text, t->arena);
}

int incoming_take(struct worker *w, struct task *t, struct intake_letter *in, const char *agency,
    const char *detail)
{
	const struct policy_agency *a = policy_agency(t->law->policy, agency);
	struct incoming_row *row = arena_alloc(t->arena, sizeof(*row));
	const struct policy_urgency *urgency;
	struct policy_decision d;
	struct policy_facts facts;
	int twin, agenda_n;
	char day[16];

	clock_iso_day(t->now_ms, day);
	*row = (struct incoming_row){.agency = agency,
	    .state = "waiting",
	    .sender_address = in->arrival.sender_address,
	    .sender_name = db_text_clean(in->arrival.sender_name, t->arena),
	    .letter_number = db_text_clean(in->arrival.number, t->arena),
	    .letter_date = in->arrival.date,
	    .subject = db_text_clean(
	        in->arrival.subject[0] ? in->arrival.subject
	                               : policy_words(t->law->policy, "no-subject", NULL, t->arena),
	        t->arena),
	    .excerpt = excerpt_of(t, &in->arrival),
	    .thread = "none",
	    .level = in->level,
	    .urgency = in->arrival.urgency,
	    .received_at_ms = t->message.received_at_ms,
	    .decided_by = ""};
	if (a == NULL)
		return intake_forward(w, t, in, NULL, NULL);
	if (taken(t, in, agency))
		return 1;
	if (thread_find(w, t, in, detail, row) < 0)
		return -1;
	if (in->automatic != AUTOMATIC_NO)
		return take_automatic(w, t, in, row);
	facts_of(t, in, row, day, &facts);
	if (may_answer(w, t, &facts, row) < 0)
		return -1;
	facts_of(t, in, row, day, &facts);
	if (letters_decide(w, t, POLICY_INTAKE, &facts, 0, &d) < 0)
		return -1;
	row->rule_id = d.rule_id;
	urgency = policy_urgency(t->law->policy, row->urgency);
	row->due_at_ms = urgency ? policy_due_of(t->law->policy, urgency, row->received_at_ms) : 0;
	if (in->letter == NULL && make_letter(w, t, in, row, a) < 0)
		return -1;
	row->letter_id = in->letter->id;
	plan_row(t, incoming_queue_insert, row);
	row->mime_message_id = t->message.mime_message_id;
	if ((twin = incoming_twin(w->db, row, &agenda_n, &t->err)) < 0)
		return -1;
	/* A second number for the same letter is never given without a word of the clerk. */
	if (twin == 0 && !in->arrival.doubtful && d.allowed && d.number != NULL &&
	    strcmp(d.number, "now") == 0)
		return plan_work(w, t, "register", row->letter_id, agency, t->now_ms);
	/* the clerk decides on what he can open */
	if (intake_forward(w, t, in, registry_of(t->law->policy, agency),
	        policy_words(t->law->policy, "folder.waiting", NULL, t->arena)) < 0)
		return -1;
	return plan_work(
	    w, t, "list", 0, agency, t->now_ms + (int64_t)w->settings->intake_list_secs * 1000);
}

/* --- the agenda number -------------------------------------------------------------------------
 */

static const char *destination_of(const struct policy *policy, const char *agency)
{
	const struct policy_agency *a = policy_agency(policy, agency);
	const struct policy_position *head = a && a->head ? policy_position(policy, a->head) : NULL;

	return head ? head->title : a ? a->name : agency;
}

enum task_result incoming_register_task(
    struct worker *w, struct task *t, const struct letter_row *letter)
{
	struct number_item *item = arena_alloc(t->arena, sizeof(*item));
	struct incoming_row *row = arena_alloc(t->arena, sizeof(*row));
	const char *agency = t->work->arg;
	char day[16];
	int rc = incoming_load(w->db, letter->id, agency, t->arena, row, &t->err);

	if (rc == 0)
		(void)err_set(
		    &t->err, "letter %lld does not stand in %s", (long long)letter->id, agency);
	if (rc != 1)
		return TASK_WAIT;
	clock_iso_day(t->now_ms, day);
	*item = (struct number_item){.letter_id = letter->id,
	    .date = arena_strdup(t->arena, day),
	    .at_ms = t->now_ms,
	    .position = row->decided_by,
	    .login = "",
	    .agenda_series = arena_printf(t->arena, "agenda-masuk/%s", agency),
	    .agenda_agency = agency,
	    .agenda_direction = "incoming",
	    .agenda_sender = row->sender_name,
	    .agenda_destination = destination_of(t->law->policy, agency),
	    .agenda_channel = "email",
	    .agenda_letter_number = row->letter_number[0] ? row->letter_number : "-",
	    .agenda_letter_date = row->letter_date,
	    .agenda_subject = row->subject,
	    .event = "Registered",
	    .policy_version = letter->policy_version,
	    .rule_id = row->rule_id};
	if (ids_next(&w->ids, w->db, t->now_ms, &item->agenda_id, &t->err) < 0 ||
	    ids_next(&w->ids, w->db, t->now_ms, &item->exchange_id, &t->err) < 0)
		return TASK_WAIT;
	row->state = "registered";
	row->agenda_at_ms = t->now_ms;
	plan_row(t, incoming_queue_update, row);
	t->plan->letter_id = letter->id;
	t->plan->letter_state = "registered";
	t->number = item;
	t->plan->next_kind = "present";
	t->plan->next_ref = letter->id;
	return TASK_GO;
}

void incoming_from_inside(struct worker *w, struct task *t, const struct letter_row *letter)
{
	const struct policy *policy = t->law->policy;
	const struct policy_position *from = policy_position(policy, letter->position);
	const struct policy_agency *sender = policy_agency(policy, letter->agency);
	const struct policy_urgency *urgency = policy_urgency(policy, letter->urgency);
	struct incoming_row *row = arena_alloc(t->arena, sizeof(*row));

	*row = (struct incoming_row){.letter_id = letter->id,
	    .agency = t->work->arg,
	    .state = "registered",
	    .sender_address = sender ? arena_printf(t->arena, "%s@%s", sender->registry_local,
	                                   w->settings->domain)
	                             : letter->login,
	    .sender_name = from ? from->title : letter->position,
	    .letter_number = letter->number ? letter->number : "",
	    .letter_date = letter->date,
	    .subject = letter->subject,
	    .excerpt = letter->summary,
	    .thread = "none",
	    .level = "internal",
	    .urgency = letter->urgency,
	    .received_at_ms = t->now_ms,
	    .agenda_at_ms = t->now_ms,
	    .decided_at_ms = t->now_ms,
	    .decided_by = "",
	    .rule_id = letter->rule_id};
	row->due_at_ms = urgency ? policy_due_of(policy, urgency, t->now_ms) : 0;
	plan_row(t, incoming_queue_insert, row);
	t->plan->next_kind = "present";
	t->plan->next_ref = letter->id;
}
