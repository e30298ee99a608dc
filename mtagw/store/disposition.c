/*
 * disposition: orders on letters as rows: who ordered whom to do what by when, what became of it,
 * and the reports. An order is never deleted; its state moves on. All decisions about the orders of
 * one letter are made one after another: the fence locks the letter and divides by zero where the
 * rows are not what the decision was made on, so that the driver prepares it again.
 */
#include "mtagw/store/disposition.h"

static const struct stmt insert = {"disposition_insert",
    "insert into office.disposition (id, letter_id, agency, parent, prompt, message_id, position,"
    " incumbency, login, to_position, instructions, words, note, due_at, state, state_at, token,"
    " mime_message_id, policy_version, rule_id, created_at)"
    " values ($1, $2, $3, nullif($4, 0), $5, $6, $7, nullif($8, 0), $9, $10, $11, $12, $13,"
    " nullif($14, 0), $15, $19, $16, $17, $18::int, $20, $19)"};
static const struct stmt state = {"disposition_state",
    "update office.disposition set state = $2, state_at = $3,"
    " reason = case when $4 = '' then reason else $4 end where id = $1"};
static const struct stmt mark = {"disposition_mark",
    "update office.disposition set reminded_at = coalesce(nullif($2, 0), reminded_at),"
    " escalated_at = coalesce(nullif($3, 0), escalated_at) where id = $1"};

#define VERSION                                                                            \
	"('x' || left(md5(coalesce((select string_agg(concat_ws(' ', id, state, state_at," \
	" reminded_at, escalated_at), ',' order by id) from office.disposition"            \
	" where letter_id = $1), '') || coalesce((select string_agg(agency || state, ','"  \
	" order by agency) from office.incoming where letter_id = $1), '')), 15))::bit(60)::int8"
static const struct stmt lock = {
    "disposition_lock", "select 1 from office.letter where id = $1 for update"};
static const struct stmt fence = {
    "disposition_fence", "select 1 / (case when " VERSION " = $2 then 1 else 0 end)"};
static const struct stmt version = {"disposition_version",
    "select " VERSION ", coalesce((select state_at from office.letter where id = $1), 0)"};

static const struct stmt standing = {"disposition_standing",
    "update office.incoming set state = $3 where letter_id = $1 and agency = $2"};
static const struct stmt letter_standing = {"disposition_letter_standing",
    "update office.letter set state = $3, state_at = $4 where id = $1 and direction = 'incoming'"
    " and ($3 <> 'done' or not exists (select 1 from office.incoming where letter_id = $1"
    " and agency <> $2 and state not in ('done', 'noise')))"};

#define COLUMNS                                                                                \
	"select id, letter_id, agency, coalesce(parent, 0), prompt, message_id, position,"     \
	" coalesce(incumbency, 0), login, to_position, instructions, words, note,"             \
	" coalesce(due_at, 0), state, state_at, reason, token, mime_message_id,"               \
	" coalesce(reminded_at, 0), coalesce(escalated_at, 0), policy_version::int8, rule_id," \
	" created_at, coalesce((select max(a.at) from mail.outgoing o join mail.attempt a"     \
	"  on a.outgoing_id = o.id where o.message_id = office.disposition.message_id"         \
	"  and o.kind = 'order' and o.mime_message_id = office.disposition.mime_message_id"    \
	"  and a.outcome in ('failed', 'expired')), 0) from office.disposition"
static const struct stmt load = {"disposition_load", COLUMNS " where id = $1"};
static const struct stmt by_token = {"disposition_by_token", COLUMNS " where token = $1"};
static const struct stmt tree = {
    "disposition_tree", COLUMNS " where letter_id = $1 and ($2 = '' or agency = $2) order by id"};

static const struct stmt report = {"disposition_report",
    "insert into office.report (id, disposition_id, message_id, position, incumbency, login, body,"
    " enclosures, closing, at) values ($1, $2, $3, $4, nullif($5, 0), $6, $7, $8::int, $9, $10)"};
static const struct stmt reports = {"disposition_reports",
    "select r.id, r.disposition_id, r.message_id, coalesce(r.incumbency, 0), r.at, r.position,"
    " r.login, r.body, r.enclosures::int8, r.closing from office.report r"
    " join office.disposition d on d.id = r.disposition_id where d.letter_id = $1 order by r.id"};

static const struct stmt due = {"disposition_due",
    "select d.id from office.disposition d where d.due_at < $1 and d.due_at is not null"
    " and d.state in ('sent', 'passed_on', 'reported') and d.escalated_at is null"
    " and not exists (select 1 from mail.work w where w.ref = d.id and w.kind = 'remind')"
    " order by d.due_at limit $2"};

