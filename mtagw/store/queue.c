/*
 * queue: hold, release, retry, fail. The row is locked first, so the sender either has it (claimed:
 * refused here) or cannot take it meanwhile. A retry of an uncertain delivery is a person's
 * decision that it may arrive twice; nothing else resends one.
 */
#include "mtagw/store/queue.h"

#include <inttypes.h>
#include <string.h>

#include "mtagw/base/mem.h"

/* A retried delivery gets at least this long, though it may have been about to expire. */
#define RETRY_LIFE_MS (INT64_C(24) * 60 * 60 * 1000)

static const struct stmt look = {"queue_look",
    "select state, recipient, letter_id, (select o.message_id from mail.outgoing o where o.id = "
    "outgoing_id)"
    " from mail.delivery where id = $1 for update"};
static const struct stmt look_work = {
    "queue_look_work", "select state, kind, ref from mail.work where id = $1 for update"};
static const struct stmt hold = {
    "queue_hold", "update mail.delivery set state = 'held', owner = '' where id = $1"};
static const struct stmt again = {"queue_again",
    "update mail.delivery set state = 'waiting', owner = '', dot_at = null, next_at = $2,"
    " expires_at = greatest(expires_at, $2::bigint + $3::bigint) where id = $1"};
static const struct stmt work_again = {"queue_work_again",
    "update mail.work set state = 'waiting', owner = '', tries = 0, alone = 0, next_at = $2,"
    " reason = '' where id = $1"};
static const struct stmt message_again = {"queue_message_again",
    "update mail.message set state = 'received', reason = '' where id = $1 "
    "and state = 'quarantined'"};
static const struct stmt work_aside = {"queue_work_aside",
    "update mail.work set state = 'quarantined', owner = '', reason = $2 where id = $1"};
static const struct stmt message_aside = {"queue_message_aside",
    "update mail.message set state = 'quarantined', reason = $2 where id = $1 "
    "and state = 'received'"};
static const struct stmt fail_attempt = {"queue_fail_attempt",
    "insert into mail.attempt (id, delivery_id, outgoing_id, letter_id, recipient, route, outcome,"
    " enhanced, reply, started_at, dot_at, at) select $2, id, outgoing_id, letter_id, recipient, "
    "route,"
    " 'failed', '5.0.0', $3, $4, dot_at, $4 from mail.delivery where id = $1"};
static const struct stmt fail_drop = {"queue_fail_drop", "delete from mail.delivery where id = $1"};
static const struct stmt fail_work = {"queue_fail_work",
    "insert into mail.work (id, kind, ref, next_at) values ($1, 'failure', $2, $3)"};

const struct stmt *const queue_statements[] = {&look, &look_work, &hold, &again, &work_again,
    &message_again, &work_aside, &message_aside, &fail_attempt, &fail_drop, &fail_work, NULL};

static const struct {
	const char *event, *word;
	const char *states; /* blank at both ends */
} verbs[] = {
    [QUEUE_HOLD] = {"QueueHold", "held", " waiting "},
    [QUEUE_RELEASE] = {"QueueRelease", "released", " held "},
    [QUEUE_RETRY] = {"QueueRetry", "tried again", " waiting held uncertain "},
    [QUEUE_FAIL] = {"QueueFail", "failed", " waiting held uncertain "},
};

struct change {
	struct db *db;
	struct ids *ids;
	enum queue_verb verb;
	int64_t id, at_ms, letter_id, message_id;
	const struct exchange_actor *actor;
	const char *reason;
	const char *channel; /* who goes on with it; NULL: nobody */
	struct arena *arena;
};

static bool state_allows(const struct change *c, const char *state)
{
	return strstr(verbs[c->verb].states, arena_printf(c->arena, " %s ", state)) != NULL;
}

static int add_exchange(struct change *c, const char *recipient, struct err *error_r)
{
	struct exchanges *list = exchanges_new();
	const char *details[] = {"recipient", recipient, "reason", c->reason, NULL};
	struct exchange x = {.at_ms = c->at_ms,
	    .event = verbs[c->verb].event,
	    .outcome = "done",
	    .letter_id = c->letter_id,
	    .message_id = c->message_id,
	    .delivery_id = c->id,
	    .actor = *c->actor};
	int rc = exchanges_add(list, c->db, c->ids, &x, details, error_r);

	if (rc > 0)
		exchanges_queue(list, c->db);
	exchanges_free(&list);
	return rc;
}

static int fail(struct change *c, struct err *error_r)
{
	const char *reply =
	    arena_printf(c->arena, "ended by hand%s%s", c->reason[0] ? ": " : "", c->reason);
	int64_t attempt, work;

	if (ids_next(c->ids, c->db, c->at_ms, &attempt, error_r) < 0 ||
	    ids_next(c->ids, c->db, c->at_ms, &work, error_r) < 0)
		return -1;
	db_queue(c->db, &fail_attempt,
	    (struct db_param[]){db_int(c->id), db_int(attempt), db_text(reply), db_int(c->at_ms)},
	    4);
	db_queue(c->db, &fail_drop, (struct db_param[]){db_int(c->id)}, 1);
	db_queue(c->db, &fail_work,
	    (struct db_param[]){db_int(work), db_int(attempt), db_int(c->at_ms)}, 3);
	c->channel = "mtagw_work";
	return 1;
}

