/* The sending side against a scripted server on a Unix socket: what is said, in which pieces, and
 * what becomes of each recipient. A script is pairs of what must arrive and what is answered;
 * `!close` closes, `!tls` begins a handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/tls.h"
#include "mtagw/smtp/client.h"

struct step {
	const char *expect, *answer;
};
#define STEPS 16
struct test {
	const char *label;
	struct step steps[STEPS];
	bool lmtp;
	int tls_level;
	const char *sender, *rcpts[5];
	const char *body; /* NULL: `Subject: x CRLF CRLF .dot CRLF` */
	const char *envid;
	bool is_8bit, fence_fails, fence_waits;
	uint64_t size;
	int messages;       /* 0: one */
	const char *wanted; /* outcomes of all messages, `;` between recipients, ` |` after
	                       messages, then the end */
};

#define EHLO "EHLO kota.example\r\n"
#define LHLO "LHLO kota.example\r\n"
#define HELLO                                                                           \
	{"", "220 peer\r\n"},                                                           \
	{                                                                               \
		EHLO, "250-peer\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000\r\n" \
	}
#define SLOW                         \
	{"", "220 peer\r\n"},        \
	{                            \
		EHLO, "250 peer\r\n" \
	}
#define LOCAL                                                          \
	{"", "220 peer\r\n"},                                          \
	{                                                              \
		LHLO, "250-peer\r\n250-PIPELINING\r\n250 8BITMIME\r\n" \
	}
#define ONE "MAIL FROM:<s@a> SIZE=20\r\nRCPT TO:<x@b>\r\nDATA\r\n"
#define TWO "MAIL FROM:<s@a> SIZE=20\r\nRCPT TO:<x@b>\r\nRCPT TO:<y@b>\r\nDATA\r\n"
#define LTWO "MAIL FROM:<s@a>\r\nRCPT TO:<x@b>\r\nRCPT TO:<y@b>\r\nDATA\r\n"
#define TEXT "Subject: x\r\n\r\n..dot\r\n"
#define BYE                                     \
	{                                       \
		"QUIT\r\n", "221 bye\r\n!close" \
	}
#define OK3 "250 m\r\n250 r\r\n354 go\r\n"
#define OK4 "250 m\r\n250 r\r\n250 r\r\n354 go\r\n"

