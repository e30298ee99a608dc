/*
 * work: the router's queue. A claim is written and committed before the work starts: owner, epoch,
 * lease and a count that only an orderly end takes back. So a worker that dies leaves a row that
 * says so: it waits for its lease to end, then runs alone; two deaths alone put it into quarantine
 * (DESIGN 4, 12). Each transaction of a stage begins with work_hold, the fence against a twin that
 * slept past its lease.
 */
#include "mtagw/store/work.h"

static const struct stmt claim = {"work_claim",
    "with c as (select id from mail.work where state = 'waiting' and next_at <= $1 and kind = "
    "any($2)"
    "  and (tries > 0) = $6 order by next_at, id limit $3 for update skip locked)"
    " update mail.work w set"
    "  state = 'claimed', owner = $4, epoch = w.epoch + 1, lease_until = $1 + $5,"
    "  tries = w.tries + 1, alone = w.alone + (w.tries > 0)::int"
    " from c where w.id = c.id"
    " returning w.id, w.kind, w.ref, w.arg, w.epoch, w.waits, w.tries > 1, w.alone > 2"};
static const struct stmt hold = {"work_hold",
    "select w.id from mail.work w join unnest($1::bigint[], $2::bigint[]) as mine(id, epoch) using "
    "(id, epoch)"
    " where w.owner = $3 and w.state = 'claimed' order by w.id for update of w"};
static const struct stmt renew = {"work_renew",
    "update mail.work w set lease_until = $4 from unnest($1::bigint[], $2::bigint[]) as mine(id, "
    "epoch)"
    " where w.id = mine.id and w.epoch = mine.epoch and w.owner = $3 and w.state = 'claimed'"};
static const struct stmt done = {"work_done", "delete from mail.work where id = any($1::bigint[])"};
static const struct stmt next = {"work_next",
    "update mail.work w set kind = u.kind, ref = u.ref, waits = 0, reason = ''"
    " from unnest($1::bigint[], $2::text[], $3::bigint[]) as u(id, kind, ref) where w.id = u.id"};
static const struct stmt hand_over = {"work_hand_over",
    "update mail.work set state = 'waiting', owner = '', tries = 0, alone = 0, next_at = $4"
    " where id = $1 and owner = $2 and epoch = $3"};
static const struct stmt quarantine = {
    "work_quarantine", "update mail.work set state = 'quarantined', reason = $2 where id = $1"};
static const struct stmt add = {"work_add",
    /* One list an agency is enough. */
    "insert into mail.work (id, kind, ref, arg, next_at) select id, kind, ref, arg, at"
    " from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])"
    "  as u(id, kind, ref, arg, at) on conflict (arg) where kind = 'list' and state = 'waiting'"
    " do nothing"};
static const struct stmt wait = {"work_wait",
    "update mail.work set state = 'waiting', owner = '', tries = 0, alone = 0, waits = waits + 1, "
    "next_at = $4,"
    " reason = $5 where id = $1 and owner = $2 and epoch = $3"};
static const struct stmt expired = {"work_release_expired",
    "with e as (select id from mail.work where state = 'claimed' and lease_until < $1 for update "
    "skip locked)"
    " update mail.work w set state = 'waiting', owner = '', next_at = $1 from e where w.id = e.id "
    "returning w.id"};
static const struct stmt release_own = {"work_release_own",
    "update mail.work set state = 'waiting', owner = '', tries = greatest(tries - 1, 0), alone = "
    "greatest(alone - 1, 0),"
    " next_at = $2 where owner = $1 and state = 'claimed'"};

const struct stmt *const work_statements[] = {&claim, &hold, &renew, &done, &next, &hand_over,
    &quarantine, &add, &wait, &expired, &release_own, NULL};

int work_claim(struct db *db, const char *const *kinds, size_t kind_count, int max, bool alone,
    const char *owner, int64_t now_ms, int64_t lease_ms, struct arena *arena, struct work **list_r,
    size_t *count_r, struct work *quarantined_r, struct err *error_r)
{
	struct db_param params[] = {db_int(now_ms), db_texts(kinds, kind_count),
	    db_int(alone ? 1 : max), db_text(owner), db_int(lease_ms), db_bool(alone)};
	struct db_result *r = NULL;
	size_t n = 0;

	*quarantined_r = (struct work){0};
	if (db_query(db, &claim, params, 6, &r, error_r) < 0)
		return -1;
	*list_r = arena_alloc(arena, (db_rows(r) + 1) * sizeof(**list_r));
	for (size_t i = 0; i < db_rows(r); i++) {
		struct work w = {.id = db_get_int(r, i, 0),
		    .kind = arena_strdup(arena, db_get_text(r, i, 1)),
		    .ref = db_get_int(r, i, 2),
		    .arg = arena_strdup(arena, db_get_text(r, i, 3)),
		    .epoch = db_get_int(r, i, 4),
		    .waits = (int)db_get_int(r, i, 5),
		    .alone = db_get_bool(r, i, 6)};

		if (db_get_bool(r, i, 7)) /* two deaths alone */
			*quarantined_r = w;
		else
			(*list_r)[n++] = w;
	}
	*count_r = n;
	db_result_free(&r);
	return 1;
}

