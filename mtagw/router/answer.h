/* answer: a reply of a person inside to a prompt: the gate that all of them pass, and the doors
 * behind it. */
#ifndef ROUTER_ANSWER_H
#define ROUTER_ANSWER_H

#include "mtagw/office/reply_reader.h"
#include "mtagw/router/letters.h"

/* What passed the gate: the login holds the position the prompt was made for, the token is ours and
 * open in time, no program wrote it. */
struct answer {
	const struct mime_part *root;
	struct range bytes;     /* of the mail, and its stored body t->message.body_id */
	struct token_row token; /* .id 0 where the address asks for none (lacak@) */
	struct reply_reading reading;
	int64_t mail_ms; /* its Date: relative dates count from it */
};
/* From route.c: target is the action's name in policies (`dispose`, `report`, `registration`,
 * `list`, `trace`), detail what stands behind '+' or "". */
enum task_result answer_task(struct worker *w, struct task *t, const struct mime_part *root,
    struct range bytes, const char *target, const char *detail);

/* Doors: what the message becomes; each ends the message by answer_say or answer_end. */
enum task_result order_answer(struct worker *w, struct task *t, struct answer *a);  /* order.c */
enum task_result report_answer(struct worker *w, struct task *t, struct answer *a); /* order.c */
enum task_result trace_answer(struct worker *w, struct task *t, struct answer *a);  /* trace.c */
enum task_result registration_answer(
    struct worker *w, struct task *t, struct answer *a);                          /* registry.c */
enum task_result list_answer(struct worker *w, struct task *t, struct answer *a); /* registry.c */

/* Answers the writer with these words and ends the message; event and outcome go into the trail
 * with the words as code. reply_to NULL: no further prompt. */
enum task_result answer_say(struct worker *w, struct task *t, const char *words,
    const char *const *pairs, const char *event, const char *outcome, int64_t letter_id,
    const char *reply_to);
/* Ends the message without a word to anybody. */
enum task_result answer_end(struct worker *w, struct task *t, const char *event,
    const char *outcome, int64_t letter_id, const char *why);
/* `lapor+<token>@domain`: the local word of an action by its target, with a fresh or known token.
 * NULL where policy has no such address. */
const char *answer_address(struct worker *w, struct task *t, const char *target, int64_t token_id);
/* The words of the law as the reader wants them. */
struct reply_words answer_words(const struct policy *policy, struct arena *arena);
/* A fresh prompt of that actor (position) in the plan. -1: no ids. */
int answer_prompt(struct worker *w, struct task *t, const char *target, const char *actor,
    int64_t letter_id, int64_t expires_at_ms, int64_t *token_id_r);

#endif