static const struct stmt trace = {"disposition_trace",
    "select letter_id from (select letter_id, 1 + (direction <> 'incoming')::int as rank, at"
    "  from office.agenda_entry where agency = $1 and $2 <> 0 and year = $3 and n = $2"
    " union all select letter_id, 3, at from office.agenda_entry"
    "  where agency = $1 and $4 <> '' and lower(letter_number) = lower($4)"
    " union all select letter_id, 4, received_at from office.incoming"
    "  where agency = $1 and $4 <> '' and lower(letter_number) = lower($4)) x"
    " order by rank, at desc limit 1"};
static const struct stmt prompt = {"disposition_prompt",
    "select k.id from (select id from office.letter where mime_message_id = any($1)"
    "  and direction = 'incoming' union select letter_id from mail.outgoing"
    "  where mime_message_id = any($1) and letter_id is not null"
    "  and kind not in ('letter', 'pesan', 'forward')) l join office.token k on k.letter_id = l.id"
    " where k.kind = 'prompt' and k.actor = $2 and k.expires_at > $3"
    " and (k.verb = 'dispose' or (k.verb = 'report'"
    "  and exists (select 1 from office.disposition d where d.token = k.id"
    "   and d.letter_id = l.id and d.state in ('sent', 'passed_on', 'reported'))))"
    " order by l.id desc, k.id desc limit 1"};
static const struct stmt given_by = {"disposition_given_by",
    "select d.message_id from office.disposition d join unnest($2::text[]) with ordinality"
    " as u(mime, n) on u.mime = d.mime_message_id"
    "  or exists (select 1 from mail.message m where m.id = d.message_id"
    "   and m.mime_message_id = u.mime)"
    "  or exists (select 1 from mail.outgoing o where o.message_id = d.message_id"
    "   and o.mime_message_id = u.mime)"
    " where d.prompt = $1 and d.letter_id = $3 order by u.n limit 1"};
static const struct stmt outcomes = {"disposition_outcomes",
    "select case when b.at is not null then 'failed' when d.state is not null then"
    "  case d.state when 'uncertain' then 'uncertain' else 'waiting' end"
    " when a.outcome = 'delivered' then 'delivered' when a.outcome in ('failed', 'expired')"
    "  then 'failed' when a.outcome = 'uncertain' then 'uncertain' else 'waiting' end,"
    " r.name, r.address, coalesce(b.at, a.at, 0)"
    " from office.letter_recipient r"
    " left join lateral (select max(n.at) as at from office.noted n where n.letter_id = $1"
    "  and n.kind = 'bounce' and n.action = 'failed' and lower(n.address) = lower(r.address)) b"
    "  on true"
    " left join lateral (select d.state from mail.delivery d join mail.outgoing o"
    "  on o.id = d.outgoing_id where d.letter_id = $1 and o.kind = 'letter'"
    "  and lower(d.recipient) = lower(r.address) limit 1) d on true"
    " left join lateral (select x.outcome, x.at from mail.attempt x join mail.outgoing o"
    "  on o.id = x.outgoing_id where x.letter_id = $1 and o.kind = 'letter'"
    "  and lower(x.recipient) = lower(r.address) order by x.id desc limit 1) a on true"
    " where r.letter_id = $1"
    " union all select 'answer', sender_name, coalesce(letter_number, ''), received_at"
    " from office.incoming where reply_to = $1 and agency = $2"};
static const struct stmt letter_of = {"disposition_letter_of",
    "select 1 from office.incoming where letter_id = $2 and agency = $1"
    " union select 1 from office.agenda_entry where letter_id = $2 and agency = $1"
    " union select 1 from office.letter where id = $2 and agency = $1"};

const struct stmt *const disposition_statements[] = {&insert, &state, &mark, &lock, &fence,
    &version, &standing, &letter_standing, &load, &by_token, &tree, &report, &reports, &due, &trace,
    &prompt, &given_by, &outcomes, &letter_of, NULL};

void disposition_queue_insert(struct db *db, const void *row)
{
	const struct disposition_row *d = row;
	struct db_param params[] = {db_int(d->id), db_int(d->letter_id), db_text(d->agency),
	    db_int(d->parent), db_int(d->prompt), db_int(d->message_id), db_text(d->position),
	    db_int(d->incumbency), db_text(d->login), db_text(d->to_position),
	    db_texts(d->instructions, d->instruction_count), db_text(d->words), db_text(d->note),
	    db_int(d->due_at_ms), db_text(d->state), db_int(d->token), db_text(d->mime_message_id),
	    db_int(d->policy_version), db_int(d->created_at_ms), db_text(d->rule_id)};

	db_queue(db, &insert, params, 20);
}

