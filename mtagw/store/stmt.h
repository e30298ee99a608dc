/* stmt: every statement of store/, so that a test can prepare all of them against the migrated
 * schema. */
#ifndef STORE_STMT_H
#define STORE_STMT_H

#include "mtagw/store/db.h"

/* Tables of the modules, each ended by NULL; the list too. */
extern const struct stmt *const *const stmt_tables[];

/* Asks the server to parse each statement: 1, or -1 with the first that it refuses, or that has a
 * name twice. The schema must be there. Blocking side, any role that may use the schemas. */
int stmt_check_all(struct db *db, struct err *error_r);

#endif
