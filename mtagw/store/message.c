/*
 * message: messages and bodies as the router reads them. A body up to ACCEPT_INLINE_MAX is one row;
 * a larger one is chunk rows written beforehand in short commits and published by the transaction
 * that refers to it; chunks that nobody publishes are swept by the clerk (DESIGN 14.2).
 */
#include "mtagw/store/message.h"

#include <string.h>

#include "mtagw/base/codec.h"
#include "mtagw/store/accept.h"

#define MESSAGE_COLUMNS                                                                          \
	"select m.id, m.body_id, m.received_at, m.size, m.channel, m.sender, m.rcpts, m.login, " \
	"coalesce(a.position, ''), m.from_address, m.mime_message_id, m.subject, "               \
	"coalesce(m.letter_id, 0), m.state, m.peer, m.helo, m.dsn <> ''"
static const struct stmt load = {"message_load",
    MESSAGE_COLUMNS " from mail.message m left join org.account a using (login) where m.id = $1"};
static const struct stmt load_many = {"message_load_many",
    MESSAGE_COLUMNS ", b.bytes from mail.message m join mail.body b on b.id = m.body_id left join "
                    "org.account a using (login) where m.id = any($1::bigint[])"};
static const struct stmt body = {"message_body", "select size, bytes from mail.body where id = $1"};
static const struct stmt chunk = {
    "message_chunk", "select bytes from mail.body_chunk where body_id = $1 and n = $2"};
static const struct stmt set_state = {"message_state",
    "update mail.message m set state = u.state, letter_id = coalesce(nullif(u.letter, 0), "
    "m.letter_id), reason = u.reason"
    " from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) as u(id, state, letter, "
    "reason) where m.id = u.id"};
static const struct stmt stage = {
    "body_stage", "insert into mail.body_staging (body_id, started_at) values ($1, $2)"};
static const struct stmt put_chunk = {
    "body_put_chunk", "insert into mail.body_chunk (body_id, n, bytes) values ($1, $2, $3)"};
static const struct stmt publish = {"body_publish",
    "insert into mail.body (id, size, sha256, bytes)"
    " select * from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])"};
static const struct stmt unstage = {
    "body_unstage", "delete from mail.body_staging where body_id = $1"};

const struct stmt *const message_statements[] = {
    &load, &load_many, &body, &chunk, &set_state, &stage, &put_chunk, &publish, &unstage, NULL};

static struct message row_message(const struct db_result *r, size_t row, struct arena *arena)
{
#define TEXT(col) arena_strdup(arena, db_get_text(r, row, col))
	struct message m = {.id = db_get_int(r, row, 0),
	    .body_id = db_get_int(r, row, 1),
	    .received_at_ms = db_get_int(r, row, 2),
	    .size = db_get_int(r, row, 3),
	    .channel = TEXT(4),
	    .sender = TEXT(5),
	    .login = TEXT(7),
	    .position = TEXT(8),
	    .from_address = TEXT(9),
	    .mime_message_id = TEXT(10),
	    .subject = TEXT(11),
	    .letter_id = db_get_int(r, row, 12),
	    .state = TEXT(13),
	    .peer = TEXT(14),
	    .helo = TEXT(15),
	    .dsn = db_get_bool(r, row, 16)};
#undef TEXT
	m.rcpts = db_get_texts(r, row, 6, arena, &m.rcpt_count);
	return m;
}

int message_load(
    struct db *db, int64_t id, struct arena *arena, struct message *m, struct err *error_r)
{
	struct db_param param = db_int(id);
	struct db_result *r = NULL;
	int rc;

	if (db_query(db, &load, &param, 1, &r, error_r) < 0)
		return -1;
	rc = db_rows(r) > 0 ? 1 : 0;
	if (rc == 1)
		*m = row_message(r, 0, arena);
	db_result_free(&r);
	return rc;
}

int message_load_many(struct db *db, const int64_t *ids, size_t count, struct arena *arena,
    struct message *list, struct range *bodies, struct err *error_r)
{
	struct db_param param = db_ints(ids, count);
	struct db_result *r = NULL;

