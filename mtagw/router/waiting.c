/*
 * waiting: a letter that cannot go on (no usable seal key, signd or the agent away, a template or
 * rule that fails) is put back and tried again with back-off; nothing unsigned ever leaves. A short
 * trouble is nobody's business, so people are told at the fourth try in vain, some seconds later,
 * and once: the telling commits notices and a fresh piece of work that bears the mark WAIT_TOLD
 * through all further stages.
 */
#include "mtagw/router/letters.h"

#include <string.h>

#define WAIT_TOLD "told"
#define WAIT_TRIES 3       /* in vain before the one that tells: after 1 + 2 + 4 s */
#define WAIT_AGAIN_MS 8000 /* then the next try; back-off starts anew */

struct wait {
	const struct letter *letter;
	const char *reason; /* of the log: English */
	const char *cause;  /* words for people */
};

static int tell(struct worker *w, struct task *t, const struct wait *wait, const char *position,
    const char *words)
{
	const struct letter *l = wait->letter;
	const char *pairs[] = {"hal", l->subject, "nomor", l->number ? l->number : "-", "jabatan",
	    l->position_title, "sebab", wait->cause, "teknis", wait->reason, NULL};
	struct notice n = {
	    .words = words, .pairs = pairs, .in_reply_to = t->message.mime_message_id};

	return plan_notice(w, t, "notice", position, &n, l->number ? l->id : 0);
}

/* Writer, registry clerk, reader of postmaster@: each once. */
static int tell_all(struct worker *w, struct task *t, const struct wait *wait)
{
	const struct policy_agency *agency = policy_agency(t->law->policy, wait->letter->agency);
	const char *writer = wait->letter->position, *clerk = agency ? agency->registry : NULL,
	           *admin = letters_postmaster(w, t);

	if (tell(w, t, wait, writer, "waiting") < 0)
		return -1;
	if (clerk != NULL && strcmp(clerk, writer) != 0 && tell(w, t, wait, clerk, "waiting") < 0)
		return -1;
	if (admin != NULL && strcmp(admin, writer) != 0 &&
	    (clerk == NULL || strcmp(admin, clerk) != 0) &&
	    tell(w, t, wait, admin, "waiting-admin") < 0)
		return -1;
	return 1;
}

enum task_result waiting_task(
    struct worker *w, struct task *t, const struct letter *letter, bool for_key)
{
	const char *details[] = {"reason", NULL, NULL};
	struct wait wait = {.letter = letter, .reason = arena_strdup(t->arena, t->err.text)};
	struct message written;
	struct err ignored; /* without its Message-ID the notice opens a thread of its own */

	if (t->work->waits < WAIT_TRIES || strcmp(t->work->arg, WAIT_TOLD) == 0 || t->law == NULL)
		return TASK_WAIT;
	exchanges_free(&t->plan->exchanges); /* what this try would have written */
	*t->plan = (struct plan){.exchanges = exchanges_new()};
	if (t->message.mime_message_id == NULL &&
	    message_load(w->db, t->message.id, t->arena, &written, &ignored) == 1)
		t->message.mime_message_id = written.mime_message_id;
	wait.cause = policy_words(
	    t->law->policy, for_key ? "waiting.cause.key" : "waiting.cause.other", NULL, t->arena);
	details[1] = wait.reason;
	if (tell_all(w, t, &wait) < 0 ||
	    plan_work(w, t, t->work->kind, t->work->ref, WAIT_TOLD, t->now_ms + WAIT_AGAIN_MS) <
	        0 ||
	    plan_exchange(w, t,
	        (struct exchange){.event = "WaitingTold",
	            .outcome = "waiting",
	            .letter_id = letter->number ? letter->id : 0,
	            .actor = letters_actor(t, letter->incumbency),
	            .code = t->work->kind},
	        details) < 0)
		return TASK_WAIT;
	return TASK_GO;
}
