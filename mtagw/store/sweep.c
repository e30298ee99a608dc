/*
 * sweep: leftovers. A chunk whose body was never published belongs to a session that died; it is
 * looked for through mail.body_staging alone, so a published body cannot be touched: its staging
 * row goes in the publishing transaction. Rows are taken with SKIP LOCKED, any number of clerks may
 * run.
 */
#include "mtagw/store/sweep.h"

#include "mtagw/base/clock.h"

static const struct stmt orphans = {"sweep_orphans",
    "with o as (select body_id from mail.body_staging s where started_at < $1"
    "  and not exists (select 1 from mail.body b where b.id = s.body_id)"
    "  order by started_at limit $2 for update skip locked),"
    " c as (delete from mail.body_chunk where body_id in (select body_id from o)),"
    " s as (delete from mail.body_staging where body_id in (select body_id from o))"
    " select count(*) from o"};
static const struct stmt idempotency = {"sweep_idempotency",
    "with o as (delete from mail.idempotency where key in"
    "  (select key from mail.idempotency where expires_at < $1 limit $2) returning 1)"
    " select count(*) from o"};
static const struct stmt partitions = {
    "sweep_partitions", "select 0::bigint from mail.ensure_partitions($1::integer, $2::integer)"};
/* What has its day by policy (remind) or by the clerk's pace (list, $4) may be far ahead. */
static const struct stmt ahead = {"sweep_ahead",
    "with w as (update mail.work set next_at = $1 where state = 'waiting' and kind <> 'remind'"
    "  and next_at > $1 + case kind when 'list' then $4 else 120000 end returning 1),"
    " l as (update mail.work set lease_until = $1 + $2 where state = 'claimed'"
    "  and lease_until > $1 + 2 * $2 returning 1),"
    " d as (update mail.delivery set next_at = $1 where state = 'waiting' and next_at > $1 + $3"
    "  returning 1),"
    " e as (update mail.delivery set lease_until = $1 + $2 where state = 'claimed'"
    "  and lease_until > $1 + 2 * $2 returning 1)"
    " select (select count(*) from w) + (select count(*) from l) + (select count(*) from d)"
    "  + (select count(*) from e)"};

const struct stmt *const sweep_statements[] = {&orphans, &idempotency, &partitions, &ahead, NULL};

static int64_t count_of(
    struct db *db, const struct stmt *stmt, int64_t a, int64_t b, struct err *error_r)
{
	struct db_param params[] = {db_int(a), db_int(b)};
	struct db_result *r = NULL;
	int64_t n;

	if (db_query(db, stmt, params, 2, &r, error_r) < 0)
		return -1;
	n = db_rows(r) > 0 ? db_get_int(r, 0, 0) : 0;
	db_result_free(&r);
	return n;
}

int64_t sweep_orphan_bodies(struct db *db, int64_t begun_before_ms, struct err *error_r)
{
	return count_of(db, &orphans, begun_before_ms, SWEEP_BODIES_MAX, error_r);
}

int64_t sweep_idempotency(struct db *db, int64_t now_ms, struct err *error_r)
{
	return count_of(db, &idempotency, now_ms, SWEEP_ROWS_MAX, error_r);
}

int64_t sweep_ahead(
    struct db *db, const struct settings *settings, int64_t now_ms, struct err *error_r)
{
	struct db_param params[] = {db_int(now_ms), db_int(settings->lease_secs * INT64_C(1000)),
	    db_int(settings->retry_max_secs * INT64_C(2000) + SWEEP_AHEAD_MS),
	    db_int(settings->intake_list_secs * INT64_C(1000) + SWEEP_AHEAD_MS)};
	struct db_result *r = NULL;
	int64_t n;

	if (db_query(db, &ahead, params, 4, &r, error_r) < 0)
		return -1;
	n = db_rows(r) > 0 ? db_get_int(r, 0, 0) : 0;
	db_result_free(&r);
	return n;
}

int64_t sweep_partitions(struct db *db, int64_t now_ms, struct err *error_r)
{
	int year = clock_city_date(now_ms).year;

	return count_of(db, &partitions, year, year + SWEEP_YEARS_AHEAD, error_r);
}
