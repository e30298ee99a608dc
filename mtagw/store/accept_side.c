/*
 * accept_side: what smtpd asks of the database beside the commits, on a connection of its own:
 * blocks of ids, chunks of large bodies, and the local parts the city's domain knows, kept in
 * memory (a sorted list, a few hundred entries) and read again at each reconnect, policy change and
 * minute. A list that cannot be read again stays as it was.
 */
#include "mtagw/store/accept_private.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"

/* An administrator's change of accounts or policy shows within this time even when the notice was
 * lost. */
#define ADDRESSES_AGAIN_MS (60 * 1000)
/* Chunks with the database at once: one is written, some wait behind it, and whatever else the
 * connection is for finds room. */
#define CHUNKS_OUT_MAX 8
/* Between two calls of the router while messages come without a pause. */
#define TELL_AGAIN_MS 5

static const struct stmt stage = {
    "accept_stage", "insert into mail.body_staging (body_id, started_at) values ($1, $2)"};
static const struct stmt put_chunk = {
    "accept_chunk", "insert into mail.body_chunk (body_id, n, bytes) values ($1, $2, $3)"};
static const struct stmt unstage = {
    "accept_unstage", "delete from mail.body_staging where body_id = $1"};
static const struct stmt addresses = {"accept_addresses",
    "select local, kind, target, detail, outside from org.address order by local collate \"C\""};
const struct stmt *const accept_side_statements[] = {
    &stage, &put_chunk, &unstage, &addresses, NULL};

struct address {
	const char *local;
	struct known_address known;
};
struct accept_addresses {
	struct arena *arena;
	struct address *list;
	size_t count;
};

/* A batch for a large body. */
struct accept_chunk_wait {
	struct accept_chunk_wait *next;
	struct accept *accept;
	struct db_batch *batch; /* NULL: it is out */
	void (*done)(bool ok, void *ctx);
	void *ctx;
};

static void addresses_free(struct accept_addresses **ap)
{
	if (*ap == NULL)
		return;
	arena_free(&(*ap)->arena);
	free(*ap);
	*ap = NULL;
}

static void address_rows(const struct db_result *r, void *ctx)
{
	struct accept *a = ctx;
	struct accept_addresses *new = mem_zalloc(sizeof(*new));

	new->arena = arena_new();
	new->count = db_rows(r);
	new->list = arena_alloc(new->arena, (new->count + 1) * sizeof(*new->list));
	for (size_t i = 0; i < new->count; i++)
		new->list[i] =
		    (struct address){.local = arena_strdup(new->arena, db_get_text(r, i, 0)),
		        .known = {.kind = arena_strdup(new->arena, db_get_text(r, i, 1)),
		            .target = arena_strdup(new->arena, db_get_text(r, i, 2)),
		            .detail = db_get_bool(r, i, 3),
		            .outside = db_get_bool(r, i, 4)}};
	addresses_free(&a->loading);
	a->loading = new;
}

static void addresses_done(enum db_status status, struct db *db, void *ctx)
{
	struct accept *a = ctx;

	(void)db;
	if (status == DB_DONE && a->loading != NULL) {
		addresses_free(&a->addresses);
		a->addresses = a->loading;
		a->loading = NULL;
		log_debug("accept_addresses count=%zu", a->addresses->count);
	}
	addresses_free(&a->loading);
}

static void load_addresses(void *ctx)
{
	struct accept *a = ctx;
	struct db_batch *batch = db_batch_new(a->side);

	db_batch_add(batch, &addresses, NULL, 0, address_rows, a);
	db_batch_send(&batch, addresses_done, a);
	timer_start(a->minute, ADDRESSES_AGAIN_MS);
	accept_side_fetch(a);
}

static int by_local(const void *key, const void *entry)
{
	return strcmp(key, ((const struct address *)entry)->local);
}

const struct known_address *accept_address(const struct accept *a, const char *local)
{
	const struct address *found;

	if (a->addresses == NULL || a->addresses->count == 0)
		return NULL;
	found = bsearch(
	    local, a->addresses->list, a->addresses->count, sizeof(*a->addresses->list), by_local);
	return found != NULL ? &found->known : NULL;
}

static void tell_cb(void *ctx)
{
	struct accept *a = ctx;

	if (!a->untold)
		return;
	a->untold = false;
	db_notify(a->side, "mtagw_work");
	timer_start(a->tell, TELL_AGAIN_MS);
}

/* Each NOTIFY is a transaction that wakes every listening connection: the first of a while goes as
 * soon as the sessions have their answers, the next wait for each other. */
