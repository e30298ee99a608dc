/*
 * delivery: what the sender asks of the database: claims with a lease (SKIP LOCKED, committed
 * before the work) and the fence before the final dot. A claim whose lease ran
 * out waits again if no dot was sent; with a dot nobody knows what the peer made of it: it is taken
 * over only to be recorded: as `uncertain` (DESIGN 4, 12), or where a second copy is thrown away as
 * one to be sent again. Outcomes are delivery_record.c, pieces of
 * bodies delivery_body.c.
 */
#include "mtagw/store/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/store/accept.h"
#include "mtagw/store/delivery_private.h"

#define COLUMNS                                                                                \
	" d.id, d.outgoing_id, coalesce(d.letter_id, 0), d.epoch, d.recipient, d.route, "      \
	"d.destination, d.return_path,"                                                        \
	" d.extra_header, o.mime_message_id, d.created_at, d.expires_at, o.size, d.attempts, " \
	"o.eight_bit, o.segments,"                                                             \
	" coalesce(d.dot_at, 0)"

static const struct stmt release = {"delivery_release",
    "update mail.delivery set state = 'waiting', owner = '', lease_until = 0"
    " where state = 'claimed' and lease_until < $1 and dot_at is null"};
/* What is to be taken stands first, as ids; its rows are found by them, and what is sent by these
 * rows (OFFSET 0 keeps that order). Joined freely, the planner began at times with all rows of the
 * queue or all messages ever sent. */
#define TAKEN(set)                                                                        \
	", mine as (update mail.delivery set " set                                        \
	" where id = any (array(select id from due)) returning *)"                        \
	" select" COLUMNS " from mine d cross join lateral (select * from mail.outgoing " \
	"  where id = d.outgoing_id offset 0) o"
static const struct stmt take_over = {"delivery_take_over",
    "with due as (select id from mail.delivery where state = 'claimed' and lease_until < $1 and "
    "dot_at is not null order by id limit $2 for update skip locked)" TAKEN(
        "owner = $3, epoch = epoch + 1, lease_until = $4")};
/* Among senders a mailbox belongs to one while its deliveries are claimed (DESIGN 9); so that two
 * do not claim at once, they take turns. */
static const struct stmt claim_turn = {"delivery_claim_turn", "select pg_advisory_xact_lock($1)"};
#define MAILBOX(recipient) "lower(regexp_replace(replace(" recipient ", '\"', ''), '\\+.*@', '@'))"
#define MAILBOXES_OF_OTHERS                                                                 \
	"(select " MAILBOX("x.recipient") " from mail.delivery x where x.state = 'claimed'" \
	                                  "   and x.route = 'lmtp' and x.owner <> $3)"
static const struct stmt claim = {"delivery_claim",
    "with due as (select id from mail.delivery where state = 'waiting' and next_at <= $1"
    "  and destination <> all($5::text[]) and (not $6::boolean or route <> 'lmtp'"
    "   or " MAILBOX("recipient") " not in " MAILBOXES_OF_OTHERS ")"
                                  "  order by next_at, id limit $2 for update skip locked)" TAKEN(
                                      "state = 'claimed', owner = $3, epoch = epoch + 1, "
                                      "lease_until = $4, dot_at = null")};
static const struct stmt give_back = {"delivery_give_back",
    "update mail.delivery set state = 'waiting', owner = '', lease_until = 0"
    " where id = any($1::bigint[]) and owner = $2 and state = 'claimed' and dot_at is null"};
static const struct stmt renew = {"delivery_renew",
    "update mail.delivery set lease_until = $3 where id = any($1::bigint[]) and "
    "owner = $2 and state = 'claimed'"};
static const struct stmt fence = {"delivery_dot",
    "update mail.delivery d set dot_at = $4, lease_until = $4 + $5 where id = any($1::bigint[])"
    " and owner = $3 and epoch = ($2::bigint[])[array_position($1::bigint[], id)]"
    " and state = 'claimed' and lease_until > $4 returning d.id"};
const struct stmt *const delivery_statements[] = {
    &release, &take_over, &claim_turn, &claim, &give_back, &renew, &fence, NULL};

static void wake(void *ctx)
{
	struct delivery_store *s = ctx;

	delivery_ids_fetch(s);
	s->woken(s->ctx);
}

static void side_up(void *ctx)
{
	delivery_ids_fetch(ctx);
}

static void dot_soon_cb(void *ctx);

