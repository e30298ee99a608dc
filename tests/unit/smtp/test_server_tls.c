/*
 * Submission over TLS between two real connections: what STARTTLS forgets, AUTH in all its forms,
 * time limits, what a session weighs. The client is a list of "wait for this reply, send that".
 */
#include "mtagw/smtp/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <string.h>
#include <sys/socket.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/tls.h"
#include "tests/unit/base/certificate.h"

static struct settings settings = {.hostname = "mail.dumai.example",
    .message_size_limit = 100000,
    .line_length_limit = 1000,
    .recipient_limit = 100,
    .smtpd_error_limit = 10,
    .smtpd_timeout_secs = 1};

/* One conversation: the client sends the next line when a final reply line came. "TLS" starts TLS.
 */
struct talk {
	struct loop *loop;
	struct conn *client;
	struct tls *tls;
	const char *const *next;
	struct buf heard, auth; /* reply codes; what the role was asked */
	char reason[80], protocol[20];
	bool slow; /* sends a byte of NOOP at a time instead */
	struct timer *drip;
};

static void auth(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx)
{
	struct talk *t = ctx;

	buf_printf(&t->auth, "%s[%s%.*s]", mechanism, initial.p ? "" : "none", (int)initial.len,
	    initial.p ? initial.p : "");
	if (initial.p == NULL)
		smtp_session_auth_challenge(s, range_of("Username:"));
	else if (initial.len > 0 && initial.p[0] == 'g')
		smtp_session_auth_ok(s, "kadis@dumai.example");
	else
		smtp_session_auth_fail(s, initial.len == 0);
}

static void auth_continue(struct smtp_session *s, struct range response, void *ctx)
{
	if (response.p != NULL)
		auth(s, "+", response, ctx);
	else
		buf_puts(&((struct talk *)ctx)->auth, "cancelled");
}

static void mail(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	struct talk *t = ctx;

	(void)tx;
	(void)snprintf(t->protocol, sizeof(t->protocol), "%s", smtp_session_protocol(s));
	smtp_session_reply(s, 250, "2.0.0", "ok");
}

static void rcpt(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *r, void *ctx)
{
	(void)tx, (void)r, (void)ctx;
	smtp_session_reply(s, 250, "2.0.0", "l\303\266ng\r\nand wrong");
}

static void begin(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)tx, (void)ctx;
}

static void data(
    struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx)
{
	(void)s, (void)tx, (void)bytes, (void)len, (void)ctx;
}

static void closed(struct smtp_session *s, const char *reason, void *ctx)
{
	(void)s;
	(void)snprintf(((struct talk *)ctx)->reason, 80, "%s", reason);
}

static const struct smtp_server_ops ops = {
    auth, auth_continue, mail, rcpt, begin, data, begin, begin, closed};

static void send_next(struct talk *t)
{
	const char *line = *t->next;

	if (line == NULL)
		return;
	t->next++;
	if (strcmp(line, "TLS") == 0)
		conn_start_tls(t->client, t->tls, "mx.example");
	else
		conn_write(t->client, line, strlen(line));
}

static void drip_cb(void *ctx)
{
	struct talk *t = ctx;

	if (t->client != NULL)
		conn_write(t->client, "N", 1);
	timer_start(t->drip, 100);
}

static void hear(struct talk *t, const char *line)
{
	assert_true(strlen(line) >= 4);
	for (const char *p = line; *p != '\0'; p++)
		assert_in_range(*p, ' ', '~'); /* RFC 5321 4.2: printable, one line */
	if (line[3] == '-')
		return;
	buf_printf(&t->heard, "%s%.3s", t->heard.len ? " " : "", line);
	if (t->slow && !timer_running(t->drip))
		timer_start(t->drip, 0);
	else
		send_next(t);
}

