/* plan: everything one stage of one piece of work will write, prepared outside the transaction. */
#ifndef ROUTER_PLAN_H
#define ROUTER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/mail/pieces.h"
#include "mtagw/office/notice.h"
#include "mtagw/router/worker.h"
#include "mtagw/store/letter_row.h"
#include "mtagw/store/outgoing.h"

/* Two forms and a few notices; an order to many writes one mail for each of them. */
#define PLAN_OUTGOING_MAX 48
#define PLAN_TOKENS_MAX 48

/* A row of some table of the office, put into the transaction by its own function. */
struct plan_row {
	void (*queue)(struct db *db, const void *row);
	const void *row;
	struct plan_row *next;
};

struct plan {
	struct outgoing *outgoing[PLAN_OUTGOING_MAX];
	size_t outgoing_count;
	struct letter_row *letter; /* inserted; NULL: none */
	const struct letter_row_recipient *recipients;
	size_t recipient_count;
	struct token_row tokens[PLAN_TOKENS_MAX]; /* inserted */
	size_t token_count;
	int64_t message_id; /* its state becomes message_state; 0: none */
	const char *message_state, *message_reason;
	int64_t message_letter;
	/* a prompt answered */
	int64_t close_token; /* 0: none */
	const char *close_by, *action_actor, *action_verb;
	/* a letter that stands already */
	int64_t letter_id;
	const char *letter_state; /* NULL: unchanged */
	int clear_version;        /* with letter_state "cleared": decided under it */
	const char *clear_rule;
	/* forms of that letter; ref is the outgoing's id or a body's */
	struct {
		const char *form;
		int64_t ref;
		uint64_t size;
		uint8_t sha256[SHA256_BYTES];
		const char *fingerprint;
	} forms[3];
	size_t form_count;
	int64_t body_id; /* one more body (the PDF); 0: none */
	struct range body;
	const char **register_agencies; /* work of kind register for each */
	int64_t *register_ids;          /* of the work rows */
	size_t register_count;
	bool more_work;        /* plan_work was called: wake somebody */
	const char *next_kind; /* NULL: the work is done */
	int64_t next_ref;
	bool deciding; /* the active policy version must still be ours at COMMIT */
	struct plan_row *rows, **rows_end; /* in order, behind all others */
	struct exchanges *exchanges;
};

/* One more row; queue must be of the store and not block. The row must outlive the task. */
void plan_row(struct task *t, void (*queue)(struct db *db, const void *row), const void *row);
/* One more piece of work, for this router or another. -1: no ids. */
int plan_work(struct worker *w, struct task *t, const char *kind, int64_t ref, const char *arg,
    int64_t at_ms);

/* Queues all of it into the transaction that stands. */
void plan_queue(struct worker *w, struct task *t);

/* An outgoing message in the task's plan: bytes from pieces. The result can take deliveries. -1: no
 * ids (database away). */
int plan_outgoing(struct worker *w, struct task *t, const char *kind, const char *form,
    const struct pieces *pieces, const char *from, const char *message_id, const char *subject,
    int64_t letter_id, struct outgoing **out_r);
/* A delivery of it. keyed: the return path carries the delivery's token; else return_path as given.
 */
int plan_delivery(struct worker *w, struct task *t, struct outgoing *out, const char *recipient,
    const char *route, bool keyed, const char *return_path, const char *extra_header);
/* The deliveries are complete: hashes, stages. */
int plan_outgoing_done(struct worker *w, struct task *t, struct outgoing *out);

/* A folder of a position's mailbox as an address for LMTP (its detail; quoted where it has blanks).
 */
const char *plan_folder(struct worker *w, struct task *t, const char *position, const char *folder);

/* A notice to the mailbox of a position (login), as notice.h; kind: confirmation, preview, notice,
 * failure. notice->to, to_name, from, message_id, date are filled here. */
int plan_notice(struct worker *w, struct task *t, const char *kind, const char *position,
    struct notice *notice, int64_t letter_id);

/* A row of the trail with the task's message and policy version filled in. */
int plan_exchange(
    struct worker *w, struct task *t, struct exchange exchange, const char *const *details);

#endif
