/*
 * db_event: the event side, for smtpd and sender. Batches wait in a queue and go out one at a time:
 * while one commits the callers collect the next, which is what makes group commit without
 * sleeping. States: down (back-off running), connecting, up idle, up with a batch in flight.
 * Batches that find no connection are answered at once, never kept for later: the peer is told 451
 * and comes again. No callback runs inside a db_ call; db_free must not be called from a callback.
 */
#include "mtagw/store/db.h"

#include <stdlib.h>

#include "mtagw/base/log.h"
#include "mtagw/store/db_private.h"

/* Between two attempts to connect: short enough to resume at once after a restart, doubled so that
 * a dead server is not hammered. */
#define BACK_OFF_MIN_MS 100
#define BACK_OFF_MAX_MS 5000

struct item {
	struct item *next;
	const struct stmt *stmt; /* NULL: sql */
	const char *sql;
	struct db_wire wire;
	void (*row_cb)(const struct db_result *result, void *ctx);
	void *ctx;
};

struct db_batch {
	struct db_batch *next;
	struct db *db;
	struct arena *arena; /* holds the items and this struct's parameters */
	struct item *first, **last;
	void (*done)(enum db_status status, struct db *db, void *ctx);
	void *ctx;
};

struct batch_list {
	struct db_batch *first, **last;
	size_t count;
};

struct db_event {
	struct db *db;
	struct watch *watch;
	struct timer *pump;     /* does what was asked for, after the asking call has returned */
	struct timer *back_off; /* running: no attempt yet */
	struct timer *deadline; /* of connecting or of the batch in flight */
	int64_t back_off_ms;
	struct batch_list queue, rejected;
	struct db_batch *current; /* in flight */
	bool complained;          /* the loss was logged; once until it is back */
};

static void pump_cb(void *ctx);
static void back_off_cb(void *ctx);
static void deadline_cb(void *ctx);
static void link_cb(bool readable, bool writable, void *ctx);

/* Behind the calls that are due now, so that a batch leaves in the turn of the loop that made it.
 * What can be refused only waits for a turn of its own: whoever asks again at once must not keep
 * the loop from the descriptors. */
static void pump_soon(struct db_event *e)
{
	if (e->db->link == DB_LINK_UP && e->rejected.count == 0)
		timer_soon(e->pump);
	else
		timer_start(e->pump, 0);
}

struct db_event *db_event_new(struct db *db)
{
	struct db_event *e = mem_zalloc(sizeof(*e));

	e->db = db;
	e->pump = timer_new(db->loop, pump_cb, e);
	e->back_off = timer_new(db->loop, back_off_cb, e);
	e->deadline = timer_new(db->loop, deadline_cb, e);
	e->back_off_ms = BACK_OFF_MIN_MS;
	e->queue.last = &e->queue.first;
	e->rejected.last = &e->rejected.first;
	return e;
}

static void batch_free(struct db_batch *batch)
{
	if (batch == NULL)
		return;
	arena_free(&batch->arena);
	free(batch);
}

static struct db_batch *list_take(struct batch_list *list)
{
	struct db_batch *batch = list->first;

	if (batch == NULL)
		return NULL;
	list->first = batch->next;
	if (list->first == NULL)
		list->last = &list->first;
	list->count--;
	return batch;
}

static void list_append(struct batch_list *list, struct db_batch *batch)
{
	batch->next = NULL;
	*list->last = batch;
	list->last = &batch->next;
	list->count++;
}

static void list_prepend(struct batch_list *list, struct db_batch *batch)
{
	batch->next = list->first;
	if (list->first == NULL)
		list->last = &batch->next;
	list->first = batch;
	list->count++;
}

void db_event_free(struct db_event **ep)
{
	struct db_event *e = *ep;
	struct db_batch *batch;

	*ep = NULL;
	if (e == NULL)
		return;
	while ((batch = list_take(&e->queue)) != NULL || (batch = list_take(&e->rejected)) != NULL)
		batch_free(batch);
	batch_free(e->current);
	watch_free(&e->watch);
	timer_free(&e->pump);
	timer_free(&e->back_off);
	timer_free(&e->deadline);
	free(e);
}