static const struct test tests[] = {
    {"pipelined", {HELLO, {ONE, OK3}, {TEXT, ""}, {".\r\n", "250 2.0.0 stored\r\n"}, BYE},
        .rcpts = {"x@b"}, .wanted = "OK 250 2.0.0 stored | closed OK"},
    {"step by step",
        {SLOW, {"MAIL FROM:<s@a>\r\n", "250 m\r\n"}, {"RCPT TO:<x@b>\r\n", "250 r\r\n"},
            {"DATA\r\n", "354 go\r\n"}, {TEXT, ""}, {".\r\n", "250 stored\r\n"}, BYE},
        .rcpts = {"x@b"}, .wanted = "OK 250 stored | closed OK"},
    {"HELO",
        {{"", "220 peer\r\n"}, {EHLO, "502 what\r\n"}, {"HELO kota.example\r\n", "250 peer\r\n"},
            {"MAIL FROM:<>\r\n", "250 m\r\n"}, {"RCPT TO:<x@b>\r\n", "250 r\r\n"},
            {"DATA\r\n", "354 go\r\n"}, {TEXT, ""}, {".\r\n", "250 stored\r\n"}, BYE},
        .sender = "", .rcpts = {"x@b"}, .wanted = "OK 250 stored | closed OK"},
    {"one of two refused",
        {HELLO, {TWO, "250 m\r\n550 5.1.1 nobody\r\n250 r\r\n354 go\r\n"},
            {TEXT ".\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"x@b", "y@b"}, .wanted = "PERM 550 5.1.1 nobody; OK 250 ok | closed OK"},
    {"all refused",
        {HELLO, {TWO, "250 m\r\n550 a\r\n450 4.2.0 b\r\n554 no rcpt\r\n"},
            {"RSET\r\n", "250 reset\r\n"}, BYE},
        .rcpts = {"x@b", "y@b"}, .wanted = "PERM 550 a; TEMP 450 4.2.0 b | closed OK"},
    {"all refused, data asked", {HELLO, {ONE, "250 m\r\n550 a\r\n354 go\r\n"}}, .rcpts = {"x@b"},
        .wanted = "PERM 550 a | closed TEMP 0 the peer asks for data without a recipient"},
    {"sender refused",
        {HELLO, {TWO, "553 no\r\n503 a\r\n503 b\r\n503 c\r\n"}, {"RSET\r\n", "250 reset\r\n"}, BYE},
        .rcpts = {"x@b", "y@b"}, .wanted = "PERM 553 no; PERM 553 no | closed OK"},
    {"sender refused, step by step",
        {SLOW, {"MAIL FROM:<s@a>\r\n", "451 later\r\n"}, {"RSET\r\n", "250 reset\r\n"}, BYE},
        .rcpts = {"x@b", "y@b"}, .wanted = "TEMP 451 later; TEMP 451 later | closed OK"},
    {"all refused, step by step",
        {SLOW, {"MAIL FROM:<s@a>\r\n", "250 m\r\n"}, {"RCPT TO:<x@b>\r\n", "550 n\r\n"},
            {"RSET\r\n", "250 reset\r\n"}, BYE},
        .rcpts = {"x@b"}, .wanted = "PERM 550 n | closed OK"},
    {"data refused",
        {HELLO, {ONE, "250 m\r\n250 r\r\n452 4.3.1 full\r\n"}, {"RSET\r\n", "250 reset\r\n"}, BYE},
        .rcpts = {"x@b"}, .wanted = "TEMP 452 4.3.1 full | closed OK"},
    {"refused after the dot",
        {HELLO, {ONE, OK3}, {TEXT ".\r\n", "554-5.7.1 spam\r\n554 5.7.1 really\r\n"}, BYE},
        .rcpts = {"x@b"}, .wanted = "PERM 554 5.7.1 spam really | closed OK"},
    {"421 to MAIL", {HELLO, {ONE, "421 4.3.2 closing\r\n!close"}}, .rcpts = {"x@b"},
        .wanted = "TEMP 421 4.3.2 closing | closed TEMP 421 closing"},
    {"421 to the dot", {HELLO, {ONE, OK3}, {TEXT ".\r\n", "421 closing\r\n!close"}},
        .rcpts = {"x@b"}, .wanted = "TEMP 421 closing | closed TEMP 421 closing"},
    {"lost before the dot", {HELLO, {ONE, OK3}, {TEXT, "!close"}}, .rcpts = {"x@b"},
        .fence_waits = true, .wanted = "TEMP 0 * | closed TEMP 0 *"},
    {"lost after the dot", {HELLO, {ONE, OK3}, {TEXT ".\r\n", "!close"}}, .rcpts = {"x@b"},
        .wanted = "UNCERTAIN 0 * | closed TEMP 0 *"},
    {"nonsense after the dot", {HELLO, {ONE, OK3}, {TEXT ".\r\n", "hello\r\n"}}, .rcpts = {"x@b"},
        .wanted = "UNCERTAIN 0 a line that is no SMTP reply | closed TEMP 0 a line that is no SMTP "
                  "reply"},
    {"answer while data goes", {HELLO, {ONE, OK3}, {TEXT, "552 5.3.4 too much\r\n"}},
        .rcpts = {"x@b"}, .fence_waits = true,
        .wanted = "PERM 552 5.3.4 too much | closed PERM 552 too much"},
    {"fence fails", {HELLO, {ONE, OK3}, {TEXT, ""}}, .rcpts = {"x@b"}, .fence_fails = true,
        .wanted = "TEMP 0 fence | closed TEMP 0 fence"},
    {"LMTP", {LOCAL, {LTWO, OK4}, {TEXT ".\r\n", "250 2.0.0 a\r\n452 4.2.2 full\r\n"}, BYE},
        .lmtp = true, .rcpts = {"x@b", "y@b"},
        .wanted = "OK 250 2.0.0 a; TEMP 452 4.2.2 full | closed OK"},
    {"LMTP, one refused",
        {LOCAL, {LTWO, "250 m\r\n550 n\r\n250 r\r\n354 go\r\n"}, {TEXT ".\r\n", "250 b\r\n"}, BYE},
        .lmtp = true, .rcpts = {"x@b", "y@b"}, .wanted = "PERM 550 n; OK 250 b | closed OK"},
    {"LMTP lost between answers", {LOCAL, {LTWO, OK4}, {TEXT ".\r\n", "250 a\r\n!close"}},
        .lmtp = true, .rcpts = {"x@b", "y@b"},
        .wanted = "OK 250 a; UNCERTAIN 0 * | closed TEMP 0 *"},
    {"LMTP 421 between answers", {LOCAL, {LTWO, OK4}, {TEXT ".\r\n", "421 a\r\n"}}, .lmtp = true,
        .rcpts = {"x@b", "y@b"}, .wanted = "TEMP 421 a; UNCERTAIN 0 a | closed TEMP 421 a"},
    {"LMTP knows no HELO", {{"", "220 peer\r\n"}, {LHLO, "500 what\r\n"}}, .lmtp = true,
        .rcpts = {"x@b"}, .wanted = "closed PERM 500 greeting refused: 500 what"},
    {"three messages on one connection",
        {HELLO, {ONE, OK3}, {TEXT ".\r\n", "250 1\r\n"}, {ONE, "250 m\r\n550 n\r\n554 x\r\n"},
            {"RSET\r\n", "250 reset\r\n"}, {ONE, OK3}, {TEXT ".\r\n", "250 3\r\n"}, BYE},
        .rcpts = {"x@b"}, .messages = 3, .wanted = "OK 250 1 |PERM 550 n |OK 250 3 | closed OK"},
    {"answers in one piece with more than asked",
        {HELLO, {ONE, OK3}, {TEXT ".\r\n", "250 ok\r\n250 again\r\n"}}, .rcpts = {"x@b"},
        .wanted = "OK 250 ok | closed *"},
    {"8 bit to a 7-bit peer", {SLOW, BYE}, .rcpts = {"x@b", "y@b"}, .is_8bit = true,
        .wanted = "PERM 0 5.6.3 *; PERM 0 5.6.3 * | closed OK"},
    {"8 bit",
        {HELLO, {"MAIL FROM:<s@a> SIZE=20 BODY=8BITMIME\r\nRCPT TO:<x@b>\r\nDATA\r\n", OK3},
            {TEXT ".\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"x@b"}, .is_8bit = true, .wanted = "OK 250 ok | closed OK"},
    {"DSN",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250-PIPELINING\r\n250 dsn\r\n"},
            {"MAIL FROM:<s@a> RET=HDRS ENVID=77\r\nRCPT TO:<x@b> NOTIFY=FAILURE,DELAY\r\n"
             "DATA\r\n",
                OK3},
            {TEXT ".\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"x@b"}, .envid = "77", .wanted = "OK 250 ok | closed OK"},
    {"DSN not offered", {HELLO, {ONE, OK3}, {TEXT ".\r\n", "250 ok\r\n"}, BYE}, .rcpts = {"x@b"},
        .envid = "77", .wanted = "OK 250 ok | closed OK"},
    {"DSN offered, not wanted",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 DSN\r\n"},
            {ONE, OK3}, {TEXT ".\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"x@b"}, .wanted = "OK 250 ok | closed OK"},
    {"too large", {HELLO, BYE}, .rcpts = {"x@b"}, .size = 1001,
        .wanted = "PERM 0 5.3.4 * | closed OK"},
    {"injection by a recipient", {HELLO, {ONE, OK3}, {TEXT ".\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"x@b", "y@b>\r\nRCPT TO:<z@b", "y@b\r\nDATA", "b\xc3\xbcro@b", "a b@c"},
        .wanted = "OK 250 ok; PERM 0 5.1.3 *; PERM 0 5.1.3 *; PERM 0 5.6.7 *; PERM 0 5.1.3 * | "
                  "closed OK"},
    {"injection by the sender", {HELLO, BYE}, .sender = "a@b>\r\nRSET", .rcpts = {"x@b"},
        .wanted = "PERM 0 5.1.7 * | closed OK"},
    {"only bad recipients, first of two messages", {HELLO, BYE}, .rcpts = {"<x@b>"}, .messages = 2,
        .wanted = "PERM 0 5.1.3 * |PERM 0 5.1.3 * | closed OK"},
    {"quoted local part",
        {HELLO, {"MAIL FROM:<s@a> SIZE=20\r\nRCPT TO:<\"a > \\\" b\"@c>\r\nDATA\r\n", OK3},
            {TEXT ".\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"\"a > \\\" b\"@c"}, .wanted = "OK 250 ok | closed OK"},
    {"no line end in the message", {HELLO, {ONE, OK3}, {"abc\r\n.\r\n", "250 ok\r\n"}, BYE},
        .rcpts = {"x@b"}, .body = "abc", .wanted = "OK 250 ok | closed OK"},
    {"greeting 554", {{"", "554 5.3.2 not now\r\n"}}, .rcpts = {"x@b"},
        .wanted = "closed PERM 554 connection refused: 554 5.3.2 not now"},
    {"greeting 421", {{"", "421 busy\r\n!close"}}, .rcpts = {"x@b"},
        .wanted = "closed TEMP 421 connection refused: 421 busy"},
    {"greeting of another protocol", {{"", "* OK IMAP\r\n"}}, .rcpts = {"x@b"},
        .wanted = "closed TEMP 0 a line that is no SMTP reply"},
    {"peer closes at once", {{"", "!close"}}, .rcpts = {"x@b"}, .wanted = "closed TEMP 0 *"},
    {"TLS wanted and not offered", {HELLO}, .tls_level = HOP_TLS_ENCRYPT, .rcpts = {"x@b"},
        .wanted = "closed TEMP 0 TLS is required here and the peer does not offer STARTTLS"},
    {"TLS may, refused",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250 STARTTLS\r\n"}, {"STARTTLS\r\n", "454 no\r\n"},
            {"MAIL FROM:<s@a>\r\n", "550 m\r\n"}, {"RSET\r\n", "250 r\r\n"}, BYE},
        .tls_level = HOP_TLS_MAY, .rcpts = {"x@b"}, .wanted = "PERM 550 m | closed OK"},
    {"TLS encrypt, refused",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250 STARTTLS\r\n"}, {"STARTTLS\r\n", "454 no\r\n"}},
        .tls_level = HOP_TLS_ENCRYPT, .rcpts = {"x@b"},
        .wanted = "closed TEMP 454 STARTTLS refused: 454 no"},
    {"TLS, plain text injected",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250 STARTTLS\r\n"},
            {"STARTTLS\r\n", "220 go\r\n250-injected\r\n250 PIPELINING\r\n!tls"},
            {EHLO, "250 p\r\n"}, {"MAIL FROM:<s@a>\r\n", "550 m\r\n"}, {"RSET\r\n", "250 r\r\n"},
            BYE},
        .tls_level = HOP_TLS_ENCRYPT, .rcpts = {"x@b"}, .wanted = "PERM 550 m | closed OK"},
    {"TLS not proven",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250 STARTTLS\r\n"},
            {"STARTTLS\r\n", "220 go\r\n!tls"}},
        .tls_level = HOP_TLS_VERIFY, .rcpts = {"x@b"}, .wanted = "closed TEMP 0 *"},
    {"TLS may, broken, then plain",
        {{"", "220 p\r\n"}, {EHLO, "250-p\r\n250 STARTTLS\r\n"},
            {"STARTTLS\r\n", "220 go\r\n!close"}, {"", "220 p\r\n"},
            {EHLO, "250-p\r\n250 STARTTLS\r\n"}, {"MAIL FROM:<s@a>\r\n", "550 m\r\n"},
            {"RSET\r\n", "250 r\r\n"}, BYE},
        .tls_level = HOP_TLS_MAY, .rcpts = {"x@b"}, .wanted = "PERM 550 m | closed OK"},
};

static char dir[] = "/tmp/mtagw-client-XXXXXX";
static char address[64];
static struct tls *server_tls, *any_tls, *verify_tls;
static struct loop *loop;
static struct conn *peer;
static const struct test *now;
static size_t step;
static int sent;
static struct buf seen;
static struct smtp_client_message message;
static struct smtp_client_rcpt rcpts[5];
static struct timer *limit;

/* --- the server --- */

static void play(void);

static void peer_event(struct conn *conn, enum conn_event event, void *ctx)
{
	(void)conn;
	(void)ctx;
	if (event == CONN_DATA || event == CONN_TLS)
		play();
	else if (event == CONN_EOF || event == CONN_ERROR)
		conn_destroy(&peer);
}

static void play(void)
{
	while (peer != NULL && step < STEPS && now->steps[step].expect != NULL) {
		const struct step *s = &now->steps[step];
		struct range input = conn_input(peer);
		size_t len = strlen(s->expect), cmp = input.len < len ? input.len : len;
		const char *order = strchr(s->answer, '!');

		if (memcmp(input.p != NULL ? input.p : "", s->expect, cmp) != 0)
			fail_msg("%s, step %zu: wanted \"%s\", got \"%.*s\"", now->label, step,
			    s->expect, (int)input.len, input.p);
		if (input.len < len)
			return;
		conn_drain(peer, len);
		step++;
		conn_write(peer, s->answer,
		    order != NULL ? (size_t)(order - s->answer) : strlen(s->answer));
		if (order != NULL && strcmp(order, "!tls") == 0) {
			conn_start_tls(peer, server_tls, NULL);
			return;
		}
		if (order != NULL)
			conn_destroy_when_drained(&peer);
	}
}

static void accepted(int fd, void *ctx)
{
	(void)ctx;
	conn_destroy(&peer);
	peer = conn_accepted(loop, fd, peer_event, NULL);
	play();
}

/* --- the role --- */

static void next(struct smtp_client *c, void *ctx)
{
	(void)ctx;
	if (sent == (now->messages ? now->messages : 1)) {
		smtp_client_quit(c);
		return;
	}
	sent++;
	memset(rcpts, 0, sizeof(rcpts));
	message = (struct smtp_client_message){.sender = now->sender ? now->sender : "s@a",
	    .rcpts = rcpts,
	    .size = now->size ? now->size : 20,
	    .is_8bit = now->is_8bit,
	    .envid = now->envid};
	for (; message.rcpt_count < 5 && now->rcpts[message.rcpt_count] != NULL;
	     message.rcpt_count++)
		rcpts[message.rcpt_count].address = now->rcpts[message.rcpt_count];
	smtp_client_send(c, &message);
}

static void want_data(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	const char *body = now->body != NULL ? now->body : "Subject: x\r\n\r\n.dot\r\n";

	(void)m;
	(void)ctx;
	smtp_client_data(c, body, 3);
	smtp_client_data(c, body + 3, strlen(body) - 3);
	smtp_client_data_end(c);
}

static void drained(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c;
	(void)m;
	(void)ctx;
}

static void before_dot(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)m;
	(void)ctx;
	if (now->fence_fails)
		smtp_client_abort(c, "fence");
	else if (!now->fence_waits)
		smtp_client_dot(c);
}

static const char *const names[] = {"OK", "TEMP", "PERM", "UNCERTAIN"};

static void done(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c;
	(void)ctx;
	for (size_t i = 0; i < m->rcpt_count; i++)
		buf_printf(&seen, "%s%s %d%s%s%s%s", i > 0 ? "; " : "", names[rcpts[i].outcome],
		    rcpts[i].code, rcpts[i].enhanced[0] ? " " : "", rcpts[i].enhanced,
		    rcpts[i].text[0] ? " " : "", rcpts[i].text);
	buf_puts(&seen, " |");
}

static void closed(
    struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text, void *ctx)
{
	(void)c;
	(void)ctx;
	if (seen.len > 0)
		buf_putc(&seen, ' ');
	if (outcome == SMTP_OK)
		buf_puts(&seen, "closed OK");
	else
		buf_printf(&seen, "closed %s %d %s", names[outcome], code, text);
	loop_stop(loop);
}

static const struct smtp_client_ops ops = {next, want_data, drained, before_dot, done, closed};

/* `*` stands for anything up to the next `;` or `|` or the end. */
static bool matches(const char *wanted, const char *got)
{
	for (; *wanted != '\0'; wanted++) {
		if (*wanted == '*') {
			while (*got != '\0' && *got != ';' && *got != '|')
				got++;
			while (got[-1] == ' ')
				got--;
		} else if (*wanted != *got++) {
			return false;
		}
	}
	return *got == '\0';
}

static void limit_cb(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "test_client: %s hangs at step %zu, seen \"%s\"\n", now->label, step,
	    buf_str(&seen));
	abort();
}

/* Plays one case; how long it took. */
static int64_t play_case(const struct test *test, int64_t timeout_ms)
{
	struct smtp_client_params params = {.address = address,
	    .hostname = "kota.example",
	    .timeout_ms = timeout_ms,
	    .ops = &ops,
	    .lmtp = test->lmtp,
	    .tls_level = test->tls_level,
	    .tls_name = "peer.example"};
	int64_t began = clock_mono_ms();
	struct smtp_client *c;
	struct err error;

	now = test;
	step = 0;
	sent = 0;
	buf_reset(&seen);
	params.tls = now->tls_level == HOP_TLS_VERIFY ? verify_tls : any_tls;
	c = smtp_client_new(loop, &params, &error);
	assert_non_null(c);
	timer_start(limit, 10000);
	loop_run(loop);
	smtp_client_destroy(&c);
	conn_destroy(&peer);
	return clock_mono_ms() - began;
}

/* A peer that falls silent is waited for as long as RFC 5321 4.5.3.2 gives it, in proportion. */
static void test_times(void **state)
{
	static const struct {
		struct test test;
		int tenths;
	} cases[] = {
	    {{"silent at the greeting", {{"never", ""}}, .rcpts = {"x@b"},
	         .wanted = "closed TEMP 0 no answer in time *"},
	        10},
	    {{"silent at MAIL", {SLOW, {"MAIL FROM:<s@a>\r\n", ""}}, .rcpts = {"x@b"},
	         .wanted = "TEMP 0 no answer in time * | closed TEMP 0 *"},
	        10},
	    {{"silent at DATA", {HELLO, {ONE, "250 m\r\n250 r\r\n"}}, .rcpts = {"x@b"},
	         .wanted = "TEMP 0 no answer in time * | closed TEMP 0 *"},
	        4},
	    {{"silent at the dot", {HELLO, {ONE, OK3}, {TEXT ".\r\n", ""}}, .rcpts = {"x@b"},
	         .wanted = "UNCERTAIN 0 no answer in time * | closed TEMP 0 *"},
	        20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t wanted = INT64_C(500) * cases[i].tenths / 10,
		        took = play_case(&cases[i].test, 500);

		if (!matches(cases[i].test.wanted, buf_str(&seen)))
			fail_msg("%s: got %s", now->label, buf_str(&seen));
		if (took < wanted - 20 || took > wanted + 230)
			fail_msg("%s: %d ms, not %d", now->label, (int)took, (int)wanted);
	}
}

static void test_table(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		(void)play_case(&tests[i], 5000);
		if (!matches(now->wanted, buf_str(&seen))) {
			print_error("%s:\n  wanted %s\n  got    %s\n", now->label, now->wanted,
			    buf_str(&seen));
			failed++;
		}
		if (step < STEPS && now->steps[step].expect != NULL) {
			print_error("%s: the script stands at step %zu\n", now->label, step);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest list[] = {
	    cmocka_unit_test(test_table), cmocka_unit_test(test_times)};
	struct listener *listener;
	char cert[96], key[96], cmd[512];
	struct err error = {{0}};
	int fd, rc;

	log_open("test");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(address, sizeof(address), "unix:%s/s", dir);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(cmd, sizeof(cmd),
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
	    "/CN=peer.example"
	    " -keyout %s -out %s 2>/dev/null",
	    key, cert);
	if (system(cmd) != 0)
		return 1;
	loop = loop_new();
	server_tls = tls_server_new(cert, key, &error);
	any_tls = tls_client_new(NULL, false, &error);
	verify_tls = tls_client_new(NULL, true, &error);
	fd = listener_bind(address, &error);
	if (server_tls == NULL || any_tls == NULL || verify_tls == NULL || fd < 0) {
		fprintf(stderr, "test_client: %s\n", error.text);
		return 1;
	}
	listener = listener_new(loop, fd, accepted, NULL);
	limit = timer_new(loop, limit_cb, NULL);
	rc = cmocka_run_group_tests(list, NULL, NULL);
	listener_free(&listener);
	close(fd);
	timer_free(&limit);
	loop_free(&loop);
	tls_free(&server_tls);
	tls_free(&any_tls);
	tls_free(&verify_tls);
	buf_free(&seen);
	remove(cert);
	remove(key);
	snprintf(cmd, sizeof(cmd), "%s/s", dir);
	remove(cmd);
	remove(dir);
	return rc;
}
