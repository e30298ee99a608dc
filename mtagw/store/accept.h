/* accept: committing what smtpd takes in, many messages a commit (event side). No 250 before
 * COMMIT. */
#ifndef STORE_ACCEPT_H
#define STORE_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/settings.h"

#define ACCEPT_INLINE_MAX (64 * 1024) /* larger bodies go to chunk rows (DESIGN 14.2) */
#define ACCEPT_CHUNK_BYTES (256 * 1024)

struct accept;
struct stmt;
enum accept_result {
	ACCEPT_STORED,      /* committed: say 250 with the id */
	ACCEPT_DUPLICATE,   /* the same message was committed before (client lost our 250): say 250
	                       with the old id */
	ACCEPT_REFUSED,     /* this one message's data cannot be stored: 554, text tells */
	ACCEPT_UNAVAILABLE, /* database gone or full, or fate unknown after a look-up: 451 */
};
struct accept_message {
	const char *channel;                           /* "submission", "mx" */
	const char *session_id, *peer_ip, *helo, *tls; /* for the exchange detail */
	const char *sender;
	const char *const *rcpts;
	size_t rcpt_count;
	const char *dsn;   /* what the client asked of reports, JSON (migration 0003), "" nothing */
	const char *login; /* "" on the MX */
	const char *position; /* of the login, "" */
	const char *from_address, *mime_message_id, *subject;
	int64_t id;      /* from accept_id */
	int64_t body_id; /* from accept_id, or of the chunk writer */
	uint64_t size;
	uint8_t sha256[SHA256_BYTES]; /* of the stored bytes */
	uint8_t key[SHA256_BYTES];    /* idempotency: hash of (login or sender and peer, Message-ID,
	                                 body hash, recipient set) */
	bool idempotent;              /* false where there is no client-made Message-ID to key on */
	struct range bytes; /* the whole, where size <= ACCEPT_INLINE_MAX; else published chunks */
	int64_t at_ms;
};
typedef void accept_cb(enum accept_result result, int64_t id, const char *text, void *ctx);

/* Role mtagw_smtpd. Group commit: the next batch collects while the last one commits, never by
 * sleeping. A batch that the server refuses is tried again one message by one; after a lost
 * connection the batch's ids are looked up before anyone is answered. */
struct accept *accept_new(const struct settings *settings, struct loop *loop);
void accept_free(struct accept **accept);
/* 0 while no block of ids is at hand (database away since the start): answer 451. */
int64_t accept_id(struct accept *accept, int64_t at_ms);
/* Database connected: else 421/451 at once. */
bool accept_ready(const struct accept *accept);
/* Copies what it needs; cb runs later from the loop. Returns a handle for accept_cancel. Writes
 * mail.body, mail.message, mail.idempotency, mail.work (kind route) and the exchange row (event
 * SubmissionAcceptance or ReceivedFromNonERDS) in one transaction, NOTIFY mtagw_work after it. */
struct accept_wait;
struct accept_wait *accept_submit(
    struct accept *accept, const struct accept_message *message, accept_cb *cb, void *ctx);
/* The session is gone: no callback any more (the message may still be committed). */
void accept_cancel(struct accept_wait **wait);
/* Large bodies: chunk rows in short commits on a connection of their own under a staging id.
 * done(ok) after each chunk is committed. */
void accept_chunk(struct accept *accept, int64_t body_id, int n, struct range bytes, int64_t at_ms,
    void (*done)(bool ok, void *ctx), void *ctx);
/* Thrown away: the transaction was reset. Best effort, the sweeper does the rest. */
void accept_chunks_drop(struct accept *accept, int64_t body_id);

/* What the city's domain knows (org.address), kept in memory, read again when policy is activated
 * (NOTIFY mtagw_policy) and each minute. */
struct known_address {
	const char *kind; /* position, registry, type, action, role */
	const char *target;
	bool detail, outside;
};
/* NULL for an unknown local part (already lower case, without +detail). */
const struct known_address *accept_address(const struct accept *accept, const char *local);

extern const struct stmt *const accept_statements[];
extern const struct stmt *const accept_side_statements[];

#endif
