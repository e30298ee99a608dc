/* letter_row: letters, their recipients, numbers and forms as rows (blocking side). */
#ifndef STORE_LETTER_ROW_H
#define STORE_LETTER_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

struct letter_row {
	int64_t id, message_id;
	const char *type, *scope, *direction, *state;
	const char *agency, *position, *login;
	int64_t incumbency; /* 0: none */
	const char *subject, *summary, *classification_code, *security_class, *urgency;
	const char *xml; /* letter.xml without number and date */
	uint8_t canonical_sha256[SHA256_BYTES];
	const char *mime_message_id;
	int64_t reply_token;
	int policy_version;
	const char *rule_id;
	int64_t created_at_ms;
	/* from the ledger and the message; only letter_row_load fills them */
	const char *number, *date; /* NULL before numbering */
	int64_t body_id;
	bool dsn; /* its mail asked for delivery reports; read only */
};
struct letter_row_recipient {
	bool copy, inside;
	const char *name, *address, *position, *agency; /* the last two NULL outside */
};
/* Into the transaction that stands. */
void letter_row_queue_insert(struct db *db, const struct letter_row *row,
    const struct letter_row_recipient *list, size_t count, struct arena *arena);
void letter_row_queue_state(struct db *db, int64_t id, const char *state, int64_t at_ms);
/* Decided anew under this version and rule (a released draft). */
void letter_row_queue_clear(
    struct db *db, int64_t id, int policy_version, const char *rule_id, int64_t at_ms);
void letter_row_queue_form(struct db *db, int64_t id, const char *form, int64_t ref, uint64_t size,
    const uint8_t sha256[SHA256_BYTES], const char *fingerprint, int64_t at_ms);
/* 1, 0 unknown, -1. */
int letter_row_load(
    struct db *db, int64_t id, struct arena *arena, struct letter_row *row_r, struct err *error_r);
/* The bytes of a form that is a message (`inside`, `outside`), as it left, in the arena: 1, 0 there
 * is none, -1. */
int letter_row_form(struct db *db, int64_t id, const char *form, struct arena *arena,
    struct range *bytes_r, struct err *error_r);
int letter_row_of_message(struct db *db, int64_t message_id, int64_t *id_r, const char **state_r,
    struct arena *arena, struct err *error_r);

/* T2 (DESIGN 3): one item per letter or recipient agency; office.number_letters explains the
 * fields. */
struct number_item {
	int64_t letter_id;
	const char *date; /* the office's day, `2026-11-24` */
	int64_t at_ms;
	const char *position, *login;
	int64_t incumbency;
	const char *series, *pattern; /* NULL: agenda entry only */
	int64_t agenda_id, exchange_id;
	const char *agenda_series, *agenda_agency, *agenda_direction, *agenda_sender,
	    *agenda_destination, *agenda_channel;
	/* of an incoming letter, which has no number of ours: as its sender gave them; else NULL */
	const char *agenda_letter_number, *agenda_letter_date, *agenda_subject;
	const char *event; /* of the exchange row */
	int policy_version;
	const char *rule_id;
	/* filled by letter_row_commit_numbers */
	const char *number, *letter_date;
	int agenda_n;
};
/* Numbers and commits what stands open in one segment: returns as db_commit, with the items filled.
 */
int letter_row_commit_numbers(struct db *db, struct number_item *items, size_t count,
    struct arena *arena, struct err *error_r);

/* Who holds a position at a time: 1 with person, 0 vacant, -1. */
struct holder {
	int64_t incumbency;
	const char *name, *nip, *rank_title, *pay_grade, *capacity;
};
int holder_of(struct db *db, const char *position, int64_t at_ms, struct arena *arena,
    struct holder *holder_r, struct err *error_r);

/* Tokens and prompts. */
struct token_row {
	int64_t id;
	const char *kind; /* reply, prompt */
	int64_t letter_id, message_id;
	const char *actor, *verb; /* "" any */
	int64_t created_at_ms, expires_at_ms, closed_at_ms;
	const char *closed_by;
};
void token_row_queue_insert(struct db *db, const struct token_row *row);
int token_row_load(struct db *db, int64_t id, bool lock, struct arena *arena,
    struct token_row *row_r, struct err *error_r);
void token_row_queue_close(struct db *db, int64_t id, int64_t at_ms, const char *by);
/* An action is done once per (actor, prompt, verb): the unique row aborts the second transaction.
 */
void action_queue_insert(struct db *db, const char *actor, int64_t prompt, const char *verb,
    int64_t at_ms, int64_t message_id);

extern const struct stmt *const letter_row_statements[];

#endif
