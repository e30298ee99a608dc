/*
 * accept: the committing of what smtpd takes in. A session submits and waits; whatever was
 * submitted while the last commit was on its way makes the next one. Life of a message here:
 * queued, in a group whose batch is out, answered; or, where the connection was lost after the
 * batch had left, looked up until its fate is known. Nothing is answered as stored before COMMIT,
 * and nobody is told to come again before it is known that the message does not stand (RFC 5321
 * section 6.1).
 */
#include "mtagw/store/accept_private.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"

static void pump_cb(void *ctx);
static void send_group(struct accept_group *group);
static void send_lookup(void *ctx);

struct accept *accept_new(const struct settings *settings, struct loop *loop)
{
	struct accept *a = mem_zalloc(sizeof(*a));

	a->settings = settings;
	a->loop = loop;
	a->db = db_new(settings, "smtpd", loop);
	a->side = db_new(settings, "smtpd", loop);
	a->pump = timer_new(loop, pump_cb, a);
	a->queue_last = &a->queue;
	accept_side_start(a);
	return a;
}

static void wait_free(struct accept_wait *w)
{
	arena_free(&w->arena);
	free(w);
}

static void waits_free(struct accept_wait *w)
{
	while (w != NULL) {
		struct accept_wait *next = w->next;

		wait_free(w);
		w = next;
	}
}

static void group_free(struct accept_group *group)
{
	struct accept *a = group->accept;

	for (struct accept_group **at = &a->groups; *at != NULL; at = &(*at)->next) {
		if (*at != group)
			continue;
		*at = group->next;
		break;
	}
	waits_free(group->first);
	timer_free(&group->again);
	free(group);
}

void accept_free(struct accept **ap)
{
	struct accept *a = *ap;

	*ap = NULL;
	if (a == NULL)
		return;
	db_free(&a->db);
	db_free(&a->side);
	while (a->groups != NULL)
		group_free(a->groups);
	waits_free(a->queue);
	timer_free(&a->pump);
	accept_side_free(a);
	free(a);
}

bool accept_ready(const struct accept *a)
{
	return db_connected(a->db) && db_connected(a->side) && a->addresses != NULL;
}

static const char *const *copy_list(const char *const *list, size_t count, struct arena *arena)
{
	const char **copy = arena_alloc(arena, (count + 1) * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = arena_strdup(arena, list[i]);
	return copy;
}

/* Addresses are not repaired: an address with bytes replaced is another one. */
static bool addresses_bad(const struct accept_message *m)
{
	if (!db_text_ok(m->sender) || !db_text_ok(m->login))
		return true;
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (!db_text_ok(m->rcpts[i]))
			return true;
	return false;
}

struct accept_wait *accept_submit(
    struct accept *a, const struct accept_message *message, accept_cb *cb, void *ctx)
{
	struct accept_wait *w = mem_zalloc(sizeof(*w));
	struct arena *arena = w->arena = arena_new();
	struct accept_message *m = &w->message;

	*m = *message;
	m->channel = arena_strdup(arena, message->channel);
	m->session_id = db_text_clean(message->session_id, arena);
	m->peer_ip = db_text_clean(message->peer_ip, arena);
	m->helo = db_text_clean(message->helo, arena);
	m->tls = db_text_clean(message->tls, arena);
	m->sender = arena_strdup(arena, message->sender);
	m->rcpts = copy_list(message->rcpts, message->rcpt_count, arena);
	m->dsn = db_text_clean(message->dsn, arena);
	m->login = arena_strdup(arena, message->login);
	m->position = db_text_clean(message->position, arena);
	m->from_address = db_text_clean(message->from_address, arena);
	m->mime_message_id = db_text_clean(message->mime_message_id, arena);
	m->subject = db_text_clean(message->subject, arena);
	m->bytes = (struct range){0};
	if (m->size <= ACCEPT_INLINE_MAX)
		m->bytes = (struct range){
		    arena_strndup(arena, message->bytes.p, message->bytes.len), message->bytes.len};
	w->accept = a;
	w->cb = cb;
	w->ctx = ctx;
	w->bad_text = addresses_bad(m);
	*a->queue_last = w;
	a->queue_last = &w->next;
	timer_soon(a->pump);
	return w;
}

void accept_cancel(struct accept_wait **wait)
{
	if (*wait != NULL)
		(*wait)->cb = NULL;
	*wait = NULL;
}

static void answer(struct accept_wait *w, enum accept_result result, const char *text)
{
	int64_t id = result == ACCEPT_DUPLICATE ? w->old_id : w->message.id;

	if (w->cb != NULL)
		w->cb(result, id, text, w->ctx);
	w->cb = NULL;
}

static void answer_group(struct accept_group *group, enum accept_result result, const char *text)
{
	for (struct accept_wait *w = group->first; w != NULL; w = w->next)
		answer(w, result, text);
	group_free(group);
}

static struct accept_group *group_new(struct accept *a)
{
	struct accept_group *group = mem_zalloc(sizeof(*group));

	group->accept = a;
	group->next = a->groups;
	a->groups = group;
	return group;
}

/* Takes from the queue what one commit holds. */
static struct accept_group *form_group(struct accept *a)
{
	struct accept_group *group = group_new(a);
	struct accept_wait **last = &group->first;
	size_t bytes = 0;

	while (a->queue != NULL && group->count < ACCEPT_GROUP_MESSAGES &&
	       bytes < ACCEPT_GROUP_BYTES) {
		struct accept_wait *w = a->queue;

		a->queue = w->next;
		if (a->queue == NULL)
			a->queue_last = &a->queue;
		w->next = NULL;
		if (w->bad_text) {
			answer(w, ACCEPT_REFUSED, "an address is not valid UTF-8");
			wait_free(w);
			continue;
		}
		*last = w;
		last = &w->next;
		group->count++;
		bytes += w->message.bytes.len;
	}
	return group;
}

static int64_t ids_at_hand(const struct accept *a)
{
	int64_t n = 0;

	for (size_t i = 0; i < ACCEPT_ID_BLOCKS; i++)
		n += ids_left(&a->ids[i]);
	return n;
}

static void pump_cb(void *ctx)
{
	struct accept *a = ctx;
	struct accept_group *group;

	if (a->queue == NULL || a->committing > 0)
		return;
	group = form_group(a);
	if (group->count == 0)
		group_free(group);
	else if (ids_at_hand(a) < 2 * (int64_t)group->count)
		answer_group(group, ACCEPT_UNAVAILABLE, "no ids: the database is away");
	else
		send_group(group);
	accept_side_fetch(a);
	if (a->queue != NULL)
		timer_soon(a->pump);
}

/* Data that no retry would change (class 22 data, 54 limits); anything else is the database's
 * trouble. */
static bool message_at_fault(const char *sqlstate)
{
	return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "54", 2) == 0;
}

