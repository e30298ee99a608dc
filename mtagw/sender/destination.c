/*
 * destination: the queue of a destination and its connections. A connection takes transaction after
 * transaction; another one is opened while more waits than connections are coming, up to the
 * limits. When none can be made and none stands, what waits is put off with the reason. Where a
 * connection goes is route.c.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/sender/sender.h"

static void link_use(struct link *link);

struct destination *sender_destination(struct sender *s, const struct delivery *d)
{
	char *key = mem_printf("%s %s", d->route, d->destination);
	struct destination *dest;

	for (dest = s->destinations; dest != NULL; dest = dest->next) {
		if (strcasecmp(dest->key, key) == 0) {
			free(key);
			return dest;
		}
	}
	dest = mem_zalloc(sizeof(*dest));
	dest->sender = s;
	dest->key = key;
	dest->name = mem_strdup(d->destination);
	dest->lmtp = strcmp(d->route, "lmtp") == 0;
	dest->queue_last = &dest->queue;
	dest->next = s->destinations;
	s->destinations = dest;
	return dest;
}

/* FNV-1a of the address without folder, quotes and case: two users of one hash only wait for each
 * other. */
static uint64_t mailbox_hash(const char *recipient)
{
	const char *at = strrchr(recipient, '@');
	uint64_t hash = UINT64_C(14695981039346656037);
	bool folder = false;

	for (const char *p = recipient; *p != '\0'; p++) {
		folder = (folder || *p == '+') && (at == NULL || p < at);
		if (folder || *p == '"')
			continue;
		hash ^= (unsigned char)tolower((unsigned char)*p);
		hash *= UINT64_C(1099511628211);
	}
	return hash;
}

void destination_add(struct destination *dest, struct job *job)
{
	job->next = NULL;
	job->mailbox = mailbox_hash(job->d.recipient);
	*dest->queue_last = job;
	dest->queue_last = &job->next;
	dest->queued++;
}

/* Same bytes, same return path: one transaction serves both. */
static bool goes_with(const struct job *a, const struct job *b)
{
	return a->d.outgoing_id == b->d.outgoing_id &&
	       strcmp(a->d.return_path, b->d.return_path) == 0 &&
	       strcmp(a->d.extra_header, b->d.extra_header) == 0;
}

static bool is_blocked(const struct destination *dest, const struct job *job)
{
	for (const struct link *link = dest->links; link != NULL; link = link->next)
		for (size_t i = 0; link->tx != NULL && i < link->tx->count; i++)
			if (link->tx->jobs[i]->mailbox == job->mailbox)
				return true;
	return false;
}

size_t destination_take(struct destination *dest, struct job **list, bool blocked_too)
{
	bool one_by_one =
	    dest->lmtp && dest->sender->role->settings->lmtp_duplicate && !blocked_too;
	struct job **at = &dest->queue;
	size_t n = 0;

	while (*at != NULL && n < SENDER_RCPTS_MAX) {
		struct job *job = *at;

		if ((n > 0 && !goes_with(list[0], job)) || (one_by_one && is_blocked(dest, job))) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		list[n++] = job;
		dest->queued--;
	}
	dest->queue_last = &dest->queue;
	while (*dest->queue_last != NULL)
		dest->queue_last = &(*dest->queue_last)->next;
	return n;
}

void destination_put_off(struct destination *dest, const struct job_result *why)
{
	struct job_result result = *why;
	struct job *job = dest->queue;

	result.tls = "";
	result.started_at = clock_now_ms();
	dest->queue = NULL;
	dest->queue_last = &dest->queue;
	dest->queued = 0;
	while (job != NULL) {
		struct job *next = job->next;

		sender_record(job, &result);
		job = next;
	}
}

/* --- connections --- */

static void link_free(struct link *link)
{
	struct destination *dest = link->destination;

	for (struct link **at = &dest->links; *at != NULL; at = &(*at)->next) {
		if (*at != link)
			continue;
		*at = link->next;
		break;
	}
	dest->link_count--;
	dest->sender->link_count--;
	if (!link->was_ready)
		dest->connecting--;
	smtp_client_destroy(&link->client);
	timer_free(&link->idle);
	free(link->remote);
	free(link);
}

static void on_ready(struct smtp_client *c, void *ctx)
{
	struct link *link = ctx;

	if (!link->was_ready) {
		link->was_ready = true;
		link->destination->connecting--;
		log_debug("sender_connected destination=%s remote=%s tls=\"%s\"",
		    link->destination->name, link->remote, smtp_client_tls(c));
	}
	link->is_ready = true;
	link_use(link);
	if (link->destination->queued > 0) /* what waited for this mailbox may go on another one */
		destination_pump(link->destination);
}

static void on_want_data(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c;
	(void)ctx;
	transaction_want_data(m->user);
}

static void on_drained(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c;
	(void)ctx;
	transaction_drained(m->user);
}

static void on_before_dot(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c;
	(void)ctx;
	transaction_before_dot(m->user);
}

static void on_done(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c;
	(void)ctx;
	transaction_done(m->user);
}

