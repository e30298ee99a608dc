/*
 * delivery_body: pieces of bodies for the sender. Those that are asked for while others are on
 * their way leave together, so that many small messages cost one question.
 */
#include <stdlib.h>

#include "mtagw/base/mem.h"
#include "mtagw/store/accept.h"
#include "mtagw/store/delivery_private.h"

static const struct stmt body = {"delivery_body",
    "select case when b.bytes is not null then substring(b.bytes from (u.at + 1)::integer for "
    "u.length::integer)"
    " else (select substring(c.bytes from (u.at % 262144 + 1)::integer for u.length::integer) from "
    "mail.body_chunk c"
    "  where c.body_id = b.id and c.n = (u.at / 262144)::integer) end"
    " from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality as u(id, at, length, n)"
    " left join lateral (select * from mail.body where id = u.id offset 0) b on true order by u.n"};
_Static_assert(ACCEPT_CHUNK_BYTES == 262144, "the chunk size stands in delivery_body");
const struct stmt *const delivery_body_statements[] = {&body, NULL};

/* Pieces that are asked for while others are on their way leave together. */
struct body_call {
	struct body_call *next;
	int64_t body_id, offset, length;
	void (*done)(bool ok, struct range bytes, void *ctx);
	void *ctx;
	struct buf bytes;
};
struct body_group {
	struct delivery_store *store;
	struct body_call *first;
};

static void body_rows(const struct db_result *result, void *ctx)
{
	struct body_group *group = ctx;
	size_t row = 0;

	for (struct body_call *c = group->first; c != NULL && row < db_rows(result); c = c->next) {
		struct range bytes = db_get_bytes(result, row, 0);

		if (!db_is_null(result, row++, 0))
			buf_append(&c->bytes, bytes.p, bytes.len);
	}
}

static void calls_free(struct body_call *list)
{
	for (struct body_call *c = list, *next; c != NULL; c = next) {
		next = c->next;
		buf_free(&c->bytes);
		free(c);
	}
}

static void bodies_done(enum db_status status, struct db *db, void *ctx)
{
	struct body_group *group = ctx;
	struct delivery_store *s = group->store;

	(void)db;
	s->bodies_out--;
	for (struct body_call *c = group->first; c != NULL; c = c->next)
		c->done(status == DB_DONE,
		    status == DB_DONE && c->bytes.len > 0 ? buf_range(&c->bytes)
		                                          : (struct range){0},
		    c->ctx);
	calls_free(group->first);
	free(group);
	if (s->bodies != NULL)
		timer_start(s->body_soon, 0);
}

/* Takes from the queue what leaves together: up to DELIVERY_BODIES_BYTES, one at least. */
static struct body_call *take_bodies(struct delivery_store *s, size_t *count_r)
{
	struct body_call *first = s->bodies, **at = &s->bodies;
	int64_t bytes = 0;

	for (*count_r = 0; *at != NULL && *count_r < DELIVERY_GROUP_MAX; (*count_r)++) {
		bytes += (*at)->length;
		if (*count_r > 0 && bytes > DELIVERY_BODIES_BYTES)
			break;
		at = &(*at)->next;
	}
	s->bodies = *at;
	*at = NULL;
	if (s->bodies == NULL)
		s->bodies_last = &s->bodies;
	return first;
}

static void body_soon_cb(void *ctx)
{
	struct delivery_store *s = ctx;
	int64_t ids[DELIVERY_GROUP_MAX], offsets[DELIVERY_GROUP_MAX], lengths[DELIVERY_GROUP_MAX];
	struct body_group *group;
	struct db_batch *batch;
	size_t n = 0;

	if (s->bodies_out > 0 || s->bodies == NULL)
		return;
	group = mem_zalloc(sizeof(*group));
	group->store = s;
	group->first = take_bodies(s, &n);
	s->bodies_out++;
	n = 0;
	for (const struct body_call *c = group->first; c != NULL; c = c->next, n++) {
		ids[n] = c->body_id;
		offsets[n] = c->offset;
		lengths[n] = c->length;
	}
	struct db_param params[] = {db_ints(ids, n), db_ints(offsets, n), db_ints(lengths, n)};
	batch = db_batch_new(s->side);
	db_batch_add(batch, &body, params, 3, body_rows, group);
	db_batch_send(&batch, bodies_done, group);
}

void delivery_body(struct delivery_store *s, int64_t body_id, uint64_t offset, uint64_t length,
    void (*done)(bool ok, struct range bytes, void *ctx), void *ctx)
{
	struct body_call *c = mem_zalloc(sizeof(*c));

	c->body_id = body_id;
	c->offset = (int64_t)offset;
	c->length = length < ACCEPT_CHUNK_BYTES ? (int64_t)length : ACCEPT_CHUNK_BYTES;
	c->done = done;
	c->ctx = ctx;
	*s->bodies_last = c;
	s->bodies_last = &c->next;
	timer_start(s->body_soon, 0);
}

void delivery_body_start(struct delivery_store *s)
{
	s->bodies_last = &s->bodies;
	s->body_soon = timer_new(s->loop, body_soon_cb, s);
}

void delivery_body_free(struct delivery_store *s)
{
	calls_free(s->bodies);
	timer_free(&s->body_soon);
}
