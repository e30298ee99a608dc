/*
 * db_block: the blocking side, for the router's workers and mtagwctl: plain calls, read top to
 * bottom. Statements are queued into the pipeline; db_query and db_commit end the segment with a
 * sync and wait by poll, writing and reading at once so that neither side's buffer can lock the
 * other. Outside a transaction a connection that went away while idle is made anew; a loss inside
 * one is told as it is, and the caller begins again.
 */
#include "mtagw/store/db.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/store/db_private.h"

const struct stmt db_notify_stmt = {"db_notify", "select pg_notify($1, '')"};

/* Waits for the link: true when something can be done. other_fd -1: none. */
static bool wait_link(struct db *db, int64_t deadline)
{
	struct pollfd p = {
	    .fd = db_link_fd(db), .events = (short)(POLLIN | (db->want_write ? POLLOUT : 0))};
	int64_t left = deadline - clock_mono_ms();

	if (left <= 0)
		return false;
	if (db->link == DB_LINK_CONNECTING)
		p.events = db->want_write ? POLLOUT : POLLIN;
	(void)poll(&p, 1, (int)left); /* EINTR: the caller's loop looks again */
	return true;
}

static int connect_link(struct db *db, struct err *error_r)
{
	int64_t deadline = clock_mono_ms() + DB_CONNECT_MS;
	int rc;

	if (db_link_start(db, error_r) < 0)
		return -1;
	do {
		if (!wait_link(db, deadline)) {
			db_link_close(db);
			return err_set(
			    error_r, "database: no answer in %d s", DB_CONNECT_MS / 1000);
		}
		rc = db_link_continue(db, error_r);
	} while (rc == 0);
	if (rc < 0)
		return -1;
	for (struct db_listener *l = db->listeners; l != NULL; l = l->next) {
		char *sql = mem_printf("listen %s", l->channel);

		db_link_sql(db, sql);
		db_link_sync(db);
		free(sql);
	}
	return 1;
}

/* Reads up to and with the sync that stands last: 1, -1 lost. */
static int wait_synced(struct db *db)
{
	int64_t deadline = clock_mono_ms() + DB_REPLY_MS;
	bool synced;

	while (db->ops_count > 0) {
		int flushed = db_link_flush(db);

		if (flushed < 0 || db_link_read(db, &synced) < 0)
			return -1;
		if (synced)
			continue;
		if (db->ops_count > 0 && !wait_link(db, deadline)) {
			snprintf(db->message, sizeof(db->message), "no answer in %d s",
			    DB_REPLY_MS / 1000);
			return -1;
		}
	}
	return db->link == DB_LINK_UP ? 1 : -1;
}

/* What an idle link has to say: notices, or that the server went away (its last words first, then
 * the end). */
static void read_idle(struct db *db)
{
	struct pollfd p = {.fd = db_link_fd(db), .events = POLLIN};
	bool synced;

	while (db->link == DB_LINK_UP && poll(&p, 1, 0) > 0)
		if (db_link_read(db, &synced) < 0)
			db_link_close(db);
}

/* A link for a new statement outside a transaction; a dead idle one is replaced. */
static int ensure_link(struct db *db, struct err *error_r)
{
	if (db->ops_count == 0)
		read_idle(db);
	if (db->link == DB_LINK_UP)
		return 1;
	db->last = DB_UNAVAILABLE;
	if (connect_link(db, error_r) < 0)
		return -1;
	return wait_synced(db) < 0 ? err_set(error_r, "database: %s", db->message) : 1;
}

static int fail(struct db *db, enum db_status status, struct err *error_r)
{
	db->last = status;
	if (status == DB_REFUSED)
		return err_set(error_r, "database: %s (%s)", db->message, db->sqlstate);
	db->sqlstate[0] = '\0';
	return err_set(error_r, "database: %s%s", status == DB_UNKNOWN ? "fate unknown: " : "",
	    db->message[0] != '\0' ? db->message : "connection lost");
}

/* The link is gone: what stood open is gone with it. */
static void drop_link(struct db *db)
{
	db_link_close(db);
	db_gather_drop(db);
	if (db->in_transaction)
		db->lost = true;
}

static void send_statement(struct db *db, const struct stmt *stmt, const struct db_param *params,
    size_t count, struct db_op op)
{
	struct arena *arena = arena_new();
	struct db_wire wire;

	db_wire_encode(&wire, params, count, false, arena);
	db_link_exec(db, stmt, &wire, op);
	arena_free(&arena);
}

/* Ends a segment: DB_DONE, DB_REFUSED, or lost (then flushed_r: all of it had left). */
static int end_segment(struct db *db, bool *refused_r)
{
	db_link_sync(db);
	if (wait_synced(db) < 0)
		return -1;
	*refused_r = db->segment_error;
	db->segment_error = false;
	return 1;
}

int db_query(struct db *db, const struct stmt *stmt, const struct db_param *params, size_t count,
    struct db_result **result_r, struct err *error_r)
{
	struct db_result *result = NULL;
	struct db_op op = {.keep_r = &result};
	bool refused = false;

