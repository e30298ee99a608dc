/*
 * bounce: delivery status reports go to their delivery, by the keyed return path and else by the
 * Message-ID and recipient they name, and are shown to the clerk with the offer to print. A report
 * that names somebody to whom the letter never went is not believed. None becomes a letter.
 */
#include "mtagw/router/intake.h"

#include <string.h>
#include <strings.h>

#include "mtagw/mail/bounce.h"

#define BOUNCES_MAX 40 /* recipients of one report */

struct target {
	int64_t delivery_id, letter_id;
	const char *recipient; /* of the delivery */
	const char *position;
};

/* The delivery this recipient of the report is about: 1, 0 none, -1. */
static int target_of(struct worker *w, struct task *t, const struct bounce *b,
    const struct bounce_recipient *r, int64_t keyed, struct target *out)
{
	int rc;

	*out = (struct target){.delivery_id = keyed, .recipient = "", .position = ""};
	if (keyed != 0) {
		rc = delivery_recipient(w->db, keyed, t->arena, &out->recipient, &out->letter_id,
		    &out->position, &t->err);
		/* Its own key proves the delivery; another name is a forward behind it, or a lie
		 * about a second recipient: only the failure itself is taken over. */
		return rc;
	}
	if (b->message_id[0] == '\0' || r->address[0] == '\0')
		return 0;
	rc = delivery_find(
	    w->db, b->message_id, r->address, &out->delivery_id, &out->letter_id, &t->err);
	if (rc != 1)
		return rc;
	return delivery_recipient(w->db, out->delivery_id, t->arena, &out->recipient,
	    &out->letter_id, &out->position, &t->err);
}

static int tell(struct worker *w, struct task *t, const struct bounce_recipient *r,
    const struct target *target, bool proven)
{
	const struct policy_position *p = policy_position(t->law->policy, target->position);
	const char *clerk = p ? registry_of(t->law->policy, p->agency) : NULL, *number = "-",
	           *subject = t->message.subject;
	struct letter_row letter;
	int rc = 0;

	if (target->letter_id != 0 &&
	    (rc = letter_row_load(w->db, target->letter_id, t->arena, &letter, &t->err)) < 0)
		return -1;
	if (rc == 1) {
		subject = letter.subject;
		if (letter.number != NULL)
			number = letter.number;
	}
	const char *pairs[] = {"penerima", target->recipient, "hal", subject, "nomor", number,
	    "jawaban",
	    r->diagnostic[0] ? r->diagnostic
	    : r->status[0]   ? r->status
	                     : "-",
	    NULL};
	struct notice n = {.words = !proven                             ? "bounce-unproven"
	                            : strcmp(r->action, "delayed") == 0 ? "bounce-delayed"
	                                                                : "bounce",
	    .pairs = pairs,
	    .in_reply_to = t->message.mime_message_id};
	if (clerk != NULL && plan_notice(w, t, "failure", clerk, &n, target->letter_id) < 0)
		return -1;
	/* its writer was promised word of it */
	if (!proven || p == NULL || (clerk != NULL && strcmp(clerk, p->id) == 0))
		return 1;
	return plan_notice(w, t, "failure", p->id, &n, target->letter_id);
}

/* proven: it came by the delivery's own key and speaks of its recipient; anything else is noted and
 * shown, and changes nothing: whoever has a copy of a letter can write such a report. */
static int attach(struct worker *w, struct task *t, const struct bounce *b,
    const struct bounce_recipient *r, const struct target *target, bool proven)
{
	struct noted_row *row = arena_alloc(t->arena, sizeof(*row));
	const char *details[] = {"recipient", target->recipient, "named", r->address, "status",
	    r->status, "words", r->diagnostic, "form", b->form, NULL};

	*row = (struct noted_row){.message_id = t->message.id,
	    .letter_id = target->letter_id,
	    .delivery_id = target->delivery_id,
	    .at_ms = t->now_ms,
	    .kind = "bounce",
	    .address = target->recipient,
	    .action = proven ? r->action : "unproven",
	    .status = db_text_clean(r->status, t->arena),
	    .words = db_text_clean(r->diagnostic, t->arena)};
	if (ids_next(&w->ids, w->db, t->now_ms, &row->id, &t->err) < 0)
		return -1;
	plan_row(t, noted_queue, row);
	if (plan_exchange(w, t,
	        (struct exchange){.event = "RelayToNonERDSFailure",
	            .outcome = r->action,
	            .letter_id = target->letter_id,
	            .delivery_id = target->delivery_id,
	            .code = r->status},
	        details) < 0)
		return -1;
	if (strcmp(r->action, "failed") != 0 && strcmp(r->action, "delayed") != 0)
		return 1;
	return tell(w, t, r, target, proven);
}

int bounce_take(struct worker *w, struct task *t, struct intake_letter *in, int64_t keyed)
{
	static const struct bounce_recipient nobody = {"", "", "failed", "", "", ""};
	const struct bounce_recipient *list = &nobody;
	struct target target;
	struct bounce b;
	size_t count = 1;
	bool proven;
	int rc, linked = 0;

	if (bounce_read(in->root, t->message.sender, t->arena, &b) != 1)
		return 0;
	if (b.recipient_count > 0) {
		list = b.recipients;
		count = b.recipient_count;
	}
	if (keyed != 0)
		count = 1; /* one delivery, one report */
	for (size_t i = 0; i < count && i < BOUNCES_MAX; i++) {
		rc = target_of(w, t, &b, &list[i], keyed, &target);
		if (rc == 1 && keyed != 0 && bounce_recipient(&b, target.recipient) != NULL)
			list = bounce_recipient(&b, target.recipient);
		proven = keyed != 0 &&
		         (b.recipient_count == 0 || bounce_recipient(&b, target.recipient) != NULL);
		if (rc < 0 || (rc == 1 && attach(w, t, &b, &list[i], &target, proven) < 0))
			return -1;
		linked += rc;
	}
	return linked > 0;
}
