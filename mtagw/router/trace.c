/*
 * trace: a mail to lacak@ asks what became of a letter: its agenda number or its number stands in
 * the subject or in the first line, or the address carries the token of one of its prompts. The
 * answer is the tree of orders, for letters of the asker's own agency alone.
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

		text += strspn(text, " \t\n\r,;()\"<>");
		n = strcspn(text, " \t\n\r,;()\"<>");
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
