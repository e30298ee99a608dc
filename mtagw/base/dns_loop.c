/*
 * dns_loop: questions of an event loop. libunbound's thread does the waiting; its descriptor is
 * watched, and each question has a timer: its deadline first, then the way out of libunbound's
 * callback, so that who asked may ask again or cancel others in his own. A question is asked
 * (libunbound will call), answered (its timer is due) or over (freed).
 */
#include <stdlib.h>

#include "mtagw/base/dns_private.h"
#include "mtagw/base/log.h"
#include "mtagw/base/loop.h"

struct dns_query {
	struct dns *dns;
	char *name;
	enum dns_type type;
	int id;
	bool asked, answered, impossible;
	int error;
	struct ub_result *result;
	struct timer *timer;
	void (*done)(const struct dns_answer *answer, void *ctx);
	void *ctx;
};

static void readable(bool can_read, bool can_write, void *ctx)
{
	struct dns *dns = ctx;
	int rc;

	(void)can_read;
	(void)can_write;
	if ((rc = ub_process(dns->ctx)) != 0)
		log_error("dns: %s", ub_strerror(rc)); /* its questions end by their time */
}

void dns_attach(struct dns *dns, struct loop *loop)
{
	dns->loop = loop;
	dns->watch = watch_new(loop, ub_fd(dns->ctx), readable, dns);
	watch_set(dns->watch, true, false);
}

static void answered(void *ctx, int error, struct ub_result *result)
{
	struct dns_query *query = ctx;

	query->asked = false;
	query->answered = true;
	query->error = error;
	query->result = result;
	timer_start(query->timer, 0);
}

void dns_cancel(struct dns_query **queryp)
{
	struct dns_query *query = *queryp;

	*queryp = NULL;
	if (query == NULL)
		return;
	if (query->asked) /* no callback comes any more */
		(void)ub_cancel(query->dns->ctx, query->id);
	ub_resolve_free(query->result);
	timer_free(&query->timer);
	free(query->name);
	free(query);
}

/* Answered, or too late. */
static void timer_cb(void *ctx)
{
	struct dns_query *query = ctx;
	void (*done)(const struct dns_answer *answer, void *ctx) = query->done;
	void *done_ctx = query->ctx;
	struct arena *arena = arena_new();
	struct dns_answer answer;

	if (query->impossible)
		answer = (struct dns_answer){.status = DNS_NO_NAME, .why = ""};
	else if (query->answered)
		answer =
		    dns_answer_of(query->error, query->result, query->name, query->type, arena);
	else
		answer = dns_answer_failed(arena, query->name, "no answer in time");
	dns_cancel(&query);
	done(&answer, done_ctx);
	arena_free(&arena);
}

struct dns_query *dns_start(struct dns *dns, const char *name, enum dns_type type,
    void (*done)(const struct dns_answer *answer, void *ctx), void *ctx)
{
	struct dns_query *query = mem_zalloc(sizeof(*query));
	int rc;

	query->dns = dns;
	query->name = mem_strdup(name);
	query->type = type;
	query->done = done;
	query->ctx = ctx;
	query->timer = timer_new(dns->loop, timer_cb, query);
	if (!dns_name_possible(name)) { /* does not exist, libunbound is not asked */
		query->impossible = true;
		timer_start(query->timer, 0);
		return query;
	}
	timer_start(query->timer, dns->question_ms);
	query->asked = true;
	rc = ub_resolve_async(dns->ctx, name, (int)type, DNS_CLASS_IN, query, answered, &query->id);
	if (rc != 0)
		answered(query, rc, NULL);
	return query;
}
