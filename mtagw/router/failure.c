/*
 * failure: a delivery that failed for good is told to the writer and to the registry clerk of the
 * agency, in the form of RFC 3464. A writer may have asked otherwise (NOTIFY of RFC 3461): not to
 * hear of it (the clerk does, a letter is the agency's), or to hear of success too, which is a mail
 * in the mailbox of somebody inside. A notice that cannot be delivered makes no second notice to
 * the same place: it goes to the reader of postmaster@, and if that one cannot be reached the trail
 * and the log keep it (no loops, no backscatter: nothing of this ever leaves the house).
 */
#include "mtagw/router/letters.h"

#include <string.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/log.h"
#include "mtagw/mail/dsn.h"

/* The header block of the message that failed, from its first segments. */
static struct range header_of(struct worker *w, struct task *t, const struct attempt *a)
{
	struct buf head = {0};
	struct range out = {0};

	for (size_t i = 0; i + 2 < a->segment_count && head.len < 64 * 1024; i += 3) {
		struct range body;
		const char *end;
		uint64_t offset = (uint64_t)a->segments[i + 1], len = (uint64_t)a->segments[i + 2];

		if (message_body(w->db, a->segments[i], t->arena, &body, &t->err) != 1 ||
		    offset + len > body.len)
			break;
		buf_append(&head, body.p + offset, len);
		end = memmem(head.data, head.len, "\r\n\r\n", 4);
		if (end != NULL) {
			head.len = (size_t)(end - head.data) + 2;
			break;
		}
	}
	out = (struct range){arena_strndup(t->arena, buf_str(&head), head.len), head.len};
	buf_free(&head);
	return out;
}

/* What stands for it in xtext, in the arena; NULL where nothing was said. */
static const char *plain(const char *xtext, struct arena *arena)
{
	struct buf text = {0};
	const char *out = NULL;

	if (xtext[0] != '\0' && codec_unxtext(&text, xtext, strlen(xtext)) == 1)
		out = arena_strndup(arena, buf_str(&text), text.len);
	buf_free(&text);
	return out;
}

/* What is said of each outcome. */
static const struct saying {
	const char *outcome, *words, *action, *status;
} sayings[] = {{"failed", "failure", "failed", "5.0.0"}, {"expired", "expired", "failed", "4.4.7"},
    {"delivered", "delivered", "delivered", "2.0.0"}};

static const struct saying *saying_of(const struct attempt *a)
{
	size_t i = sizeof(sayings) / sizeof(sayings[0]) - 1;

	while (i > 0 && strcmp(sayings[i].outcome, a->outcome) != 0)
		i--;
	return &sayings[i];
}

/* What the server answered, as it said it: the store keeps code, enhanced code and text apart. */
static const char *diagnostic(const struct attempt *a, struct arena *arena)
{
	if (a->code == 0)
		return a->reply[0] ? a->reply : NULL;
	return arena_printf(
	    arena, "%d %s%s%s", a->code, a->enhanced, a->enhanced[0] ? " " : "", a->reply);
}

/* A position of the house whose mailbox Dovecot does not know: said in people's language. */
static bool no_account(
    struct worker *w, struct task *t, const struct attempt *a, const char **title_r)
{
	struct addressee who;
	const struct policy_position *p;

	addressing_resolve(t->law->policy, w->settings->domain, a->recipient, t->arena, &who);
	p = who.position ? policy_position(t->law->policy, who.position) : NULL;
	*title_r = p ? p->title : a->recipient;
	return p != NULL && strcmp(a->route, "lmtp") == 0 && strcmp(a->outcome, "failed") == 0 &&
	       strncmp(a->enhanced, "5.1.1", 5) == 0;
}

