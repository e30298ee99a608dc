/*
 * letter_row: the office's rows. A number is never a column of the letter: it stands in the ledger,
 * given by office.number_letters, which locks its series, writes ledger, agenda and trail and
 * leaves with the COMMIT behind it, so that no round trip happens under the lock (DESIGN 3, T2).
 */
#include "mtagw/store/letter_row.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/store/message.h"

static const struct stmt insert = {"letter_insert",
    "insert into office.letter (id, message_id, type, scope, direction, state, state_at, agency, "
    "position, incumbency,"
    " login, subject, summary, classification_code, security_class, urgency, xml, "
    "canonical_sha256, mime_message_id,"
    " reply_token, policy_version, rule_id, created_at)"
    " select u1, u2, u3, u4, u5, u6, u21, u7, u8, nullif(u9, 0), u10, u11, u12, u13, u14, u15, "
    "u16, "
    "u17, u18, nullif(u19, 0), u20, u22, u21"
    " from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], "
    "$7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], "
    "$14::text[], $15::text[], $16::text[], $17::bytea[], $18::text[], $19::bigint[], "
    "$20::bigint[], $21::bigint[], $22::text[])"
    " as u(u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15, u16, u17, u18, u19, "
    "u20, u21, u22)"};
static const struct stmt recipients = {"letter_recipients",
    "insert into office.letter_recipient (letter_id, n, role, inside, name, address, position, "
    "agency)"
    " select letter, n, role, inside, name, address, position, agency"
    " from unnest($1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::text[], $6::text[], "
    "$7::text[], $8::text[]) as u(letter, n, role, inside, name, address, position, agency)"};
static const struct stmt state = {"letter_state",
    "update office.letter l set state = u.state, state_at = u.at"
    " from unnest($1::bigint[], $2::text[], $3::bigint[]) as u(id, state, at) where l.id = u.id"};
static const struct stmt clear = {"letter_clear",
    "update office.letter set state = 'cleared', state_at = $4, policy_version = "
    "$2::int, rule_id = $3 where id = $1"};
static const struct stmt form = {"letter_form",
    "insert into office.letter_form (letter_id, form, ref, size, sha256, key_fingerprint, "
    "created_at)"
    " select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], "
    "$6::text[], $7::bigint[]) on conflict (letter_id, form) do nothing"};
static const struct stmt load = {"letter_load",
    "select l.id, l.message_id, l.type, l.scope, l.direction, l.state, l.agency, l.position, "
    "coalesce(l.incumbency, 0),"
    " l.login, l.subject, l.summary, l.classification_code, l.security_class, l.urgency, l.xml, "
    "l.canonical_sha256,"
    " l.mime_message_id, coalesce(l.reply_token, 0), l.policy_version, l.rule_id, l.created_at, "
    "n.number,"
    " n.letter_date::text, m.body_id, m.dsn <> ''"
    " from office.letter l join mail.message m on m.id = l.message_id"
    " left join office.number_ledger n on n.letter_id = l.id and n.state = 'assigned' where l.id = "
    "$1"};
static const struct stmt form_segments = {"letter_form_segments",
    "select o.segments, o.size from office.letter_form f join mail.outgoing o on o.id = f.ref"
    " where f.letter_id = $1 and f.form = $2"};
static const struct stmt of_message = {
    "letter_of_message", "select id, state from office.letter where message_id = $1"};
static const struct stmt number = {"letter_number",
    "select number, letter_date, agenda_n from office.number_letters($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"};
static const struct stmt holder = {"holder_of",
    "select i.id, p.name, p.nip, p.rank_title, p.pay_grade, i.capacity from org.incumbency i"
    " join org.person p on p.id = i.person where i.position = $1 and i.valid_from <= $2"
    " and (i.valid_to is null or i.valid_to > $2) order by i.valid_from desc limit 1"};
