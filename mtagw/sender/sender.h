/* sender: what the files of mtagw-sender share: claims in hand, destinations, connections,
 * transactions. */
#ifndef SENDER_SENDER_H
#define SENDER_SENDER_H

#include "mtagw/base/dns.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/role.h"
#include "mtagw/base/tls.h"
#include "mtagw/smtp/client.h"
#include "mtagw/smtp/mx.h"
#include "mtagw/store/delivery.h"

/* Claims in hand. More would only be others' work held back; fewer would let connections wait for
 * rows. */
#define SENDER_JOBS_MAX 2048
#define SENDER_CLAIM_MAX 512
/* Claims in hand for one destination: a slow peer must not fill all places. */
#define SENDER_DESTINATION_JOBS_MAX 512
/* Recipients of one transaction: what every server must take (RFC 5321 section 4.5.3.1.8). */
#define SENDER_RCPTS_MAX 100
/* Bytes of a message that may wait in our memory for the peer: with one piece of 256 KiB on top
 * about half a MiB. */
#define SENDER_OUTPUT_MAX (192 * 1024)
#define SENDER_POLL_MS 1000
#define SENDER_RENEWALS 3 /* of a lease in its time (DESIGN 4) */
/* Bound of one question to the DNS, and the time until a domain's servers are asked for again
 * (libunbound keeps answers for their time to live). */
#define SENDER_DNS_MS (10 * 1000)
#define SENDER_ROUTE_MS (60 * 1000)
/* The first wait for our own Dovecot. */
#define SENDER_LMTP_RETRY_MS 1000
/* So many times (within seven seconds) a mailbox that is not there is asked for again. */
#define SENDER_LMTP_UNKNOWN_TRIES 3
/* An idle connection is kept this long for the next message. */
#define SENDER_IDLE_MS (5 * 1000)

/* A claimed delivery until its outcome is recorded. */
struct job {
	struct job *next; /* in its destination's queue, or its transaction */
	struct arena *arena;
	struct delivery d; /* strings in the arena */
	struct job *all_next, **all_back;
	struct destination *destination;
	uint64_t mailbox; /* LMTP: hash of login and domain, without +folder */
	bool recording;   /* its outcome is on its way to the database */
};

/* An address of one of the domain's mail servers. */
struct target {
	const char *host, *address;
	bool failed;
};

struct link;
struct destination {
	struct destination *next;
	struct sender *sender;
	char *key;  /* route and domain, or lmtp */
	char *name; /* as on the rows: domain, or lmtp */
	bool lmtp;
	struct job *queue, **queue_last;
	size_t queued, jobs; /* waiting; all in hand */
	struct link *links;
	size_t link_count, connecting;
	/* its mail servers, where the settings name no next hop */
	struct mx_lookup *lookup;  /* under way */
	struct arena *route_arena; /* holds the targets */
	struct target *targets;    /* in the order to be tried */
	size_t target_count;
	int64_t found_at; /* clock_mono_ms */
};

struct transaction {
	struct link *link; /* NULL: over, only a callback of the database is still to come */
	struct job **jobs;
	size_t count;
	struct smtp_client_message message; /* recipient i belongs to job i */
	char mark[48];                      /* the header field that names the delivery, LMTP */
	char envid[24];                     /* the delivery's id, for reports on a letter */
	int64_t started_at;
	size_t segment;   /* being sent */
	uint64_t sent;    /* bytes of it */
	bool calling;     /* a callback of the database is due */
	bool data, ended; /* the peer waits for bytes; all were given */
};

/* A connection. */
struct link {
	struct link *next;
	struct destination *destination;
	struct smtp_client *client;
	struct timer *idle;
	struct transaction *tx;
	char *remote;
	size_t target; /* number of the target from 1; 0: by the settings */
	bool was_ready, is_ready, quitting;
	int messages;
};

struct sender {
	struct role *role;
	struct loop *loop;
	struct delivery_store *store;
	struct tls *tls_any, *tls_verify; /* made at first use; the latter proves the peer */
	char *tls_ca;                     /* they were made with */
	struct dns *dns;                  /* opened at first use */
	struct timer *poll, *renew;
	struct destination *destinations;
	struct job *all;
	size_t jobs, link_count;
	bool claiming, claim_again, draining, releasing, drained;
};

/* sender.c */
void sender_job_done(struct job *job); /* recorded or let go: frees it */
void sender_look(struct sender *s);    /* claims when there is room, ends when drained */
/* Records an outcome and logs it. TEMPFAIL becomes deferred, or expired when its time is over; so
 * does UNCERTAIN where a second copy is thrown away, but stays uncertain when its time is over. */
struct job_result {
	enum smtp_outcome outcome;
	int code;
	const char *enhanced, *text, *remote, *tls;
	int64_t started_at;
};
void sender_record(struct job *job, const struct job_result *result);

/* destination.c */
struct destination *sender_destination(struct sender *s, const struct delivery *d);
void destination_add(struct destination *dest, struct job *job);
void destination_pump(struct destination *dest);
/* Takes jobs that go in one transaction from the queue into list (room for SENDER_RCPTS_MAX).
 * Without blocked_too it leaves those whose mailbox another transaction is just filling, where
 * Dovecot remembers deliveries: two at once to one user make it forget (DESIGN 9). */
size_t destination_take(struct destination *dest, struct job **list, bool blocked_too);
/* Everything that waits here gets this outcome (tls and started_at are filled in). */
void destination_put_off(struct destination *dest, const struct job_result *why);
bool destination_any_ready(const struct destination *dest);
void destination_quit_idle(struct destination *dest);
/* Forgets destinations without jobs and connections. */
void destination_sweep(struct sender *s);

/* route.c */
/* Where the next connection goes: 1 with address, TLS and timeout in params and its number in
 * target_r, 0 when that is not known yet or nothing more is to be opened now (destination_pump will
 * be called), -1 with the reason as a person should read it. */
int route_find(struct destination *dest, struct smtp_client_params *params, size_t *target_r,
    struct err *error_r);
/* A connection to this target never became ready: whether others are to be tried or waited for. */
bool route_other(struct destination *dest, size_t target);
void route_forget(struct destination *dest);

/* transaction.c */
struct transaction *transaction_start(struct link *link, struct job **jobs, size_t count);
void transaction_want_data(struct transaction *tx);
void transaction_drained(struct transaction *tx);
void transaction_before_dot(struct transaction *tx);
void transaction_done(struct transaction *tx); /* records all, frees */

#endif
