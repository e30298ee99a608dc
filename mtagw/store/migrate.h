/* migrate: forward-only numbered changes of the schema (blocking, role mtagw_owner). */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

#define MIGRATE_FILES_MAX 999 /* three digits of a four-digit number: more is a mistake */
#define MIGRATE_FILE_BYTES_MAX (4 * 1024 * 1024) /* a schema change, not a load of data */

/* A migration that is built into the program. */
struct migrate_file {
	const char *name; /* `0001_base.sql`: the number is the order */
	const char *start, *end;
};
/* Ended by a NULL name, in the order of numbers. */
extern const struct migrate_file migrate_files[];

/* Applies what is not applied yet, each file in a transaction of its own with its row of
 * public.schema_migration, then makes the partitions from the year before now_ms to two years
 * after. dir NULL: the files built in; else `NNNN_word.sql` of that directory. told (may be NULL)
 * hears of each applied file. Refuses, and changes nothing, when an applied file's hash differs
 * from the one at hand, when an applied one is missing, or a number is missing or double. 1, or -1
 * with error_r. Blocks. */
int migrate_run(struct db *owner_db, const char *dir, int64_t now_ms,
    void (*told)(int n, const char *name, void *ctx), void *ctx, struct err *error_r);

extern const struct stmt *const migrate_statements[];

#endif