void disposition_queue_state(struct db *db, const void *row)
{
	const struct disposition_change *c = row;
	struct db_param params[] = {db_int(c->id), db_text(c->state), db_int(c->at_ms),
	    db_text(c->reason ? c->reason : "")};

	db_queue(db, &state, params, 4);
}

void disposition_queue_mark(struct db *db, const void *row)
{
	const struct disposition_mark *m = row;
	struct db_param params[] = {
	    db_int(m->id), db_int(m->reminded_at_ms), db_int(m->escalated_at_ms)};

	db_queue(db, &mark, params, 3);
}

void disposition_queue_fence(struct db *db, const void *row)
{
	const struct disposition_fence *f = row;
	struct db_param params[] = {db_int(f->letter_id), db_int(f->version)};

	db_queue(db, &lock, params, 1);
	db_queue(db, &fence, params, 2); /* sees what was committed while the lock was waited for */
}

int disposition_version(struct db *db, int64_t letter_id, int64_t *version_r,
    int64_t *state_at_ms_r, struct err *error_r)
{
	struct db_param param = db_int(letter_id);
	struct db_result *r = NULL;

	if (db_query(db, &version, &param, 1, &r, error_r) < 0)
		return -1;
	*version_r = db_get_int(r, 0, 0);
	*state_at_ms_r = db_get_int(r, 0, 1);
	db_result_free(&r);
	return 1;
}

void disposition_queue_standing(struct db *db, const void *row)
{
	const struct disposition_standing *s = row;
	struct db_param params[] = {
	    db_int(s->letter_id), db_text(s->agency), db_text(s->state), db_int(s->at_ms)};

	db_queue(db, &standing, params, 3);
	params[2] = db_text(s->letter_state);
	db_queue(db, &letter_standing, params, 4);
}

#define TEXT(col) arena_strdup(arena, db_get_text(r, row, col))

static struct disposition_row read_row(const struct db_result *r, size_t row, struct arena *arena)
{
	struct disposition_row d = {.id = db_get_int(r, row, 0),
	    .letter_id = db_get_int(r, row, 1),
	    .agency = TEXT(2),
	    .parent = db_get_int(r, row, 3),
	    .prompt = db_get_int(r, row, 4),
	    .message_id = db_get_int(r, row, 5),
	    .position = TEXT(6),
	    .incumbency = db_get_int(r, row, 7),
	    .login = TEXT(8),
	    .to_position = TEXT(9),
	    .words = TEXT(11),
	    .note = TEXT(12),
	    .due_at_ms = db_get_int(r, row, 13),
	    .state = TEXT(14),
	    .state_at_ms = db_get_int(r, row, 15),
	    .reason = TEXT(16),
	    .token = db_get_int(r, row, 17),
	    .mime_message_id = TEXT(18),
	    .reminded_at_ms = db_get_int(r, row, 19),
	    .escalated_at_ms = db_get_int(r, row, 20),
	    .policy_version = (int)db_get_int(r, row, 21),
	    .rule_id = TEXT(22),
	    .created_at_ms = db_get_int(r, row, 23),
	    .undelivered_at_ms = db_get_int(r, row, 24)};

	d.instructions = db_get_texts(r, row, 10, arena, &d.instruction_count);
	return d;
}

/* The one row of a statement: 1, 0, -1. */
static int load_one(struct db *db, const struct stmt *stmt, int64_t key, struct arena *arena,
    struct disposition_row *row_r, struct err *error_r)
{
	struct db_param param = db_int(key);
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, stmt, &param, 1, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc == 1)
		*row_r = read_row(r, 0, arena);
	db_result_free(&r);
	return rc;
}

int disposition_load(struct db *db, int64_t id, struct arena *arena, struct disposition_row *row_r,
    struct err *error_r)
{
	return load_one(db, &load, id, arena, row_r, error_r);
}

int disposition_by_token(struct db *db, int64_t token, struct arena *arena,
    struct disposition_row *row_r, struct err *error_r)
{
	return load_one(db, &by_token, token, arena, row_r, error_r);
}

int disposition_tree(struct db *db, int64_t letter_id, const char *agency, struct arena *arena,
    struct disposition_row **list_r, size_t *count_r, struct err *error_r)
{
	struct db_param params[] = {db_int(letter_id), db_text(agency)};
	struct db_result *r = NULL;

	if (db_query(db, &tree, params, 2, &r, error_r) < 0)
		return -1;
	*count_r = db_rows(r);
	*list_r = arena_alloc(arena, (*count_r + 1) * sizeof(**list_r));
	for (size_t i = 0; i < *count_r; i++)
		(*list_r)[i] = read_row(r, i, arena);
	db_result_free(&r);
	return 1;
}

