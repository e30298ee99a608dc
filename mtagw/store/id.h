/* id: 64-bit time-ordered ids: milliseconds << 22 | low bits of a sequence fetched in blocks
 * (DESIGN 14.1). */
#ifndef STORE_ID_H
#define STORE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

#define ID_BLOCK 1024 /* numbers a fetch brings, as in 0001_base.sql */
#define ID_TIME_SHIFT 22

struct ids {
	int64_t next, end; /* of the block; both 0: none yet */
};
/* Blocking: fetches a block when the old one is used up, outside any transaction state (nextval
 * does not roll back). */
int ids_next(struct ids *ids, struct db *db, int64_t at_ms, int64_t *id_r, struct err *error_r);
/* Event side: true and an id while the block lasts; the owner fetches the next with ids_fetch in
 * time. */
bool ids_take(struct ids *ids, int64_t at_ms, int64_t *id_r);
int64_t ids_left(const struct ids *ids);
/* Adds the fetching statement to a batch; the block is there once the batch is done. */
void ids_fetch(struct ids *ids, struct db_batch *batch);
int64_t id_time_ms(int64_t id);

extern const struct stmt *const id_statements[];

#endif
