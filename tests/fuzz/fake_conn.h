/*
 * fake_conn: a connection made of two buffers, and a loop that runs when it is told to, in place of
 * mtagw/base/conn.c and loop.c (fakes by link). For fuzz targets of what speaks over a connection;
 * one target includes it once.
 */
#ifndef FUZZ_FAKE_CONN_H
#define FUZZ_FAKE_CONN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/conn.h"
#include "mtagw/base/mem.h"

struct conn {
	conn_cb *cb;
	void *ctx;
	struct buf in;
	size_t used; /* of in */
	bool tls, paused;
	bool written; /* since the last drained event */
};
static struct conn *line;        /* the one connection */
static struct buf transcript;    /* what was written to it, kept beyond the connection */
static bool tls_fails, tls_good; /* the next handshake; whether the peer was proven by it */

/* --- the loop --- */

static struct {
	void (*cb)(void *ctx);
	void *ctx;
} deferred[64];
static size_t deferred_count;

void loop_defer(struct loop *loop, void (*cb)(void *ctx), void *ctx)
{
	(void)loop;
	if (deferred_count == 64)
		abort();
	deferred[deferred_count].cb = cb;
	deferred[deferred_count++].ctx = ctx;
}

struct timer {
	void (*cb)(void *ctx);
	void *ctx;
	bool running;
};
static struct timer timers[4];

struct timer *timer_new(struct loop *loop, void (*cb)(void *ctx), void *ctx)
{
	(void)loop;
	for (size_t i = 0; i < 4; i++)
		if (timers[i].cb == NULL) {
			timers[i].cb = cb;
			timers[i].ctx = ctx;
			return &timers[i];
		}
	abort();
}

void timer_start(struct timer *timer, int64_t ms)
{
	(void)ms;
	timer->running = true;
}

void timer_stop(struct timer *timer)
{
	timer->running = false;
}

bool timer_running(const struct timer *timer)
{
	return timer->running;
}

void timer_free(struct timer **timer)
{
	if (*timer != NULL)
		memset(*timer, 0, sizeof(**timer));
	*timer = NULL;
}

static bool run_timer(void)
{
	for (size_t i = 0; i < 4; i++)
		if (timers[i].running) {
			timers[i].running = false;
			timers[i].cb(timers[i].ctx);
			return true;
		}
	return false;
}

/* Everything that waits for the loop, timers at once. */
static void run_deferred(void)
{
	do {
		while (deferred_count > 0) {
			void (*cb)(void *ctx) = deferred[0].cb;
			void *ctx = deferred[0].ctx;

			memmove(deferred, deferred + 1, --deferred_count * sizeof(deferred[0]));
			cb(ctx);
		}
	} while (run_timer());
}

/* --- the connection --- */

static struct conn *conn_made(conn_cb *cb, void *ctx)
{
	line = mem_zalloc(sizeof(*line));
	line->cb = cb;
	line->ctx = ctx;
	return line;
}

struct conn *conn_accepted(struct loop *loop, int fd, conn_cb *cb, void *ctx)
{
	(void)loop, (void)fd;
	return conn_made(cb, ctx);
}

struct conn *conn_connect(
    struct loop *loop, const char *address, conn_cb *cb, void *ctx, struct err *error_r)
{
	(void)loop, (void)address, (void)error_r;
	return conn_made(cb, ctx);
}

void conn_destroy(struct conn **conn)
{
	if (*conn == NULL)
		return;
	if (*conn != line)
		abort();
	buf_free(&(*conn)->in);
	free(*conn);
	*conn = line = NULL;
}

void conn_destroy_when_drained(struct conn **conn)
{
	conn_destroy(conn);
}

static void tls_done(void *ctx)
{
	if (line == ctx && line != NULL) {
		line->tls = !tls_fails;
		line->cb(line, tls_fails ? CONN_ERROR : CONN_TLS, line->ctx);
	}
}

void conn_start_tls(struct conn *conn, struct tls *tls, const char *server_name)
{
	(void)tls, (void)server_name;
	conn->used = conn->in.len;
	loop_defer(NULL, tls_done, conn);
}

bool conn_is_tls(const struct conn *conn)
{
	return conn->tls;
}

bool conn_tls_verified(const struct conn *conn)
{
	return conn->tls && tls_good;
}

const char *conn_tls_info(const struct conn *conn)
{
	return conn->tls ? "TLSv1.3" : "";
}

void conn_write(struct conn *conn, const void *data, size_t len)
{
	conn->written = true;
	buf_append(&transcript, data, len);
}

void conn_printf(struct conn *conn, const char *format, ...)
{
	char text[2000];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 4 || (size_t)n >= sizeof(text) || strcmp(text + n - 2, "\r\n") != 0)
		abort(); /* a line is whole */
	conn_write(conn, text, (size_t)n);
}

struct range conn_input(struct conn *conn)
{
	return (struct range){buf_str(&conn->in) + conn->used, conn->in.len - conn->used};
}

void conn_drain(struct conn *conn, size_t len)
{
	if (len > conn->in.len - conn->used)
		abort();
	conn->used += len;
}

void conn_pause(struct conn *conn, bool paused)
{
	conn->paused = paused;
}

void conn_set_input_max(struct conn *conn, size_t max)
{
	(void)conn, (void)max;
}

void conn_set_timeout(struct conn *conn, int64_t ms)
{
	(void)conn, (void)ms;
}

void conn_flush(struct conn *conn)
{
	(void)conn;
}

void conn_said_last(struct conn *conn)
{
	(void)conn;
}

size_t conn_output_len(const struct conn *conn)
{
	(void)conn;
	return 0;
}

const char *conn_error(const struct conn *conn)
{
	(void)conn;
	return "connection reset";
}

const char *conn_peer(const struct conn *conn)
{
	(void)conn;
	return "192.0.2.1:25";
}

const char *conn_peer_ip(const struct conn *conn)
{
	(void)conn;
	return "192.0.2.1";
}

const char *conn_local(struct conn *conn)
{
	(void)conn;
	return "[2001:db8::1]:25";
}

/* Bytes from the peer, then the loop until it waits. */
static void conn_feed(const void *data, size_t len)
{
	if (line == NULL || len == 0)
		return;
	buf_append(&line->in, data, len);
	line->cb(line, CONN_DATA, line->ctx);
	run_deferred();
}

static void conn_tell(enum conn_event event)
{
	if (line != NULL)
		line->cb(line, event, line->ctx);
	run_deferred();
}

#endif
