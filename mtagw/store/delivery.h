/* delivery: the sender's side of the store (event side): claim, fence, record. */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/settings.h"

struct delivery_store;

struct delivery {
	int64_t id, outgoing_id, letter_id; /* letter_id 0: none */
	int64_t epoch;
	const char *recipient, *route, *destination, *return_path, *extra_header;
	const char *mime_message_id;
	int64_t created_at, expires_at, size;
	int attempts;
	bool eight_bit;
	const int64_t *segments; /* triples (body_id, offset, length) */
	size_t segment_count;    /* of triples */
};
struct delivery_outcome {
	const char *outcome; /* delivered, deferred, failed, uncertain, expired */
	int code;
	const char *enhanced, *reply, *remote, *tls;
	int64_t started_at, dot_at, at; /* dot_at 0: none */
	int64_t next_at;                /* deferred */
};

/* Whether a delivery whose reply was lost after the final dot may simply be sent again: into a
 * Dovecot that throws the second copy away (DESIGN 9). */
bool delivery_repeatable(const struct settings *settings, const struct delivery *d);

struct delivery_store *delivery_store_new(const struct settings *settings, struct loop *loop,
    void (*woken)(void *ctx), void *ctx); /* woken: notice on mtagw_delivery or reconnect */
void delivery_store_free(struct delivery_store **store);
/* The settings were read again: they hold from the next claim on. They stay the caller's. */
void delivery_store_settings(struct delivery_store *store, const struct settings *settings);
/* busy: destinations whose rows stay where they are (they have enough claims already). */
/* Claims up to max waiting rows (FOR UPDATE SKIP LOCKED; owner, epoch+1, lease), also claimed rows
 * whose lease is over: without dot_at as they were, with dot_at recorded as `uncertain`, or
 * `deferred` until now where repeatable. Rows live until done returns. ok false: database away. */
void delivery_claim(struct delivery_store *store, int max, const char *const *busy,
    size_t busy_count, int64_t now_ms,
    void (*done)(bool ok, const struct delivery *list, size_t count, void *ctx), void *ctx);
/* Lease of these claims renewed; lost: ids that are no longer ours. */
void delivery_renew(struct delivery_store *store, const int64_t *ids, size_t count, int64_t now_ms);
/* Claims that were not begun go back to waiting (draining). done may be NULL. */
void delivery_release(struct delivery_store *store, const int64_t *ids, size_t count,
    void (*done)(bool ok, void *ctx), void *ctx);
/* The fence (DESIGN 4): group-commits dot_at where owner and epoch are still ours; ok false: do not
 * send the dot. */
void delivery_dot(struct delivery_store *store, const int64_t *ids, const int64_t *epochs,
    size_t count, int64_t now_ms, void (*done)(bool ok, void *ctx), void *ctx);
/* Records the attempt, the exchange row (ContentConsignment / RelayToNonERDS / ...Failure) and the
 * new state in one transaction: delivered and failed delete the row (failed adds work of kind
 * `failure`), deferred sets next_at, uncertain stays with its reason. When the last delivery of a
 * letter is gone the letter becomes dispatched. Group-committed; done may be NULL. */
void delivery_record(struct delivery_store *store, const struct delivery *d,
    const struct delivery_outcome *outcome, void (*done)(bool ok, void *ctx), void *ctx);
/* Up to 256 KiB of a body from offset (whole inline bodies come at once). The range is valid inside
 * the callback; NULL range: not there. */
void delivery_body(struct delivery_store *store, int64_t body_id, uint64_t offset, uint64_t length,
    void (*done)(bool ok, struct range bytes, void *ctx), void *ctx);

struct stmt;
extern const struct stmt *const delivery_statements[];
extern const struct stmt *const delivery_body_statements[];
extern const struct stmt *const delivery_record_statements[];

#endif
