/*
 * forward: a letter that was laid before somebody, forwarded by him to his own subordinates, is an
 * order (DESIGN 7): recipients from the envelope, the words above the forward its note. It knows
 * its letter by the Message-IDs that clients carry along, or by the attached original. To anybody
 * else it stays an ordinary mail: asking a superior for advice orders nobody.
 */
#include <string.h>

#include "mtagw/mail/automatic.h"
#include "mtagw/mail/date.h"
#include "mtagw/office/addressing.h"
#include "mtagw/router/order.h"

void order_add_ids(struct order_ids *ids, const char *value)
{
	const char *p = value + strlen(value), *end = NULL;

	while (p > value && ids->count < ORDER_IDS_MAX) {
		p--;
		if (*p == '>')
			end = p;
		if (*p == '<' && end != NULL) {
			ids->list[ids->count++] =
			    arena_strndup(ids->arena, p, (size_t)(end + 1 - p));
			end = NULL;
		}
	}
}

static void add_part(const struct mime_part *part, int depth, void *ctx)
{
	static const char *const names[] = {
	    "In-Reply-To", "References", "X-Forwarded-Message-Id", "Message-ID"};
	struct order_ids *ids = ctx;
	bool message = part->parent == NULL || strcmp(part->parent->subtype, "rfc822") == 0;

	(void)depth;
	for (size_t i = 0; message && i < sizeof(names) / sizeof(names[0]); i++)
		if (part->parent != NULL || strcmp(names[i], "Message-ID") != 0)
			order_add_ids(ids, header_raw(&part->header, names[i], ids->arena));
}

static bool to_subordinates(struct task *t, const struct draft *draft)
{
	for (size_t i = 0; i < draft->addressee_count; i++)
		if (draft->addressees[i].kind == ADDRESSEE_POSITION &&
		    strcmp(policy_relation(
		               t->law->policy, t->message.position, draft->addressees[i].position),
		        "subordinate") == 0)
			return true;
	return false;
}

int forward_order(struct worker *w, struct task *t, const struct draft *draft, struct range bytes,
    enum task_result *result_r)
{
	struct answer *a = arena_alloc(t->arena, sizeof(*a));
	struct reply_words words = answer_words(t->law->policy, t->arena);
	struct order_ids *ids = arena_alloc(t->arena, sizeof(*ids));
	int64_t token;
	int rc;

	if (!to_subordinates(t, draft) ||
	    automatic_kind(draft->root, t->message.sender, t->arena, NULL) != AUTOMATIC_NO)
		return 0;
	reply_read(draft->root, &words, t->arena, &a->reading);
	if (!a->reading.forwarded)
		return 0;
	ids->arena = t->arena;
	mime_walk(draft->root, add_part, ids);
	*result_r = TASK_WAIT;
	rc = disposition_prompt(
	    w->db, ids->list, ids->count, t->message.position, t->now_ms, &token, &t->err);
	if (rc == 1)
		rc = token_row_load(w->db, token, false, t->arena, &a->token, &t->err);
	if (rc != 1)
		return rc < 0 ? 1 : 0;
	a->root = draft->root;
	a->bytes = bytes;
	a->mail_ms = date_of(&draft->root->header, t->message.received_at_ms);
	*result_r =
	    strcmp(a->token.verb, "dispose") == 0 ? order_answer(w, t, a) : report_answer(w, t, a);
	return 1;
}
