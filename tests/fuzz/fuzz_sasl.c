/*
 * Lines of a hostile auth socket over a connection made of a buffer (fakes by link): each exchange
 * is answered once and never after its end, whatever comes, in whatever pieces.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/conn.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct conn {
	conn_cb *cb;
	void *ctx;
	struct buf in;
	size_t used; /* of in */
};
static struct conn *line;
static struct buf graveyard; /* connections are freed after the turn, as the real ones are */

struct conn *conn_connect(
    struct loop *loop, const char *address, conn_cb *cb, void *ctx, struct err *error_r)
{
	(void)loop, (void)address, (void)error_r;
	line = mem_zalloc(sizeof(*line));
	line->cb = cb;
	line->ctx = ctx;
	return line;
}

void conn_destroy(struct conn **conn)
{
	if (*conn != NULL)
		buf_append(&graveyard, conn, sizeof(*conn));
	*conn = line = NULL;
}

void conn_write(struct conn *conn, const void *data, size_t len)
{
	(void)conn;
	if (len == 0 || ((const char *)data)[len - 1] != '\n' ||
	    memchr(data, '\n', len - 1) != NULL)
		abort(); /* one line, whatever the mail client said */
}

void conn_printf(struct conn *conn, const char *format, ...)
{
	(void)conn, (void)format;
}

struct range conn_input(struct conn *conn)
{
	return (struct range){buf_str(&conn->in) + conn->used, conn->in.len - conn->used};
}

void conn_drain(struct conn *conn, size_t len)
{
	conn->used += len;
}

void conn_set_timeout(struct conn *conn, int64_t ms)
{
	(void)conn, (void)ms;
}

const char *conn_error(const struct conn *conn)
{
	(void)conn;
	return "";
}

struct timer {
	void (*cb)(void *ctx);
	void *ctx;
	bool running;
};

struct timer *timer_new(struct loop *loop, void (*cb)(void *ctx), void *ctx)
{
	struct timer *timer = mem_zalloc(sizeof(*timer));

	(void)loop;
	timer->cb = cb;
	timer->ctx = ctx;
	return timer;
}

void timer_start(struct timer *timer, int64_t ms)
{
	if (ms < 0)
		abort();
	timer->running = true;
}

void timer_free(struct timer **timer)
{
	free(*timer);
	*timer = NULL;
}

#define EXCHANGES 3
static struct asked {
	struct sasl_request *request;
	int finals;
} asked[EXCHANGES];

static void answered(struct sasl_request *request, const struct sasl_result *result, void *ctx)
{
	struct asked *a = ctx;

	if (request != a->request || a->finals != 0)
		abort();
	if (result->kind == SASL_CHALLENGE) {
		sasl_continue(request, result->challenge);
		return;
	}
	if (result->kind == SASL_OK && result->login[0] == '\0')
		abort();
	a->finals++;
}

static void bury(void)
{
	for (size_t i = 0; i + sizeof(struct conn *) <= graveyard.len; i += sizeof(struct conn *)) {
		struct conn *dead;

		memcpy(&dead, graveyard.data + i, sizeof(dead));
		buf_free(&dead->in);
		free(dead);
	}
	buf_free(&graveyard);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hello[] = "VERSION\t1\t2\nMECH\tPLAIN\nDONE\n";
	struct sasl *sasl = sasl_new(NULL, "unix:/fuzz");
	bool greet = size > 0 && data[0] % 4 != 0;
	size_t asks = 0;

	memset(asked, 0, sizeof(asked));
	if (greet) {
		buf_puts(&line->in, hello);
		line->cb(line, CONN_DATA, line->ctx);
	}
	for (size_t at = 1; at < size && line != NULL;) {
		size_t n = 1 + data[at] % 61;

		if (n > size - at)
			n = size - at;
		if (asks < EXCHANGES && greet) {
			struct asked *a = &asked[asks++];

			a->request =
			    sasl_start(sasl, "PLAIN", (struct range){(const char *)data, n},
			        asks != 2, "127.0.0.1", "::1\t\n", "s", answered, a);
		}
		buf_append(&line->in, data + at, n);
		line->cb(line, CONN_DATA, line->ctx);
		at += n;
	}
	if (line != NULL && size % 2)
		line->cb(line, CONN_EOF, line->ctx);
	for (size_t i = 0; i < asks; i++)
		if (line == NULL && asked[i].finals != 1)
			abort(); /* a lost connection answers everybody */
	sasl_free(&sasl);
	bury();
	return 0;
}
