/*
 * trace: a mail to lacak@ asks what became of a letter: its agenda number or its number stands in
 * the subject or in the first line, or the address carries the token of one of its prompts. The
 * answer is the tree of orders, for letters of the asker's own agency alone; of a letter that went
 * out it is what became of its deliveries, and who answered.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/router/order.h"

/* Numbers of one question that are looked up. */
#define TRACE_TRIES_MAX 8

struct tracing {
	struct worker *w;
	struct task *t;
	const char *agency;
	int tries;
	const char *asked; /* the first that looked like a number, NULL */
	int64_t letter_id; /* 0: none found */
};

/* `12` or `12/2026` of the agenda; a letter number as printed. 1 found or done, 0 go on, -1. */
static int try_word(struct tracing *tr, const char *word)
{
	struct task *t = tr->t;
	int n = 0, year = clock_city_date(t->now_ms).year, used = 0;
	bool agenda;

	if (word[strcspn(word, "0123456789")] == '\0' || tr->tries == TRACE_TRIES_MAX)
		return 0;
	agenda = sscanf(word, "%6d/%4d%n", &n, &year, &used) == 2 && word[used] == '\0';
	if (!agenda) {
		year = clock_city_date(t->now_ms).year;
		agenda = sscanf(word, "%6d%n", &n, &used) == 1 && word[used] == '\0';
	}
	if (tr->asked == NULL)
		tr->asked = word;
	tr->tries++;
	return disposition_trace(
	    tr->w->db, tr->agency, agenda ? n : 0, year, word, &tr->letter_id, &t->err);
}

static int try_text(struct tracing *tr, const char *text)
{
	while (*text != '\0') {
		size_t n;
		const char *word;
		int rc;

		text += strspn(text, " \t\n\r,;()[]\"<>");
		n = strcspn(text, " \t\n\r,;()[]\"<>");
		word = arena_strndup(tr->t->arena, text, n);
		text += n;
		while (n > 0 && strchr(".:?!", word[n - 1]) != NULL)
			word = arena_strndup(tr->t->arena, word, --n);
		rc = try_word(tr, word);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Lines of one kind: recipients, or answers. */
static const char *outcome_lines(
    struct task *t, const struct disposition_outcome *list, size_t count, bool answers)
{
	const struct policy *policy = t->law->policy;
	struct buf out = {0};
	const char *text;

	for (size_t i = 0; i < count; i++) {
		const struct disposition_outcome *x = &list[i];
		const char *pairs[] = {"nama", x->name, "alamat", x->address[0] ? x->address : "-",
		    "pukul", order_clock(t, x->at_ms), "tanggal", order_day(t, x->at_ms), NULL};

		if ((strcmp(x->state, "answer") == 0) == answers)
			buf_printf(&out, "%s- %s", out.len ? "\n" : "",
			    policy_words(policy,
			        arena_printf(t->arena, "trace-delivery.%s", x->state), pairs,
			        t->arena));
	}
	if (out.len == 0)
		buf_puts(&out, policy_words(policy, "trace-delivery.none", NULL, t->arena));
	text = arena_strdup(t->arena, buf_str(&out));
	buf_free(&out);
	return text;
}

/* A letter that the agency itself wrote and on which nobody ordered anything. */
static bool went_out(const struct tracing *tr, const struct order_case *c)
{
	return strcmp(c->row.direction, "incoming") != 0 &&
	       strcmp(c->row.agency, tr->agency) == 0 && c->trail.count == 0;
}

static enum task_result show_outgoing(struct tracing *tr, struct order_case *c)
{
	struct task *t = tr->t;
	struct disposition_outcome *list;
	size_t count;

	if (disposition_outcomes(
	        tr->w->db, c->row.id, tr->agency, t->arena, &list, &count, &t->err) < 0)
		return TASK_WAIT;
	const char *pairs[] = {"nomor", c->row.number ? c->row.number : "-", "tanggal",
	    c->row.date ? c->row.date : "-", "hal", c->row.subject, "kiriman",
	    outcome_lines(t, list, count, false), "jawaban", outcome_lines(t, list, count, true),
	    NULL};
	return answer_say(
	    tr->w, t, "trace-outgoing", pairs, "TraceAnswered", "done", c->row.id, NULL);
}

static enum task_result show(struct tracing *tr)
{
	struct task *t = tr->t;
	struct order_mail mail = {.kind = "trace", .automatic_reply = true};
	struct order_case c;
	enum task_result result;
	int rc = order_case_load(tr->w, t, tr->letter_id, tr->agency, &c);

	if (rc < 0)
		return TASK_WAIT;
	if (rc == 0) {
		const char *pairs[] = {
		    "apa", tr->asked ? tr->asked : "-", "hal", t->message.subject, NULL};

		return answer_say(
		    tr->w, t, "trace-unknown", pairs, "TraceAnswered", "refused", 0, NULL);
	}
	rc = order_assured(&c, "trace", &result);
	if (rc != 1)
		return rc == 0 ? result : TASK_WAIT;
	if (went_out(tr, &c))
		return show_outgoing(tr, &c);
	if (order_case_exchange(&c, "TraceAnswered", "done", NULL, t->message.position, NULL) < 0 ||
	    order_tell(&c, &mail, t->message.position, "", NULL, 0, NULL) < 0)
		return TASK_WAIT;
	return order_end(&c, "trace");
}

enum task_result trace_answer(struct worker *w, struct task *t, struct answer *a)
{
	const struct policy_position *p = policy_position(t->law->policy, t->message.position);
	struct tracing tr = {.w = w, .t = t, .agency = p ? p->agency : ""};
	int rc = 1;

	if (a->token.id != 0)
		tr.letter_id = a->token.letter_id;
	else
		rc = try_text(&tr, t->message.subject);
	if (rc == 0)
		rc = try_text(&tr, a->reading.first_line);
	if (rc < 0)
		return TASK_WAIT;
	if (tr.letter_id != 0)
		return show(&tr);
	const char *pairs[] = {"apa", tr.asked ? tr.asked : "-", "hal", t->message.subject, NULL};
	return answer_say(w, t, tr.asked ? "trace-unknown" : "trace-asked", pairs, "TraceAnswered",
	    tr.asked ? "refused" : "asked", 0, NULL);
}
