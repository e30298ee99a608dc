/*
 * A message that comes too slowly: a client over a socket pair that sends a piece every now and
 * then, and a role that may pause. Timeout and rate are small, so that a case takes a second or
 * two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/server.h"

#define HEAD "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
#define EVERY_MS 50

static struct settings settings = {.hostname = "mail.dumai.example",
    .message_size_limit = 100000,
    .line_length_limit = 1000,
    .recipient_limit = 100,
    .smtpd_error_limit = 10,
    .smtpd_timeout_secs = 1};

struct run {
	struct loop *loop;
	struct timer *next, *go_on;
	struct smtp_session *session;
	int fd; /* the client's end */
	const char *piece;
	int pieces;   /* still to be sent */
	int pause_ms; /* the role's, once, at the first byte */
	struct buf out;
	char reason[80];
};

static void yes(struct smtp_session *s)
{
	smtp_session_reply(s, 250, "2.0.0", "ok");
}
static void auth(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx)
{
	(void)mechanism, (void)initial, (void)ctx;
	smtp_session_auth_fail(s, false);
}
static void auth_continue(struct smtp_session *s, struct range response, void *ctx)
{
	(void)response, (void)ctx;
	smtp_session_auth_fail(s, false);
}
static void mail(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)tx, (void)ctx;
	yes(s);
}
static void rcpt(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *r, void *ctx)
{
	(void)tx, (void)r, (void)ctx;
	yes(s);
}
static void data_begin(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)tx, (void)ctx, (void)s;
}
static void go_on(void *ctx)
{
	smtp_session_pause_data(((struct run *)ctx)->session, false);
}
static void data(
    struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx)
{
	struct run *run = ctx;

	(void)tx, (void)bytes, (void)len;
	if (run->pause_ms == 0)
		return;
	run->session = s;
	timer_start(run->go_on, run->pause_ms);
	run->pause_ms = 0;
	smtp_session_pause_data(s, true);
}
static void data_end(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)tx, (void)ctx;
	yes(s);
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

static void put(struct run *run, const char *text)
{
	/* after the server has closed there is nobody to send to */
	(void)send(run->fd, text, strlen(text), MSG_NOSIGNAL);
}

static void send_piece(void *ctx)
{
	struct run *run = ctx;

	put(run, run->pieces-- > 0 ? run->piece : "\r\n.\r\nQUIT\r\n");
	if (run->pieces >= 0)
		timer_start(run->next, EVERY_MS);
}

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

/* Sends the first bytes at once, then the pieces, one every EVERY_MS; true when the message was
 * taken. How long it took: ms_r. */
static bool taken(
    int rate, const char *first, const char *piece, int pieces, int pause_ms, int64_t *ms_r)
{
	struct run run = {
	    .loop = loop_new(), .piece = piece, .pieces = pieces, .pause_ms = pause_ms};
	struct smtp_server_params params = {
	    .auth_mechanisms = "", .settings = &settings, .ops = &ops, .ctx = &run};
	struct watch *watch;
	bool slow, good;
	int fd[2];

	settings.smtpd_min_data_rate = rate;
	*ms_r = clock_mono_ms();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	run.fd = fd[1];
	run.next = timer_new(run.loop, send_piece, &run);
	run.go_on = timer_new(run.loop, go_on, &run);
	(void)smtp_session_new(run.loop, fd[0], &params);
	put(&run, HEAD);
	put(&run, first);
	timer_start(run.next, EVERY_MS);
	watch = watch_new(run.loop, fd[1], readable, &run);
	watch_set(watch, true, false);
	loop_run(run.loop);
	*ms_r = clock_mono_ms() - *ms_r;
	good = strstr(buf_str(&run.out), "250 2.0.0 ok\r\n221 ") != NULL;
	slow = strstr(buf_str(&run.out), "421 4.4.2 the message comes too slowly\r\n") != NULL;
	assert_string_equal(run.reason, good ? "quit" : "the message comes too slowly");
	assert_int_equal(good, !slow);
	watch_free(&watch);
	timer_free(&run.next);
	timer_free(&run.go_on);
	buf_free(&run.out);
	(void)close(fd[1]);
	loop_free(&run.loop);
	return good;
}

static void dripping_client_is_cut(void **state)
{
	int64_t ms;

	(void)state;
	/* 20 bytes a second, never silent for long: two seconds of them, cut after one */
	assert_false(taken(500, "", "x", 40, 0, &ms));
	assert_in_range(ms, 900, 1900);
}

static void slow_but_steady_is_taken(void **state)
{
	int64_t ms;

	(void)state;
	/* 400 bytes a second where 100 are wanted: twice as long as the timeout */
	assert_true(taken(100, "", "01234567890123456789", 40, 0, &ms));
	assert_in_range(ms, 1900, 10000);
}

static void a_good_start_is_no_credit_for_ever(void **state)
{
	char big[30001];
	int64_t ms;

	(void)state;
	/* At the start 30 kB, worth 300 seconds at this rate: not more than the timeout is kept. */
	for (size_t i = 0; i < sizeof(big) - 1; i++)
		big[i] = "x\r\n"[i % 3];
	big[sizeof(big) - 1] = '\0';
	assert_false(taken(100, big, "x", 40, 0, &ms));
	assert_in_range(ms, 900, 1900);
}

static void zero_means_any(void **state)
{
	int64_t ms;

	(void)state;
	assert_true(taken(0, "", "x", 40, 0, &ms));
}

static void our_own_pause_does_not_count(void **state)
{
	int64_t ms;

	(void)state;
	/* The role does not read for longer than the timeout; what came meanwhile is read at once.
	 */
	assert_true(taken(100, "", "01234567890123456789", 10, 1500, &ms));
	assert_in_range(ms, 1400, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dripping_client_is_cut),
	    cmocka_unit_test(slow_but_steady_is_taken),
	    cmocka_unit_test(a_good_start_is_no_credit_for_ever), cmocka_unit_test(zero_means_any),
	    cmocka_unit_test(our_own_pause_does_not_count)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
