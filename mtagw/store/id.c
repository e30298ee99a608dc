/*
 * id: 64-bit ids that sort by time: 41 bits of milliseconds above 22 bits of one database sequence,
 * which is fetched in blocks of ID_BLOCK. The sequence's low 22 bits come round after 4 million
 * ids; within one millisecond that many are never made, so an id is used once.
 */
#include "mtagw/store/id.h"

#include <stddef.h>

#define ID_LOW_MASK ((INT64_C(1) << ID_TIME_SHIFT) - 1)

static const struct stmt next_block = {"id_block", "select nextval('mail.id_block')"};
const struct stmt *const id_statements[] = {&next_block, NULL};

bool ids_take(struct ids *ids, int64_t at_ms, int64_t *id_r)
{
	if (ids->next >= ids->end)
		return false;
	*id_r = at_ms << ID_TIME_SHIFT | (ids->next++ & ID_LOW_MASK);
	return true;
}

int ids_next(struct ids *ids, struct db *db, int64_t at_ms, int64_t *id_r, struct err *error_r)
{
	struct db_result *r = NULL;

	if (ids_take(ids, at_ms, id_r))
		return 1;
	if (db_query(db, &next_block, NULL, 0, &r, error_r) < 0)
		return -1;
	ids->next = db_get_int(r, 0, 0);
	ids->end = ids->next + ID_BLOCK;
	db_result_free(&r);
	return ids_take(ids, at_ms, id_r) ? 1 : err_set(error_r, "mail.id_block gave no number");
}

int64_t ids_left(const struct ids *ids)
{
	return ids->end - ids->next;
}

static void block_row(const struct db_result *result, void *ctx)
{
	struct ids *ids = ctx;

	if (db_rows(result) != 1)
		return;
	ids->next = db_get_int(result, 0, 0); /* what is left of the old block is let go */
	ids->end = ids->next + ID_BLOCK;
}

void ids_fetch(struct ids *ids, struct db_batch *batch)
{
	db_batch_add(batch, &next_block, NULL, 0, block_row, ids);
}

int64_t id_time_ms(int64_t id)
{
	return id >> ID_TIME_SHIFT;
}