static const struct stmt token_insert = {"token_insert",
    "insert into office.token (id, kind, letter_id, message_id, actor, verb, created_at, "
    "expires_at)"
    " select id, kind, nullif(letter, 0), nullif(message, 0), nullif(actor, ''), nullif(verb, ''), "
    "created, expires from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], "
    "$5::text[], "
    "$6::text[], $7::bigint[], $8::bigint[])"
    " as u(id, kind, letter, message, actor, verb, created, expires)"};
#define TOKEN_COLUMNS                                                                             \
	"select id, kind, coalesce(letter_id, 0), coalesce(message_id, 0), coalesce(actor, ''), " \
	"coalesce(verb, ''),"                                                                     \
	" created_at, expires_at, coalesce(closed_at, 0), coalesce(closed_by, '') from "          \
	"office.token where id = $1"
static const struct stmt token_load = {"token_load", TOKEN_COLUMNS};
static const struct stmt token_lock = {"token_lock", TOKEN_COLUMNS " for update"};
static const struct stmt token_close = {"token_close", "select office.close_token($1, $2, $3)"};
static const struct stmt action_insert = {"action_insert",
    "insert into office.action (actor, prompt, verb, at, message_id) values ($1, $2, $3, $4, $5)"};

const struct stmt *const letter_row_statements[] = {&insert, &recipients, &state, &clear, &form,
    &load, &form_segments, &of_message, &number, &holder, &token_insert, &token_load, &token_lock,
    &token_close, &action_insert, NULL};

static const char *present(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : NULL;
}

void letter_row_queue_insert(struct db *db, const struct letter_row *l,
    const struct letter_row_recipient *list, size_t count, struct arena *arena)
{
	struct db_param params[] = {db_int(l->id), db_int(l->message_id), db_text(l->type),
	    db_text(l->scope), db_text(l->direction), db_text(l->state), db_text(l->agency),
	    db_text(l->position), db_int(l->incumbency), db_text(l->login),
	    db_text(db_text_clean(l->subject, arena)), db_text(db_text_clean(l->summary, arena)),
	    db_text(l->classification_code), db_text(l->security_class), db_text(l->urgency),
	    db_text(l->xml),
	    db_bytes((struct range){(const char *)l->canonical_sha256, SHA256_BYTES}),
	    db_text(l->mime_message_id), db_int(l->reply_token), db_int(l->policy_version),
	    db_int(l->created_at_ms), db_text(l->rule_id)};

	db_gather(db, &insert, params, 22);
	for (size_t i = 0; i < count; i++) {
		struct db_param row[] = {db_int(l->id), db_int((int64_t)i + 1),
		    db_text(list[i].copy ? "copy" : "main"), db_bool(list[i].inside),
		    db_text(db_text_clean(list[i].name, arena)), db_text(list[i].address),
		    db_text(present(list[i].position)), db_text(present(list[i].agency))};

		db_gather(db, &recipients, row, 8);
	}
}

void letter_row_queue_state(struct db *db, int64_t id, const char *new_state, int64_t at_ms)
{
	struct db_param params[] = {db_int(id), db_text(new_state), db_int(at_ms)};

	db_gather(db, &state, params, 3);
}

void letter_row_queue_clear(
    struct db *db, int64_t id, int policy_version, const char *rule_id, int64_t at_ms)
{
	struct db_param params[] = {
	    db_int(id), db_int(policy_version), db_text(rule_id), db_int(at_ms)};

	db_queue(db, &clear, params, 4);
}

void letter_row_queue_form(struct db *db, int64_t id, const char *form_name, int64_t ref,
    uint64_t size, const uint8_t sha256[SHA256_BYTES], const char *fingerprint, int64_t at_ms)
{
	struct db_param params[] = {db_int(id), db_text(form_name), db_int(ref),
	    db_int((int64_t)size), db_bytes((struct range){(const char *)sha256, SHA256_BYTES}),
	    db_text(fingerprint), db_int(at_ms)};

	db_gather(db, &form, params, 7);
}

int letter_row_load(
    struct db *db, int64_t id, struct arena *arena, struct letter_row *l, struct err *error_r)
{
	struct db_param param = db_int(id);
	struct db_result *r = NULL;
	struct range hash;