static int change_delivery(struct change *c, const struct db_result *r, struct err *error_r)
{
	const char *state = db_get_text(r, 0, 0), *recipient = db_get_text(r, 0, 1);

	c->letter_id = db_get_int(r, 0, 2);
	c->message_id = db_get_int(r, 0, 3);
	if (!state_allows(c, state)) {
		(void)err_set(error_r, "delivery %" PRId64 " is %s and cannot be %s%s", c->id,
		    state, verbs[c->verb].word,
		    strcmp(state, "claimed") == 0 ? " while the sender has it; try again" : "");
		return 0;
	}
	if (c->verb == QUEUE_FAIL) {
		if (fail(c, error_r) < 0)
			return -1;
	} else if (c->verb == QUEUE_HOLD) {
		db_queue(c->db, &hold, (struct db_param[]){db_int(c->id)}, 1);
	} else {
		db_queue(c->db, &again,
		    (struct db_param[]){db_int(c->id), db_int(c->at_ms), db_int(RETRY_LIFE_MS)}, 3);
		c->channel = "mtagw_delivery";
	}
	return add_exchange(c, recipient, error_r);
}

/* Why this cannot be done to work in that state; NULL: it can. */
static const char *work_refusal(enum queue_verb verb, const char *state)
{
	if (verb != QUEUE_RETRY && verb != QUEUE_FAIL)
		return "it can only be tried again or set aside (queue fail)";
	if (strcmp(state, "claimed") == 0)
		return "not while a worker has it; try again";
	if (verb == QUEUE_FAIL && strcmp(state, "quarantined") == 0)
		return "it is set aside already";
	return NULL;
}

static int change_work(struct change *c, const struct db_result *r, struct err *error_r)
{
	const char *state = db_get_text(r, 0, 0), *kind = db_get_text(r, 0, 1);
	const char *refusal = work_refusal(c->verb, state);
	const char *reason =
	    arena_printf(c->arena, "set aside by hand%s%s", c->reason[0] ? ": " : "", c->reason);
	int64_t ref = db_get_int(r, 0, 2);
	bool aside = c->verb == QUEUE_FAIL;
	int rc;

	if (refusal != NULL) {
		(void)err_set(error_r, "%" PRId64 " is work (%s, %s), not a delivery: %s", c->id,
		    kind, state, refusal);
		return 0;
	}
	db_queue(c->db, aside ? &work_aside : &work_again,
	    (struct db_param[]){db_int(c->id), aside ? db_text(reason) : db_int(c->at_ms)}, 2);
	if (strcmp(kind, "route") == 0) {
		c->message_id = ref;
		db_queue(c->db, aside ? &message_aside : &message_again,
		    (struct db_param[]){db_int(ref), db_text(reason)}, aside ? 2 : 1);
	} else if (strcmp(kind, "failure") != 0 && strcmp(kind, "remind") != 0 && ref != 0) {
		c->letter_id = ref;
	}
	c->channel = aside ? NULL : "mtagw_work";
	rc = add_exchange(c, NULL, error_r);
	return rc == 1 && aside ? QUEUE_SET_ASIDE : rc;
}

static int change(struct change *c, struct err *error_r)
{
	struct db_param key[] = {db_int(c->id)};
	struct db_result *r = NULL;
	int rc;

	if (db_query(c->db, &look, key, 1, &r, error_r) < 0)
		return -1;
	if (db_rows(r) > 0) {
		rc = change_delivery(c, r, error_r);
		db_result_free(&r);
		return rc;
	}
	db_result_free(&r);
	if (db_query(c->db, &look_work, key, 1, &r, error_r) < 0)
		return -1;
	if (db_rows(r) > 0) {
		rc = change_work(c, r, error_r);
	} else {
		(void)err_set(error_r, "the queue holds no %" PRId64, c->id);
		rc = 0;
	}
	db_result_free(&r);
	return rc;
}

int queue_change(struct db *db, struct ids *ids, enum queue_verb verb, int64_t id,
    const struct exchange_actor *actor, const char *reason, int64_t at_ms, struct err *error_r)
{
	struct change c = {.db = db,
	    .ids = ids,
	    .verb = verb,
	    .id = id,
	    .at_ms = at_ms,
	    .actor = actor,
	    .reason = reason,
	    .arena = arena_new()};
	int rc = db_begin(db, error_r);

	if (rc > 0) {
		rc = change(&c, error_r);
		if (rc <= 0)
			db_rollback(db);
		else if (db_commit(db, error_r) < 0)
			rc = -1;
	}
	if (rc > 0 && c.channel != NULL)
		db_notify(db, c.channel);
	arena_free(&c.arena);
	return rc;
}
