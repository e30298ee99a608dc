/*
 * delivery_record: outcomes of attempts, group-committed like the taking in: attempt row, the queue
 * row's end or new state, the trail, work for the router where somebody is to be told, and the
 * letter's state when nothing of it is on its way any more. Each is written only where owner and
 * epoch are still ours, which also makes a second writing after a commit of unknown fate harmless.
 * Letters are locked in the order of their ids first, so that of two senders that end a letter's
 * last two deliveries one sees the other's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/store/delivery_private.h"
#include "mtagw/store/exchange.h"

static const struct stmt lock_letters = {"delivery_lock_letters",
    "select id from office.letter where id = any($1::bigint[]) order by id for update"};
/* The rows of the queue are looked up one by one, whatever the planner thinks of its length. */
static const struct stmt put = {"delivery_record",
    "with said as (select * from unnest($1::bigint[], $2::bigint[], $4::bigint[], $5::text[], "
    "$6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], "
    "$13::bigint[], $14::bigint[])"
    "  as u(id, epoch, attempt, outcome, code, enhanced, reply, remote, tls, started, at, next, "
    "work)),"
    " mine as (select s.*, d.outgoing_id, d.letter_id, d.recipient, d.route, d.dot_at,"
    "   (s.outcome in ('failed', 'expired') or (s.outcome = 'delivered' and d.route = 'lmtp' and "
    "d.notify like '%SUCCESS%')) as told"
    "  from said s cross join lateral (select * from mail.delivery q where q.id = s.id"
    "   and q.epoch = s.epoch and q.owner = $3 and q.state = 'claimed' for update) d),"
    " gone as (delete from mail.delivery d where d.id = any (array(select m.id from mine m"
    "  where m.outcome in ('delivered', 'failed', 'expired')))),"
    " kept as (update mail.delivery d set state = case m.outcome when 'deferred' then 'waiting' "
    "else 'uncertain' end,"
    "  next_at = m.next, owner = '', lease_until = 0,"
    "  dot_at = case m.outcome when 'deferred' then null else d.dot_at end,"
    "  attempts = d.attempts + 1, last_code = m.code, last_text = m.reply"
    "  from mine m where d.id = m.id and d.id = any (array(select k.id from mine k"
    "   where k.outcome in ('deferred', 'uncertain')))),"
    " w as (insert into mail.work (id, kind, ref, next_at)"
    "  select m.work, 'failure', m.attempt, m.at from mine m where m.told),"
    " a as (insert into mail.attempt (id, delivery_id, outgoing_id, letter_id, recipient, route, "
    "outcome, code, enhanced, reply, remote, tls, started_at, dot_at, at)"
    "  select m.attempt, m.id, m.outgoing_id, m.letter_id, m.recipient, m.route, m.outcome, "
    "m.code, m.enhanced, m.reply, m.remote, m.tls, m.started, m.dot_at, m.at from mine m)"
    " select id, told from mine"};
/* Of each row either the attempt it tells of ($1) or the letter that is dispatched ($2): letters of
 * which nothing is on its way any more are, and what did not happen is not written. */
static const struct stmt trail = {"delivery_trail",
    "with d as (update office.letter l set state = 'dispatched', state_at = ($4::bigint[])[1]"
    "  where l.id = any($2::bigint[]) and l.state = 'signed'"
    "  and not exists (select 1 from mail.delivery q where q.letter_id = l.id)"
    "  and exists (select 1 from mail.attempt a where a.letter_id = l.id and a.outcome = "
    "'delivered') returning l.id)"
    " select audit.write_columns((select array_agg(case when exists (select 1 from mail.attempt a "
    "where a.id = u.attempt) or u.letter in (select d.id from d) then u.id end order by n)"
    "  from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality as u(attempt, letter, "
    "id, n)), " EXCHANGE_COLUMNS(4) ")"};
const struct stmt *const delivery_record_statements[] = {&lock_letters, &put, &trail, NULL};

struct record {
	struct record *next;
	struct arena *arena;
	int64_t id, epoch, letter_id, attempt_id;
	const char *recipient, *route;
	struct delivery_outcome outcome; /* its strings are in the arena */
	bool kept;                       /* still ours when written */
	bool told;                       /* work for the router came of it */
	void (*done)(bool ok, void *ctx);
	void *ctx;
};

static void record_soon_cb(void *ctx);

void delivery_record_start(struct delivery_store *s)
{
	s->records_last = &s->records;
	s->record_soon = timer_new(s->loop, record_soon_cb, s);
}

static void records_free(struct record *r)
{
	while (r != NULL) {
		struct record *next = r->next;

		arena_free(&r->arena);
		free(r);
		r = next;
	}
}

void delivery_record_free(struct delivery_store *s)
{
	records_free(s->records);
	records_free(s->out);
	timer_free(&s->record_soon);
}

