/*
 * incoming: the rows of letters that come from outside, one for each agency they stand in, with
 * what is known about their sender: verdicts, an earlier letter that looks the same, what the clerk
 * made of earlier ones. The clerk's lists keep the numbers that were sent, so that an answer to an
 * old list still means the same letters.
 */
#include "mtagw/store/incoming.h"

#include <string.h>

static const struct stmt verdict_get = {
    "verdict_load", "select level, verdicts from mail.verdict where message_id = $1"};
static const struct stmt verdict_put = {"verdict_insert",
    "insert into mail.verdict (message_id, level, verdicts, at) values ($1, $2, $3, $4)"
    " on conflict (message_id) do nothing"};
static const struct stmt insert = {"incoming_insert",
    "insert into office.incoming (letter_id, agency, state, sender_address, sender_name,"
    " letter_number, letter_date, subject, excerpt, thread, reply_to, stranger, level, urgency,"
    " due_at, received_at, agenda_at, decided_at, decided_by, rule_id)"
    " values ($1, $2, $3, $4, $5, $6, $7::text::date, $8, $9, $10, nullif($11, 0), $12, $13, $14,"
    " nullif($15, 0), $16, nullif($17, 0), nullif($18, 0), $19, $20)"
    " on conflict (letter_id, agency) do nothing"};
static const struct stmt update = {"incoming_update",
    "update office.incoming set state = $3, subject = $4, letter_number = $5,"
    " letter_date = $6::text::date, due_at = nullif($7, 0), agenda_at = nullif($8, 0),"
    " decided_at = nullif($9, 0), decided_by = $10, rule_id = $11 where letter_id = $1 and agency "
    "= "
    "$2"};
#define COLUMNS                                                                                \
	"select i.letter_id, i.agency, i.state, i.sender_address, i.sender_name, "             \
	"i.letter_number,"                                                                     \
	" i.letter_date::text, i.subject, i.excerpt, i.thread, coalesce(i.reply_to, 0), "      \
	"i.stranger,"                                                                          \
	" i.level, i.urgency, coalesce(i.due_at, 0), i.received_at, coalesce(i.agenda_at, 0)," \
	" coalesce(i.decided_at, 0), i.decided_by, i.rule_id, coalesce(a.n, 0), m.body_id, "   \
	"m.id,"                                                                                \
	" m.mime_message_id from office.incoming i join office.letter l on l.id = i.letter_id" \
	" join mail.message m on m.id = l.message_id left join office.agenda_entry a"          \
	" on a.letter_id = i.letter_id and a.agency = i.agency and a.direction = 'incoming'"
static const struct stmt load = {
    "incoming_load", COLUMNS " where i.letter_id = $1 and i.agency = $2"};
static const struct stmt waiting = {"incoming_waiting",
    COLUMNS " where i.agency = $1 and i.state = 'waiting' order by i.letter_id limit $2::bigint"};
static const struct stmt twin = {"incoming_twin",
    "select coalesce(a.n, 0) from office.incoming i join office.letter l on l.id = i.letter_id"
    " join mail.message m on m.id = l.message_id left join office.agenda_entry a"
    " on a.letter_id = i.letter_id and a.agency = i.agency and a.direction = 'incoming'"
    " where i.letter_id < $1 and i.agency = $2 and i.state <> 'noise' and ((i.sender_address = $3"
    "  and $4 <> '' and i.letter_number = $4 and i.letter_date = $5::text::date)"
    "  or ($6 <> '' and m.mime_message_id = $6)) order by i.letter_id limit 1"};
static const struct stmt past = {"incoming_past",
    "select count(*) filter (where state not in ('waiting', 'noise')), count(*) filter (where "
    "state "
    "= 'noise'),"
    " coalesce((array_agg(subject order by letter_id desc) filter (where state not in ('waiting', "
    "'noise')))[1], '')"
    " from office.incoming where agency = $1 and sender_address = $2"};
static const struct stmt receipts = {"incoming_receipts",
    "select count(*) from office.incoming i where i.sender_address = $1 and i.received_at >= $2"
    " and exists (select 1 from mail.outgoing o where o.letter_id = i.letter_id"
    "  and o.kind = 'acknowledgement')"};
static const struct stmt room = {
    "incoming_receipt_room", "select office.receipt_room($1, $2, $3::int)"};