struct db_batch *db_batch_new(struct db *db)
{
	struct db_batch *batch = mem_zalloc(sizeof(*batch));

	batch->db = db;
	batch->arena = arena_new();
	batch->last = &batch->first;
	return batch;
}

static struct item *add_item(struct db_batch *batch)
{
	struct item *item = arena_alloc(batch->arena, sizeof(*item));

	*batch->last = item;
	batch->last = &item->next;
	return item;
}

void db_batch_add(struct db_batch *batch, const struct stmt *stmt, const struct db_param *params,
    size_t count, void (*row_cb)(const struct db_result *result, void *ctx), void *ctx)
{
	struct item *item = add_item(batch);

	item->stmt = stmt;
	item->row_cb = row_cb;
	item->ctx = ctx;
	db_wire_encode(&item->wire, params, count, true, batch->arena);
}

void db_batch_discard(struct db_batch **batch)
{
	batch_free(*batch);
	*batch = NULL;
}

void db_batch_send(struct db_batch **batchp,
    void (*done)(enum db_status status, struct db *db, void *ctx), void *ctx)
{
	struct db_batch *batch = *batchp;
	struct db_event *e = batch->db->event;

	*batchp = NULL;
	batch->done = done;
	batch->ctx = ctx;
	list_append(e->queue.count < DB_BATCHES_MAX ? &e->queue : &e->rejected, batch);
	pump_soon(e);
}

size_t db_backlog(const struct db *db)
{
	return db->event->queue.count + (db->event->current != NULL);
}

static void answer(struct db_event *e, struct db_batch *batch, enum db_status status)
{
	if (batch->done != NULL)
		batch->done(status, e->db, batch->ctx);
	batch_free(batch);
}

static void answer_all(struct db_event *e, struct batch_list *list)
{
	size_t count = list->count; /* what callbacks add waits for the next turn */
	struct db_batch *batch;

	while (count-- > 0 && (batch = list_take(list)) != NULL)
		answer(e, batch, DB_UNAVAILABLE);
}

/* After any step: what the descriptor is watched for. Its number may change while connecting. */
static void rewatch(struct db_event *e, bool anew)
{
	struct db *db = e->db;

	if (anew || db->link == DB_LINK_DOWN)
		watch_free(&e->watch);
	if (db->link == DB_LINK_DOWN)
		return;
	if (e->watch == NULL)
		e->watch = watch_new(db->loop, db_link_fd(db), link_cb, e);
	watch_set(e->watch, db->link == DB_LINK_UP || !db->want_write, db->want_write);
}

static void lost(struct db_event *e)
{
	struct db *db = e->db;
	struct db_batch *current = e->current;
	enum db_status status = db->flushed ? DB_UNKNOWN : DB_UNAVAILABLE;

	watch_free(&e->watch);
	db_link_close(db);
	timer_stop(e->deadline);
	timer_start(e->back_off, e->back_off_ms);
	e->back_off_ms =
	    e->back_off_ms * 2 < BACK_OFF_MAX_MS ? e->back_off_ms * 2 : BACK_OFF_MAX_MS;
	if (!e->complained)
		log_warn("db_lost role=mtagw_%s reason=\"%s\"", db->role, log_safe(db->message));
	e->complained = true;
	e->current = NULL;
	db->sqlstate[0] = '\0';
	if (current != NULL)
		answer(e, current, status);
	answer_all(e, &e->queue);
}

static void listen_done(enum db_status status, struct db *db, void *ctx)
{
	(void)ctx;
	if (status != DB_DONE)
		return;
	for (struct db_listener *l = db->listeners; l != NULL; l = l->next)
		l->cb(l->ctx); /* what was said before we listened may have been missed */
}

static void queue_listen(struct db_event *e)
{
	struct db_batch *batch = db_batch_new(e->db);

	for (struct db_listener *l = e->db->listeners; l != NULL; l = l->next)
		add_item(batch)->sql = arena_printf(batch->arena, "listen %s", l->channel);
	batch->done = listen_done;
	list_prepend(&e->queue, batch);
}

static void connected(struct db_event *e)
{
	struct db *db = e->db;

	timer_stop(e->deadline);
	e->back_off_ms = BACK_OFF_MIN_MS;
	e->complained = false;
	log_info("db_connected role=mtagw_%s", db->role);
	if (db->listeners != NULL)
		queue_listen(e);
	rewatch(e, true);
	pump_soon(e);
}

