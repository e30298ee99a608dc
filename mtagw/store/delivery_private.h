/* delivery_private: shared by delivery.c (claim, fence), delivery_body.c (pieces of bodies)
 * and delivery_record.c (outcomes); nobody else includes it. */
#ifndef STORE_DELIVERY_PRIVATE_H
#define STORE_DELIVERY_PRIVATE_H

#include "mtagw/store/db.h"
#include "mtagw/store/delivery.h"
#include "mtagw/store/id.h"

/* Outcomes of one commit: as with taking in, more gain nothing. */
#define DELIVERY_GROUP_MAX 64
/* Blocks of ids: an outcome takes up to four (attempt, two rows of the trail, work). */
#define DELIVERY_ID_BLOCKS 4
/* An outcome that could not be written is tried again this soon, for as long as it takes:
 * forgetting it would make a delivered message `uncertain`. */
#define DELIVERY_RECORD_AGAIN_MS 500
/* An unknown claim is worth one look a poll; dotted rows left by a dead sender are taken over by so
 * many. */
#define DELIVERY_TAKEOVER_MAX 32
/* Leases that ran out are looked for by claims this far apart at least: a poll, not every notice.
 */
#define DELIVERY_SWEEP_MS 500
/* Key of the advisory lock under which senders claim in turn. */
#define DELIVERY_CLAIM_LOCK INT64_C(0x6d7461677764) /* "mtagwd" */

/* Pieces of bodies that one question brings, together: a piece has up to 256 KiB. */
#define DELIVERY_BODIES_BYTES (1024 * 1024)

struct record;
struct dot;
struct body_call;
struct delivery_store {
	const struct settings *settings;
	struct loop *loop;
	struct db *db;   /* claims, fences, outcomes */
	struct db *side; /* ids, bodies */
	char owner[64];
	int64_t swept_at; /* clock_now_ms of a claim */
	void (*woken)(void *ctx);
	void *ctx;
	struct ids ids[DELIVERY_ID_BLOCKS];
	bool fetching_ids;
	struct record *records, **records_last; /* not yet sent */
	struct record *out;                     /* of the batch in flight */
	struct timer *record_soon;
	struct dot *dots, **dots_last;
	size_t dots_out;
	struct timer *dot_soon;
	struct body_call *bodies, **bodies_last; /* not yet asked for */
	size_t bodies_out;
	struct timer *body_soon;
};

int64_t delivery_ids_at_hand(const struct delivery_store *store);
int64_t delivery_id_take(struct delivery_store *store, int64_t at_ms);
void delivery_ids_fetch(struct delivery_store *store);
void delivery_record_start(struct delivery_store *store);
void delivery_record_free(struct delivery_store *store);
void delivery_body_start(struct delivery_store *store);
void delivery_body_free(struct delivery_store *store);

#endif