static int tell(struct worker *w, struct task *t, const struct attempt *a, const char *position,
    const char *number)
{
	const struct saying *say = saying_of(a);
	struct dsn_recipient r = {.final_recipient = a->recipient,
	    .original_recipient = plain(a->orcpt, t->arena),
	    .action = say->action,
	    .status = a->enhanced[0] ? a->enhanced : say->status,
	    .remote_mta = a->remote[0] ? a->remote : NULL,
	    .diagnostic_type = a->code ? "smtp" : "x-mtagw",
	    .diagnostic_code = diagnostic(a, t->arena),
	    .last_attempt_ms = a->at_ms};
	struct dsn dsn = {.reporting_mta = w->settings->hostname,
	    .arrival_ms = a->created_at_ms,
	    .envelope_id = plain(a->envid, t->arena),
	    .recipients = &r,
	    .recipient_count = 1,
	    .original_headers = header_of(w, t, a)};
	const char *title;
	bool account = no_account(w, t, a, &title);
	const char *pairs[] = {"penerima", a->recipient, "hal", a->subject, "jawaban",
	    a->reply[0] ? a->reply : "-", "nomor", number, account ? "jabatan" : NULL, title, NULL};
	struct notice n = {.words = account ? "order-undelivered" : say->words,
	    .pairs = pairs,
	    .in_reply_to = a->mime_message_id,
	    .dsn = &dsn};

	return plan_notice(w, t, strcmp(say->action, "failed") == 0 ? "failure" : "notice",
	    position, &n, a->letter_id);
}

/* Orders and reports are the gateway's mails on somebody's behalf: he must know. */
static bool own_notice(const struct attempt *a)
{
	static const char *const behalf[] = {"letter", "pesan", "order", "report"};

	for (size_t i = 0; i < sizeof(behalf) / sizeof(behalf[0]); i++)
		if (strcmp(a->kind, behalf[i]) == 0)
			return false;
	return true;
}

/* RFC 3461 4.1: whoever names what he wants to hear of hears of nothing else. */
static bool writer_wants(const struct attempt *a)
{
	bool good = strcmp(a->outcome, "delivered") == 0;

	if (a->notify[0] == '\0')
		return !good;
	return strstr(a->notify, good ? "SUCCESS" : "FAILURE") != NULL;
}

enum task_result failure_task(struct worker *w, struct task *t)
{
	const char *number = "-", *first, *second = NULL;
	const struct policy_position *p;
	struct letter_row row;
	struct attempt a;
	bool good;
	int rc = attempt_load(w->db, t->work->ref, t->arena, &a, &t->err);

	if (rc != 1)
		return TASK_WAIT;
	good = strcmp(a.outcome, "delivered") == 0;
	t->message = (struct message){.id = a.message_id, .position = a.position, .login = ""};
	if (a.letter_id != 0 && letter_row_load(w->db, a.letter_id, t->arena, &row, &t->err) == 1 &&
	    row.number != NULL)
		number = row.number;
	p = policy_position(t->law->policy, a.position);
	first = own_notice(&a) || p == NULL ? letters_postmaster(w, t) : p->id;
	if (!own_notice(&a) && p != NULL && a.letter_id != 0 && !good) {
		const struct policy_agency *agency = policy_agency(t->law->policy, p->agency);

		second = agency ? agency->registry : NULL;
	}
	const char *details[] = {
	    "recipient", a.recipient, "reply", a.reply, "notify", a.notify, NULL};
	if (plan_exchange(w, t,
	        (struct exchange){.event = good ? "DeliveryNotified" : "FailureNotified",
	            .outcome = "done",
	            .letter_id = a.letter_id,
	            .delivery_id = a.delivery_id,
	            .code = a.outcome},
	        details) < 0)
		return TASK_WAIT;
	if (first == NULL ||
	    (own_notice(&a) && strcmp(a.recipient, addressing_mailbox(first, w->settings->domain,
	                                               t->arena)) == 0)) {
		log_error("notice-undeliverable recipient=%s reply=\"%s\"", log_safe(a.recipient),
		    log_safe(a.reply));
		return TASK_GO; /* the trail has it; nobody is left to tell */
	}
	if (writer_wants(&a) && tell(w, t, &a, first, number) < 0)
		return TASK_WAIT;
	if (second != NULL && strcmp(second, first) != 0 && tell(w, t, &a, second, number) < 0)
		return TASK_WAIT;
	return TASK_GO;
}
