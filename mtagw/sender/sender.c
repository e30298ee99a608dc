/*
 * mtagw-sender: takes claimed deliveries to their destinations over SMTP and LMTP, on one event
 * loop. Claims come by notice and by a poll each second, at most SENDER_JOBS_MAX in hand, their
 * leases renewed while they are. Each ends in exactly one recorded outcome; an outcome that cannot
 * be written is kept and tried again by the store. TERM: begun transactions end, what is not begun
 * goes back to the queue. HUP: the next connection uses the new settings.
 */
#include "mtagw/sender/sender.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/crash.h"
#include "mtagw/base/log.h"
#include "mtagw/base/sandbox.h"

static void job_unlink(struct job *job)
{
	*job->all_back = job->all_next;
	if (job->all_next != NULL)
		job->all_next->all_back = job->all_back;
}

void sender_job_done(struct job *job)
{
	struct sender *s = job->destination->sender;

	job_unlink(job);
	job->destination->jobs--;
	s->jobs--;
	arena_free(&job->arena);
	free(job);
	sender_look(s);
}

static struct job *job_new(struct sender *s, const struct delivery *d)
{
	struct job *job = mem_zalloc(sizeof(*job));
	struct arena *arena = job->arena = arena_new();
	int64_t *segments = arena_alloc(arena, (3 * d->segment_count + 1) * sizeof(*segments));

	job->d = *d;
	job->d.recipient = arena_strdup(arena, d->recipient);
	job->d.route = arena_strdup(arena, d->route);
	job->d.destination = arena_strdup(arena, d->destination);
	job->d.return_path = arena_strdup(arena, d->return_path);
	job->d.extra_header = arena_strdup(arena, d->extra_header);
	job->d.mime_message_id = arena_strdup(arena, d->mime_message_id);
	memcpy(segments, d->segments, 3 * d->segment_count * sizeof(*segments));
	job->d.segments = segments;
	job->all_next = s->all;
	job->all_back = &s->all;
	if (s->all != NULL)
		s->all->all_back = &job->all_next;
	s->all = job;
	job->destination = sender_destination(s, d);
	job->destination->jobs++;
	s->jobs++;
	return job;
}

/* Doubles from retry_min (our own Dovecot: a second) to retry_max, moved by up to a fifth either
 * way so that letters put off together do not come back together. */
static int64_t back_off_ms(const struct settings *settings, bool lmtp, int attempts)
{
	int64_t ms = lmtp ? SENDER_LMTP_RETRY_MS : settings->retry_min_secs * INT64_C(1000),
	        max = settings->retry_max_secs * INT64_C(1000);
	uint32_t random;

	for (int i = 0; i < attempts && ms < max; i++)
		ms *= 2;
	if (ms > max)
		ms = max;
	codec_random(&random, sizeof(random));
	return ms * 4 / 5 + ms * 2 / 5 * (random % 1024) / 1024;
}

static void recorded(bool ok, void *ctx)
{
	CRASH_POINT_OF("sender", ((struct job *)ctx)->d.route, "reply-after-commit");
	(void)ok; /* not ours any more: whoever took it over records it */
	sender_job_done(ctx);
}

/* Our own Dovecot says of a mailbox that policy knows that it is none. Where its user table lies in
 * PostgreSQL it says so too of users that it asked for while that connection was away (2.3.19 asks
 * for "" then), so it is asked again before it is believed. */
static bool maybe_known(const struct job *job, const struct job_result *r)
{
	return job->destination->lmtp && r->outcome == SMTP_PERMFAIL &&
	       strcmp(r->enhanced, "5.1.1") == 0 && job->d.attempts < SENDER_LMTP_UNKNOWN_TRIES;
}

void sender_record(struct job *job, const struct job_result *r)
{
	static const char *const names[] = {
	    "delivered", "deferred", "failed", "uncertain"}; /* enum smtp_outcome */
	const struct settings *settings = job->destination->sender->role->settings;
	int64_t now = clock_now_ms();
	bool unknown = maybe_known(job, r);
	bool again = r->outcome == SMTP_TEMPFAIL || unknown ||
	             (r->outcome == SMTP_UNCERTAIN && delivery_repeatable(settings, &job->d));
	struct delivery_outcome o = {.outcome = again ? "deferred" : names[r->outcome],
	    .code = r->code,
	    .enhanced = r->enhanced,
	    .reply = r->text,
	    .remote = r->remote,
	    .tls = r->tls,
	    .started_at = r->started_at,
	    .at = now,
	    .next_at = now};

	if (again) {
		o.next_at = now + back_off_ms(settings, job->destination->lmtp, job->d.attempts);
		if (now >= job->d.expires_at)
			o.outcome = unknown                       ? "failed"
			            : r->outcome == SMTP_TEMPFAIL ? "expired"
			                                          : "uncertain";
		else if (o.next_at > job->d.expires_at)
			o.next_at = job->d.expires_at; /* one last try */
	}
	log_info("delivery id=%lld outgoing=%lld letter=%lld rcpt=\"%s\" route=%s outcome=%s "
	         "code=%d enhanced=%s remote=%s "
	         "tls=\"%s\" ms=%lld attempt=%d reply=\"%s\"",
	    (long long)job->d.id, (long long)job->d.outgoing_id, (long long)job->d.letter_id,
	    log_safe(job->d.recipient), job->d.route, o.outcome, r->code, r->enhanced, r->remote,
	    r->tls, (long long)(now - r->started_at), job->d.attempts + 1, log_safe(r->text));
	job->recording = true;
	delivery_record(job->destination->sender->store, &job->d, &o, recorded, job);
}