void disposition_queue_report(struct db *db, const void *row)
{
	const struct disposition_report *d = row;
	struct db_param params[] = {db_int(d->id), db_int(d->disposition_id), db_int(d->message_id),
	    db_text(d->position), db_int(d->incumbency), db_text(d->login), db_text(d->body),
	    db_int(d->enclosures), db_bool(d->closing), db_int(d->at_ms)};

	db_queue(db, &report, params, 10);
}

int disposition_reports(struct db *db, int64_t letter_id, struct arena *arena,
    struct disposition_report **list_r, size_t *count_r, struct err *error_r)
{
	struct db_param param = db_int(letter_id);
	struct db_result *r = NULL;

	if (db_query(db, &reports, &param, 1, &r, error_r) < 0)
		return -1;
	*count_r = db_rows(r);
	*list_r = arena_alloc(arena, (*count_r + 1) * sizeof(**list_r));
	for (size_t row = 0; row < *count_r; row++)
		(*list_r)[row] = (struct disposition_report){.id = db_get_int(r, row, 0),
		    .disposition_id = db_get_int(r, row, 1),
		    .message_id = db_get_int(r, row, 2),
		    .incumbency = db_get_int(r, row, 3),
		    .at_ms = db_get_int(r, row, 4),
		    .position = TEXT(5),
		    .login = TEXT(6),
		    .body = TEXT(7),
		    .enclosures = (int)db_get_int(r, row, 8),
		    .closing = db_get_bool(r, row, 9)};
	db_result_free(&r);
	return 1;
}

int disposition_due(struct db *db, int64_t before_ms, int limit, struct arena *arena,
    const int64_t **ids_r, size_t *count_r, struct err *error_r)
{
	struct db_param params[] = {db_int(before_ms), db_int(limit)};
	struct db_result *r = NULL;
	int64_t *ids;

	if (db_query(db, &due, params, 2, &r, error_r) < 0)
		return -1;
	*count_r = db_rows(r);
	ids = arena_alloc(arena, (*count_r + 1) * sizeof(*ids));
	for (size_t row = 0; row < *count_r; row++)
		ids[row] = db_get_int(r, row, 0);
	*ids_r = ids;
	db_result_free(&r);
	return 1;
}

int disposition_trace(struct db *db, const char *agency, int n, int year, const char *number,
    int64_t *letter_r, struct err *error_r)
{
	struct db_param params[] = {db_text(agency), db_int(n), db_int(year), db_text(number)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &trace, params, 4, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	*letter_r = rc == 1 ? db_get_int(r, 0, 0) : 0;
	db_result_free(&r);
	return rc;
}

int disposition_prompt(struct db *db, const char *const *mime_ids, size_t count,
    const char *position, int64_t now_ms, int64_t *token_r, struct err *error_r)
{
	struct db_param params[] = {db_texts(mime_ids, count), db_text(position), db_int(now_ms)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &prompt, params, 3, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	*token_r = rc == 1 ? db_get_int(r, 0, 0) : 0;
	db_result_free(&r);
	return rc;
}

int disposition_given_by(struct db *db, int64_t letter_id, int64_t prompt_id,
    const char *const *mime_ids, size_t count, int64_t *message_r, struct err *error_r)
{
	struct db_param params[] = {
	    db_int(prompt_id), db_texts(mime_ids, count), db_int(letter_id)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &given_by, params, 3, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	*message_r = rc == 1 ? db_get_int(r, 0, 0) : 0;
	db_result_free(&r);
	return rc;
}

int disposition_outcomes(struct db *db, int64_t letter_id, const char *agency, struct arena *arena,
    struct disposition_outcome **list_r, size_t *count_r, struct err *error_r)
{
	struct db_param params[] = {db_int(letter_id), db_text(agency)};
	struct db_result *r = NULL;

	if (db_query(db, &outcomes, params, 2, &r, error_r) < 0)
		return -1;
	*count_r = db_rows(r);
	*list_r = arena_alloc(arena, (*count_r + 1) * sizeof(**list_r));
	for (size_t row = 0; row < *count_r; row++)
		(*list_r)[row] =
		    (struct disposition_outcome){TEXT(0), TEXT(1), TEXT(2), db_get_int(r, row, 3)};
	db_result_free(&r);
	return 1;
}

int disposition_letter_of(struct db *db, const char *agency, int64_t letter_id, struct err *error_r)
{
	struct db_param params[] = {db_text(agency), db_int(letter_id)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &letter_of, params, 2, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	db_result_free(&r);
	return rc;
}
