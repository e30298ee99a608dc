/*
 * The receiving side of the SMTP engine over a real socket pair with a role that says yes: bytes
 * in, reply codes and stored messages wanted. Every form of a false end of data is here.
 */
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
#include "mtagw/smtp/server.h"

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
	bool late; /* the role answers from the loop */
	struct smtp_session *session;
	int fd; /* the client's end */
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
	(void)tx;
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
	(void)s, (void)tx, (void)ctx;
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
	struct watch *watch;
	ssize_t n;
	int fd[2];

	run->loop = loop_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	(void)smtp_session_new(run->loop, fd[0], &params);
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

#define HEAD "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"

static void sessions(void **state)
{
	static const struct {
		const char *label, *in, *codes, *stored;
	} cases[] = {
	    {"a message", HEAD "S: x\r\n\r\ntext\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221",
	        "S: x\r\n\r\ntext\r\n|"},
	    {"two messages, pipelined",
	        HEAD
	        "one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 250 250 250 354 250 221", "one\r\n|two\r\n|"},
	    {"stuffed dots", HEAD "..\r\n...x\r\n.y\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 250 221", ".\r\n..x\r\ny\r\n|"},
	    {"empty message", HEAD ".\r\nQUIT\r\n", "220 250 250 250 354 250 221", "|"},
	    /* smuggling: nothing but CRLF . CRLF ends, and the message is refused */
	    {"LF . LF", HEAD "x\n.\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x"},
	    {"LF . CRLF", HEAD "x\n.\r\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x"},
	    {"CR . CR", HEAD "x\r.\rMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x"},
	    {"CRLF . LF", HEAD "x\r\n.\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x\r\n"},
	    {"CRLF . CR", HEAD "x\r\n.\rMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x\r\n"},
	    {"CR CR LF", HEAD "x\r\r\n.\r\nQUIT\r\n", "220 250 250 250 354 550 221", "x"},
	    {"bare LF in data", HEAD "a\nb\r\n.\r\nQUIT\r\n", "220 250 250 250 354 550 221", "a"},
	    /* commands */
	    {"bare LF in command", "EHLO x\nQUIT\r\n", "220 500 221", ""},
	    {"bare CR in command", "EHLO x\ry\r\nQUIT\r\n", "220 500 221", ""},
	    {"order", "MAIL FROM:<a@b>\r\nEHLO x\r\nRCPT TO:<a@b>\r\nDATA\r\nQUIT\r\n",
	        "220 503 250 503 503 221", ""},
	    {"unknown", "EHLO x\r\nXYZZY\r\nVRFY a\r\nHELP\r\nNOOP\r\nRSET\r\nQUIT\r\n",
	        "220 250 500 252 214 250 250 221", ""},
	    {"bad HELO", "EHLO\r\nEHLO a\tb\r\nQUIT\r\n", "220 501 501 221", ""},
	    {"bad path",
	        "EHLO x\r\nMAIL FROM:a@b\r\nMAIL FROM:<a@b\r\nMAIL FROM:<a@b.example> "
	        "X=1\r\nQUIT\r\n",
	        "220 250 501 501 555 221", ""},
	    {"size",
	        "EHLO x\r\nMAIL FROM:<a@b.example> SIZE=100001\r\nMAIL FROM:<a@b.example> SIZE=10 "
	        "BODY=8BITMIME\r\nQUIT\r\n",
	        "220 250 552 250 221", ""},
	    {"refused recipient",
	        "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@d.example>\r\nDATA\r\nQUIT\r\n",
	        "220 250 250 550 503 221", ""},
	    {"no TLS here", "EHLO x\r\nSTARTTLS\r\nAUTH PLAIN x\r\nQUIT\r\n", "220 250 503 502 221",
	        ""},
	    {"peer leaves", "EHLO x\r\nMAIL FROM:<a@b.example>\r\n", "220 250 250", ""},
	};

	(void)state;
	for (int late = 0; late < 2; late++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct run run = {.late = late == 1};
			struct buf codes = {0};

			play(&run, cases[i].in, strlen(cases[i].in), false, &codes);
			if (strcmp(buf_str(&codes), cases[i].codes) != 0)
				fail_msg("%s: got \"%s\"", cases[i].label, buf_str(&codes));
			if (strstr(cases[i].codes, "354 550") == NULL &&
			    strcmp(buf_str(&run.stored), cases[i].stored) != 0)
				fail_msg("%s: stored \"%s\"", cases[i].label, buf_str(&run.stored));
			buf_free(&codes);
			buf_free(&run.stored);
		}
}

static void limits_hold(void **state)
{
	struct buf in = {0}, codes = {0};
	struct run run = {0};

	(void)state;
	/* NUL and an over-long line in data */
	buf_puts(&in, HEAD "a");
	buf_append(&in, "\0", 1);
	buf_puts(&in, "b\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n");
	for (int i = 0; i < 60000; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\r\n.\r\nNOOP ");
	for (int i = 0; i < 60000; i++)
		buf_putc(&in, 'y');
	buf_puts(&in, "\r\nQUIT\r\n");
	play(&run, in.data, in.len, false, &codes);
	assert_string_equal(buf_str(&codes), "220 250 250 250 354 550 250 250 354 550 500 221");
	buf_free(&run.stored);
	/* recipients beyond the limit, then errors beyond theirs */
	buf_reset(&in);
	buf_reset(&codes);
	run = (struct run){0};
	buf_puts(&in, "EHLO x\r\nMAIL FROM:<>\r\n");
	for (int i = 0; i < 101; i++)
		buf_printf(&in, "RCPT TO:<u%d@d.example>\r\n", i);
	for (int i = 0; i < 12; i++)
		buf_puts(&in, "BOGUS\r\n");
	play(&run, in.data, in.len, false, &codes);
	assert_non_null(strstr(buf_str(&codes), " 250 452 500 "));
	assert_string_equal(run.reason, "too many errors");
	assert_string_equal(buf_str(&codes) + codes.len - 7, "500 421");
	buf_free(&in);
	buf_free(&codes);
}

static void submission_wants_auth(void **state)
{
	static const char in[] =
	    "EHLO x\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n";
	struct buf codes = {0};
	struct run run = {0};

	(void)state;
	play(&run, in, sizeof(in) - 1, true, &codes);
	assert_string_equal(buf_str(&codes), "220 250 538 530 221");
	buf_free(&codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(submission_wants_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
