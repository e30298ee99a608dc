/* sweep: what the clerk tidies up after crashes and time (blocking side, role mtagw_clerk). */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/base/settings.h"
#include "mtagw/store/db.h"

/* Bodies and rows of one call: a sweep never holds much, the next call goes on. */
#define SWEEP_BODIES_MAX 100
#define SWEEP_ROWS_MAX 10000
/* Years of partitions that are there beforehand (DESIGN 14.1). */
#define SWEEP_YEARS_AHEAD 2
/* A moment this much later than any wait of ours was written under another clock. */
#define SWEEP_AHEAD_MS (60 * 1000)

/* Each gives how many things were swept, or -1 with error_r; commits by itself; blocks. */

/* Chunks of bodies that were begun before begun_before_ms and never published. */
int64_t sweep_orphan_bodies(struct db *db, int64_t begun_before_ms, struct err *error_r);
/* Idempotency rows that are over. */
int64_t sweep_idempotency(struct db *db, int64_t now_ms, struct err *error_r);
/* After the clock went back: what waits for a moment that no wait of ours reaches waits no longer,
 * and a lease ends as one begun now. Who is alive renews his within a third of it. */
int64_t sweep_ahead(
    struct db *db, const struct settings *settings, int64_t now_ms, struct err *error_r);
/* Makes partitions from the year of now_ms to SWEEP_YEARS_AHEAD after; 0, or -1. */
int64_t sweep_partitions(struct db *db, int64_t now_ms, struct err *error_r);

extern const struct stmt *const sweep_statements[];

#endif
