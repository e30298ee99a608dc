/* order: what the doors of orders, reports, tracing and reminders share: the letter with all its
 * orders as they were read, and mails about them into the plan. */
#ifndef ROUTER_ORDER_H
#define ROUTER_ORDER_H

#include "mtagw/office/order.h"
#include "mtagw/office/order_mail.h"
#include "mtagw/router/answer.h"

/* A reply to an order may come late, but not in another year (issue: a token of last year). */
#define ORDER_PROMPT_MS (INT64_C(180) * 24 * 3600 * 1000)
/* BATAL (DESIGN 7). */
#define ORDER_RECALL_MS (INT64_C(5) * 60 * 1000)

struct order_case {
	struct worker *w;
	struct task *t;
	struct letter_row row;
	struct incoming_row letter;
	const char *agency;
	const char *verdict; /* of its sender, one line */
	struct range original;
	int64_t original_body;
	int64_t version;     /* of the fence */
	int64_t state_at_ms; /* since when the letter has its state */
	struct trail trail;
	struct disposition_row *orders;     /* of trail, with room for ORDER_RECIPIENTS_MAX more */
	struct disposition_report *reports; /* of trail, with room for one more */
	int64_t incumbency;                 /* of the actor */
};
/* The letter in that agency with all orders: 1, 0 where the agency does not have it, -1 (t->err).
 * Blocks. */
int order_case_load(
    struct worker *w, struct task *t, int64_t letter_id, const char *agency, struct order_case *c);
/* First of all rows that this task changes: see disposition_queue_fence. */
void order_case_fence(struct order_case *c);
/* The order becomes this state now, in memory and in the plan. reason NULL: none. */
void order_case_state(
    struct order_case *c, struct disposition_row *d, const char *state, const char *reason);
/* Where the letter stands now, in memory and in the plan. */
void order_case_standing(struct order_case *c, const char *state, const char *letter_state);
/* Adds the report to the plan and to the tree. NULL: no ids. */
const struct disposition_report *order_case_report(struct order_case *c,
    const struct disposition_row *d, const char *body, size_t enclosures, bool closing);
/* A row of the trail about this letter, with the position it concerns. */
int order_case_exchange(struct order_case *c, const char *event, const char *outcome,
    const char *rule_id, const char *position, const char *more);

/* One mail about orders into the plan. mail: kind, about, text ... filled by the caller; the rest
 * is filled here. name: for {nama} of its subject. reply_target, reply_token: the prompt it is
 * answered to, NULL and 0 for none. message_id NULL: a fresh one. -1: t->err. */
int order_tell(struct order_case *c, struct order_mail *mail, const char *position,
    const char *name, const char *reply_target, int64_t reply_token, const char *message_id);
/* The prompt on which an order was given: where its giver is answered. */
const char *order_giver_target(const struct disposition_row *d);
/* Numbered subordinates of the position for notices, "" where it has none. */
const char *order_people(struct task *t, const char *position);
/* For a question back: that what stands below a quotation commands nothing; "" where nothing does.
 */
const char *order_hint(struct task *t, const struct reply_reading *reading);
const char *order_title(struct task *t, const char *position);
/* Pairs {pukul}, {tanggal}. */
const char *order_clock(struct task *t, int64_t at_ms);
const char *order_day(struct task *t, int64_t at_ms);
/* Asks whether this actor may do this at all (POLICY_ASSURANCE), and answers him where not: 1 go
 * on, 0 *result_r is the end, -1. */
int order_assured(struct order_case *c, const char *action, enum task_result *result_r);

/* order_kind.c: words that begin with a command, or a command below the quotation: no report. */
bool order_is_command(struct task *t, const struct reply_reading *reading);
/* `1. Rapat sudah dilaksanakan`: a list with marks and without a single instruction is how reports
 * are written; `1 TL` and `1. TL` are orders. */
bool order_is_report_list(struct task *t, const struct reply_reading *reading);

/* order_give.c: new orders on a prompt: the head's, or below parent (NULL: the head's). */
enum task_result order_give(struct order_case *c, struct answer *a, struct disposition_row *parent);
/* order_recall.c: BATAL on a prompt; parent as above. */
enum task_result order_recall(
    struct order_case *c, struct answer *a, struct disposition_row *parent);
/* Recalls what is open below an order that its holder closed, and tells the recipients. -1. */
int order_close_below(struct order_case *c, struct disposition_row *d);
/* Message-IDs that a mail names. */
#define ORDER_IDS_MAX 100
struct order_ids {
	struct arena *arena;
	const char *list[ORDER_IDS_MAX];
	size_t count;
};
/* Adds the `<...>` words of a field, the newest (last) first. */
void order_add_ids(struct order_ids *ids, const char *value); /* forward.c */

/* From route.c: a mail to positions alone that forwards a letter laid before its writer to his
 * subordinates: 1 and *result_r is its end, 0 an ordinary mail. */
int forward_order(struct worker *w, struct task *t, const struct draft *draft, struct range bytes,
    enum task_result *result_r); /* forward.c */
/* How many recipients of the mail are not a prompt, nor its writer. */
size_t order_envelope_count(struct order_case *c);
/* Work kind: the deadline of an order. */
enum task_result remind_task(struct worker *w, struct task *t); /* remind.c */
/* Ends the message of a task whose plan stands. */
enum task_result order_end(struct order_case *c, const char *why);

#endif