	if (db_query(db, &load, &param, 1, &r, error_r) < 0)
		return -1;
	if (db_rows(r) == 0) {
		db_result_free(&r);
		return 0;
	}
#define TEXT(col) arena_strdup(arena, db_get_text(r, 0, col))
	*l = (struct letter_row){.id = db_get_int(r, 0, 0),
	    .message_id = db_get_int(r, 0, 1),
	    .type = TEXT(2),
	    .scope = TEXT(3),
	    .direction = TEXT(4),
	    .state = TEXT(5),
	    .agency = TEXT(6),
	    .position = TEXT(7),
	    .incumbency = db_get_int(r, 0, 8),
	    .login = TEXT(9),
	    .subject = TEXT(10),
	    .summary = TEXT(11),
	    .classification_code = TEXT(12),
	    .security_class = TEXT(13),
	    .urgency = TEXT(14),
	    .xml = TEXT(15),
	    .mime_message_id = TEXT(17),
	    .reply_token = db_get_int(r, 0, 18),
	    .policy_version = (int)db_get_int(r, 0, 19),
	    .rule_id = TEXT(20),
	    .created_at_ms = db_get_int(r, 0, 21),
	    .number = db_is_null(r, 0, 22) ? NULL : TEXT(22),
	    .date = db_is_null(r, 0, 23) ? NULL : TEXT(23),
	    .body_id = db_get_int(r, 0, 24),
	    .dsn = db_get_bool(r, 0, 25)};
#undef TEXT
	hash = db_get_bytes(r, 0, 16);
	if (hash.len == SHA256_BYTES)
		memcpy(l->canonical_sha256, hash.p, SHA256_BYTES);
	db_result_free(&r);
	return 1;
}

/* Segments of stored bodies one behind the other. */
static int join_segments(struct db *db, const int64_t *segments, size_t count, size_t size,
    struct arena *arena, struct range *bytes_r, struct err *error_r)
{
	char *out = arena_alloc(arena, size + 1);
	size_t at = 0;

	for (size_t i = 0; i + 2 < count; i += 3) {
		size_t offset = (size_t)segments[i + 1], len = (size_t)segments[i + 2];
		struct range body;
		int rc = message_body(db, segments[i], arena, &body, error_r);

		if (rc != 1)
			return rc;
		if (offset + len > body.len || at + len > size)
			return err_set(error_r, "body %lld: a segment lies outside of it",
			    (long long)segments[i]);
		memcpy(out + at, body.p + offset, len);
		at += len;
	}
	*bytes_r = (struct range){out, at};
	return 1;
}

int letter_row_form(struct db *db, int64_t id, const char *form_name, struct arena *arena,
    struct range *bytes_r, struct err *error_r)
{
	struct db_param params[] = {db_int(id), db_text(form_name)};
	struct db_result *r = NULL;
	const int64_t *segments = NULL;
	size_t count = 0, size = 0;

	if (db_query(db, &form_segments, params, 2, &r, error_r) < 0)
		return -1;
	if (db_rows(r) > 0) {
		segments = db_get_ints(r, 0, 0, arena, &count);
		size = (size_t)db_get_int(r, 0, 1);
	}
	db_result_free(&r);
	return segments == NULL ? 0
	                        : join_segments(db, segments, count, size, arena, bytes_r, error_r);
}

int letter_row_of_message(struct db *db, int64_t message_id, int64_t *id_r, const char **state_r,
    struct arena *arena, struct err *error_r)
{
	struct db_param param = db_int(message_id);
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &of_message, &param, 1, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0 ? 1 : 0;
	if (rc == 1) {
		*id_r = db_get_int(r, 0, 0);
		*state_r = arena_strdup(arena, db_get_text(r, 0, 1));
	}
	db_result_free(&r);
	return rc;
}