struct delivery_store *delivery_store_new(
    const struct settings *settings, struct loop *loop, void (*woken)(void *ctx), void *ctx)
{
	struct delivery_store *s = mem_zalloc(sizeof(*s));
	uint32_t random;

	codec_random(&random, sizeof(random));
	snprintf(s->owner, sizeof(s->owner), "sender.%ld.%08x", (long)getpid(), random);
	s->settings = settings;
	s->loop = loop;
	s->woken = woken;
	s->ctx = ctx;
	s->db = db_new(settings, "sender", loop);
	s->side = db_new(settings, "sender", loop);
	s->dots_last = &s->dots;
	s->dot_soon = timer_new(loop, dot_soon_cb, s);
	delivery_body_start(s);
	delivery_record_start(s);
	db_listen(s->db, "mtagw_delivery", wake, s);
	db_listen(s->side, "mtagw_side", side_up,
	    s); /* nobody says this word: it keeps the connection up */
	return s;
}

void delivery_store_settings(struct delivery_store *s, const struct settings *settings)
{
	s->settings = settings;
}

int64_t delivery_ids_at_hand(const struct delivery_store *s)
{
	int64_t n = 0;

	for (size_t i = 0; i < DELIVERY_ID_BLOCKS; i++)
		n += ids_left(&s->ids[i]);
	return n;
}

int64_t delivery_id_take(struct delivery_store *s, int64_t at_ms)
{
	int64_t id = 0;

	for (size_t i = 0; i < DELIVERY_ID_BLOCKS && id == 0; i++)
		(void)ids_take(&s->ids[i], at_ms, &id);
	return id;
}

static void fetched(enum db_status status, struct db *db, void *ctx)
{
	struct delivery_store *s = ctx;

	(void)db;
	s->fetching_ids = false;
	if (status == DB_DONE && s->records != NULL && s->out == NULL)
		timer_start(s->record_soon, 0);
}

void delivery_ids_fetch(struct delivery_store *s)
{
	struct db_batch *batch;

	if (s->fetching_ids || delivery_ids_at_hand(s) > (DELIVERY_ID_BLOCKS - 1) * ID_BLOCK)
		return;
	s->fetching_ids = true;
	batch = db_batch_new(s->side);
	for (size_t i = 0; i < DELIVERY_ID_BLOCKS; i++)
		if (ids_left(&s->ids[i]) <= 0)
			ids_fetch(&s->ids[i], batch);
	db_batch_send(&batch, fetched, s);
}

/* --- claims --- */

struct claim_call {
	struct delivery_store *store;
	struct arena *arena;
	struct delivery *list, *orphans;
	int64_t *orphan_dots;
	size_t count, orphan_count;
	int64_t now_ms;
	void (*done)(bool ok, const struct delivery *list, size_t count, void *ctx);
	void *ctx;
};

static void read_delivery(
    const struct db_result *r, size_t row, struct arena *arena, struct delivery *d)
{
	size_t n;

	*d = (struct delivery){.id = db_get_int(r, row, 0),
	    .outgoing_id = db_get_int(r, row, 1),
	    .letter_id = db_get_int(r, row, 2),
	    .epoch = db_get_int(r, row, 3),
	    .recipient = arena_strdup(arena, db_get_text(r, row, 4)),
	    .route = arena_strdup(arena, db_get_text(r, row, 5)),
	    .destination = arena_strdup(arena, db_get_text(r, row, 6)),
	    .return_path = arena_strdup(arena, db_get_text(r, row, 7)),
	    .extra_header = arena_strdup(arena, db_get_text(r, row, 8)),
	    .mime_message_id = arena_strdup(arena, db_get_text(r, row, 9)),
	    .created_at = db_get_int(r, row, 10),
	    .expires_at = db_get_int(r, row, 11),
	    .size = db_get_int(r, row, 12),
	    .attempts = (int)db_get_int(r, row, 13),
	    .eight_bit = db_get_bool(r, row, 14)};
	d->segments = db_get_ints(r, row, 15, arena, &n);
	d->segment_count = n / 3;
}

static void claim_rows(const struct db_result *r, void *ctx)
{
	struct claim_call *c = ctx;

	c->count = db_rows(r);
	c->list = arena_alloc(c->arena, (c->count + 1) * sizeof(*c->list));
	for (size_t i = 0; i < c->count; i++)
		read_delivery(r, i, c->arena, &c->list[i]);
}

