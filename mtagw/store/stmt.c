/*
 * stmt: the list of the statement tables. A module that adds a table adds its line here, or its
 * statements go untested; tests/lint compares the list with the `_statements[]` that the headers
 * declare.
 */
#include "mtagw/store/stmt.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/store/accept.h"
#include "mtagw/store/db_private.h"
#include "mtagw/store/delivery.h"
#include "mtagw/store/disposition.h"
#include "mtagw/store/exchange.h"
#include "mtagw/store/id.h"
#include "mtagw/store/incoming.h"
#include "mtagw/store/letter_row.h"
#include "mtagw/store/message.h"
#include "mtagw/store/migrate.h"
#include "mtagw/store/outgoing.h"
#include "mtagw/store/account.h"
#include "mtagw/store/policy_store.h"
#include "mtagw/store/queue.h"
#include "mtagw/store/report.h"
#include "mtagw/store/sweep.h"
#include "mtagw/store/work.h"

static const struct stmt *const db_statements[] = {&db_notify_stmt, NULL};

const struct stmt *const *const stmt_tables[] = {db_statements, accept_side_statements,
    accept_statements, delivery_body_statements, delivery_record_statements, delivery_statements,
    disposition_statements, exchange_statements, id_statements, letter_row_statements,
    message_statements, migrate_statements, outgoing_statements, account_statements,
    policy_store_statements, queue_statements, report_statements, report_letter_statements,
    report_disposition_statements, sweep_statements, work_statements, incoming_statements,
    thread_statements, NULL};

/* The same name in a table before, or earlier in this one. */
static bool name_taken(size_t table, size_t n)
{
	const char *name = stmt_tables[table][n]->name;

	for (size_t t = 0; t <= table; t++)
		for (size_t i = 0; stmt_tables[t][i] != NULL && !(t == table && i == n); i++)
			if (strcmp(stmt_tables[t][i]->name, name) == 0)
				return true;
	return false;
}

int stmt_check_all(struct db *db, struct err *error_r)
{
	for (size_t t = 0; stmt_tables[t] != NULL; t++) {
		for (size_t i = 0; stmt_tables[t][i] != NULL; i++) {
			const struct stmt *stmt = stmt_tables[t][i];
			char *sql;
			int rc;

			if (name_taken(t, i))
				return err_set(
				    error_r, "statement %s: a name used twice", stmt->name);
			sql = mem_printf("prepare \"check %s\" as %s", stmt->name, stmt->sql);
			rc = db_run_script(db, sql, error_r);
			free(sql);
			if (rc < 0)
				return err_prefix(error_r, "statement %s", stmt->name);
		}
	}
	return 1;
}