	if (db->lost) {
		db->lost = db->in_transaction;
		return fail(db, DB_UNAVAILABLE, error_r);
	}
	if (!db->in_transaction && ensure_link(db, error_r) < 0)
		return -1;
	db_gather_send(db);
	send_statement(db, stmt, params, count, op);
	if (end_segment(db, &refused) < 0) {
		bool unknown = !db->in_transaction && db->flushed;

		db_result_free(&result);
		drop_link(db);
		return fail(db, unknown ? DB_UNKNOWN : DB_UNAVAILABLE, error_r);
	}
	if (refused || result == NULL) {
		db_result_free(&result);
		return fail(db, DB_REFUSED, error_r);
	}
	db->last = DB_DONE;
	if (result_r != NULL)
		*result_r = result;
	else
		db_result_free(&result);
	return 1;
}

void db_queue(struct db *db, const struct stmt *stmt, const struct db_param *params, size_t count)
{
	struct err error;

	if (db->lost)
		return;
	if (!db->in_transaction && ensure_link(db, &error) < 0) {
		db->lost = true; /* told by the next db_query or db_commit */
		return;
	}
	db_gather_send(db);
	send_statement(db, stmt, params, count, (struct db_op){0});
	if (!db->in_transaction && db_link_flush(db) < 0) {
		drop_link(db);
		db->lost = true;
	}
}

int db_begin(struct db *db, struct err *error_r)
{
	db->lost = false;
	if (ensure_link(db, error_r) < 0)
		return -1;
	db->in_transaction = true;
	db->rolled_back = false;
	db_link_sql(db, "begin");
	return 1;
}

/* After a refusal the transaction still stands, aborted: it is ended so that the next one can
 * begin. */
static void end_aborted(struct db *db)
{
	bool refused;

	if (db->link != DB_LINK_UP)
		return;
	db_link_sync(db);
	db_link_sql(db, "rollback");
	if (end_segment(db, &refused) < 0)
		db_link_close(db);
	db->segment_error = false;
}

int db_commit(struct db *db, struct err *error_r)
{
	bool refused = false;
	bool lost = db->lost || db->link != DB_LINK_UP;

	db->lost = false;
	db->in_transaction = false;
	db->rolled_back = false;
	if (lost) {
		db_gather_drop(db);
		db_link_close(db);
		return fail(db, DB_UNAVAILABLE, error_r);
	}
	db_gather_send(db);
	db_link_sql(db, "commit");
	if (end_segment(db, &refused) < 0) {
		db_link_close(db);
		return fail(db, DB_UNKNOWN, error_r); /* COMMIT needs no sync to be carried out */
	}
	if (refused) {
		end_aborted(db);
		return fail(db, DB_REFUSED, error_r);
	}
	if (db->rolled_back) /* an earlier refusal of this transaction; its text still stands */
		return fail(db, DB_REFUSED, error_r);
	db->last = DB_DONE;
	return 1;
}

int db_commit_rows(
    struct db *db, const struct stmt *stmt, struct db_result **result_r, struct err *error_r)
{
	int rc;

	*result_r = NULL;
	db->kept_stmt = stmt;
	db->kept_r = result_r;
	rc = db_commit(db, error_r);
	db->kept_stmt = NULL;
	if (rc != 1)
		db_result_free(result_r);
	return rc;
}

void db_rollback(struct db *db)
{
	db->in_transaction = false;
	db->lost = false;
	db_gather_drop(db);
	end_aborted(db);
}

static struct db_listener *listener_of(struct db *db, const char *channel)
{
	struct db_listener *l;

	for (l = db->listeners; l != NULL; l = l->next)
		if (strcmp(l->channel, channel) == 0)
			return l;
	l = mem_zalloc(sizeof(*l));
	l->channel = mem_strdup(channel);
	l->next = db->listeners;
	db->listeners = l;
	if (db->link == DB_LINK_UP) /* else the new connection says LISTEN */
		db_link_close(db);
	return l;
}

bool db_wait_notice(struct db *db, const char *channel, int other_fd, int64_t timeout_ms)
{
	struct db_listener *l = listener_of(db, channel);
	int64_t deadline = clock_mono_ms() + timeout_ms;
	struct err error;
	bool synced, noticed;

	if (ensure_link(db, &error) < 0)
		log_debug("db_wait_notice reason=\"%s\"", error.text);
	while (!l->noticed) {
		struct pollfd fds[2] = {
		    {.fd = db_link_fd(db), .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};
		int64_t left = deadline - clock_mono_ms();

		if (left <= 0 || poll(fds, 2, (int)left) < 0 || fds[1].revents != 0)
			break; /* a signal ends the wait too: the worker looks whether it is to
			          drain */
		if (fds[0].revents != 0 && db_link_read(db, &synced) < 0)
			db_link_close(db);
	}
	noticed = l->noticed;
	l->noticed = false;
	return noticed;
}

int db_run_script(struct db *db, const char *sql, struct err *error_r)
{
	if (ensure_link(db, error_r) < 0)
		return -1;
	return db_link_script(db, sql, error_r);
}
