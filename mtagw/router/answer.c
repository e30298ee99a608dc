/*
 * answer: the gate before every action that a person does by a reply (DESIGN 7). A token is no
 * authority by itself: the login must hold the position the prompt was made for, the token must be
 * ours and in time, and no program may have written the mail. What does not pass is answered with
 * the reason (a program's mail with silence), and nothing is done.
 */
#include "mtagw/router/answer.h"

#include <string.h>

#include "mtagw/mail/automatic.h"
#include "mtagw/mail/date.h"

static const struct {
	const char *target;
	bool token; /* asks for one */
	enum task_result (*run)(struct worker *w, struct task *t, struct answer *a);
} doors[] = {{"registration", true, registration_answer}, {"list", true, list_answer},
    {"dispose", true, order_answer}, {"report", true, report_answer},
    {"trace", false, trace_answer}};
#define DOOR_COUNT (sizeof(doors) / sizeof(doors[0]))

static void end_message(struct task *t, int64_t letter_id, const char *reason)
{
	t->plan->message_id = t->message.id;
	t->plan->message_state = "routed";
	t->plan->message_reason = reason;
	t->plan->message_letter = letter_id;
}

enum task_result answer_end(struct worker *w, struct task *t, const char *event,
    const char *outcome, int64_t letter_id, const char *why)
{
	end_message(t, letter_id, why);
	return plan_exchange(w, t,
	           (struct exchange){.event = event,
	               .outcome = outcome,
	               .letter_id = letter_id,
	               .actor = letters_actor(t, 0),
	               .code = why},
	           NULL) < 0
	           ? TASK_WAIT
	           : TASK_GO;
}

enum task_result answer_say(struct worker *w, struct task *t, const char *words,
    const char *const *pairs, const char *event, const char *outcome, int64_t letter_id,
    const char *reply_to)
{
	struct notice n = {.words = words,
	    .pairs = pairs,
	    .in_reply_to = t->message.mime_message_id,
	    .reply_to = reply_to};

	if (plan_notice(w, t, "notice", t->message.position, &n, letter_id) < 0)
		return TASK_WAIT;
	return answer_end(w, t, event, outcome, letter_id, words);
}

const char *answer_address(struct worker *w, struct task *t, const char *target, int64_t token_id)
{
	const char *local = addressing_action(t->law->policy, target);
	char token[TOKEN_CHARS + 1];

	if (local == NULL)
		return NULL;
	token_make(&w->token_key, TOKEN_PROMPT, token_id, token);
	return arena_printf(t->arena, "%s+%s@%s", local, token, w->settings->domain);
}

int answer_prompt(struct worker *w, struct task *t, const char *target, const char *actor,
    int64_t letter_id, int64_t expires_at_ms, int64_t *token_id_r)
{
	struct token_row *row;

	if (t->plan->token_count == PLAN_TOKENS_MAX)
		return err_set(&t->err, "more than %d prompts in one stage", PLAN_TOKENS_MAX);
	row = &t->plan->tokens[t->plan->token_count];
	*row = (struct token_row){.kind = "prompt",
	    .letter_id = letter_id,
	    .message_id = t->message.id,
	    .actor = actor,
	    .verb = target,
	    .created_at_ms = t->now_ms,
	    .expires_at_ms = expires_at_ms};
	if (ids_next(&w->ids, w->db, t->now_ms, &row->id, &t->err) < 0)
		return -1;
	t->plan->token_count++;
	*token_id_r = row->id;
	return 1;
}

static enum reply_argument argument_of(const char *word)
{
	if (strcmp(word, "required") == 0)
		return REPLY_ARGUMENT_REQUIRED;
	return strcmp(word, "optional") == 0 ? REPLY_ARGUMENT_OPTIONAL : REPLY_ARGUMENT_NONE;
}

struct reply_words answer_words(const struct policy *policy, struct arena *arena)
{
	struct reply_words out = {0};
	const struct policy_word *list;
	struct reply_word *copy;
	size_t count;

	for (int labels = 0; labels < 2; labels++) {
		list = labels ? policy_labels(policy, &count) : policy_verbs(policy, &count);
		copy = arena_alloc(arena, (count + 1) * sizeof(*copy));
		for (size_t i = 0; i < count; i++)
			copy[i] = (struct reply_word){
			    list[i].word, list[i].id, argument_of(list[i].argument)};
		*(labels ? &out.labels : &out.verbs) = copy;
		*(labels ? &out.label_count : &out.verb_count) = count;
	}
	return out;
}

/* 1: passed. 0: result_r tells. */
static int check_token(struct worker *w, struct task *t, const char *target, const char *detail,
    struct answer *a, enum task_result *result_r)
{
	const char *hal[] = {"hal", t->message.subject, NULL}, *words = NULL;
	const struct policy_position *p;
	int64_t id;
	int rc = 0;

	*result_r = TASK_WAIT;
	if (token_read(&w->token_key, TOKEN_PROMPT, detail, &id) == 1)
		rc = token_row_load(w->db, id, false, t->arena, &a->token, &t->err);
	if (rc < 0)
		return 0;
	if (rc == 0 || strcmp(a->token.verb, target) != 0)
		words = "prompt-stranger";
	else if (strcmp(a->token.actor, t->message.position) != 0)
		words = "prompt-other-account";
	else if (a->token.expires_at_ms < t->now_ms)
		words = "prompt-expired";
	if (words == NULL)
		return 1;
	p = rc == 1 ? policy_position(t->law->policy, a->token.actor) : NULL;
	if (strcmp(words, "prompt-other-account") == 0) {
		const char *pairs[] = {"hal", t->message.subject, "jabatan",
		    p ? p->title : a->token.actor, "akun",
		    addressing_mailbox(a->token.actor, w->settings->domain, t->arena), NULL};

		*result_r = answer_say(
		    w, t, words, pairs, "PromptAnswered", "refused", a->token.letter_id, NULL);
		return 0;
	}
	*result_r = answer_say(
	    w, t, words, hal, "PromptAnswered", "refused", rc == 1 ? a->token.letter_id : 0, NULL);
	return 0;
}

enum task_result answer_task(struct worker *w, struct task *t, const struct mime_part *root,
    struct range bytes, const char *target, const char *detail)
{
	struct answer *a = arena_alloc(t->arena, sizeof(*a));
	struct reply_words words = answer_words(t->law->policy, t->arena);
	enum automatic kind = automatic_kind(root, t->message.sender, t->arena, NULL);
	enum task_result result;

	*a = (struct answer){.root = root, .bytes = bytes};
	if (kind != AUTOMATIC_NO)
		return answer_end(w, t, "PromptAnswered", "ignored", 0, automatic_name(kind));
	for (size_t i = 0; i < DOOR_COUNT; i++) {
		if (strcmp(doors[i].target, target) != 0)
			continue;
		if ((doors[i].token || detail[0] != '\0') &&
		    check_token(w, t, target, detail, a, &result) == 0)
			return result;
		a->mail_ms = date_of(&root->header, t->message.received_at_ms);
		reply_read(root, &words, t->arena, &a->reading);
		return doors[i].run(w, t, a);
	}
	const char *hal[] = {"hal", t->message.subject, NULL};

	return answer_say(w, t, "prompt-stranger", hal, "PromptAnswered", "refused", 0, NULL);
}