	for (size_t i = 0; i < count; i++) {
		list[i] = (struct message){0};
		bodies[i] = (struct range){0};
	}
	if (db_query(db, &load_many, &param, 1, &r, error_r) < 0)
		return -1;
	for (size_t row = 0; row < db_rows(r); row++)
		for (size_t i = 0; i < count; i++) {
			struct range bytes = db_get_bytes(r, row, 17);

			if (ids[i] != db_get_int(r, row, 0))
				continue;
			list[i] = row_message(r, row, arena);
			if (bytes.p != NULL && bytes.len == (size_t)list[i].size)
				bodies[i] = (struct range){
				    arena_strndup(arena, bytes.p, bytes.len), bytes.len};
		}
	db_result_free(&r);
	return 1;
}

/* Chunk rows n = 0, 1, ... into out until size bytes are there. */
static int read_chunks(struct db *db, int64_t body_id, char *out, size_t size, struct err *error_r)
{
	size_t have = 0;

	for (int n = 0; have < size; n++) {
		struct db_param params[] = {db_int(body_id), db_int(n)};
		struct db_result *r = NULL;
		struct range bytes;

		if (db_query(db, &chunk, params, 2, &r, error_r) < 0)
			return -1;
		bytes = db_rows(r) > 0 ? db_get_bytes(r, 0, 0) : (struct range){0};
		if (bytes.len == 0 || bytes.len > size - have) {
			db_result_free(&r);
			return err_set(
			    error_r, "body %lld: chunk %d is missing", (long long)body_id, n);
		}
		memcpy(out + have, bytes.p, bytes.len);
		have += bytes.len;
		db_result_free(&r);
	}
	return 1;
}

int message_body(
    struct db *db, int64_t body_id, struct arena *arena, struct range *bytes_r, struct err *error_r)
{
	struct db_param param = db_int(body_id);
	struct db_result *r = NULL;
	char *out;
	int rc = 1;

	if (db_query(db, &body, &param, 1, &r, error_r) < 0)
		return -1;
	if (db_rows(r) == 0) {
		db_result_free(&r);
		return 0;
	}
	bytes_r->len = (size_t)db_get_int(r, 0, 0);
	bytes_r->p = out = arena_alloc(arena, bytes_r->len + 1);
	if (db_is_null(r, 0, 1)) {
		rc = read_chunks(db, body_id, out, bytes_r->len, error_r);
	} else {
		struct range bytes = db_get_bytes(r, 0, 1);

		if (bytes.len != bytes_r->len)
			rc = err_set(error_r, "body %lld: %zu bytes stored, %zu said",
			    (long long)body_id, bytes.len, bytes_r->len);
		else
			memcpy(out, bytes.p, bytes.len);
	}
	db_result_free(&r);
	return rc;
}

void message_queue_state(
    struct db *db, int64_t id, const char *state, int64_t letter_id, const char *reason)
{
	struct db_param params[] = {db_int(id), db_text(state), db_int(letter_id), db_text(reason)};

	db_gather(db, &set_state, params, 4);
}

int body_stage(struct db *db, int64_t id, struct range bytes, int64_t at_ms, struct err *error_r)
{
	struct db_param first[] = {db_int(id), db_int(at_ms)};

	if (bytes.len <= ACCEPT_INLINE_MAX)
		return 1;
	if (db_query(db, &stage, first, 2, NULL, error_r) < 0)
		return -1;
	for (size_t at = 0; at < bytes.len; at += ACCEPT_CHUNK_BYTES) {
		size_t len =
		    bytes.len - at < ACCEPT_CHUNK_BYTES ? bytes.len - at : ACCEPT_CHUNK_BYTES;
		struct db_param params[] = {db_int(id), db_int((int64_t)(at / ACCEPT_CHUNK_BYTES)),
		    db_bytes((struct range){bytes.p + at, len})};

		if (db_query(db, &put_chunk, params, 3, NULL, error_r) < 0)
			return -1;
	}
	return 1;
}

void body_queue_publish(struct db *db, int64_t id, struct range bytes)
{
	bool inside = bytes.len <= ACCEPT_INLINE_MAX;
	uint8_t hash[SHA256_BYTES];
	struct db_param params[] = {db_int(id), db_int((int64_t)bytes.len),
	    db_bytes((struct range){(const char *)hash, sizeof(hash)}),
	    db_bytes(inside ? bytes : (struct range){0})};

	codec_sha256(bytes.p, bytes.len, hash);
	db_gather(db, &publish, params, 4);
	if (!inside)
		db_queue(db, &unstage, params, 1);
}
