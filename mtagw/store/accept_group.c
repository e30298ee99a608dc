/*
 * accept_group: what one commit of taken-in messages writes. Per message one statement: the
 * idempotency row first, and only where it was new the body and the message; for the group one
 * statement each for the router's work and the trail, which write for those messages that stand. A
 * lock on the group's first id lets a later look-up wait until a commit of unknown fate is decided.
 */
#include "mtagw/store/accept_private.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"
#include "mtagw/store/exchange.h"

static const struct stmt lock = {"accept_lock", "select pg_advisory_xact_lock($1)"};
static const struct stmt put = {"accept_message",
    "with idem as (insert into mail.idempotency (key, message_id, expires_at)"
    "  select $15::bytea, $1, $16 where $15::bytea is not null on conflict do nothing returning "
    "message_id),"
    " fresh as (select 1 where $15::bytea is null or exists (select 1 from idem)),"
    " b as (insert into mail.body (id, size, sha256, bytes) select $2, $3, $4::bytea, $5::bytea "
    "from fresh),"
    " u as (delete from mail.body_staging where body_id = $2 and $5::bytea is null and exists "
    "(select 1 from fresh)),"
    " m as (insert into mail.message (id, body_id, channel, received_at, sender, rcpts, login, "
    "from_address,"
    "  mime_message_id, subject, size, peer, helo, dsn)"
    "  select $1, $2, $6, $7, $8, $9, $10, $11, $12, $13, $3, $17, $18, $19 from fresh)"
    " select $14::bigint, (select count(*) from fresh) > 0,"
    "  (select message_id from mail.idempotency where key = $15::bytea)"};
static const struct stmt work = {"accept_work",
    "insert into mail.work (id, kind, ref, next_at) select w, 'route', r, t"
    " from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as u(w, r, t)"
    " where exists (select 1 from mail.message m where m.id = r)"};
static const struct stmt trail = {"accept_trail",
    "select audit.write((select jsonb_agg(x) from jsonb_array_elements($1::text::jsonb) x"
    " where exists (select 1 from mail.message m where m.id = (x ->> 'message_id')::bigint)))"};
static const struct stmt lookup = {
    "accept_lookup", "select id from mail.message where id = any($1::bigint[])"};
static const struct stmt old = {
    "accept_old", "select $2::bigint, message_id from mail.idempotency where key = $1"};

const struct stmt *const accept_statements[] = {&lock, &put, &work, &trail, &lookup, &old, NULL};

static struct accept_wait *nth(const struct accept_group *group, int64_t n)
{
	struct accept_wait *w = group->first;

	for (; w != NULL && n > 0; n--)
		w = w->next;
	return w;
}

static void put_row(const struct db_result *result, void *ctx)
{
	struct accept_wait *w = db_rows(result) == 1 ? nth(ctx, db_get_int(result, 0, 0)) : NULL;

	if (w == NULL)
		return;
	w->fresh = db_get_bool(result, 0, 1);
	w->old_id = db_get_int(result, 0, 2);
}

static void add_message(
    struct accept_group *group, const struct accept_wait *w, int64_t n, struct db_batch *batch)
{
	const struct accept_message *m = &w->message;
	struct range key = {(const char *)m->key, sizeof(m->key)},
	             hash = {(const char *)m->sha256, sizeof(m->sha256)};
	struct db_param params[] = {db_int(m->id), db_int(m->body_id), db_int((int64_t)m->size),
	    db_bytes(hash), m->size <= ACCEPT_INLINE_MAX ? db_bytes(m->bytes) : db_null(),
	    db_text(m->channel), db_int(m->at_ms), db_text(m->sender),
	    db_texts(m->rcpts, m->rcpt_count), db_text(m->login), db_text(m->from_address),
	    db_text(m->mime_message_id), db_text(m->subject), db_int(n),
	    m->idempotent ? db_bytes(key) : db_null(), db_int(m->at_ms + ACCEPT_IDEMPOTENCY_MS),
	    db_text(m->peer_ip), db_text(m->helo), db_text(m->dsn)};

	db_batch_add(batch, &put, params, sizeof(params) / sizeof(params[0]), put_row, group);
}

