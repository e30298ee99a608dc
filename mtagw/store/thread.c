/*
 * thread: which letter of ours a mail from outside belongs to (DESIGN 9): by the Message-IDs it
 * refers to, by a number it quotes and only where the letter went to that correspondent; and which
 * delivery a bounce is about. Never by subject.
 */
#include "mtagw/store/incoming.h"

static const struct stmt by_mime = {"thread_by_mime",
    "select id from office.letter where mime_message_id = any($1)"
    " union select letter_id from mail.outgoing where mime_message_id = any($1) and letter_id is "
    "not null"
    " order by 1 desc limit 1"};
static const struct stmt by_number = {"thread_by_number",
    "select n.letter_id from office.number_ledger n join office.letter_recipient r using "
    "(letter_id)"
    " where n.number = any($1::text[] || upper($1::text)::text[]) and n.state = 'assigned'"
    " and not r.inside"
    " and lower(split_part(r.address, '@', 2)) = lower($2) order by 1 desc limit 1"};
static const struct stmt correspondent = {"thread_correspondent",
    "select coalesce(max(case when lower(address) = lower($2) then 2"
    " when lower(split_part(address, '@', 2)) = lower(split_part($2, '@', 2)) then 1 else 0 end), "
    "0)::bigint"
    " from office.letter_recipient where letter_id = $1 and not inside"};
static const struct stmt replied = {"letter_replied",
    "update office.letter set state = 'replied', state_at = $2"
    " where id = $1 and direction = 'outgoing' and state in ('signed', 'dispatched')"};
static const struct stmt noted = {"noted_insert",
    "insert into office.noted (id, message_id, letter_id, delivery_id, kind, address, action, "
    "status, words, at)"
    " values ($1, $2, nullif($3, 0), nullif($4, 0), $5, $6, $7, $8, $9, $10) on conflict do "
    "nothing"};
static const struct stmt find = {"delivery_find",
    "select id, coalesce(letter_id, 0) from ("
    " select d.id, d.letter_id, d.recipient from mail.outgoing o join mail.delivery d on "
    "d.outgoing_id = o.id"
    "  where o.mime_message_id = $1"
    " union select a.delivery_id, a.letter_id, a.recipient from mail.outgoing o join mail.attempt a"
    "  on a.outgoing_id = o.id where o.mime_message_id = $1) x"
    " where lower(recipient) = lower($2) order by 1 desc limit 1"};
static const struct stmt recipient = {"delivery_recipient",
    "select x.recipient, coalesce(x.letter_id, 0), o.position from ("
    " select recipient, letter_id, outgoing_id from mail.delivery where id = $1"
    " union all select recipient, letter_id, outgoing_id from mail.attempt where delivery_id = $1) "
    "x"
    " join mail.outgoing o on o.id = x.outgoing_id limit 1"};

const struct stmt *const thread_statements[] = {
    &by_mime, &by_number, &correspondent, &replied, &noted, &find, &recipient, NULL};

/* The first column of the first row: 1, 0 none, -1. */
static int first_number(struct db *db, const struct stmt *stmt, const struct db_param *params,
    size_t count, int64_t *value_r, struct err *error_r)
{
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, stmt, params, count, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0 && !db_is_null(r, 0, 0);
	if (rc == 1)
		*value_r = db_get_int(r, 0, 0);
	db_result_free(&r);
	return rc;
}

int thread_by_mime(struct db *db, const char *const *mime_ids, size_t count, int64_t *letter_r,
    struct err *error_r)
{
	struct db_param param = db_texts(mime_ids, count);

	return count == 0 ? 0 : first_number(db, &by_mime, &param, 1, letter_r, error_r);
}

int thread_by_number(struct db *db, const char *const *numbers, size_t count, const char *domain,
    int64_t *letter_r, struct err *error_r)
{
	struct db_param params[] = {db_texts(numbers, count), db_text(domain)};

	return count == 0 ? 0 : first_number(db, &by_number, params, 2, letter_r, error_r);
}

int thread_correspondent(struct db *db, int64_t letter_id, const char *address, struct err *error_r)
{
	struct db_param params[] = {db_int(letter_id), db_text(address)};
	int64_t how = 0;

	return first_number(db, &correspondent, params, 2, &how, error_r) < 0 ? -1 : (int)how;
}

void replied_queue(struct db *db, const void *row)
{
	const struct replied_row *p = row;
	struct db_param params[] = {db_int(p->letter_id), db_int(p->at_ms)};

	db_queue(db, &replied, params, 2);
}

void noted_queue(struct db *db, const void *row)
{
	const struct noted_row *n = row;
	struct db_param params[] = {db_int(n->id), db_int(n->message_id), db_int(n->letter_id),
	    db_int(n->delivery_id), db_text(n->kind), db_text(n->address), db_text(n->action),
	    db_text(n->status), db_text(n->words), db_int(n->at_ms)};

	db_queue(db, &noted, params, sizeof(params) / sizeof(params[0]));
}

int delivery_find(struct db *db, const char *mime_message_id, const char *rcpt, int64_t *delivery_r,
    int64_t *letter_r, struct err *error_r)
{
	struct db_param params[] = {db_text(mime_message_id), db_text(rcpt)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &find, params, 2, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc == 1) {
		*delivery_r = db_get_int(r, 0, 0);
		*letter_r = db_get_int(r, 0, 1);
	}
	db_result_free(&r);
	return rc;
}

int delivery_recipient(struct db *db, int64_t delivery_id, struct arena *arena,
    const char **recipient_r, int64_t *letter_r, const char **position_r, struct err *error_r)
{
	struct db_param param = db_int(delivery_id);
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &recipient, &param, 1, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0;
	if (rc == 1) {
		*recipient_r = arena_strdup(arena, db_get_text(r, 0, 0));
		*letter_r = db_get_int(r, 0, 1);
		*position_r = arena_strdup(arena, db_get_text(r, 0, 2));
	}
	db_result_free(&r);
	return rc;
}