void accept_side_tell(struct accept *a)
{
	a->untold = true;
	if (!timer_running(a->tell))
		timer_start(a->tell, 0);
}

void accept_side_start(struct accept *a)
{
	a->minute = timer_new(a->loop, load_addresses, a);
	a->tell = timer_new(a->loop, tell_cb, a);
	a->chunks_last = &a->chunks;
	db_listen(a->side, "mtagw_policy", load_addresses, a);
	db_connect(a->db);
}

void accept_side_free(struct accept *a)
{
	while (a->chunks != NULL) {
		struct accept_chunk_wait *w = a->chunks;

		a->chunks = w->next;
		db_batch_discard(&w->batch);
		free(w);
	}
	timer_free(&a->minute);
	timer_free(&a->tell);
	addresses_free(&a->addresses);
	addresses_free(&a->loading);
}

bool accept_side_take(struct accept *a, int64_t at_ms, int64_t *id_r)
{
	for (size_t i = 0; i < ACCEPT_ID_BLOCKS; i++)
		if (ids_take(&a->ids[i], at_ms, id_r))
			return true;
	return false;
}

static void fetched(enum db_status status, struct db *db, void *ctx)
{
	struct accept *a = ctx;

	(void)status;
	(void)db;
	a->fetching_ids = false;
}

/* Fetches for all empty blocks once half of them are. */
void accept_side_fetch(struct accept *a)
{
	struct db_batch *batch;
	size_t empty = 0;

	for (size_t i = 0; i < ACCEPT_ID_BLOCKS; i++)
		empty += ids_left(&a->ids[i]) <= 0;
	if (empty < ACCEPT_ID_BLOCKS / 2 || a->fetching_ids)
		return;
	a->fetching_ids = true;
	batch = db_batch_new(a->side);
	for (size_t i = 0; i < ACCEPT_ID_BLOCKS; i++)
		if (ids_left(&a->ids[i]) <= 0)
			ids_fetch(&a->ids[i], batch);
	db_batch_send(&batch, fetched, a);
}

int64_t accept_id(struct accept *a, int64_t at_ms)
{
	int64_t id;

	if (!accept_side_take(a, at_ms, &id))
		id = 0;
	accept_side_fetch(a);
	return id;
}

static void chunks_pump(struct accept *a);

static void chunk_done(enum db_status status, struct db *db, void *ctx)
{
	struct accept_chunk_wait *w = ctx;
	struct accept *a = w->accept;

	(void)db;
	a->chunks_out--;
	chunks_pump(a);
	if (w->done != NULL)
		w->done(status == DB_DONE, w->ctx);
	free(w);
}

static void chunks_pump(struct accept *a)
{
	while (a->chunks != NULL && a->chunks_out < CHUNKS_OUT_MAX) {
		struct accept_chunk_wait *w = a->chunks;

		a->chunks = w->next;
		if (a->chunks == NULL)
			a->chunks_last = &a->chunks;
		a->chunks_out++;
		db_batch_send(&w->batch, chunk_done, w);
	}
}

/* In order: a body's dropping goes behind its chunks. */
static void chunks_add(
    struct accept *a, struct db_batch *batch, void (*done)(bool ok, void *ctx), void *ctx)
{
	struct accept_chunk_wait *w = mem_zalloc(sizeof(*w));

	*w = (struct accept_chunk_wait){.accept = a, .batch = batch, .done = done, .ctx = ctx};
	*a->chunks_last = w;
	a->chunks_last = &w->next;
	chunks_pump(a);
}

void accept_chunk(struct accept *a, int64_t body_id, int n, struct range bytes, int64_t at_ms,
    void (*done)(bool ok, void *ctx), void *ctx)
{
	struct db_batch *batch = db_batch_new(a->side);
	struct db_param first[] = {db_int(body_id), db_int(at_ms)};
	struct db_param params[] = {db_int(body_id), db_int(n), db_bytes(bytes)};

	if (n == 0)
		db_batch_add(batch, &stage, first, 2, NULL, NULL);
	db_batch_add(batch, &put_chunk, params, 3, NULL, NULL);
	chunks_add(a, batch, done, ctx);
}

/* smtpd may not delete chunks: the staging row is made old, so that the next sweep takes them. */
void accept_chunks_drop(struct accept *a, int64_t body_id)
{
	struct db_batch *batch = db_batch_new(a->side);
	struct db_param params[] = {db_int(body_id), db_int(0)};

	db_batch_add(batch, &unstage, params, 1, NULL, NULL);
	db_batch_add(batch, &stage, params, 2, NULL, NULL);
	chunks_add(a, batch, NULL, NULL);
}