void delivery_record(struct delivery_store *s, const struct delivery *d,
    const struct delivery_outcome *outcome, void (*done)(bool ok, void *ctx), void *ctx)
{
	struct record *r = mem_zalloc(sizeof(*r));
	struct arena *arena = r->arena = arena_new();

	r->id = d->id;
	r->epoch = d->epoch;
	r->letter_id = d->letter_id;
	r->recipient = arena_strdup(arena, d->recipient);
	r->route = arena_strdup(arena, d->route);
	r->outcome = *outcome;
	r->outcome.outcome = arena_strdup(arena, outcome->outcome);
	r->outcome.enhanced = db_text_clean(outcome->enhanced, arena);
	r->outcome.reply = db_text_clean(outcome->reply, arena);
	r->outcome.remote = db_text_clean(outcome->remote, arena);
	r->outcome.tls = db_text_clean(outcome->tls, arena);
	r->done = done;
	r->ctx = ctx;
	*s->records_last = r;
	s->records_last = &r->next;
	if (!timer_running(s->record_soon))
		timer_start(s->record_soon, 0);
}

static void put_rows(const struct db_result *result, void *ctx)
{
	struct delivery_store *s = ctx;

	for (size_t i = 0; i < db_rows(result); i++)
		for (struct record *r = s->out; r != NULL; r = r->next)
			if (r->id == db_get_int(result, i, 0)) {
				r->kept = true;
				r->told = db_get_bool(result, i, 1);
			}
}

static void add_puts(struct delivery_store *s, struct db_batch *batch)
{
	enum { ID, EPOCH, ATTEMPT, CODE, STARTED, AT, NEXT, WORK, NUMBERS };
	enum { OUTCOME, ENHANCED, REPLY, REMOTE, TLS, TEXTS };
	int64_t numbers[NUMBERS][DELIVERY_GROUP_MAX];
	const char *texts[TEXTS][DELIVERY_GROUP_MAX];
	size_t n = 0;

	for (struct record *r = s->out; r != NULL; r = r->next, n++) {
		const struct delivery_outcome *o = &r->outcome;

		r->kept = r->told = false;
		numbers[ID][n] = r->id;
		numbers[EPOCH][n] = r->epoch;
		numbers[ATTEMPT][n] = r->attempt_id;
		numbers[CODE][n] = o->code;
		numbers[STARTED][n] = o->started_at;
		numbers[AT][n] = o->at;
		numbers[NEXT][n] = o->next_at;
		numbers[WORK][n] = delivery_id_take(s, o->at);
		texts[OUTCOME][n] = o->outcome;
		texts[ENHANCED][n] = o->enhanced;
		texts[REPLY][n] = o->reply;
		texts[REMOTE][n] = o->remote;
		texts[TLS][n] = o->tls;
	}
	struct db_param params[] = {db_ints(numbers[ID], n), db_ints(numbers[EPOCH], n),
	    db_text(s->owner), db_ints(numbers[ATTEMPT], n), db_texts(texts[OUTCOME], n),
	    db_ints(numbers[CODE], n), db_texts(texts[ENHANCED], n), db_texts(texts[REPLY], n),
	    db_texts(texts[REMOTE], n), db_texts(texts[TLS], n), db_ints(numbers[STARTED], n),
	    db_ints(numbers[AT], n), db_ints(numbers[NEXT], n), db_ints(numbers[WORK], n)};
	db_batch_add(batch, &put, params, sizeof(params) / sizeof(params[0]), put_rows, s);
}

/* ETSI EN 319 522 names: into the house it is a consignment, outside a relay to a system that is no
 * ERDS. */
static const char *event_of(const struct record *r)
{
	bool ok = strcmp(r->outcome.outcome, "delivered") == 0;

	if (strcmp(r->route, "lmtp") == 0)
		return ok ? "ContentConsignment" : "ContentConsignmentFailure";
	return ok ? "RelayToNonERDS" : "RelayToNonERDSFailure";
}

static void add_trail(struct delivery_store *s, const struct record *r, struct exchanges *rows)
{
	const struct delivery_outcome *o = &r->outcome;
	char attempt[24], code[16] = "";
	const char *details[] = {"attempt", attempt, "recipient", r->recipient, "reply", o->reply,
	    "remote", o->remote, "tls", o->tls, NULL};
	struct exchange x = {.at_ms = o->at,
	    .event = event_of(r),
	    .outcome = o->outcome,
	    .letter_id = r->letter_id,
	    .delivery_id = r->id,
	    .code = code};

	snprintf(attempt, sizeof(attempt), "%lld", (long long)r->attempt_id);
	if (o->enhanced[0] != '\0')
		x.code = o->enhanced;
	else if (o->code != 0)
		snprintf(code, sizeof(code), "%d", o->code);
	exchanges_put(rows, delivery_id_take(s, o->at), &x, details);
}

