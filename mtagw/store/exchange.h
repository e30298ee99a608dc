/* exchange: rows of the trail (DESIGN 11), collected and written in the transaction of what they
 * tell. */
#ifndef STORE_EXCHANGE_H
#define STORE_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"
#include "mtagw/store/id.h"

/* Who did it (DESIGN 14.5). Strings may be NULL or "". */
struct exchange_actor {
	const char *position;
	int64_t incumbency; /* 0: none */
	const char *login;
};
struct exchange {
	int64_t at_ms;
	const char *event;   /* `PolicyDecision`, `Numbered`, an ETSI EN 319 522 name */
	const char *outcome; /* `allowed`, `refused`, `done`, `waiting` ... */
	int64_t message_id, letter_id, delivery_id; /* 0: none */
	struct exchange_actor actor;
	int policy_version;        /* 0: none */
	const char *rule_id;       /* NULL: none */
	const char *code;          /* refusal or reply code, NULL */
	const char *object_sha256; /* hex, NULL */
};

/* Rows waiting for their transaction. */
struct exchanges;
struct exchanges *exchanges_new(void);
void exchanges_free(struct exchanges **list);
/* details: key, value pairs ended by NULL (erasable text: addresses, subjects, replies); NULL:
 * none. Takes an id from ids (blocking side). */
int exchanges_add(struct exchanges *list, struct db *db, struct ids *ids,
    const struct exchange *exchange, const char *const *details, struct err *error_r);
/* One more row with an id given by the caller (event side). */
void exchanges_put(struct exchanges *list, int64_t id, const struct exchange *exchange,
    const char *const *details);
/* Appends all rows of from, which is empty then. */
void exchanges_move(struct exchanges *to, struct exchanges *from);
size_t exchanges_count(const struct exchanges *list);
/* Queues the writing statement into the transaction that stands and empties the list. */
void exchanges_queue(struct exchanges *list, struct db *db);

/* The columns behind the first as arguments of audit.write_columns, `$first` and the following. The
 * first are the rows' ids; a statement that writes only some rows gives NULL for those of others.
 */
#define EXCHANGE_COLUMN_COUNT 15
#define EXCHANGE_COLUMNS(first) EXCHANGE_COLUMNS_##first
#define EXCHANGE_COLUMNS_2 "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15"
#define EXCHANGE_COLUMNS_3 "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16"
#define EXCHANGE_COLUMNS_4 "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17"
/* The values of all columns; they live as long as the list is not changed. */
void exchanges_params(
    const struct exchanges *list, struct db_param params_r[EXCHANGE_COLUMN_COUNT]);

extern const struct stmt *const exchange_statements[];

#endif
