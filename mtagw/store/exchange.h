/* exchange: rows of the trail (DESIGN 11), collected and written in the transaction of what they
 * tell. */
#ifndef STORE_EXCHANGE_H
#define STORE_EXCHANGE_H

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
/* Queues the writing statement into the transaction that stands and empties the list. */
void exchanges_queue(struct exchanges *list, struct db *db);
/* The rows as jsonb text of audit.write, with an id given by the caller: event side. The caller
 * frees it. */
char *exchange_json(const struct exchange *exchange, int64_t id, const char *const *details);

extern const struct stmt *const exchange_statements[];

#endif
