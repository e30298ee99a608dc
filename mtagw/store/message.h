/* message: what was taken in, and bodies, for the router (blocking side). */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"
#include "mtagw/store/id.h"

struct message {
	int64_t id, body_id, received_at_ms, size;
	const char *channel; /* submission, mx */
	const char *sender;  /* envelope, "" null */
	const char *const *rcpts;
	size_t rcpt_count;
	const char *login; /* "" on the MX */
	const char *position, *from_address, *mime_message_id, *subject;
	int64_t letter_id; /* 0: none yet */
	const char *state;
	const char *peer, *helo; /* of the session that brought it */
	bool dsn;                /* it asked for delivery reports */
};
/* 1 found, 0 no such message, -1. Strings in the arena. */
int message_load(
    struct db *db, int64_t id, struct arena *arena, struct message *message_r, struct err *error_r);
/* Many at once with their bodies. Those not found have id 0; bodies that stand in chunks are left
 * for message_body (p NULL). 1 or -1. */
int message_load_many(struct db *db, const int64_t *ids, size_t count, struct arena *arena,
    struct message *messages_r, struct range *bodies_r, struct err *error_r);
/* The whole body in the arena: 1, 0 where it is gone, -1. */
int message_body(struct db *db, int64_t body_id, struct arena *arena, struct range *bytes_r,
    struct err *error_r);
/* Into the transaction that stands. letter_id 0 leaves it. */
void message_queue_state(
    struct db *db, int64_t id, const char *state, int64_t letter_id, const char *reason);

/* Stores bytes under id: chunk rows of a large body are written and committed at once (outside a
 * transaction, under a staging id), the publishing row is queued by body_queue_publish in the
 * transaction that names it. */
int body_stage(struct db *db, int64_t id, struct range bytes, int64_t at_ms, struct err *error_r);
void body_queue_publish(struct db *db, int64_t id, struct range bytes);

extern const struct stmt *const message_statements[];

#endif