/* Letters of the group, each once: their number. */
static size_t gather_letters(const struct record *r, int64_t *ids)
{
	size_t n = 0;

	for (; r != NULL; r = r->next) {
		size_t i = 0;

		while (i < n && ids[i] != r->letter_id)
			i++;
		if (i == n && r->letter_id != 0)
			ids[n++] = r->letter_id;
	}
	return n;
}

/* The trail's rows: one of each outcome, one of each letter in case it is dispatched by them. */
static void add_rows(
    struct delivery_store *s, const int64_t *letters, size_t n, struct db_batch *batch)
{
	int64_t attempt_of[2 * DELIVERY_GROUP_MAX], letter_of[2 * DELIVERY_GROUP_MAX];
	struct exchanges *rows = exchanges_new();
	struct db_param params[2 + EXCHANGE_COLUMN_COUNT];
	size_t count = 0;

	for (struct record *r = s->out; r != NULL; r = r->next) {
		add_trail(s, r, rows);
		attempt_of[count] = r->attempt_id;
		letter_of[count++] = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct exchange x = {.at_ms = s->out->outcome.at,
		    .event = "LetterDispatched",
		    .outcome = "done",
		    .letter_id = letters[i]};

		exchanges_put(rows, delivery_id_take(s, x.at_ms), &x, NULL);
		attempt_of[count] = 0;
		letter_of[count++] = letters[i];
	}
	params[0] = db_ints(attempt_of, count);
	params[1] = db_ints(letter_of, count);
	exchanges_params(rows, params + 2);
	db_batch_add(batch, &trail, params, 2 + EXCHANGE_COLUMN_COUNT, NULL, NULL);
	exchanges_free(&rows);
}

static void record_done(enum db_status status, struct db *db, void *ctx);

static void send_group(struct delivery_store *s)
{
	int64_t letters[DELIVERY_GROUP_MAX];
	size_t n = gather_letters(s->out, letters);
	struct db_batch *batch = db_batch_new(s->db);
	struct db_param param = db_ints(letters, n);

	for (struct record *r = s->out; r != NULL; r = r->next)
		r->attempt_id = delivery_id_take(s, r->outcome.at);
	if (n > 0)
		db_batch_add(batch, &lock_letters, &param, 1, NULL, NULL);
	add_puts(s, batch);
	add_rows(s, letters, n, batch);
	db_batch_send(&batch, record_done, s);
}

static void record_soon_cb(void *ctx)
{
	struct delivery_store *s = ctx;
	struct record **last = &s->out;
	size_t n = 0;

	if (s->out != NULL || s->records == NULL)
		return;
	delivery_ids_fetch(s);
	while (s->records != NULL && n < DELIVERY_GROUP_MAX &&
	       delivery_ids_at_hand(s) >= 4 * (int64_t)(n + 1)) {
		*last = s->records;
		last = &s->records->next;
		s->records = s->records->next;
		*last = NULL;
		n++;
	}
	if (s->records == NULL)
		s->records_last = &s->records;
	if (n == 0)
		timer_start(s->record_soon, DELIVERY_RECORD_AGAIN_MS);
	else
		send_group(s);
}

static void answer(struct delivery_store *s, bool ok)
{
	struct record *list = s->out;
	bool told = false;

	s->out = NULL;
	for (struct record *r = list; r != NULL; r = r->next) {
		if (ok && !r->kept)
			log_warn("delivery_not_ours id=%lld outcome=%s", (long long)r->id,
			    r->outcome.outcome);
		told = told || r->told;
		if (r->done != NULL)
			r->done(ok && r->kept, r->ctx);
	}
	if (ok && told)
		db_notify(s->side, "mtagw_work");
	records_free(list);
}

/* The group goes back to the head of the queue. */
static void put_back(struct delivery_store *s)
{
	struct record **last = &s->out;

	while (*last != NULL)
		last = &(*last)->next;
	*last = s->records;
	if (s->records == NULL)
		s->records_last = last;
	s->records = s->out;
	s->out = NULL;
	if (s->records_last == &s->out)
		s->records_last = &s->records;
}

static void record_done(enum db_status status, struct db *db, void *ctx)
{
	struct delivery_store *s = ctx;

	if (status == DB_DONE || (status == DB_REFUSED && s->out->next == NULL)) {
		if (status == DB_REFUSED)
			log_error("delivery_record id=%lld refused=\"%s\": its lease will run out",
			    (long long)s->out->id, log_safe(db_message(db)));
		answer(s, status == DB_DONE);
		timer_start(s->record_soon, 0);
		return;
	}
	if (status == DB_REFUSED) { /* one by one: the first alone, the rest after it */
		struct record *rest = s->out->next;

		s->out->next = NULL;
		struct record *first = s->out;
		s->out = rest;
		put_back(s);
		s->out = first;
		send_group(s);
		return;
	}
	put_back(s);
	timer_start(s->record_soon, DELIVERY_RECORD_AGAIN_MS);
}
