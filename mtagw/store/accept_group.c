/*
 * accept_group: what one commit of taken-in messages writes: one call with a column for each field
 * (mail.accept, migration 0005), whatever their number. The idempotency rows come first; bodies,
 * messages, the router's work and the trail are written for those messages that are new. A lock on
 * the group's first id lets a later look-up wait until a commit of unknown fate is decided.
 */
#include "mtagw/store/accept_private.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"

static const struct stmt put = {"accept_put",
    "select mail.accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"
    " $18, $19, $20, $21, $22, $23, $24, $25, $26)"};
static const struct stmt lock = {"accept_lock", "select pg_advisory_xact_lock($1)"};
static const struct stmt lookup = {
    "accept_lookup", "select id from mail.message where id = any($1::bigint[])"};
static const struct stmt old = {
    "accept_old", "select $2::bigint, message_id from mail.idempotency where key = $1"};

const struct stmt *const accept_statements[] = {&put, &lock, &lookup, &old, NULL};

/* Fields of the group's messages by columns, each count long, in one arena. */
struct columns {
	size_t count, staged_count;
	int64_t *id, *body, *size, *staged, *at, *expires, *work, *trail;
	struct range *hash, *bytes, *key;
	const char **channel, **sender, **rcpts, **login, **from, **mime_id, **subject, **peer,
	    **helo, **dsn, **event, **position, **actor, **object, **details;
};

static struct columns columns_new(size_t count, struct arena *arena)
{
	struct columns c = {.count = count};
	int64_t **const numbers[] = {
	    &c.id, &c.body, &c.size, &c.staged, &c.at, &c.expires, &c.work, &c.trail};
	struct range **const ranges[] = {&c.hash, &c.bytes, &c.key};
	const char ***const texts[] = {&c.channel, &c.sender, &c.rcpts, &c.login, &c.from,
	    &c.mime_id, &c.subject, &c.peer, &c.helo, &c.dsn, &c.event, &c.position, &c.actor,
	    &c.object, &c.details};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*numbers[i] = arena_alloc(arena, count * sizeof(**numbers[i]));
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		*ranges[i] = arena_alloc(arena, count * sizeof(**ranges[i]));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = arena_alloc(arena, count * sizeof(**texts[i]));
	return c;
}

/* PostgreSQL's literal of a text array: every element quoted. */
static const char *array_literal(const char *const *list, size_t count, struct arena *arena)
{
	struct buf out = {0};
	const char *literal;

	buf_putc(&out, '{');
	for (size_t i = 0; i < count; i++) {
		buf_puts(&out, i > 0 ? ",\"" : "\"");
		for (const char *p = list[i]; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				buf_putc(&out, '\\');
			buf_putc(&out, *p);
		}
		buf_putc(&out, '"');
	}
	buf_putc(&out, '}');
	literal = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return literal;
}

/* What may have to be erased one day: the trail's detail, as JSON; empty values are left away. */
static const char *details(const struct accept_message *m, struct arena *arena)
{
	const char *const pairs[][2] = {{"session", m->session_id}, {"peer", m->peer_ip},
	    {"helo", m->helo}, {"tls", m->tls}, {"sender", m->sender}, {"from", m->from_address},
	    {"message-id", m->mime_message_id}, {"subject", m->subject}};
	struct buf out = {0}, rcpts = {0};
	const char *json;

	buf_putc(&out, '{');
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i][1][0] == '\0')
			continue;
		codec_json_string(&out, pairs[i][0]);
		buf_putc(&out, ':');
		codec_json_string(&out, pairs[i][1]);
		buf_putc(&out, ',');
	}
	for (size_t i = 0; i < m->rcpt_count; i++) {
		buf_puts(&rcpts, i > 0 ? ", " : "");
		buf_puts(&rcpts, m->rcpts[i]);
	}
	buf_puts(&out, "\"recipients\":");
	codec_json_string(&out, buf_str(&rcpts));
	buf_putc(&out, '}');
	json = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	buf_free(&rcpts);
	return json;
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void fill_trail(
    struct columns *c, size_t n, const struct accept_message *m, struct arena *arena)
{
	char hash[SHA256_HEX_SIZE];

	codec_hex(m->sha256, sizeof(m->sha256), hash);
	c->event[n] =
	    strcmp(m->channel, "mx") == 0 ? "ReceivedFromNonERDS" : "SubmissionAcceptance";
	c->position[n] = or_null(m->position);
	c->actor[n] = or_null(m->login);
	c->object[n] = arena_strdup(arena, hash);
	c->details[n] = details(m, arena);
}

