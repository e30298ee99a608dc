/*
 * server_play: one session of the receiving side over a socket pair, with a role that says yes; a
 * case gives the client's bytes and reads the reply codes and what was stored.
 */
#ifndef TESTS_SERVER_PLAY_H
#define TESTS_SERVER_PLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/mem.h"
#include "mtagw/smtp/server_private.h"

static struct settings settings = {.hostname = "mail.dumai.example",
    .message_size_limit = 100000,
    .line_length_limit = 1000,
    .recipient_limit = 100,
    .smtpd_error_limit = 10,
    .smtpd_timeout_secs = 5};

struct run {
	struct loop *loop;
	struct buf stored; /* messages, each ended by "|" */
	char reason[80];
	bool late;      /* the role answers from the loop */
	bool logged_in; /* the session begins behind AUTH */
	struct smtp_session *session;
	int fd;           /* the client's end */
	struct buf asked; /* of reports: `ret envid; notify orcpt; ...` of each message */
	char protocol[16];
	bool utf8; /* the last MAIL asked for SMTPUTF8 */
	struct buf out;
};

static void yes(void *ctx)
{
	struct run *run = ctx;

	smtp_session_reply(run->session, 250, "2.0.0", "ok");
}

static void answer(struct smtp_session *s, struct run *run)
{
	run->session = s;
	if (run->late)
		loop_defer(run->loop, yes, run);
	else
		smtp_session_reply(s, 250, "2.0.0", "ok");
}

static void auth(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx)
{
	(void)mechanism, (void)initial, (void)ctx;
	smtp_session_auth_ok(s, "a@b.example");
}
static void auth_continue(struct smtp_session *s, struct range response, void *ctx)
{
	(void)s, (void)response, (void)ctx;
}
static void mail(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	((struct run *)ctx)->utf8 = tx->smtputf8;
	(void)snprintf(((struct run *)ctx)->protocol, sizeof(((struct run *)ctx)->protocol), "%s",
	    smtp_session_protocol(s));
	answer(s, ctx);
}
static void rcpt(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *r, void *ctx)
{
	(void)tx;
	if (strcmp(r->address.local, "nobody") == 0)
		smtp_session_reply(s, 550, "5.1.1", "no such recipient here");
	else
		answer(s, ctx);
}
static void data_begin(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	struct buf *asked = &((struct run *)ctx)->asked;

	(void)s;
	buf_printf(asked, "%s %s;", tx->ret, tx->envid);
	for (size_t i = 0; i < tx->rcpt_count; i++)
		buf_printf(
		    asked, "%s %s %s;", tx->rcpts[i].text, tx->rcpts[i].notify, tx->rcpts[i].orcpt);
}
static void data(
    struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx)
{
	(void)s, (void)tx;
	buf_append(&((struct run *)ctx)->stored, bytes, len);
}
static void data_end(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)tx;
	buf_putc(&((struct run *)ctx)->stored, '|');
	answer(s, ctx);
}
static void reset(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)tx, (void)ctx;
}
static void closed(struct smtp_session *s, const char *reason, void *ctx)
{
	struct run *run = ctx;

	(void)s;
	(void)snprintf(run->reason, sizeof(run->reason), "%s", reason);
}
static const struct smtp_server_ops ops = {
    auth, auth_continue, mail, rcpt, data_begin, data, data_end, reset, closed};

/* The client reads until the server closes. */
static void readable(bool can_read, bool can_write, void *ctx)
{
	struct run *run = ctx;
	char bytes[4096];
	ssize_t n;

	(void)can_read, (void)can_write;
	while ((n = read(run->fd, bytes, sizeof(bytes))) > 0)
		buf_append(&run->out, bytes, (size_t)n);
	if (n == 0)
		loop_stop(run->loop);
}

/* Feeds the bytes, gives the codes of all replies, blank-separated. */
static void play(struct run *run, const char *in, size_t len, bool submission, struct buf *codes)
{
	struct smtp_server_params params = {.submission = submission,
	    .auth_mechanisms = "PLAIN",
	    .settings = &settings,
	    .ops = &ops,
	    .ctx = run};
	struct smtp_session *session;
	struct watch *watch;
	ssize_t n;
	int fd[2];

	run->loop = loop_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	session = smtp_session_new(run->loop, fd[0], &params);
	if (run->logged_in) { /* as after AUTH, which needs TLS */
		(void)snprintf(session->login, sizeof(session->login), "a@b.example");
	}
	for (size_t at = 0; at < len;) { /* socket buffers are larger than any case here */
		n = write(fd[1], in + at, len - at);
		assert_true(n > 0);
		at += (size_t)n;
	}
	(void)shutdown(fd[1], SHUT_WR);
	run->fd = fd[1];
	watch = watch_new(run->loop, fd[1], readable, run);
	watch_set(watch, true, false);
	loop_run(run->loop);
	watch_free(&watch);
	buf_putc(&run->out, '\n');
	for (char *save = NULL, *line = strtok_r(run->out.data, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save))
		if (strlen(line) >= 4 && line[3] == ' ')
			buf_printf(codes, "%s%.3s", codes->len ? " " : "", line);
	buf_free(&run->out);
	(void)close(fd[1]);
	loop_free(&run->loop);
}

#endif