static const struct stmt item_put = {"list_item_insert",
    "insert into office.list_item (token_id, n, letter_id, agency) values ($1, $2::int, $3, $4)"};
static const struct stmt item_get = {"list_items",
    "select token_id, n, letter_id, agency from office.list_item where token_id = $1 order by n"};
static const struct stmt correct = {"agenda_correct",
    "update office.agenda_entry set subject = coalesce($3, subject), letter_number = coalesce($4, "
    "letter_number),"
    " letter_date = coalesce($5::text::date, letter_date)"
    " where letter_id = $1 and agency = $2 and direction = 'incoming'"};

const struct stmt *const incoming_statements[] = {&verdict_get, &verdict_put, &insert, &update,
    &load, &waiting, &twin, &past, &receipts, &room, &item_put, &item_get, &correct, NULL};

int verdict_load(struct db *db, int64_t message_id, struct arena *arena, const char **level_r,
    const char **json_r, struct err *error_r)
{
	struct db_param param = db_int(message_id);
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &verdict_get, &param, 1, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc == 1) {
		*level_r = arena_strdup(arena, db_get_text(r, 0, 0));
		*json_r = arena_strdup(arena, db_get_text(r, 0, 1));
	}
	db_result_free(&r);
	return rc;
}

void verdict_queue(struct db *db, const void *row)
{
	const struct verdict_row *v = row;
	struct db_param params[] = {
	    db_int(v->message_id), db_text(v->level), db_text(v->json), db_int(v->at_ms)};

	db_queue(db, &verdict_put, params, 4);
}

void incoming_queue_insert(struct db *db, const void *row)
{
	const struct incoming_row *i = row;
	struct db_param params[] = {db_int(i->letter_id), db_text(i->agency), db_text(i->state),
	    db_text(i->sender_address), db_text(i->sender_name), db_text(i->letter_number),
	    db_text(i->letter_date), db_text(i->subject), db_text(i->excerpt), db_text(i->thread),
	    db_int(i->reply_to), db_bool(i->stranger), db_text(i->level), db_text(i->urgency),
	    db_int(i->due_at_ms), db_int(i->received_at_ms), db_int(i->agenda_at_ms),
	    db_int(i->decided_at_ms), db_text(i->decided_by), db_text(i->rule_id)};

	db_queue(db, &insert, params, sizeof(params) / sizeof(params[0]));
}

void incoming_queue_update(struct db *db, const void *row)
{
	const struct incoming_row *i = row;
	struct db_param params[] = {db_int(i->letter_id), db_text(i->agency), db_text(i->state),
	    db_text(i->subject), db_text(i->letter_number), db_text(i->letter_date),
	    db_int(i->due_at_ms), db_int(i->agenda_at_ms), db_int(i->decided_at_ms),
	    db_text(i->decided_by), db_text(i->rule_id)};

	db_queue(db, &update, params, sizeof(params) / sizeof(params[0]));
}

static void read_row(
    const struct db_result *r, size_t n, struct arena *arena, struct incoming_row *i)
{
#define TEXT(col) arena_strdup(arena, db_get_text(r, n, col))
	*i = (struct incoming_row){.letter_id = db_get_int(r, n, 0),
	    .agency = TEXT(1),
	    .state = TEXT(2),
	    .sender_address = TEXT(3),
	    .sender_name = TEXT(4),
	    .letter_number = TEXT(5),
	    .letter_date = TEXT(6),
	    .subject = TEXT(7),
	    .excerpt = TEXT(8),
	    .thread = TEXT(9),
	    .reply_to = db_get_int(r, n, 10),
	    .stranger = db_get_bool(r, n, 11),
	    .level = TEXT(12),
	    .urgency = TEXT(13),
	    .due_at_ms = db_get_int(r, n, 14),
	    .received_at_ms = db_get_int(r, n, 15),
	    .agenda_at_ms = db_get_int(r, n, 16),
	    .decided_at_ms = db_get_int(r, n, 17),
	    .decided_by = TEXT(18),
	    .rule_id = TEXT(19),
	    .agenda_n = (int)db_get_int(r, n, 20),
	    .body_id = db_get_int(r, n, 21),
	    .message_id = db_get_int(r, n, 22),
	    .mime_message_id = TEXT(23)};
#undef TEXT
}