static char *join(const char *const *list, size_t count)
{
	struct buf out = {0};

	for (size_t i = 0; i < count; i++)
		buf_printf(&out, "%s%s", i > 0 ? ", " : "", list[i]);
	buf_puts(&out, "");
	return buf_steal(&out);
}

/* `{...}` of one message's row appended to the list. */
static void add_trail(struct buf *rows, const struct accept_message *m, int64_t id)
{
	char hash[SHA256_HEX_SIZE], *rcpts = join(m->rcpts, m->rcpt_count), *json;
	const char *details[] = {"session", m->session_id, "peer", m->peer_ip, "helo", m->helo,
	    "tls", m->tls, "sender", m->sender, "recipients", rcpts, "from", m->from_address,
	    "message-id", m->mime_message_id, "subject", m->subject, NULL};
	struct exchange x = {
	    .at_ms = m->at_ms, .outcome = "done", .message_id = m->id, .object_sha256 = hash};

	x.event = strcmp(m->channel, "mx") == 0 ? "ReceivedFromNonERDS" : "SubmissionAcceptance";
	x.actor.position = m->position;
	x.actor.login = m->login;
	codec_hex(m->sha256, sizeof(m->sha256), hash);
	json = exchange_json(&x, id, details);
	buf_puts(rows, rows->len > 1 ? "," : "");
	buf_append(rows, json + 1, strlen(json) - 2);
	free(json);
	free(rcpts);
}

void accept_group_write(struct accept_group *group, struct db_batch *batch)
{
	int64_t *columns = mem_alloc(3 * group->count * sizeof(*columns)), n = 0;
	size_t count = group->count;
	struct buf rows = {0};
	struct db_param param = db_int(group->first->message.id);

	db_batch_add(batch, &lock, &param, 1, NULL, NULL);
	buf_putc(&rows, '[');
	for (struct accept_wait *w = group->first; w != NULL; w = w->next, n++) {
		int64_t trail_id = 0;

		add_message(group, w, n, batch);
		columns[n] = 0;
		/* accept.c forms a group only of as many messages as there are ids for */
		(void)accept_side_take(group->accept, w->message.at_ms, &columns[n]);
		(void)accept_side_take(group->accept, w->message.at_ms, &trail_id);
		columns[count + (size_t)n] = w->message.id;
		columns[2 * count + (size_t)n] = w->message.at_ms;
		add_trail(&rows, &w->message, trail_id);
	}
	buf_putc(&rows, ']');
	struct db_param params[] = {db_ints(columns, count), db_ints(columns + count, count),
	    db_ints(columns + 2 * count, count)};
	db_batch_add(batch, &work, params, 3, NULL, NULL);
	param = db_text(buf_str(&rows));
	db_batch_add(batch, &trail, &param, 1, NULL, NULL);
	buf_free(&rows);
	free(columns);
}

static void lookup_rows(const struct db_result *result, void *ctx)
{
	struct accept_group *group = ctx;

	for (size_t i = 0; i < db_rows(result); i++)
		for (struct accept_wait *w = group->first; w != NULL; w = w->next)
			if (w->message.id == db_get_int(result, i, 0))
				w->fresh = true;
}

static void old_row(const struct db_result *result, void *ctx)
{
	struct accept_wait *w = db_rows(result) == 1 ? nth(ctx, db_get_int(result, 0, 0)) : NULL;

	if (w != NULL)
		w->old_id = db_get_int(result, 0, 1);
}

/* fresh: the message stands under its own id; old_id: its key stands, under that one. */
void accept_group_lookup(struct accept_group *group, struct db_batch *batch)
{
	int64_t *ids = mem_alloc(group->count * sizeof(*ids)), n = 0;
	struct db_param param = db_int(group->first->message.id);

	db_batch_add(batch, &lock, &param, 1, NULL, NULL);
	for (struct accept_wait *w = group->first; w != NULL; w = w->next, n++) {
		struct range key = {(const char *)w->message.key, sizeof(w->message.key)};
		struct db_param params[] = {db_bytes(key), db_int(n)};

		ids[n] = w->message.id;
		w->fresh = false;
		w->old_id = 0;
		if (w->message.idempotent)
			db_batch_add(batch, &old, params, 2, old_row, group);
	}
	param = db_ints(ids, group->count);
	db_batch_add(batch, &lookup, &param, 1, lookup_rows, group);
	free(ids);
}
