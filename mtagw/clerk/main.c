/*
 * clerk: the role for what time does: leases that ran out, leftovers of sessions that died, rows
 * that are over, partitions of the years to come, deadlines of orders. Each is a timer with its own
 * pace and one short transaction; what fails is logged and tried again at the next turn. Blocking
 * database calls are right here: nobody waits for the clerk (STYLE 34).
 */
#include <inttypes.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/role.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/store/disposition.h"
#include "mtagw/store/id.h"
#include "mtagw/store/sweep.h"
#include "mtagw/store/work.h"

/* A sender may take this long over one large message; beyond it the session is dead. */
#define ORPHAN_AGE_MS (INT64_C(60) * 60 * 1000)

/* No urgency reminds earlier than this before the due time; the moment itself is policy's, and the
 * router's to know. */
#define REMIND_WINDOW_MS (INT64_C(14) * 24 * 60 * 60 * 1000)
#define REMIND_ROWS_MAX 200 /* of one turn */

struct clerk;
struct duty {
	const char *name;
	int64_t every_ms;
	int64_t (*run)(struct clerk *clerk, int64_t now_ms, struct err *error_r);
};
struct clerk {
	struct role role;
	struct loop *loop;
	struct db *db;
	struct ids ids;
};
struct turn {
	struct clerk *clerk;
	const struct duty *duty;
	struct timer *timer;
};

static int64_t release_leases(struct clerk *clerk, int64_t now_ms, struct err *error_r)
{
	int64_t n = work_release_expired(clerk->db, now_ms, error_r);

	if (n > 0)
		db_notify(clerk->db, "mtagw_work");
	return n;
}

static int64_t pull_back(struct clerk *clerk, int64_t now_ms, struct err *error_r)
{
	int64_t n = sweep_ahead(clerk->db, clerk->role.settings, now_ms, error_r);

	if (n > 0) {
		db_notify(clerk->db, "mtagw_work");
		db_notify(clerk->db, "mtagw_render");
		db_notify(clerk->db, "mtagw_delivery");
	}
	return n;
}

static int64_t drop_orphans(struct clerk *clerk, int64_t now_ms, struct err *error_r)
{
	return sweep_orphan_bodies(clerk->db, now_ms - ORPHAN_AGE_MS, error_r);
}

static int64_t drop_idempotency(struct clerk *clerk, int64_t now_ms, struct err *error_r)
{
	return sweep_idempotency(clerk->db, now_ms, error_r);
}

static int64_t make_partitions(struct clerk *clerk, int64_t now_ms, struct err *error_r)
{
	return sweep_partitions(clerk->db, now_ms, error_r);
}

/* Each open order with a due time gets one piece of work, which the router keeps until it is time.
 */
static int64_t ask_reminders(struct clerk *clerk, int64_t now_ms, struct err *error_r)
{
	struct arena *arena = arena_new();
	const int64_t *list;
	size_t count = 0;
	int rc = disposition_due(
	    clerk->db, now_ms + REMIND_WINDOW_MS, REMIND_ROWS_MAX, arena, &list, &count, error_r);

	if (rc == 1 && count > 0)
		rc = db_begin(clerk->db, error_r);
	for (size_t i = 0; rc == 1 && i < count; i++) {
		int64_t id;

		rc = ids_next(&clerk->ids, clerk->db, now_ms, &id, error_r);
		if (rc == 1)
			work_queue_add(clerk->db, id, "remind", list[i], "", now_ms);
	}
	if (rc == 1 && count > 0)
		rc = db_commit(clerk->db, error_r);
	else if (count > 0)
		db_rollback(clerk->db);
	arena_free(&arena);
	if (rc != 1)
		return -1;
	if (count > 0)
		db_notify(clerk->db, "mtagw_work");
	return (int64_t)count;
}

/* Leases are short, so their end is looked for often; the rest has time. */
static const struct duty duties[] = {
    {"leases", 5 * 1000, release_leases},
    {"ahead", 5 * 1000, pull_back},
    {"orphan-bodies", 60 * 1000, drop_orphans},
    {"idempotency", 60 * 1000, drop_idempotency},
    {"reminders", 30 * 1000, ask_reminders},
    {"partitions", INT64_C(6) * 60 * 60 * 1000, make_partitions},
};
#define DUTY_COUNT (sizeof(duties) / sizeof(duties[0]))
/* After a failure no duty waits longer than this. */
#define RETRY_MS (60 * 1000)

static void turn_cb(void *ctx)
{
	struct turn *turn = ctx;
	struct err err;
	int64_t n = turn->duty->run(turn->clerk, clock_now_ms(), &err);
	int64_t wait = turn->duty->every_ms;

	if (n < 0) {
		log_warn("sweep: what=%s failed: %s", turn->duty->name, err.text);
		wait = wait < RETRY_MS ? wait : RETRY_MS;
	} else if (n > 0) {
		log_info("sweep: what=%s count=%" PRId64, turn->duty->name, n);
	}
	timer_start(turn->timer, wait);
}

static void drain_cb(void *ctx)
{
	struct clerk *clerk = ctx;

	loop_stop(clerk->loop);
}

int main(int argc, char **argv)
{
	struct clerk clerk = {.loop = NULL};
	struct turn turns[DUTY_COUNT];

	role_start(&clerk.role, "clerk", argc, argv);
	clerk.loop = loop_new();
	/* The old settings struct stays after a reload, so db may keep it. */
	clerk.db = db_new(clerk.role.settings, "clerk", NULL);
	role_watch_signals(&clerk.role, clerk.loop, drain_cb, NULL, &clerk);
	for (size_t i = 0; i < DUTY_COUNT; i++) {
		turns[i] = (struct turn){&clerk, &duties[i], NULL};
		turns[i].timer = timer_new(clerk.loop, turn_cb, &turns[i]);
		timer_start(turns[i].timer, 0);
	}
	sandbox_enter(clerk.role.settings, "clerk");
	loop_run(clerk.loop);
	for (size_t i = 0; i < DUTY_COUNT; i++)
		timer_free(&turns[i].timer);
	db_free(&clerk.db);
	loop_free(&clerk.loop);
	return 0;
}
