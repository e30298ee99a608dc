/*
 * loop: the one event loop of a process, a thin cover over libevent's base. It holds no state of
 * the modules; it knows deferred calls (the way to free an object after its own callback, STYLE
 * 19), timers, signals and descriptors that belong to somebody else (libpq's). Streams are conn.c.
 *
 * Invariant: everything registered with loop_at_free is ended before the base goes, so that a
 * connection that is still closing at shutdown is not lost.
 */
#include "mtagw/base/loop.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include <event2/event.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

struct deferred {
	struct deferred *next;
	void (*cb)(void *ctx);
	void *ctx;
};

struct loop_signal {
	struct loop_signal *next;
	struct event *event;
	void (*cb)(void *ctx);
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct event *defer_event; /* made active when the first call is deferred */
	struct deferred *first, **last;
	struct loop_signal *signals;
	struct loop_exit *exits;
};

struct timer {
	struct event *event;
	void (*cb)(void *ctx);
	void *ctx;
};

struct watch {
	struct loop *loop;
	struct event *event; /* NULL while nothing is wanted */
	int fd;
	short wanted; /* EV_READ, EV_WRITE */
	void (*cb)(bool readable, bool writable, void *ctx);
	void *ctx;
};

/* Calls deferred by these calls run too: nothing waits for another event. */
static void run_deferred(struct loop *loop)
{
	while (loop->first != NULL) {
		struct deferred *d = loop->first;

		loop->first = d->next;
		if (loop->first == NULL)
			loop->last = &loop->first;
		d->cb(d->ctx);
		free(d);
	}
}

static void defer_event_cb(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run_deferred(ctx);
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_zalloc(sizeof(*loop));

	/* A stream may break under any write: that is an event of its connection, not the end of
	 * us. */
	(void)signal(SIGPIPE, SIG_IGN);
	loop->base = event_base_new();
	if (loop->base != NULL)
		loop->defer_event = event_new(loop->base, -1, EV_PERSIST, defer_event_cb, loop);
	if (loop->defer_event == NULL)
		log_fatal("event loop: libevent does not start");
	loop->last = &loop->first;
	return loop;
}

void loop_free(struct loop **loopp)
{
	struct loop *loop = *loopp;

	*loopp = NULL;
	if (loop == NULL)
		return;
	while (loop->exits != NULL) {
		struct loop_exit *e = loop->exits;

		loop_not_at_free(loop, e);
		e->cb(e->ctx);
	}
	run_deferred(loop);
	for (struct loop_signal *s = loop->signals, *next; s != NULL; s = next) {
		next = s->next;
		event_free(s->event);
		free(s);
	}
	event_free(loop->defer_event);
	event_base_free(loop->base);
	free(loop);
}

void loop_run(struct loop *loop)
{
	(void)event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *loop)
{
	(void)event_base_loopexit(loop->base, NULL);
}

void loop_defer(struct loop *loop, void (*cb)(void *ctx), void *ctx)
{
	struct deferred *d = mem_alloc(sizeof(*d));
	bool was_empty = loop->first == NULL;

	*d = (struct deferred){.cb = cb, .ctx = ctx};
	*loop->last = d;
	loop->last = &d->next;
	if (was_empty)
		event_active(loop->defer_event, 0, 0);
}

void loop_at_free(struct loop *loop, struct loop_exit *e)
{
	e->next = loop->exits;
	e->back = &loop->exits;
	if (e->next != NULL)
		e->next->back = &e->next;
	loop->exits = e;
}

void loop_not_at_free(struct loop *loop, struct loop_exit *e)
{
	(void)loop;
	if (e->back == NULL)
		return;
	*e->back = e->next;
	if (e->next != NULL)
		e->next->back = e->back;
	e->next = NULL;
	e->back = NULL;
}

static void signal_event_cb(evutil_socket_t fd, short what, void *ctx)
{
	const struct loop_signal *s = ctx;

	(void)fd;
	(void)what;
	s->cb(s->ctx);
}

void loop_on_signal(struct loop *loop, int signo, void (*cb)(void *ctx), void *ctx)
{
	struct loop_signal *s = mem_zalloc(sizeof(*s));

	s->cb = cb;
	s->ctx = ctx;
	s->event = evsignal_new(loop->base, signo, signal_event_cb, s);
	if (s->event == NULL || evsignal_add(s->event, NULL) != 0)
		log_fatal("event loop: signal %d cannot be watched", signo);
	s->next = loop->signals;
	loop->signals = s;
}

static void timer_event_cb(evutil_socket_t fd, short what, void *ctx)
{
	const struct timer *timer = ctx;

	(void)fd;
	(void)what;
	timer->cb(timer->ctx);
}

struct timer *timer_new(struct loop *loop, void (*cb)(void *ctx), void *ctx)
{
	struct timer *timer = mem_zalloc(sizeof(*timer));

	timer->cb = cb;
	timer->ctx = ctx;
	timer->event = evtimer_new(loop->base, timer_event_cb, timer);
	if (timer->event == NULL)
		log_fatal("event loop: no timer");
	return timer;
}

void timer_start(struct timer *timer, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	if (evtimer_add(timer->event, &tv) != 0)
		log_error("event loop: a timer of %lld ms was not started", (long long)ms);
}

void timer_soon(struct timer *timer)
{
	event_active(timer->event, EV_TIMEOUT, 0);
}

void timer_stop(struct timer *timer)
{
	(void)evtimer_del(timer->event);
}

bool timer_running(const struct timer *timer)
{
	return evtimer_pending(timer->event, NULL) != 0;
}

void timer_free(struct timer **timerp)
{
	struct timer *timer = *timerp;

	*timerp = NULL;
	if (timer == NULL)
		return;
	event_free(timer->event);
	free(timer);
}

static void watch_event_cb(evutil_socket_t fd, short what, void *ctx)
{
	const struct watch *watch = ctx;

	(void)fd;
	watch->cb((what & EV_READ) != 0, (what & EV_WRITE) != 0, watch->ctx);
}

struct watch *watch_new(
    struct loop *loop, int fd, void (*cb)(bool readable, bool writable, void *ctx), void *ctx)
{
	struct watch *watch = mem_zalloc(sizeof(*watch));

	watch->loop = loop;
	watch->fd = fd;
	watch->cb = cb;
	watch->ctx = ctx;
	return watch;
}

void watch_set(struct watch *watch, bool want_read, bool want_write)
{
	short wanted = (short)((want_read ? EV_READ : 0) | (want_write ? EV_WRITE : 0));

	if (wanted == watch->wanted)
		return;
	if (watch->event != NULL)
		event_free(watch->event);
	watch->event = NULL;
	watch->wanted = wanted;
	if (wanted == 0)
		return;
	watch->event = event_new(
	    watch->loop->base, watch->fd, (short)(wanted | EV_PERSIST), watch_event_cb, watch);
	if (watch->event == NULL || event_add(watch->event, NULL) != 0)
		log_error("event loop: descriptor %d cannot be watched", watch->fd);
}

void watch_free(struct watch **watchp)
{
	struct watch *watch = *watchp;

	*watchp = NULL;
	if (watch == NULL)
		return;
	watch_set(watch, false, false);
	free(watch);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}