/* ids and epochs of the rows, for unnest. */
static void keys_of(const struct work *const *list, size_t count, int64_t *ids, int64_t *epochs)
{
	for (size_t i = 0; i < count; i++) {
		ids[i] = list[i]->id;
		epochs[i] = list[i]->epoch;
	}
}

int work_hold(struct db *db, const struct work *const *list, size_t count, const char *owner,
    struct err *error_r)
{
	struct arena *arena = arena_new();
	int64_t *ids = arena_alloc(arena, (count + 1) * sizeof(*ids));
	int64_t *epochs = arena_alloc(arena, (count + 1) * sizeof(*epochs));
	struct db_param params[] = {db_ints(ids, count), db_ints(epochs, count), db_text(owner)};
	struct db_result *r = NULL;
	int rc;

	keys_of(list, count, ids, epochs);
	rc = db_query(db, &hold, params, 3, &r, error_r);
	if (rc == 1 && db_rows(r) != count)
		rc = 0;
	db_result_free(&r);
	arena_free(&arena);
	return rc;
}

int work_renew(struct db *db, const struct work *const *list, size_t count, const char *owner,
    int64_t until_ms, struct err *error_r)
{
	struct arena *arena = arena_new();
	int64_t *ids = arena_alloc(arena, (count + 1) * sizeof(*ids));
	int64_t *epochs = arena_alloc(arena, (count + 1) * sizeof(*epochs));
	struct db_param params[] = {
	    db_ints(ids, count), db_ints(epochs, count), db_text(owner), db_int(until_ms)};
	int rc;

	keys_of(list, count, ids, epochs);
	rc = db_query(db, &renew, params, 4, NULL, error_r);
	arena_free(&arena);
	return rc;
}

void work_queue_done(struct db *db, const struct work *work)
{
	struct db_param params[] = {db_int(work->id)};

	db_gather(db, &done, params, 1);
}

void work_queue_next(struct db *db, struct work *work, const char *kind, int64_t ref)
{
	struct db_param params[] = {db_int(work->id), db_text(kind), db_int(ref)};

	db_gather(db, &next, params, 3);
}

void work_queue_add(
    struct db *db, int64_t id, const char *kind, int64_t ref, const char *arg, int64_t at_ms)
{
	struct db_param params[] = {
	    db_int(id), db_text(kind), db_int(ref), db_text(arg), db_int(at_ms)};

	db_gather(db, &add, params, 5);
}

int work_wait(struct db *db, const struct work *work, const char *owner, int64_t next_at_ms,
    const char *reason, struct err *error_r)
{
	struct db_param params[] = {db_int(work->id), db_text(owner), db_int(work->epoch),
	    db_int(next_at_ms), db_text(reason)};

	return db_query(db, &wait, params, 5, NULL, error_r);
}

void work_queue_quarantine(struct db *db, const struct work *work, const char *reason)
{
	struct db_param params[] = {db_int(work->id), db_text(reason)};

	db_queue(db, &quarantine, params, 2);
}

int work_hand_over(
    struct db *db, const struct work *work, const char *owner, int64_t now_ms, struct err *error_r)
{
	struct db_param params[] = {
	    db_int(work->id), db_text(owner), db_int(work->epoch), db_int(now_ms)};

	return db_query(db, &hand_over, params, 4, NULL, error_r);
}

int work_release_expired(struct db *db, int64_t now_ms, struct err *error_r)
{
	struct db_param params[] = {db_int(now_ms)};
	struct db_result *r = NULL;
	int n;

	if (db_query(db, &expired, params, 1, &r, error_r) < 0)
		return -1;
	n = (int)db_rows(r);
	db_result_free(&r);
	return n;
}

int work_release_own(struct db *db, const char *owner, int64_t now_ms, struct err *error_r)
{
	struct db_param params[] = {db_text(owner), db_int(now_ms)};

	return db_query(db, &release_own, params, 2, NULL, error_r);
}