static void orphan_rows(const struct db_result *r, void *ctx)
{
	struct claim_call *c = ctx;

	c->orphan_count = db_rows(r);
	c->orphans = arena_alloc(c->arena, (c->orphan_count + 1) * sizeof(*c->orphans));
	c->orphan_dots = arena_alloc(c->arena, (c->orphan_count + 1) * sizeof(*c->orphan_dots));
	for (size_t i = 0; i < c->orphan_count; i++) {
		read_delivery(r, i, c->arena, &c->orphans[i]);
		c->orphan_dots[i] = db_get_int(r, i, 16);
	}
}

/* By id: RETURNING has no order of its own. */
static int by_id(const void *a, const void *b)
{
	const struct delivery *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

bool delivery_repeatable(const struct settings *settings, const struct delivery *d)
{
	return settings->lmtp_duplicate && strcmp(d->route, "lmtp") == 0;
}

/* Its sender died between dot and reply. */
static void record_orphan(
    struct delivery_store *s, const struct delivery *d, int64_t dot_at, int64_t now_ms)
{
	bool again = delivery_repeatable(s->settings, d);
	struct delivery_outcome o = {.outcome = again ? "deferred" : "uncertain",
	    .enhanced = "",
	    .remote = "",
	    .tls = "",
	    .reply = "the sender ended after the final dot and before the reply",
	    .dot_at = dot_at,
	    .started_at = dot_at,
	    .at = now_ms,
	    .next_at = now_ms};

	log_warn(
	    "delivery_orphan id=%lld route=%s outcome=%s reason=\"sender ended after the dot\"",
	    (long long)d->id, d->route, o.outcome);
	delivery_record(s, d, &o, NULL, NULL);
}

static void claim_done(enum db_status status, struct db *db, void *ctx)
{
	struct claim_call *c = ctx;
	bool ok = status == DB_DONE;

	(void)db;
	for (size_t i = 0; ok && i < c->orphan_count; i++)
		record_orphan(c->store, &c->orphans[i], c->orphan_dots[i], c->now_ms);
	if (ok && c->count > 1)
		qsort(c->list, c->count, sizeof(*c->list), by_id);
	/* of unknown fate: the claims, if they stand, run out with their lease */
	c->done(ok, c->list, ok ? c->count : 0, c->ctx);
	arena_free(&c->arena);
	free(c);
}

void delivery_claim(struct delivery_store *s, int max, const char *const *busy, size_t busy_count,
    int64_t now_ms, void (*done)(bool ok, const struct delivery *list, size_t count, void *ctx),
    void *ctx)
{
	struct claim_call *c = mem_zalloc(sizeof(*c));
	struct db_batch *batch = db_batch_new(s->db);
	struct db_param params[] = {db_int(now_ms), db_int(DELIVERY_TAKEOVER_MAX),
	    db_text(s->owner), db_int(now_ms + s->settings->lease_secs * INT64_C(1000)),
	    db_texts(busy, busy_count), db_bool(s->settings->lmtp_duplicate)};
	struct db_param turn = db_int(DELIVERY_CLAIM_LOCK);

	c->store = s;
	c->arena = arena_new();
	c->now_ms = now_ms;
	c->done = done;
	c->ctx = ctx;
	if (now_ms - s->swept_at >= DELIVERY_SWEEP_MS || now_ms < s->swept_at) {
		s->swept_at = now_ms;
		db_batch_add(batch, &release, params, 1, NULL, NULL);
		db_batch_add(batch, &take_over, params, 4, orphan_rows, c);
	}
	params[1] = db_int(max);
	if (s->settings->lmtp_duplicate)
		db_batch_add(batch, &claim_turn, &turn, 1, NULL, NULL);
	db_batch_add(batch, &claim, params, 6, claim_rows, c);
	db_batch_send(&batch, claim_done, c);
}

void delivery_renew(struct delivery_store *s, const int64_t *ids, size_t count, int64_t now_ms)
{
	struct db_batch *batch = db_batch_new(s->db);
	struct db_param params[] = {db_ints(ids, count), db_text(s->owner),
	    db_int(now_ms + s->settings->lease_secs * INT64_C(1000))};

	db_batch_add(batch, &renew, params, 3, NULL, NULL);
	db_batch_send(&batch, NULL, NULL);
}

struct release_call {
	void (*done)(bool ok, void *ctx);
	void *ctx;
};

static void release_done(enum db_status status, struct db *db, void *ctx)
{
	struct release_call *c = ctx;

	(void)db;
	if (c->done != NULL)
		c->done(status == DB_DONE, c->ctx);
	free(c);
}

void delivery_release(struct delivery_store *s, const int64_t *ids, size_t count,
    void (*done)(bool ok, void *ctx), void *ctx)
{
	struct db_batch *batch = db_batch_new(s->db);
	struct db_param params[] = {db_ints(ids, count), db_text(s->owner)};
	struct release_call *c = mem_alloc(sizeof(*c));

	*c = (struct release_call){done, ctx};
	db_batch_add(batch, &give_back, params, 2, NULL, NULL);
	db_batch_send(&batch, release_done, c);
}

/* --- the fence --- */

struct dot {
	struct dot *next;
	struct arena *arena;
	const int64_t *ids, *epochs;
	size_t count;
	int64_t now_ms;
	bool ours;
	void (*done)(bool ok, void *ctx);
	void *ctx;
};
struct dot_group {
	struct delivery_store *store;
	struct dot *first;
};

static const int64_t *copy_numbers(struct arena *arena, const int64_t *list, size_t count)
{
	int64_t *copy = arena_alloc(arena, (count + 1) * sizeof(*copy));

	memcpy(copy, list, count * sizeof(*copy));
	return copy;
}

void delivery_dot(struct delivery_store *s, const int64_t *ids, const int64_t *epochs, size_t count,
    int64_t now_ms, void (*done)(bool ok, void *ctx), void *ctx)
{
	struct dot *d = mem_zalloc(sizeof(*d));

	d->arena = arena_new();
	d->ids = copy_numbers(d->arena, ids, count);
	d->epochs = copy_numbers(d->arena, epochs, count);
	d->count = count;
	d->now_ms = now_ms;
	d->done = done;
	d->ctx = ctx;
	*s->dots_last = d;
	s->dots_last = &d->next;
	timer_start(s->dot_soon, 0);
}

static void fence_done(enum db_status status, struct db *db, void *ctx)
{
	struct dot_group *group = ctx;
	struct delivery_store *s = group->store;

	(void)db;
	s->dots_out--;
	for (struct dot *d = group->first, *next; d != NULL; d = next) {
		next = d->next;
		d->done(status == DB_DONE && d->ours, d->ctx);
		arena_free(&d->arena);
		free(d);
	}
	free(group);
	if (s->dots != NULL)
		timer_start(s->dot_soon, 0);
}

/* Of a dot that is several deliveries' all must be ours. */
static void fence_rows(const struct db_result *result, void *ctx)
{
	struct dot_group *group = ctx;

	for (struct dot *d = group->first; d != NULL; d = d->next) {
		size_t ours = 0;

		for (size_t i = 0; i < db_rows(result); i++)
			for (size_t k = 0; k < d->count; k++)
				ours += d->ids[k] == db_get_int(result, i, 0);
		d->ours = ours == d->count;
	}
}

static void add_fence(struct dot_group *group, struct db_batch *batch)
{
	struct delivery_store *s = group->store;
	struct arena *arena = arena_new();
	int64_t *ids, *epochs, now = 0;
	size_t n = 0;

	for (struct dot *d = group->first; d != NULL; d = d->next) {
		n += d->count;
		if (d->now_ms > now)
			now = d->now_ms;
	}
	ids = arena_alloc(arena, (n + 1) * sizeof(*ids));
	epochs = arena_alloc(arena, (n + 1) * sizeof(*epochs));
	n = 0;
	for (struct dot *d = group->first; d != NULL; d = d->next)
		for (size_t k = 0; k < d->count; k++) {
			ids[n] = d->ids[k];
			epochs[n++] = d->epochs[k];
		}
	struct db_param params[] = {db_ints(ids, n), db_ints(epochs, n), db_text(s->owner),
	    db_int(now), db_int(s->settings->lease_secs * INT64_C(1000))};
	db_batch_add(batch, &fence, params, 5, fence_rows, group);
	arena_free(&arena);
}

static void dot_soon_cb(void *ctx)
{
	struct delivery_store *s = ctx;
	struct dot_group *group;
	struct db_batch *batch;

	if (s->dots_out > 0 || s->dots == NULL)
		return;
	group = mem_zalloc(sizeof(*group));
	group->store = s;
	group->first = s->dots;
	s->dots = NULL;
	s->dots_last = &s->dots;
	s->dots_out++;
	batch = db_batch_new(s->db);
	add_fence(group, batch);
	db_batch_send(&batch, fence_done, group);
}

void delivery_store_free(struct delivery_store **sp)
{
	struct delivery_store *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	db_free(&s->db);
	db_free(&s->side);
	delivery_record_free(s);
	delivery_body_free(s);
	while (s->dots != NULL) {
		struct dot *d = s->dots;

		s->dots = d->next;
		arena_free(&d->arena);
		free(d);
	}
	timer_free(&s->dot_soon);
	free(s);
}