static void client_cb(struct conn *conn, enum conn_event event, void *ctx)
{
	struct talk *t = ctx;
	struct range in;
	const char *lf;

	if (event == CONN_TLS) {
		buf_puts(&t->heard, " tls");
		send_next(t);
	} else if (event == CONN_EOF || event == CONN_ERROR) {
		conn_destroy(&t->client);
		loop_stop(t->loop);
	}
	while (event == CONN_DATA && t->client == conn) {
		char text[600];

		in = conn_input(conn);
		lf = in.len ? memchr(in.p, '\n', in.len) : NULL;
		if (lf == NULL)
			return;
		assert_true(lf - in.p < 512 && lf > in.p && lf[-1] == '\r');
		(void)snprintf(text, sizeof(text), "%.*s", (int)(lf - in.p - 1), in.p);
		conn_drain(conn, (size_t)(lf - in.p) + 1);
		hear(t, text);
	}
}

static void play(struct talk *t, bool implicit, const char *const *lines)
{
	struct err error;
	struct tls *server = tls_server_new(cert_file, key_file, &error);
	struct smtp_server_params params = {.submission = true,
	    .implicit_tls = implicit,
	    .tls = server,
	    .auth_mechanisms = "PLAIN LOGIN",
	    .settings = &settings,
	    .ops = &ops,
	    .ctx = t};
	int fd[2];

	t->loop = loop_new();
	t->tls = tls_client_new(cert_file, true, &error);
	t->next = lines;
	t->drip = timer_new(t->loop, drip_cb, t);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	(void)smtp_session_new(t->loop, fd[0], &params);
	t->client = conn_accepted(t->loop, fd[1], client_cb, t);
	if (implicit)
		send_next(t);
	loop_run(t->loop);
	timer_free(&t->drip);
	loop_free(&t->loop);
	tls_free(&t->tls);
	tls_free(&server);
}

static void talk_free(struct talk *t)
{
	buf_free(&t->heard);
	buf_free(&t->auth);
}

