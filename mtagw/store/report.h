/* report: the lists that people look at, as statements with named columns (blocking side). */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

enum report_type {
	REPORT_ID, /* 64 bits: a string in JSON; 0 and NULL are none */
	REPORT_INT,
	REPORT_TEXT, /* '' is none */
	REPORT_TIME, /* milliseconds; 0 and NULL are none */
	REPORT_BOOL,
	REPORT_JSON, /* an object as text */
	REPORT_HEX,  /* bytea */
};
/* What a letter can be: its own states, and what its deliveries make of it. */
#define REPORT_LETTER_STATES                                                             \
	"draft in_clearance returned cleared numbered signed dispatched replied closed " \
	"void received registered presented disposed in_progress done filed noise "      \
	"delivered failed uncertain"
struct report_column {
	const char *key;   /* of --json: stable */
	const char *title; /* of tables; NULL: in JSON alone */
	enum report_type type;
};
struct report {
	const struct stmt *stmt;
	size_t params;                       /* that it takes */
	const struct report_column *columns; /* as the statement gives them, ended by a NULL key */
};

/* Parameters of each, in order. Text '' and number 0: no such filter. */
extern const struct report report_queue;      /* state, limit */
extern const struct report report_delivery;   /* id */
extern const struct report report_work;       /* id */
extern const struct report report_attempts;   /* delivery id */
extern const struct report report_letters;    /* state, agency, limit; newest last */
extern const struct report report_letter;     /* id */
extern const struct report report_recipients; /* letter id; also of the next five */
extern const struct report report_letter_deliveries;
extern const struct report report_forms;
extern const struct report report_letter_agenda;
extern const struct report report_tokens;
extern const struct report report_thread;
extern const struct report report_agenda;              /* agency, direction, limit; newest last */
extern const struct report report_exchanges;           /* limit; newest last */
extern const struct report report_letter_exchanges;    /* letter id, limit */
extern const struct report report_message_exchanges;   /* message id, limit */
extern const struct report report_dispositions;        /* state, agency, limit; newest last */
extern const struct report report_letter_dispositions; /* letter id; also of the next two */
extern const struct report report_disposition_reports;
extern const struct report report_incoming_standing; /* one row an agency */
extern const struct report report_accounts;          /* none */
extern const struct report report_agency;            /* code: a row where there is one */
extern const struct report report_status; /* now in ms: rows of key, value, alarm text ('' fine) */

/* 1 and the rows, or -1. Blocks. */
int report_run(struct db *db, const struct report *report, const struct db_param *params,
    struct db_result **result_r, struct err *error_r);
/* The letter with this id, or this number as printed: 1, 0, -1. */
int report_find_letter(
    struct db *db, int64_t id, const char *number, int64_t *letter_r, struct err *error_r);

extern const struct stmt *const report_statements[];
extern const struct stmt *const report_letter_statements[];      /* report_letter.c */
extern const struct stmt *const report_disposition_statements[]; /* report_disposition.c */

#endif