static void queue_number(struct db *db, const struct number_item *it)
{
	struct db_param params[] = {db_int(it->letter_id), db_text(it->date), db_int(it->at_ms),
	    db_text(it->position), db_int(it->incumbency), db_text(it->login), db_text(it->series),
	    db_text(it->pattern), db_int(it->agenda_id), db_text(it->agenda_series),
	    db_text(it->agenda_agency), db_text(it->agenda_direction), db_text(it->agenda_sender),
	    db_text(it->agenda_destination), db_text(it->agenda_channel),
	    db_text(it->agenda_letter_number), db_text(it->agenda_letter_date),
	    db_text(it->agenda_subject), db_int(it->exchange_id), db_text(it->event),
	    db_int(it->policy_version), db_text(it->rule_id)};

	db_gather(db, &number, params, sizeof(params) / sizeof(params[0]));
}

int letter_row_commit_numbers(struct db *db, struct number_item *items, size_t count,
    struct arena *arena, struct err *error_r)
{
	struct db_result *r = NULL;

	for (size_t i = 0; i < count; i++)
		queue_number(db, &items[i]);
	if (db_commit_rows(db, &number, &r, error_r) < 0)
		return -1;
	for (size_t i = 0; i < db_rows(r) && i < count; i++) {
		items[i].number = arena_strdup(arena, db_get_text(r, i, 0));
		items[i].letter_date = arena_strdup(arena, db_get_text(r, i, 1));
		items[i].agenda_n = (int)db_get_int(r, i, 2);
	}
	db_result_free(&r);
	return 1;
}

int holder_of(struct db *db, const char *position, int64_t at_ms, struct arena *arena,
    struct holder *h, struct err *error_r)
{
	struct db_param params[] = {db_text(position), db_int(at_ms)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &holder, params, 2, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0 ? 1 : 0;
	*h = (struct holder){0, "", "", "", "", "substantive"};
	if (rc == 1)
		*h = (struct holder){db_get_int(r, 0, 0), arena_strdup(arena, db_get_text(r, 0, 1)),
		    arena_strdup(arena, db_get_text(r, 0, 2)),
		    arena_strdup(arena, db_get_text(r, 0, 3)),
		    arena_strdup(arena, db_get_text(r, 0, 4)),
		    arena_strdup(arena, db_get_text(r, 0, 5))};
	db_result_free(&r);
	return rc;
}

void token_row_queue_insert(struct db *db, const struct token_row *t)
{
	struct db_param params[] = {db_int(t->id), db_text(t->kind), db_int(t->letter_id),
	    db_int(t->message_id), db_text(t->actor), db_text(t->verb), db_int(t->created_at_ms),
	    db_int(t->expires_at_ms)};

	db_gather(db, &token_insert, params, 8);
}

int token_row_load(struct db *db, int64_t id, bool lock, struct arena *arena, struct token_row *t,
    struct err *error_r)
{
	struct db_param param = db_int(id);
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, lock ? &token_lock : &token_load, &param, 1, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0 ? 1 : 0;
	if (rc == 1)
		*t = (struct token_row){db_get_int(r, 0, 0),
		    arena_strdup(arena, db_get_text(r, 0, 1)), db_get_int(r, 0, 2),
		    db_get_int(r, 0, 3), arena_strdup(arena, db_get_text(r, 0, 4)),
		    arena_strdup(arena, db_get_text(r, 0, 5)), db_get_int(r, 0, 6),
		    db_get_int(r, 0, 7), db_get_int(r, 0, 8),
		    arena_strdup(arena, db_get_text(r, 0, 9))};
	db_result_free(&r);
	return rc;
}

void token_row_queue_close(struct db *db, int64_t id, int64_t at_ms, const char *by)
{
	struct db_param params[] = {db_int(id), db_int(at_ms), db_text(by)};

	db_queue(db, &token_close, params, 3);
}

void action_queue_insert(struct db *db, const char *actor, int64_t prompt, const char *verb,
    int64_t at_ms, int64_t message_id)
{
	struct db_param params[] = {
	    db_text(actor), db_int(prompt), db_text(verb), db_int(at_ms), db_int(message_id)};

	db_queue(db, &action_insert, params, 5);
}
