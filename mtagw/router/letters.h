/* letters: steps that route, prompt and finish share. */
#ifndef ROUTER_LETTERS_H
#define ROUTER_LETTERS_H

#include "mtagw/office/draft.h"
#include "mtagw/router/worker.h"
#include "mtagw/router/plan.h"

/* Who wrote it, as an actor of the trail. */
struct exchange_actor letters_actor(const struct task *t, int64_t incumbency);
/* Puts person, Message-ID, reply token and id into a fresh letter: 1, TASK-wait reasons in t->err
 * with -1. */
int letters_complete(struct worker *w, struct task *t, struct letter *letter);
/* Puts the person who holds the position now, and by which right, into the letter. 1 or -1. */
int letters_holder(struct worker *w, struct task *t, struct letter *letter);
/* By which right the position signs, as the sign rule that allowed it says: on its own, or on
 * behalf of whom (a.n., u.b. of domain.md 2.1). After letters_holder. */
void letters_authority(
    const struct task *t, struct letter *letter, const struct policy_decision *decision);
/* 1 when person and right that stand in the letter would still sign it now, 0 when not, -1. */
int letters_same_signatory(struct worker *w, struct task *t, const struct letter *shown,
    const struct policy_decision *decision);
/* Inserts the letter in that state with its recipients, reply token and canonical hash into the
 * plan. */
int letters_insert(struct worker *w, struct task *t, struct letter *letter, const char *state,
    const char *rule_id);
/* Everything that can fail before a number is spent: key of the seal, stylesheets (DESIGN 3, T1).
 * 1; 0 wait (t->err); -1 broken. */
int letters_trial(struct worker *w, struct task *t, const struct letter *letter);
/* Whether the PDF of the letter, where one is made, can show every character of it: 1; 0 not,
 * *missing_r names them; -1 broken (t->err). */
int letters_glyphs(
    struct worker *w, struct task *t, const struct letter *letter, const char **missing_r);
/* The letter cannot go on now, t->err says why; for_key: because of the seal's key or signd. Gives
 * TASK_WAIT; the fourth time in a row, once for this letter, TASK_GO with notices to its writer,
 * the registry clerk and the reader of postmaster@, and the same work for later. (waiting.c) */
enum task_result waiting_task(
    struct worker *w, struct task *t, const struct letter *letter, bool for_key);
/* Position that reads postmaster@ (RFC 5321 4.5.1); NULL where policy names none. */
const char *letters_postmaster(struct worker *w, struct task *t);
/* `surat.diskominfo+<token>@dumai.example` */
const char *letters_reply_to(
    struct worker *w, struct task *t, const struct letter *letter, int64_t token_id);
/* The forms that a letter will have: those that somebody gets, and what each carries. */
struct letters_forms {
	bool made[2];                 /* inside, outside */
	struct policy_decision of[2]; /* of those made */
	bool sealed;                  /* every one is */
	bool pdf;                     /* one carries it */
	bool pdf_sealed;              /* every one that carries it is sealed */
	bool confirm;                 /* the writer is told when it leaves */
	bool copy; /* the registry clerk of the writer's agency has the inside form */
};
/* Decides that for the day, with a row in the trail for each form; where trail is false it is only
 * a look. confirm and copy are those of the form that goes farthest. 1; -1 with t->err: no rule
 * allows a form. */
int letters_decide_forms(struct worker *w, struct task *t, const struct letter *letter,
    const char *day, bool trail, struct letters_forms *forms_r);
/* The letter by the stylesheet of its type; seal: that form will be sealed, so its words may say
 * so. 1, or -1 with t->err. */
int letters_render(struct task *t, const struct letter *letter, enum render_form form, bool outside,
    bool seal, const char **out_r);
/* The letter as text, as it would be rendered now (number as placeholder where it has none). NULL:
 * t->err. */
const char *letters_text(
    struct worker *w, struct task *t, const struct letter *letter, bool outside);
/* Recipients one a line: `- Kepala Dinas Kesehatan <kadis.dinkes@...>`. */
const char *letters_recipient_lines(struct task *t, const struct letter *letter);
/* Asks policy and writes the decision into the trail. -1: t->err. */
int letters_decide(struct worker *w, struct task *t, enum policy_kind kind,
    const struct policy_facts *facts, int64_t letter_id, struct policy_decision *decision_r);
/* The same for a whole letter: its document stands in the facts, for tests on letter/... */
int letters_decide_letter(struct worker *w, struct task *t, enum policy_kind kind,
    struct policy_facts *facts, const struct letter *letter, struct policy_decision *decision_r);
/* Deliveries of outgoing to the mailboxes of these addressees, one each. */
int letters_deliver_inside(struct worker *w, struct task *t, struct outgoing *out,
    const struct addressee *list, size_t count, bool keyed, const char *return_path);

#endif
