/* accept_private: shared by accept.c (the committing), accept_group.c (what is written) and
 * accept_side.c (ids, chunks, known addresses); nobody else includes it. */
#ifndef STORE_ACCEPT_PRIVATE_H
#define STORE_ACCEPT_PRIVATE_H

#include "mtagw/store/accept.h"
#include "mtagw/store/db.h"
#include "mtagw/store/id.h"

/* A commit of 64 rows costs hardly more than one of 8 (measured: the gain is flat from there); the
 * bytes bound what one lost connection sends again. */
#define ACCEPT_GROUP_MESSAGES 64
#define ACCEPT_GROUP_BYTES (4 * 1024 * 1024)
/* Blocks of ids at hand: a message takes four, so this is two thousand messages between two
 * fetches. */
#define ACCEPT_ID_BLOCKS 8
/* A client sends again within hours, a queue within days (RFC 5321 section 4.5.4.1: four to five).
 */
#define ACCEPT_IDEMPOTENCY_MS (INT64_C(6) * 24 * 3600 * 1000)
/* How long sessions wait for the look-up of a commit of unknown fate: well inside the ten minutes
 * that a client waits after its dot (RFC 5321 section 4.5.3.2.6), long enough for a server's
 * restart. */
#define ACCEPT_LOOKUP_MS (60 * 1000)
#define ACCEPT_LOOKUP_AGAIN_MS 500

/* One submitted message until it is answered. */
struct accept_wait {
	struct accept_wait *next;
	struct accept *accept;
	struct arena *arena; /* holds the copies below */
	struct accept_message message;
	accept_cb *cb; /* NULL: cancelled */
	void *ctx;
	bool bad_text; /* an address that no text column takes: answered without the database */
	/* from the statement's row */
	bool fresh;
	int64_t old_id; /* of a duplicate; 0: not known yet */
};

/* Messages of one commit. */
struct accept_group {
	struct accept_group *next;
	struct accept *accept;
	struct accept_wait *first;
	size_t count;
	struct timer *again; /* of the look-up */
	int64_t lookup_until_mono;
};

struct accept_addresses;
struct accept_chunk_wait;
struct accept {
	const struct settings *settings;
	struct loop *loop;
	struct db *db;   /* commits */
	struct db *side; /* ids, chunks, addresses, look-ups: never behind a commit */
	struct timer *pump, *minute, *tell;
	bool untold; /* the router hears of more when tell runs out */
	struct ids ids[ACCEPT_ID_BLOCKS];
	bool fetching_ids;
	struct accept_addresses *addresses, *loading;
	struct accept_chunk_wait *chunks, **chunks_last; /* not yet sent */
	size_t chunks_out;
	struct accept_wait *queue, **queue_last;
	struct accept_group *groups; /* all that exist */
	size_t committing;           /* groups whose batch is out */
};

/* accept_group.c: the statements of one commit; rows fill fresh and old_id. */
void accept_group_write(struct accept_group *group, struct db_batch *batch);
void accept_group_lookup(struct accept_group *group, struct db_batch *batch);

/* accept_side.c */
bool accept_side_take(struct accept *accept, int64_t at_ms, int64_t *id_r);
void accept_side_fetch(struct accept *accept);
/* Calls the router: there is work. */
void accept_side_tell(struct accept *accept);
void accept_side_start(struct accept *accept);
void accept_side_free(struct accept *accept);

#endif