/* Destinations with enough in hand. */
static size_t busy_list(const struct sender *s, const char **list, size_t max)
{
	size_t n = 0;

	for (const struct destination *d = s->destinations; d != NULL && n < max; d = d->next)
		if (d->jobs >= SENDER_DESTINATION_JOBS_MAX)
			list[n++] = d->name;
	return n;
}

static void give_back(struct sender *s);

static void claimed(bool ok, const struct delivery *list, size_t count, void *ctx)
{
	struct sender *s = ctx;

	s->claiming = false;
	if (count > 0)
		CRASH_POINT("sender-after-claim");
	for (size_t i = 0; i < count; i++) {
		struct job *job = job_new(s, &list[i]);

		destination_add(job->destination, job);
	}
	if (s->draining)
		give_back(s);
	for (struct destination *d = s->destinations; d != NULL; d = d->next)
		if (d->queued > 0)
			destination_pump(d);
	if (ok && count == SENDER_CLAIM_MAX)
		s->claim_again = true;
	sender_look(s);
}

static void claim(struct sender *s)
{
	const char *busy[SENDER_JOBS_MAX / SENDER_DESTINATION_JOBS_MAX];
	size_t n = busy_list(s, busy, sizeof(busy) / sizeof(busy[0]));

	s->claiming = true;
	s->claim_again = false;
	delivery_claim(s->store, SENDER_CLAIM_MAX, busy, n, clock_now_ms(), claimed, s);
}

static void drained_cb(void *ctx)
{
	struct sender *s = ctx;

	log_info("sender_drained");
	loop_stop(s->loop);
}

void sender_look(struct sender *s)
{
	if (s->draining) {
		if (s->jobs == 0 && s->link_count == 0 && !s->claiming && !s->releasing &&
		    !s->drained) {
			s->drained = true;
			loop_defer(s->loop, drained_cb, s);
		}
		return;
	}
	if (!s->claiming && s->claim_again && s->jobs + SENDER_CLAIM_MAX <= SENDER_JOBS_MAX)
		claim(s);
}

static void woken(void *ctx)
{
	struct sender *s = ctx;

	s->claim_again = true;
	sender_look(s);
}

static void poll_cb(void *ctx)
{
	struct sender *s = ctx;

	timer_start(s->poll, SENDER_POLL_MS);
	destination_sweep(s);
	woken(s);
}

static int64_t renew_ms(const struct sender *s)
{
	return s->role->settings->lease_secs * INT64_C(1000) / SENDER_RENEWALS;
}

static void renew_cb(void *ctx)
{
	struct sender *s = ctx;
	int64_t ids[SENDER_JOBS_MAX + SENDER_CLAIM_MAX];
	size_t n = 0;

	timer_start(s->renew, renew_ms(s));
	for (const struct job *job = s->all; job != NULL && n < sizeof(ids) / sizeof(ids[0]);
	     job = job->all_next)
		ids[n++] = job->d.id;
	if (n > 0)
		delivery_renew(s->store, ids, n, clock_now_ms());
}

static void released(bool ok, void *ctx)
{
	struct sender *s = ctx;

	(void)ok;
	s->releasing = false;
	sender_look(s);
}

/* What was not begun goes back; the database has it at the latest when the lease is over. */
static void give_back(struct sender *s)
{
	struct job *jobs[SENDER_RCPTS_MAX];
	int64_t ids[SENDER_JOBS_MAX + SENDER_CLAIM_MAX];
	size_t n = 0, taken;

	for (struct destination *d = s->destinations; d != NULL; d = d->next) {
		while ((taken = destination_take(d, jobs, true)) > 0) {
			for (size_t i = 0; i < taken; i++) {
				if (n < sizeof(ids) / sizeof(ids[0]))
					ids[n++] = jobs[i]->d.id;
				sender_job_done(jobs[i]);
			}
		}
		destination_quit_idle(d);
	}
	if (n > 0) {
		s->releasing = true;
		delivery_release(s->store, ids, n, released, s);
	}
}

static void drain_cb(void *ctx)
{
	struct sender *s = ctx;

	log_info("sender_draining jobs=%zu connections=%zu", s->jobs, s->link_count);
	s->draining = true;
	timer_stop(s->poll);
	give_back(s);
	sender_look(s);
}

static void reload_cb(void *ctx)
{
	struct sender *s = ctx;

	delivery_store_settings(s->store, s->role->settings);
}

int main(int argc, char **argv)
{
	struct role role;
	struct sender s = {.role = &role};

	role_start(&role, "sender", argc, argv);
	s.loop = loop_new();
	s.store = delivery_store_new(role.settings, s.loop, woken, &s);
	s.poll = timer_new(s.loop, poll_cb, &s);
	s.renew = timer_new(s.loop, renew_cb, &s);
	role_watch_signals(&role, s.loop, drain_cb, reload_cb, &s);
	timer_start(s.poll, 0);
	timer_start(s.renew, renew_ms(&s));
	sandbox_enter(role.settings, "sender");
	log_info("sender_started");
	loop_run(s.loop);
	delivery_store_free(&s.store);
	timer_free(&s.poll);
	timer_free(&s.renew);
	destination_sweep(&s);
	dns_close(&s.dns);
	loop_free(&s.loop);
	tls_free(&s.tls_any);
	tls_free(&s.tls_verify);
	free(s.tls_ca);
	return 0;
}
