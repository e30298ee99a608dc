/*
 * The sending side of SMTP and LMTP under a hostile server. Whatever it says: each message gets one
 * end, each recipient one outcome that its reply allows, none is delivered or uncertain before the
 * dot has left, the connection closes once, and nothing but commands of ours is sent.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/client.h"
#include "tests/fuzz/fake_conn.h"

#define BODY "Subject: x\r\n\r\n.dot\r\n"
#define MESSAGES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum {
	FLAG_LMTP = 1,
	FLAG_FENCE_FAILS = 2,
	FLAG_8BIT = 4,
	FLAG_TLS_FAILS = 8,
	FLAG_TLS_GOOD = 16,
	FLAG_LATE = 32,  /* the role goes on from the loop */
	FLAG_LEAVES = 64 /* the role destroys the client when a message is done */
};
static struct {
	unsigned flags;
	struct smtp_client *client;
	struct smtp_client_message message;
	struct smtp_client_rcpt rcpts[3];
	int sent, done, closed;
	bool open, dot; /* a message is in flight; its dot has left */
	bool left;      /* it destroyed the client */
} role;

static void want(bool good)
{
	if (!good)
		abort();
}

static void send_next(struct smtp_client *c)
{
	static const char *const addresses[] = {
	    "x@b.example", "y@b.example>\r\nRSET", "z@b.example"};

	memset(role.rcpts, 0, sizeof(role.rcpts));
	for (size_t i = 0; i < 3; i++)
		role.rcpts[i].address = addresses[i];
	role.message = (struct smtp_client_message){.sender = "s@a.example",
	    .rcpts = role.rcpts,
	    .rcpt_count = 3,
	    .size = sizeof(BODY) - 1,
	    .is_8bit = (role.flags & FLAG_8BIT) != 0,
	    .envid = "77"};
	role.sent++;
	role.open = true;
	role.dot = false;
	smtp_client_send(c, &role.message);
}

static void ready(struct smtp_client *c, void *ctx)
{
	(void)ctx;
	want(!role.open && role.closed == 0);
	if (role.sent < MESSAGES)
		send_next(c);
	else
		smtp_client_quit(c);
}

static void want_data(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)ctx;
	want(role.open && m == &role.message);
	smtp_client_data(c, BODY, 15); /* between a line's end and its dot */
	smtp_client_data(c, &BODY[15], sizeof(BODY) - 16);
	smtp_client_data_end(c);
}

static void drained(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)c, (void)m, (void)ctx;
}

static void fence(void *ctx)
{
	(void)ctx;
	if (role.left || !role.open)
		return; /* gone meanwhile */
	if (role.flags & FLAG_FENCE_FAILS) {
		smtp_client_abort(role.client, "fence");
	} else {
		role.dot = true;
		smtp_client_dot(role.client);
	}
}

static void before_dot(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)ctx;
	want(role.open && m == &role.message);
	role.client = c;
	if (role.flags & FLAG_LATE)
		loop_defer(NULL, fence, NULL);
	else
		fence(NULL);
}

static void check_outcome(const struct smtp_client_rcpt *r)
{
	want(r->settled && strlen(r->text) < sizeof(r->text));
	want(strpbrk(r->text, "\r\n") == NULL);
	switch (r->outcome) {
	case SMTP_OK:
		want(role.dot && r->code / 100 == 2);
		break;
	case SMTP_TEMPFAIL: /* 2yz and 3yz too, where they have no meaning */
		want(r->code / 100 != 5);
		break;
	case SMTP_PERMFAIL:
		want(r->code == 0 || r->code / 100 == 5);
		break;
	case SMTP_UNCERTAIN:
		want(role.dot && r->code == 0);
		break;
	default:
		abort();
	}
}

static void done(struct smtp_client *c, struct smtp_client_message *m, void *ctx)
{
	(void)ctx;
	want(role.open && m == &role.message && role.closed == 0);
	for (size_t i = 0; i < m->rcpt_count; i++)
		check_outcome(&m->rcpts[i]);
	want(m->rcpts[1].outcome != SMTP_OK && m->rcpts[1].outcome != SMTP_UNCERTAIN);
	role.open = false;
	role.done++;
	if (role.flags & FLAG_LEAVES && role.done == 2) {
		role.left = true;
		smtp_client_destroy(&c);
	}
}

static void closed(
    struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text, void *ctx)
{
	(void)c, (void)code, (void)ctx;
	want(!role.open && role.closed++ == 0 && outcome <= SMTP_UNCERTAIN && text != NULL);
}

static const struct smtp_client_ops ops = {ready, want_data, drained, before_dot, done, closed};

/* Only lines of ours: no recipient's and no server's words become a command. */
static void check_transcript(void)
{
	static const char *const known[] = {"EHLO ", "HELO ", "LHLO ", "STARTTLS", "MAIL FROM:<s@a",
	    "RCPT TO:<x@b", "RCPT TO:<z@b", "DATA", "RSET", "QUIT", "Subject: x", "..dot", "."};
	const char *p = buf_str(&transcript), *end;

	for (; (end = strstr(p, "\r\n")) != NULL; p = end + 2) {
		bool good = end == p; /* the empty line of the message */

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !good; i++)
			good = strncmp(p, known[i], strlen(known[i])) == 0;
		want(good);
	}
	want(*p == '\0');
}

/* Every write has left when the loop comes round. */
static void drain(void)
{
	while (line != NULL && line->written) {
		line->written = false;
		conn_tell(CONN_DRAINED);
	}
}

static void play(const uint8_t *data, size_t size, unsigned flags, int tls_level, size_t piece_max)
{
	const struct smtp_client_params params = {.address = "192.0.2.1:25",
	    .hostname = "kota.example",
	    .lmtp = (flags & FLAG_LMTP) != 0,
	    .tls_level = tls_level,
	    .timeout_ms = 1000,
	    .ops = &ops};
	struct smtp_client *client;
	struct err err;

	memset(&role, 0, sizeof(role));
	role.flags = flags;
	tls_fails = (flags & FLAG_TLS_FAILS) != 0;
	tls_good = (flags & FLAG_TLS_GOOD) != 0;
	client = smtp_client_new(NULL, &params, &err);
	conn_tell(CONN_CONNECTED);
	for (size_t at = 0; at < size && line != NULL;) {
		const struct conn *before = line;
		size_t n = piece_max > 1 ? 1 + (at * 7 + data[at]) % piece_max : 1;

		if (n > size - at)
			n = size - at;
		conn_feed(data + at, n);
		at += n;
		drain();
		if (line != NULL && line != before)
			conn_tell(CONN_CONNECTED); /* once more, without TLS */
	}
	for (int i = 0; i < 3 && line != NULL; i++) /* the second end: of a second connection */
		conn_tell(size % 3 == 0 ? CONN_EOF : size % 3 == 1 ? CONN_ERROR : CONN_TIMEOUT);
	want(line == NULL && !role.open && role.done == role.sent);
	want(role.closed == !role.left);
	if (role.left)
		client = NULL;
	smtp_client_destroy(&client);
	run_deferred();
	check_transcript();
	buf_free(&transcript);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

/* Two bytes of how; then what the server says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int levels[] = {HOP_TLS_NONE, HOP_TLS_MAY, HOP_TLS_ENCRYPT, HOP_TLS_VERIFY};

	if (size < 2)
		return 0;
	play(data + 2, size - 2, data[0], levels[data[1] % 4], size);
	play(data + 2, size - 2, data[0], levels[data[1] % 4], 1);
	return 0;
}