static void start_connecting(struct db_event *e)
{
	struct err error;

	if (db_link_start(e->db, &error) < 0) {
		lost(e);
		return;
	}
	timer_start(e->deadline, DB_CONNECT_MS);
	rewatch(e, true);
}

static void send_batch(struct db_event *e, struct db_batch *batch)
{
	struct db *db = e->db;

	e->current = batch;
	for (struct item *item = batch->first; item != NULL; item = item->next) {
		if (item->stmt == NULL)
			db_link_sql(db, item->sql);
		else
			db_link_exec(db, item->stmt, &item->wire,
			    (struct db_op){.row_cb = item->row_cb, .ctx = item->ctx});
	}
	db_link_sync(db);
	timer_start(e->deadline, DB_REPLY_MS);
	if (db_link_flush(db) < 0)
		lost(e);
	else
		rewatch(e, false);
}

static void pump_cb(void *ctx)
{
	struct db_event *e = ctx;
	struct db *db = e->db;

	answer_all(e, &e->rejected);
	if (db->link == DB_LINK_DOWN) {
		if (timer_running(e->back_off))
			answer_all(e, &e->queue);
		else
			start_connecting(e);
	} else if (db->link == DB_LINK_UP && e->current == NULL && e->queue.count > 0) {
		send_batch(e, list_take(&e->queue));
	}
}

static void back_off_cb(void *ctx)
{
	struct db_event *e = ctx;

	if (e->db->link == DB_LINK_DOWN)
		start_connecting(e);
}

static void deadline_cb(void *ctx)
{
	struct db_event *e = ctx;

	log_warn("db_timeout role=mtagw_%s", e->db->role);
	lost(e);
}

/* The batch in flight has its sync. */
static void finish_current(struct db_event *e)
{
	struct db *db = e->db;
	struct db_batch *batch = e->current;
	enum db_status status = db->segment_error ? DB_REFUSED : DB_DONE;

	db->segment_error = false;
	e->current = NULL;
	timer_stop(e->deadline);
	if (status == DB_REFUSED)
		log_warn("db_refused role=mtagw_%s sqlstate=%s text=\"%s\"", db->role, db->sqlstate,
		    log_safe(db->message));
	if (e->queue.count > 0)
		pump_soon(e);
	if (batch != NULL)
		answer(e, batch, status);
}

static void link_cb(bool readable, bool writable, void *ctx)
{
	struct db_event *e = ctx;
	struct db *db = e->db;
	struct err error;
	bool synced;
	int rc;

	(void)readable;
	if (db->link == DB_LINK_CONNECTING) {
		rc = db_link_continue(db, &error);
		if (rc < 0)
			lost(e);
		else if (rc > 0)
			connected(e);
		else
			rewatch(e, true);
		return;
	}
	if (writable && db_link_flush(db) < 0) {
		lost(e);
		return;
	}
	do {
		if (db_link_read(db, &synced) < 0) {
			lost(e);
			return;
		}
		if (synced)
			finish_current(e);
	} while (synced && db->ops_count > 0);
	rewatch(e, false);
}

void db_connect(struct db *db)
{
	pump_soon(db->event);
}

void db_listen(struct db *db, const char *channel, void (*cb)(void *ctx), void *ctx)
{
	struct db_listener *l = mem_zalloc(sizeof(*l));

	l->channel = mem_strdup(channel);
	l->cb = cb;
	l->ctx = ctx;
	l->next = db->listeners;
	db->listeners = l;
	if (db->link == DB_LINK_UP)
		queue_listen(db->event);
	pump_soon(db->event);
}

void db_notify(struct db *db, const char *channel)
{
	struct db_param param = db_text(channel);

	if (db->loop == NULL) {
		if (!db->in_transaction)
			(void)db_query(db, &db_notify_stmt, &param, 1, NULL, NULL);
		return;
	}
	struct db_batch *batch = db_batch_new(db);
	db_batch_add(batch, &db_notify_stmt, &param, 1, NULL, NULL);
	db_batch_send(&batch, NULL, NULL);
}
