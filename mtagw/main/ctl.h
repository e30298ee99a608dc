/* ctl: what the files of mtagwctl share. */
#ifndef MAIN_CTL_H
#define MAIN_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/settings.h"
#include "mtagw/policy/policy.h"
#include "mtagw/store/db.h"
#include "mtagw/store/exchange.h"
#include "mtagw/store/id.h"
#include "mtagw/store/report.h"

#define CTL_ARGS_MAX 8
#define CTL_OPTIONS_MAX 20
#define CTL_MISUSED 2        /* exit status: what was asked makes no sense */
#define CTL_ROWS_DEFAULT 200 /* --limit */

/* Options, "" where not given. */
struct ctl_options {
	const char *letter, *message, *agency, *direction, *state, *name, *nip, *rank, *grade,
	    *capacity, *login, *reason, *peer, *helo, *sender;
	const char *limit;
	bool json, password_stdin;
};
struct ctl {
	const struct settings *settings;
	struct arena *arena;
	struct db *db; /* role ctl */
	struct ids ids;
	struct exchange_actor actor;
	struct ctl_options o;
	const char *args[CTL_ARGS_MAX]; /* behind group and verb; "" past the last */
	int arg_count;
	struct err err;
};
/* Verbs answer 0, or 1 or CTL_MISUSED with what went wrong in ctl->err. */
int ctl_db_migrate(struct ctl *c);
int ctl_status(struct ctl *c);
int ctl_queue_list(struct ctl *c);
int ctl_queue_show(struct ctl *c);
int ctl_queue_hold(struct ctl *c);
int ctl_queue_release(struct ctl *c);
int ctl_queue_retry(struct ctl *c);
int ctl_queue_fail(struct ctl *c);
int ctl_letter_list(struct ctl *c);
int ctl_letter_show(struct ctl *c);
int ctl_agenda_list(struct ctl *c);
int ctl_disposition_list(struct ctl *c);
int ctl_disposition_show(struct ctl *c);
int ctl_exchange_list(struct ctl *c);
int ctl_policy_check(struct ctl *c);
int ctl_policy_test(struct ctl *c);
int ctl_policy_activate(struct ctl *c);
int ctl_policy_explain(struct ctl *c);
int ctl_verify(struct ctl *c);
int ctl_key_list(struct ctl *c);
int ctl_key_create_seal(struct ctl *c);
int ctl_key_create_dkim(struct ctl *c);
int ctl_key_show_seal(struct ctl *c);
int ctl_key_show_dkim(struct ctl *c);
int ctl_account_add(struct ctl *c);
int ctl_account_list(struct ctl *c);
int ctl_account_passwd(struct ctl *c);
int ctl_account_disable(struct ctl *c);

/* A number given as an argument; false with ctl->err. */
bool ctl_id(struct ctl *c, const char *text, int64_t *id_r);
int64_t ctl_limit(const struct ctl *c);
/* --state or --direction is one of the words (space-separated) or was not given. */
bool ctl_known(struct ctl *c, const char *option, const char *value, const char *words);
/* 0: --agency is one that the law has or had, or was not given; else what the verb answers. */
int ctl_known_agency(struct ctl *c);
/* A control character stands there (two bytes where it begins with c2): never for a terminal. */
bool ctl_is_control(const char *text);
/* Cells of a table line by line, titles first (their line is left out where all are ""). Columns
 * are aligned, controls replaced, long cells cut but for the last of a line. */
void ctl_print_cells(const char *const *cells, size_t lines, size_t columns);
/* Prints what a report gave: an aligned table, or a JSON list. */
void ctl_print_result(struct ctl *c, const struct report *report, const struct db_result *r);
/* Runs a report and prints it. 0 or 1. */
int ctl_print_report(struct ctl *c, const struct report *report, const struct db_param *params);
/* Parts of one answer: tables under titles, or one JSON object with the reports by name. */
struct ctl_part {
	const char *name, *title;
	const struct report *report;
	bool single; /* one row: `key: value` lines, a JSON object */
};
int ctl_print_parts(
    struct ctl *c, const struct ctl_part *parts, size_t count, const struct db_param *params);

#endif