static void fill(struct columns *c, size_t n, const struct accept_message *m, struct accept *a,
    struct arena *arena)
{
	bool is_inline = m->size <= ACCEPT_INLINE_MAX;

	c->id[n] = m->id;
	c->body[n] = m->body_id;
	c->size[n] = (int64_t)m->size;
	c->at[n] = m->at_ms;
	c->expires[n] = m->at_ms + ACCEPT_IDEMPOTENCY_MS;
	/* accept.c forms a group only of as many messages as there are ids for */
	(void)accept_side_take(a, m->at_ms, &c->work[n]);
	(void)accept_side_take(a, m->at_ms, &c->trail[n]);
	c->hash[n] = (struct range){(const char *)m->sha256, sizeof(m->sha256)};
	if (is_inline)
		c->bytes[n] = m->bytes;
	else
		c->staged[c->staged_count++] = m->body_id;
	if (m->idempotent)
		c->key[n] = (struct range){(const char *)m->key, sizeof(m->key)};
	c->channel[n] = m->channel;
	c->sender[n] = m->sender;
	c->rcpts[n] = array_literal(m->rcpts, m->rcpt_count, arena);
	c->login[n] = m->login;
	c->from[n] = m->from_address;
	c->mime_id[n] = m->mime_message_id;
	c->subject[n] = m->subject;
	c->peer[n] = m->peer_ip;
	c->helo[n] = m->helo;
	c->dsn[n] = m->dsn;
	fill_trail(c, n, m, arena);
}

/* The answer is NULL where every message is new; else 0 (new), an old id or -1 for each. */
static void put_row(const struct db_result *result, void *ctx)
{
	struct accept_group *group = ctx;
	struct arena *arena = arena_new();
	const int64_t *olds = NULL;
	size_t count = 0, n = 0;

	if (db_rows(result) == 1 && !db_is_null(result, 0, 0))
		olds = db_get_ints(result, 0, 0, arena, &count);
	for (struct accept_wait *w = group->first; w != NULL; w = w->next, n++) {
		w->fresh = olds == NULL || (n < count && olds[n] == 0);
		w->old_id = olds != NULL && n < count && olds[n] > 0 ? olds[n] : 0;
	}
	arena_free(&arena);
}

static void add_put(struct accept_group *group, const struct columns *c, struct db_batch *batch)
{
	size_t n = c->count;
	struct db_param params[] = {db_ints(c->id, n), db_ints(c->body, n), db_ints(c->size, n),
	    db_bytes_list(c->hash, n), db_bytes_list(c->bytes, n),
	    db_ints(c->staged, c->staged_count), db_texts(c->channel, n), db_ints(c->at, n),
	    db_texts(c->sender, n), db_texts(c->rcpts, n), db_texts(c->login, n),
	    db_texts(c->from, n), db_texts(c->mime_id, n), db_texts(c->subject, n),
	    db_texts(c->peer, n), db_texts(c->helo, n), db_texts(c->dsn, n),
	    db_bytes_list(c->key, n), db_ints(c->expires, n), db_ints(c->work, n),
	    db_ints(c->trail, n), db_texts(c->event, n), db_texts(c->position, n),
	    db_texts(c->actor, n), db_texts(c->object, n), db_texts(c->details, n)};

	db_batch_add(batch, &put, params, sizeof(params) / sizeof(params[0]), put_row, group);
}

void accept_group_write(struct accept_group *group, struct db_batch *batch)
{
	struct arena *arena = arena_new();
	struct columns c = columns_new(group->count, arena);
	size_t n = 0;

	for (struct accept_wait *w = group->first; w != NULL; w = w->next)
		fill(&c, n++, &w->message, group->accept, arena);
	add_put(group, &c, batch);
	arena_free(&arena);
}

static void lookup_rows(const struct db_result *result, void *ctx)
{
	struct accept_group *group = ctx;

	for (size_t i = 0; i < db_rows(result); i++)
		for (struct accept_wait *w = group->first; w != NULL; w = w->next)
			if (w->message.id == db_get_int(result, i, 0))
				w->fresh = true;
}

static struct accept_wait *nth(const struct accept_group *group, int64_t n)
{
	struct accept_wait *w = group->first;

	for (; w != NULL && n > 0; n--)
		w = w->next;
	return w;
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