/* "EHLO" after TLS is wanted again; g... is a good password in base64, b... a bad one. */
static void test_talks(void **state)
{
	static const struct {
		const char *label;
		bool implicit;
		const char *lines[12];
		const char *heard, *auth;
	} table[] = {
	    {"implicit TLS", true,
	        {"TLS", "EHLO x\r\n", "AUTH PLAIN Zw==\r\n", "MAIL FROM:<>\r\n",
	            "RCPT TO:<a@b.example>\r\n", "QUIT\r\n"},
	        " tls 220 250 235 250 250 221", "PLAIN[g]"},
	    {"STARTTLS", false,
	        {"EHLO x\r\n", "STARTTLS\r\n", "TLS", "EHLO x\r\n", "AUTH PLAIN Zw==\r\n",
	            "MAIL FROM:<>\r\n", "QUIT\r\n"},
	        "220 250 220 tls 250 235 250 221", "PLAIN[g]"},
	    {"the name is forgotten", false,
	        {"EHLO x\r\n", "STARTTLS\r\n", "TLS", "AUTH PLAIN Zw==\r\n", "MAIL FROM:<>\r\n",
	            "QUIT\r\n"},
	        "220 250 220 tls 503 503 221", ""},
	    {"injected behind STARTTLS", false,
	        {"EHLO x\r\n", "STARTTLS\r\nMAIL FROM:<evil@b.example>\r\nQUIT\r\n", "TLS",
	            "EHLO x\r\n", "QUIT\r\n"},
	        "220 250 220 tls 250 221", ""},
	    {"STARTTLS twice, with argument", false,
	        {"STARTTLS now\r\n", "STARTTLS\r\n", "TLS", "STARTTLS\r\n", "EHLO x\r\n",
	            "STARTTLS\r\n", "QUIT\r\n"},
	        "220 501 220 tls 503 250 503 221", ""},
	    {"no AUTH without TLS", false,
	        {"EHLO x\r\n", "AUTH PLAIN Zw==\r\n", "MAIL FROM:<>\r\n", "QUIT\r\n"},
	        "220 250 538 530 221", ""},
	    {"MAIL before AUTH", true, {"TLS", "EHLO x\r\n", "MAIL FROM:<>\r\n", "QUIT\r\n"},
	        " tls 220 250 530 221", ""},
	    {"in two steps", true, {"TLS", "EHLO x\r\n", "AUTH LOGIN\r\n", "Zw==\r\n", "QUIT\r\n"},
	        " tls 220 250 334 235 221", "LOGIN[none]+[g]"},
	    {"cancelled", true,
	        {"TLS", "EHLO x\r\n", "AUTH LOGIN\r\n", "*\r\n", "NOOP\r\n", "QUIT\r\n"},
	        " tls 220 250 334 501 250 221", "LOGIN[none]cancelled"},
	    {"empty initial", true, {"TLS", "EHLO x\r\n", "AUTH PLAIN =\r\n", "QUIT\r\n"},
	        " tls 220 250 454 221", "PLAIN[]"},
	    {"empty response", true, {"TLS", "EHLO x\r\n", "AUTH LOGIN\r\n", "\r\n", "QUIT\r\n"},
	        " tls 220 250 334 454 221", "LOGIN[none]+[]"},
	    {"not base64", true,
	        {"TLS", "EHLO x\r\n", "AUTH PLAIN ???\r\n", "AUTH LOGIN\r\n", "???\r\n",
	            "QUIT\r\n"},
	        " tls 220 250 501 334 535 221", "LOGIN[none]cancelled"},
	    {"unknown and bad", true,
	        {"TLS", "EHLO x\r\n", "AUTH\r\n", "AUTH CRAM-MD5\r\n", "AUTH PLAIN Yg==\r\n",
	            "QUIT\r\n"},
	        " tls 220 250 504 504 535 221", "PLAIN[b]"},
	    {"AUTH twice", true,
	        {"TLS", "EHLO x\r\n", "AUTH PLAIN Zw==\r\n", "AUTH PLAIN Zw==\r\n", "QUIT\r\n"},
	        " tls 220 250 235 503 221", "PLAIN[g]"},
	    {"silence", true, {"TLS", "EHLO x\r\n"}, " tls 220 250 421", ""},
	    {"silence under AUTH", true, {"TLS", "EHLO x\r\n", "AUTH LOGIN\r\n"},
	        " tls 220 250 334 421", "LOGIN[none]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct talk t = {0};

		play(&t, table[i].implicit, table[i].lines);
		if (strcmp(buf_str(&t.heard), table[i].heard) != 0 ||
		    strcmp(buf_str(&t.auth), table[i].auth) != 0)
			fail_msg("%s: \"%s\" \"%s\"", table[i].label, buf_str(&t.heard),
			    buf_str(&t.auth));
		if (i < 2)
			assert_string_equal(t.protocol, "ESMTPSA");
		talk_free(&t);
	}
}

/* A byte now and then does not keep a session. */
static void test_trickle(void **state)
{
	static const char *const none[] = {NULL};
	struct talk t = {.slow = true};
	int64_t start = clock_mono_ms();

	(void)state;
	play(&t, false, none);
	assert_string_equal(buf_str(&t.heard), "220 421");
	assert_string_equal(t.reason, "a command line without end");
	assert_in_range(clock_mono_ms() - start, 900, 4000);
	talk_free(&t);
}

/* The figure of the design: at most 8 KiB of our own for an idle session, after EHLO. */
#define SESSIONS 200
static void test_idle_session_is_small(void **state)
{
	struct talk t = {0};
	struct smtp_server_params params = {
	    .auth_mechanisms = "", .settings = &settings, .ops = &ops, .ctx = &t};
	struct smtp_session *s[SESSIONS];
	struct loop *loop = loop_new();
	struct timer *timer = timer_new(loop, (void (*)(void *))loop_stop, loop);
	int fd[SESSIONS][2];
	size_t before = mallinfo2().uordblks, each;

	(void)state;
	for (int i = 0; i < SESSIONS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd[i]), 0);
		s[i] = smtp_session_new(loop, fd[i][0], &params);
		assert_int_equal(write(fd[i][1], "EHLO x\r\n", 8), 8);
	}
	timer_start(timer, 200);
	loop_run(loop);
	each = (mallinfo2().uordblks - before) / SESSIONS;
	print_message("an idle session: %zu bytes\n", each);
	assert_true(each < 8192);
	for (int i = 0; i < SESSIONS; i++) {
		smtp_session_shut(s[i], "going down");
		(void)close(fd[i][1]);
	}
	timer_start(timer, 50);
	loop_run(loop);
	timer_free(&timer);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_talks),
	    cmocka_unit_test(test_trickle),
	    cmocka_unit_test(test_idle_session_is_small),
	};

	return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
