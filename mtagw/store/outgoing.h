/* outgoing: composed messages and their delivery rows (DESIGN 14.2, 14.3), blocking side. */
#ifndef STORE_OUTGOING_H
#define STORE_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/store/db.h"
#include "mtagw/store/id.h"

/* A segment is a range of a body; body_id 0: of the literal bytes, in order. */
struct outgoing_segment {
	int64_t body_id;
	uint64_t offset;
	struct range bytes;
};
struct outgoing_delivery {
	int64_t id; /* filled by outgoing_prepare when 0: the return path is keyed with it */
	const char *recipient;
	const char *route;       /* lmtp, smtp */
	const char *destination; /* domain, or "lmtp" */
	const char *return_path; /* "" null */
	const char *extra_header;
};
struct outgoing {
	int64_t id;
	int64_t message_id, letter_id; /* 0: none */
	const char *kind, *form, *position, *from_address, *mime_message_id, *subject;
	bool eight_bit;
	bool dsn; /* the mail it comes from asked for delivery reports */
	int policy_version;
	const struct outgoing_segment *segments;
	size_t segment_count;
	struct outgoing_delivery *deliveries;
	size_t delivery_count;
	int64_t at_ms, expires_at_ms;
	/* filled by outgoing_prepare */
	int64_t literal_body;
	struct range literal; /* in the arena */
	uint64_t size;
	uint8_t sha256[SHA256_BYTES];
};

/* Before the transaction: takes ids, gathers the literal bytes, hashes, stages large bodies. */
int outgoing_prepare(
    struct db *db, struct ids *ids, struct outgoing *out, struct arena *arena, struct err *error_r);
/* Into the transaction that stands. A letter's form that exists already (a redo) is kept: nothing
 * is inserted. */
void outgoing_queue(struct db *db, const struct outgoing *out, struct arena *arena);

/* A finished attempt, for the notice of it: 1, 0, -1. */
struct attempt {
	int64_t id, delivery_id, outgoing_id, letter_id, message_id, created_at_ms, at_ms;
	const char *recipient, *route, *outcome, *enhanced, *reply, *remote;
	int code;
	const char *kind, *position, *subject, *mime_message_id; /* of the outgoing */
	const char *notify, *orcpt,
	    *envid; /* what its writer asked (RFC 3461), as migration 0003 */
	const int64_t *segments;
	size_t segment_count;
};
int attempt_load(
    struct db *db, int64_t id, struct arena *arena, struct attempt *attempt_r, struct err *error_r);
/* Letter and position behind a delivery id (return path of a bounce): 1, 0, -1. */
int delivery_origin(struct db *db, int64_t delivery_id, struct arena *arena, int64_t *letter_id_r,
    const char **position_r, struct err *error_r);

extern const struct stmt *const outgoing_statements[];

#endif
