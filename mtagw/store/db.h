/* db: PostgreSQL in pipeline mode (the only libpq code). Callers see statements, parameters, rows.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/settings.h"

struct db;

/* A statement: prepared once per connection at first use. SQL text stands in the `.c` files of
 * store/ as static tables, each registered in stmt.c so that a test prepares all of them against
 * the migrated schema. */
struct stmt {
	const char *name; /* unique, `accept_insert_message` */
	const char *sql;
};

enum db_type {
	DB_NULL,
	DB_INT,
	DB_BOOL,
	DB_TEXT,
	DB_BYTES,
	DB_INT_ARRAY,
	DB_TEXT_ARRAY,
	DB_BYTES_ARRAY,
	DB_BOOL_ARRAY
};
struct db_param {
	enum db_type type;
	int64_t number;     /* INT, BOOL */
	const char *text;   /* TEXT: UTF-8 without NUL; a NULL pointer is SQL NULL. The caller has
	                       made it valid (db_text_ok) */
	struct range bytes; /* BYTES */
	const int64_t *numbers;     /* INT_ARRAY, BOOL_ARRAY */
	const char *const *texts;   /* TEXT_ARRAY; NULL elements are SQL NULL */
	const struct range *ranges; /* BYTES_ARRAY; elements with a NULL p are SQL NULL */
	size_t count;               /* of the arrays */
};
struct db_param db_null(void);
struct db_param db_int(int64_t v);
struct db_param db_bool(bool v);
struct db_param db_text(const char *s);
struct db_param db_bytes(struct range r);
struct db_param db_ints(const int64_t *v, size_t n);
struct db_param db_texts(const char *const *v, size_t n);
struct db_param db_bools(const int64_t *v, size_t n);
struct db_param db_bytes_list(const struct range *v, size_t n);
/* Valid UTF-8 without NUL: what a text column takes (a value that is not would abort its whole
 * batch, DESIGN 13). */
bool db_text_ok(const char *s);
/* The same text with invalid bytes as U+FFFD, in the arena. */
const char *db_text_clean(const char *s, struct arena *arena);

/* Rows of one statement; values are copied out or live as long as the result. Columns may be
 * int2/4/8, bool, text, bytea, int8[], text[]; anything else is cast in the SQL. */
struct db_result;
size_t db_rows(const struct db_result *r);
int64_t db_affected(const struct db_result *r);
bool db_is_null(const struct db_result *r, size_t row, int col);
int64_t db_get_int(const struct db_result *r, size_t row, int col); /* 0 for NULL */
bool db_get_bool(const struct db_result *r, size_t row, int col);
const char *db_get_text(const struct db_result *r, size_t row, int col); /* "" for NULL */
struct range db_get_bytes(const struct db_result *r, size_t row, int col);
const int64_t *db_get_ints(
    const struct db_result *r, size_t row, int col, struct arena *arena, size_t *n_r);
const char *const *db_get_texts(
    const struct db_result *r, size_t row, int col, struct arena *arena, size_t *n_r);
void db_result_free(struct db_result **r);

enum db_status {
	DB_DONE,    /* committed */
	DB_REFUSED, /* the server refused a statement: nothing of the batch happened; db_sqlstate,
	               db_message tell */
	DB_UNAVAILABLE, /* no connection, or lost before the end was sent: nothing of the batch
	                   happened */
	DB_UNKNOWN,     /* lost after the end was sent: may or may not have happened */
};

/* role: the PostgreSQL role is `mtagw_<role>`, its password secrets/<role>. Connects lazily. loop
 * NULL: blocking use only. Never fails by itself. */
struct db *db_new(const struct settings *settings, const char *role, struct loop *loop);
void db_free(struct db **db);
/* Connects now, and again whenever the connection is lost, without a question to ask. Event side.
 */
void db_connect(struct db *db);
bool db_connected(const struct db *db);
const char *db_sqlstate(const struct db *db); /* of the last DB_REFUSED, "" */
const char *db_message(const struct db *db);

/* --- event side (loop given) --- */
/* A batch: statements sent one behind the other, one transaction, one round trip. Rows come by the
 * callback of each statement (NULL: not wanted; the result is valid inside the callback only), then
 * done(status). Parameters are copied by the call. Callbacks run from the loop, never inside a
 * call. Batches queue; at most DB_BATCHES_MAX wait (db_backlog tells), further ones are answered
 * DB_UNAVAILABLE. */
#define DB_BATCHES_MAX 64
struct db_batch;
struct db_batch *db_batch_new(struct db *db);
void db_batch_add(struct db_batch *batch, const struct stmt *stmt, const struct db_param *params,
    size_t count, void (*row_cb)(const struct db_result *result, void *ctx), void *ctx);
void db_batch_send(struct db_batch **batch,
    void (*done)(enum db_status status, struct db *db, void *ctx), void *ctx);
void db_batch_discard(struct db_batch **batch); /* one that was not sent */
size_t db_backlog(const struct db *db);
/* LISTEN channel (a fixed lower-case word); cb runs at each notice, and after every reconnect.
 * Event side only. */
void db_listen(struct db *db, const char *channel, void (*cb)(void *ctx), void *ctx);

/* --- blocking side --- */
/* One statement by itself (or inside db_begin): 1 and the result (free it; result_r may be NULL),
 * -1 with error_r; db_last tells which kind. Reconnects by itself outside a transaction. Blocks. */
int db_query(struct db *db, const struct stmt *stmt, const struct db_param *params, size_t count,
    struct db_result **result_r, struct err *error_r);
/* Queues a statement without waiting for its answer (pipeline); the next db_query, db_commit or
 * db_flush reads it. A failure appears there. */
void db_queue(struct db *db, const struct stmt *stmt, const struct db_param *params, size_t count);
/* The same for one row of a statement that is written for many: its parameters are columns (arrays
 * of the types given here), and the rows of a transaction leave as one statement, in front of the
 * next db_queue, db_query or db_commit. Order among rows of different statements: that of their
 * first rows. Values are copied. An absent number is 0, never NULL. */
void db_gather(struct db *db, const struct stmt *stmt, const struct db_param *params, size_t count);
int db_begin(struct db *db, struct err *error_r);
/* 1 committed; -1: db_last is DB_REFUSED, DB_UNAVAILABLE or DB_UNKNOWN. */
int db_commit(struct db *db, struct err *error_r);
/* The same with the rows of one gathered statement, which leaves in the same segment as COMMIT
 * (free them; NULL unless it returns 1). */
int db_commit_rows(
    struct db *db, const struct stmt *stmt, struct db_result **result_r, struct err *error_r);
void db_rollback(struct db *db);
enum db_status db_last(const struct db *db);
/* Waits until a notice on a db_listen'd channel comes, a descriptor becomes readable (-1: none), or
 * the time is over: true on a notice. */
bool db_wait_notice(struct db *db, const char *channel, int other_fd, int64_t timeout_ms);
/* Sends NOTIFY outside any transaction (after COMMIT, DESIGN 4). Event side: a batch of its own.
 * Blocking side: at once. Failure is of no consequence (the poll is the safety net). */
void db_notify(struct db *db, const char *channel);

/* Runs SQL text of a migration (several statements) in one transaction: mtagwctl db migrate alone.
 */
int db_run_script(struct db *db, const char *sql, struct err *error_r);

#endif