/* Each message again as a group of its own: only the guilty one hears of it. */
static void split(struct accept_group *group)
{
	struct accept *a = group->accept;

	log_warn("accept_split count=%zu", group->count);
	while (group->first != NULL) {
		struct accept_group *one;

		if (ids_at_hand(a) < 2)
			break;
		one = group_new(a);
		one->first = group->first;
		one->count = 1;
		group->first = one->first->next;
		group->count--;
		one->first->next = NULL;
		send_group(one);
	}
	answer_group(group, ACCEPT_UNAVAILABLE, "no ids: the database is away");
}

/* Committed: who stands under his own id, who stood before. One whose twin committed beside us is
 * asked for. */
static void committed(struct accept_group *group)
{
	struct accept *a = group->accept;
	bool any = false, open = false;

	for (struct accept_wait *w = group->first; w != NULL; w = w->next) {
		any = any || w->fresh;
		open = open || (!w->fresh && w->old_id == 0);
	}
	if (any)
		accept_side_tell(a);
	if (open) {
		group->lookup_until_mono = clock_mono_ms() + ACCEPT_LOOKUP_MS;
		send_lookup(group);
		return;
	}
	for (struct accept_wait *w = group->first; w != NULL; w = w->next)
		answer(w, w->fresh ? ACCEPT_STORED : ACCEPT_DUPLICATE, "");
	group_free(group);
}

static void group_done(enum db_status status, struct db *db, void *ctx)
{
	struct accept_group *group = ctx;
	struct accept *a = group->accept;

	a->committing--;
	timer_soon(a->pump);
	switch (status) {
	case DB_DONE:
		committed(group);
		return;
	case DB_REFUSED:
		if (group->count > 1)
			split(group);
		else if (message_at_fault(db_sqlstate(db)))
			answer_group(group, ACCEPT_REFUSED, "the message cannot be stored");
		else
			answer_group(group, ACCEPT_UNAVAILABLE, "the database refused");
		return;
	case DB_UNAVAILABLE:
		answer_group(group, ACCEPT_UNAVAILABLE, "the database is away");
		return;
	case DB_UNKNOWN:
		log_warn("accept_unknown count=%zu first=%lld", group->count,
		    (long long)group->first->message.id);
		group->lookup_until_mono = clock_mono_ms() + ACCEPT_LOOKUP_MS;
		send_lookup(group);
		return;
	}
}

static void send_group(struct accept_group *group)
{
	struct accept *a = group->accept;
	struct db_batch *batch = db_batch_new(a->db);

	accept_group_write(group, batch);
	a->committing++;
	db_batch_send(&batch, group_done, group);
}

static void lookup_done(enum db_status status, struct db *db, void *ctx)
{
	struct accept_group *group = ctx;
	struct accept *a = group->accept;

	(void)db;
	if (status == DB_DONE) {
		for (struct accept_wait *w = group->first; w != NULL; w = w->next)
			answer(w,
			    w->fresh         ? ACCEPT_STORED
			    : w->old_id != 0 ? ACCEPT_DUPLICATE
			                     : ACCEPT_UNAVAILABLE,
			    "the database was away");
		accept_side_tell(a);
		group_free(group);
	} else if (clock_mono_ms() > group->lookup_until_mono) {
		answer_group(group, ACCEPT_UNAVAILABLE, "the database is away");
	} else {
		if (group->again == NULL)
			group->again = timer_new(a->loop, send_lookup, group);
		timer_start(group->again, ACCEPT_LOOKUP_AGAIN_MS);
	}
}

static void send_lookup(void *ctx)
{
	struct accept_group *group = ctx;
	struct db_batch *batch = db_batch_new(group->accept->side);

	accept_group_lookup(group, batch);
	db_batch_send(&batch, lookup_done, group);
}
