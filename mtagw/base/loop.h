/* loop: the event loop, timers, signals and watched descriptors (the only libevent code besides
 * conn). */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
struct watch;

/* One loop per process; SIGPIPE is ignored from then on. Stops the process when libevent cannot
 * start. */
struct loop *loop_new(void);
void loop_free(struct loop **loop);
/* Runs until loop_stop. Every wait of the process happens in here. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Runs cb(ctx) once, after the current callback has returned and before the loop waits again:
 * the way to free an object inside its own callback (STYLE 19, 31). */
void loop_defer(struct loop *loop, void (*cb)(void *ctx), void *ctx);
/* Calls cb on the signal, from the loop, never from signal context. Lives as long as the loop. */
void loop_on_signal(struct loop *loop, int signo, void (*cb)(void *ctx), void *ctx);

/* A timer that is not running. cb runs from the loop. */
struct timer *timer_new(struct loop *loop, void (*cb)(void *ctx), void *ctx);
/* (Re)starts it: runs once, after ms milliseconds. */
void timer_start(struct timer *timer, int64_t ms);
/* Runs once behind the callbacks that are due now, before the loop waits again. Not for one that
 * asks for itself anew each time: nothing else would be read meanwhile. */
void timer_soon(struct timer *timer);
void timer_stop(struct timer *timer);
bool timer_running(const struct timer *timer);
void timer_free(struct timer **timer);

/* Watches a descriptor owned by somebody else (libpq's, a listening socket): cb(readable, writable,
 * ctx). */
struct watch *watch_new(
    struct loop *loop, int fd, void (*cb)(bool readable, bool writable, void *ctx), void *ctx);
void watch_set(struct watch *watch, bool want_read, bool want_write);
void watch_free(struct watch **watch);

/* What must be ended with the loop (a connection that is still closing): loop_free calls cb(ctx)
 * once. The struct is the caller's, zeroed before first use, and stays until then or until
 * loop_not_at_free (harmless when not registered). */
struct loop_exit {
	struct loop_exit *next, **back; /* of the loop */
	void (*cb)(void *ctx);
	void *ctx;
};
void loop_at_free(struct loop *loop, struct loop_exit *e);
void loop_not_at_free(struct loop *loop, struct loop_exit *e);

/* The libevent base, for conn.c alone. */
struct event_base *loop_base(struct loop *loop);

#endif