int incoming_load(struct db *db, int64_t letter_id, const char *agency, struct arena *arena,
    struct incoming_row *row_r, struct err *error_r)
{
	struct db_param params[] = {db_int(letter_id), db_text(agency)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &load, params, 2, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc == 1)
		read_row(r, 0, arena, row_r);
	db_result_free(&r);
	return rc;
}

int incoming_waiting(struct db *db, const char *agency, int limit, struct arena *arena,
    struct incoming_row **list_r, size_t *count_r, struct err *error_r)
{
	struct db_param params[] = {db_text(agency), db_int(limit)};
	struct db_result *r = NULL;

	if (db_query(db, &waiting, params, 2, &r, error_r) < 0)
		return -1;
	*count_r = db_rows(r);
	*list_r = arena_alloc(arena, (*count_r + 1) * sizeof(**list_r));
	for (size_t i = 0; i < *count_r; i++)
		read_row(r, i, arena, &(*list_r)[i]);
	db_result_free(&r);
	return 1;
}

int incoming_twin(
    struct db *db, const struct incoming_row *row, int *agenda_n_r, struct err *error_r)
{
	struct db_param params[] = {db_int(row->letter_id), db_text(row->agency),
	    db_text(row->sender_address), db_text(row->letter_number), db_text(row->letter_date),
	    db_text(row->mime_message_id ? row->mime_message_id : "")};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &twin, params, 6, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc == 1)
		*agenda_n_r = (int)db_get_int(r, 0, 0);
	db_result_free(&r);
	return rc;
}

int incoming_past(struct db *db, const char *agency, const char *sender_address,
    struct arena *arena, struct sender_past *past_r, struct err *error_r)
{
	struct db_param params[] = {db_text(agency), db_text(sender_address)};
	struct db_result *r = NULL;

	if (db_query(db, &past, params, 2, &r, error_r) < 0)
		return -1;
	*past_r = (struct sender_past){(int)db_get_int(r, 0, 0), (int)db_get_int(r, 0, 1),
	    arena_strdup(arena, db_get_text(r, 0, 2))};
	db_result_free(&r);
	return 1;
}

int incoming_receipts(
    struct db *db, const char *sender_address, int64_t since_ms, struct err *error_r)
{
	struct db_param params[] = {db_text(sender_address), db_int(since_ms)};
	struct db_result *r = NULL;
	int n;

	if (db_query(db, &receipts, params, 2, &r, error_r) < 0)
		return -1;
	n = (int)db_get_int(r, 0, 0);
	db_result_free(&r);
	return n;
}

void incoming_queue_room(struct db *db, const void *row)
{
	const struct incoming_room *r = row;
	struct db_param params[] = {
	    db_text(r->sender_address), db_int(r->since_ms), db_int(r->most)};

	db_queue(db, &room, params, 3);
}

void list_item_queue(struct db *db, const void *row)
{
	const struct list_item *i = row;
	struct db_param params[] = {
	    db_int(i->token_id), db_int(i->n), db_int(i->letter_id), db_text(i->agency)};

	db_queue(db, &item_put, params, 4);
}

int list_items(struct db *db, int64_t token_id, struct arena *arena, struct list_item **list_r,
    size_t *count_r, struct err *error_r)
{
	struct db_param param = db_int(token_id);
	struct db_result *r = NULL;

	if (db_query(db, &item_get, &param, 1, &r, error_r) < 0)
		return -1;
	*count_r = db_rows(r);
	*list_r = arena_alloc(arena, (*count_r + 1) * sizeof(**list_r));
	for (size_t i = 0; i < *count_r; i++)
		(*list_r)[i] = (struct list_item){db_get_int(r, i, 0), db_get_int(r, i, 2),
		    (int)db_get_int(r, i, 1), arena_strdup(arena, db_get_text(r, i, 3))};
	db_result_free(&r);
	return 1;
}

void agenda_queue_correct(struct db *db, const void *row)
{
	const struct agenda_correction *c = row;
	struct db_param params[] = {db_int(c->letter_id), db_text(c->agency), db_text(c->subject),
	    db_text(c->letter_number), db_text(c->letter_date)};

	db_queue(db, &correct, params, 5);
}
