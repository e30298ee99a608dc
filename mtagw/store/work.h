/* work: the router's queue (mail.work): claim, keep, end. Blocking side. */
#ifndef STORE_WORK_H
#define STORE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

struct work {
	int64_t id, ref, epoch;
	const char *kind; /* route, number, finish, render, register, failure */
	const char *arg;
	int waits;
	bool alone; /* a worker died on it before: nothing else runs beside it */
};

/* Claims up to max waiting rows of these kinds that no worker died on, or, with alone, one on which
 * a worker did; commits at once (DESIGN 4). A row on which two workers died alone is claimed too,
 * but for the caller to set aside (quarantined_r: that row, else its id 0), in one transaction with
 * what tells of it. 1 with count_r >= 0. */
int work_claim(struct db *db, const char *const *kinds, size_t kind_count, int max, bool alone,
    const char *owner, int64_t now_ms, int64_t lease_ms, struct arena *arena, struct work **list_r,
    size_t *count_r, struct work *quarantined_r, struct err *error_r);
/* First statement of each transaction: locks the rows and tells whether all are still ours (1) or
 * the lease went (0). */
int work_hold(struct db *db, const struct work *const *list, size_t count, const char *owner,
    struct err *error_r);
int work_renew(struct db *db, const struct work *const *list, size_t count, const char *owner,
    int64_t until_ms, struct err *error_r);
/* Into the transaction that stands: */
void work_queue_done(struct db *db, const struct work *work);
void work_queue_next(
    struct db *db, struct work *work, const char *kind, int64_t ref); /* stays claimed */
void work_queue_add(
    struct db *db, int64_t id, const char *kind, int64_t ref, const char *arg, int64_t at_ms);
/* Put back on purpose with its reason (key unusable, agent away): not counted as a death. Commits
 * by itself. */
int work_wait(struct db *db, const struct work *work, const char *owner, int64_t next_at_ms,
    const char *reason, struct err *error_r);
/* Set aside for a person, with its reason; into the transaction that stands. */
void work_queue_quarantine(struct db *db, const struct work *work, const char *reason);
/* Waiting again for another kind of worker, not counted: commits by itself. */
int work_hand_over(
    struct db *db, const struct work *work, const char *owner, int64_t now_ms, struct err *error_r);
/* What this owner still holds after a stage that could not be committed waits again, not counted:
 * the worker is alive, only the database was away. 1 or -1. */
int work_release_own(struct db *db, const char *owner, int64_t now_ms, struct err *error_r);
/* Rows whose lease is over wait again. Number of them, or -1. */
int work_release_expired(struct db *db, int64_t now_ms, struct err *error_r);

extern const struct stmt *const work_statements[];

#endif