bool destination_any_ready(const struct destination *dest)
{
	for (const struct link *link = dest->links; link != NULL; link = link->next)
		if (link->was_ready && !link->quitting)
			return true;
	return false;
}

static void on_closed(
    struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text, void *ctx)
{
	struct link *link = ctx;
	struct destination *dest = link->destination;
	bool was_ready = link->was_ready;
	size_t target = link->target;
	char remote[128];
	struct job_result why = {
	    .outcome = SMTP_TEMPFAIL, .code = code, .enhanced = "", .text = text, .remote = remote};

	(void)c;
	snprintf(remote, sizeof(remote), "%s", link->remote);
	if (outcome != SMTP_OK)
		log_info("sender_closed destination=%s remote=%s code=%d reason=\"%s\"", dest->name,
		    remote, code, log_safe(text));
	link_free(link);
	if (!was_ready && !route_other(dest, target) && !destination_any_ready(dest)) {
		destination_put_off(dest, &why);
		route_forget(dest);
	}
	destination_pump(dest);
	sender_look(dest->sender);
}

static const struct smtp_client_ops ops = {.ready = on_ready,
    .want_data = on_want_data,
    .drained = on_drained,
    .before_dot = on_before_dot,
    .done = on_done,
    .closed = on_closed};

static void idle_cb(void *ctx)
{
	struct link *link = ctx;

	if (!link->is_ready)
		return;
	link->is_ready = false;
	link->quitting = true;
	smtp_client_quit(link->client);
}

/* A ready connection: the next transaction, or a short wait for one. */
static void link_use(struct link *link)
{
	struct destination *dest = link->destination;
	struct sender *s = dest->sender;
	struct job *jobs[SENDER_RCPTS_MAX];
	size_t n;

	if (link->quitting)
		return;
	if (link->messages >= s->role->settings->sender_messages_per_connection ||
	    (s->draining && dest->queued == 0)) {
		idle_cb(link);
		return;
	}
	n = destination_take(dest, jobs, false);
	if (n == 0) {
		timer_start(link->idle, SENDER_IDLE_MS);
		return;
	}
	timer_stop(link->idle);
	link->is_ready = false;
	(void)transaction_start(link, jobs, n);
}

static int link_open(struct destination *dest, struct err *error_r)
{
	struct smtp_client_params params = {
	    .hostname = dest->sender->role->settings->hostname, .ops = &ops};
	size_t target = 0;
	struct link *link;
	int rc = route_find(dest, &params, &target, error_r);

	if (rc <= 0)
		return rc;
	link = mem_zalloc(sizeof(*link));
	params.ctx = link;
	link->client = smtp_client_new(dest->sender->loop, &params, error_r);
	if (link->client == NULL) {
		free(link);
		return -1;
	}
	link->destination = dest;
	link->target = target;
	link->remote = mem_strdup(params.address);
	link->idle = timer_new(dest->sender->loop, idle_cb, link);
	link->next = dest->links;
	dest->links = link;
	dest->link_count++;
	dest->connecting++;
	dest->sender->link_count++;
	return 1;
}

/* How many transactions what waits makes, at least: jobs beside each other that share their message
 * are one, up to the recipients it takes. */
static size_t transactions_waiting(const struct destination *dest)
{
	size_t n = 0, rcpts = 0;

	for (const struct job *job = dest->queue; job != NULL; job = job->next) {
		rcpts++;
		if (job->next != NULL && rcpts < SENDER_RCPTS_MAX && goes_with(job, job->next))
			continue;
		n++;
		rcpts = 0;
	}
	return n;
}

void destination_pump(struct destination *dest)
{
	struct sender *s = dest->sender;
	const struct settings *settings = s->role->settings;
	size_t waiting;
	struct err error;

	for (struct link *link = dest->links; link != NULL && dest->queued > 0; link = link->next)
		if (link->is_ready)
			link_use(link);
	waiting = transactions_waiting(dest);
	while (dest->connecting < waiting &&
	       dest->link_count < (size_t)settings->sender_destination_concurrency &&
	       s->link_count < (size_t)settings->sender_connections_max) {
		int rc = link_open(dest, &error);

		if (rc < 0 && !destination_any_ready(dest) && dest->connecting == 0)
			destination_put_off(dest, &(struct job_result){.outcome = SMTP_TEMPFAIL,
			                              .enhanced = "",
			                              .text = error.text,
			                              .remote = ""});
		if (rc <= 0)
			return;
	}
}

void destination_quit_idle(struct destination *dest)
{
	for (struct link *link = dest->links; link != NULL; link = link->next)
		idle_cb(link);
}

void destination_sweep(struct sender *s)
{
	for (struct destination **at = &s->destinations; *at != NULL;) {
		struct destination *dest = *at;

		if (dest->jobs > 0 || dest->link_count > 0) {
			at = &dest->next;
			continue;
		}
		*at = dest->next;
		route_forget(dest);
		free(dest->key);
		free(dest->name);
		free(dest);
	}
}
