/*
 * client: the connection of a sending SMTP or LMTP session: greeting, EHLO or LHLO with the
 * fallback to HELO, STARTTLS, keeping for the next message, QUIT. What happens to a message is
 * client_tx.c. A reply nobody waits for, or one that breaks the grammar, ends the connection. One
 * outcome always comes: done for a message in flight, then closed. RFC 5321
 * (3.1, 3.2, 4.2, 4.5.3.2), RFC 2033, RFC 3207, RFC 1870, RFC 2920, RFC 6152, RFC 3461.
 */
#include "mtagw/smtp/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/client_private.h"

static const char *const state_names[] = {"connecting", "greeting", "ehlo", "helo", "starttls",
    "tls", "ready", "envelope", "data", "draining", "fence", "dot", "rset", "quit", "closed"};
_Static_assert(
    sizeof(state_names) / sizeof(state_names[0]) == SMTP_CLIENT_STATES, "a name for each state");

static void conn_event(struct conn *conn, enum conn_event event, void *ctx);

static void soon_cb(void *ctx)
{
	smtp_client_tx_soon(ctx);
}

struct smtp_client *smtp_client_new(
    struct loop *loop, const struct smtp_client_params *params, struct err *error_r)
{
	struct smtp_client *c = mem_zalloc(sizeof(*c));

	c->conn = conn_connect(loop, params->address, conn_event, c, error_r);
	if (c->conn == NULL) {
		free(c);
		return NULL;
	}
	c->loop = loop;
	c->params = *params;
	c->params.address = mem_strdup(params->address);
	c->params.hostname = mem_strdup(params->hostname);
	c->params.tls_name = params->tls_name != NULL ? mem_strdup(params->tls_name) : NULL;
	c->soon = timer_new(loop, soon_cb, c);
	smtp_client_wait(c, SMTP_STAGE_CONNECT);
	return c;
}

void smtp_client_wait(struct smtp_client *c, enum smtp_client_stage stage)
{
	conn_set_timeout(c->conn, c->params.timeout_ms * (int64_t)stage / 10);
}

static void free_now(void *ctx)
{
	struct smtp_client *c = ctx;

	smtp_client_tx_free(c);
	smtp_reply_free(&c->reply);
	free((char *)(uintptr_t)c->params.address);
	free((char *)(uintptr_t)c->params.hostname);
	free((char *)(uintptr_t)c->params.tls_name);
	free(c);
}

void smtp_client_destroy(struct smtp_client **cp)
{
	struct smtp_client *c = *cp;

	*cp = NULL;
	if (c == NULL || c->dead)
		return;
	c->dead = true;
	conn_destroy(&c->conn);
	timer_free(&c->soon);
	loop_defer(c->loop, free_now, c);
}

const char *smtp_client_tls(const struct smtp_client *c)
{
	return c->tls_info;
}

void smtp_client_set_state(struct smtp_client *c, enum smtp_client_state state)
{
	log_debug("smtp_client_state peer=%s old=%s new=%s", c->params.address,
	    state_names[c->state], state_names[state]);
	c->state = state;
}

void smtp_client_fail(struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text)
{
	char copy[SMTP_REPLY_TEXT_MAX]; /* text may be of the connection that goes */

	if (c->state == SMTP_CLOSED)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	conn_destroy(&c->conn);
	smtp_client_tx_lost(c, outcome, code, copy);
	smtp_client_set_state(c, SMTP_CLOSED);
	if (!c->dead)
		c->params.ops->closed(c, outcome, code, copy, c->params.ctx);
}

/* Fails with what the peer said. */
static void fail_reply(struct smtp_client *c, const char *what)
{
	char text[SMTP_REPLY_TEXT_MAX], line[SMTP_REPLY_TEXT_MAX + 64];

	smtp_reply_text(&c->reply, text);
	snprintf(line, sizeof(line), "%s: %d %s%s%s", what, c->reply.code, c->reply.enhanced,
	    c->reply.enhanced[0] ? " " : "", text);
	smtp_client_fail(
	    c, c->reply.code >= 500 ? SMTP_PERMFAIL : SMTP_TEMPFAIL, c->reply.code, line);
}

void smtp_client_become_ready(struct smtp_client *c)
{
	smtp_client_set_state(c, SMTP_READY);
	conn_set_timeout(c->conn, 0);
	c->params.ops->ready(c, c->params.ctx);
}

static void say_hello(struct smtp_client *c, enum smtp_client_state state)
{
	smtp_client_set_state(c, state);
	c->has_pipelining = c->has_8bitmime = c->has_starttls = c->has_size = c->has_dsn = false;
	c->size_max = 0;
	conn_printf(c->conn, "%s %s\r\n",
	    state == SMTP_HELO ? "HELO"
	    : c->params.lmtp   ? "LHLO"
	                       : "EHLO",
	    c->params.hostname);
}

/* One line of the EHLO answer: keyword and parameters (RFC 5321 section 4.1.1.1). */
static void take_keyword(struct smtp_client *c, struct range line)
{
	const char *blank = memchr(line.p, ' ', line.len);
	struct range word = {line.p, blank != NULL ? (size_t)(blank - line.p) : line.len};

	if (range_equal_case(word, "PIPELINING")) {
		c->has_pipelining = true;
	} else if (range_equal_case(word, "8BITMIME")) {
		c->has_8bitmime = true;
	} else if (range_equal_case(word, "STARTTLS")) {
		c->has_starttls = true;
	} else if (range_equal_case(word, "DSN")) {
		c->has_dsn = true;
	} else if (range_equal_case(word, "SIZE")) {
		c->has_size = true;
		if (blank != NULL) /* the range ends in LF, which ends the number; too large a one
		                      is ULLONG_MAX */
			c->size_max = strtoull(blank + 1, NULL, 10);
	}
}

static void take_keywords(struct smtp_client *c)
{
	const char *p = buf_str(&c->reply.lines), *lf;
	bool first = true;

	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		if (!first) /* the first line is the peer's name */
			take_keyword(c, (struct range){p, (size_t)(lf - p)});
		first = false;
	}
}

static bool wants_tls(const struct smtp_client *c)
{
	return c->params.tls_level != HOP_TLS_NONE && !c->plain_instead && !conn_is_tls(c->conn);
}

/* After EHLO: TLS where wanted. Nothing but `may` goes on in the clear (RFC 3207 section 4.1). */
static void after_hello(struct smtp_client *c)
{
	if (!wants_tls(c)) {
		smtp_client_become_ready(c);
	} else if (c->has_starttls) {
		smtp_client_set_state(c, SMTP_STARTTLS);
		conn_printf(c->conn, "STARTTLS\r\n");
	} else if (c->params.tls_level == HOP_TLS_MAY) {
		smtp_client_become_ready(c);
	} else {
		smtp_client_fail(c, SMTP_TEMPFAIL, 0,
		    "TLS is required here and the peer does not offer STARTTLS");
	}
}

static void hello_reply(struct smtp_client *c)
{
	int code = c->reply.code;

	if (code / 100 == 2) {
		if (c->state == SMTP_EHLO)
			take_keywords(c);
		after_hello(c);
	} else if (c->state == SMTP_EHLO && code / 100 == 5 && !c->params.lmtp) {
		say_hello(c, SMTP_HELO); /* RFC 5321 section 3.2 */
	} else {
		fail_reply(c, "greeting refused");
	}
}

static void starttls_reply(struct smtp_client *c)
{
	if (c->reply.code == 220) {
		smtp_client_set_state(c, SMTP_TLS);
		smtp_reply_reset(&c->reply);
		conn_start_tls(c->conn, c->params.tls, c->params.tls_name);
	} else if (c->params.tls_level == HOP_TLS_MAY) {
		smtp_client_become_ready(c);
	} else {
		fail_reply(c, "STARTTLS refused");
	}
}

static void take_reply(struct smtp_client *c)
{
	char text[SMTP_REPLY_TEXT_MAX];

	smtp_reply_text(&c->reply, text);
	switch (c->state) {
	case SMTP_GREETING:
		if (c->reply.code == 220)
			say_hello(c, SMTP_EHLO);
		else
			fail_reply(c, "connection refused");
		break;
	case SMTP_EHLO:
	case SMTP_HELO:
		hello_reply(c);
		break;
	case SMTP_STARTTLS:
		starttls_reply(c);
		break;
	case SMTP_QUIT:
		smtp_client_fail(c, SMTP_OK, c->reply.code, text);
		break;
	case SMTP_ENVELOPE:
	case SMTP_DATA:
	case SMTP_DRAINING:
	case SMTP_FENCE:
	case SMTP_DOT:
	case SMTP_RSET:
		smtp_client_tx_reply(c);
		break;
	default: /* ready: a server that says good-bye, or talks out of turn */
		fail_reply(c, "unasked");
		break;
	}
}

static void read_replies(struct smtp_client *c)
{
	while (!c->dead && c->conn != NULL && c->state != SMTP_TLS) {
		struct range input = conn_input(c->conn);
		struct err error;
		size_t used = 0;
		int rc = smtp_reply_read(&c->reply, input, &used, &error);

		conn_drain(c->conn, used);
		if (rc == 0)
			return;
		if (rc < 0) {
			smtp_client_fail(c, SMTP_TEMPFAIL, 0, error.text);
			return;
		}
		take_reply(c);
		if (!c->dead)
			smtp_reply_reset(&c->reply);
	}
}

/* The handshake failed. `may` tries again in the clear, once: mail that may go without TLS is not
 * kept back by a broken one. */
static void tls_failed(struct smtp_client *c, const char *text)
{
	struct err error;

	if (c->params.tls_level != HOP_TLS_MAY || c->plain_instead) {
		smtp_client_fail(c, SMTP_TEMPFAIL, 0, text);
		return;
	}
	log_info("smtp_client_tls_failed peer=%s reason=\"%s\" next=plain", c->params.address,
	    log_safe(text));
	c->plain_instead = true;
	conn_destroy(&c->conn);
	smtp_reply_reset(&c->reply);
	c->conn = conn_connect(c->loop, c->params.address, conn_event, c, &error);
	if (c->conn == NULL) {
		smtp_client_fail(c, SMTP_TEMPFAIL, 0, error.text);
		return;
	}
	smtp_client_set_state(c, SMTP_CONNECTING);
	smtp_client_wait(c, SMTP_STAGE_CONNECT);
}

static void tls_done(struct smtp_client *c)
{
	if (c->params.tls_level == HOP_TLS_VERIFY && !conn_tls_verified(c->conn)) {
		smtp_client_fail(c, SMTP_TEMPFAIL, 0, "the peer's certificate is not proven");
		return;
	}
	snprintf(c->tls_info, sizeof(c->tls_info), "%s", conn_tls_info(c->conn));
	say_hello(c, SMTP_EHLO); /* what was said before counts no more (RFC 3207 section 4.2) */
}

static void lost(struct smtp_client *c, const char *what)
{
	char text[SMTP_REPLY_TEXT_MAX];

	snprintf(text, sizeof(text), "%s (in state %s)", what, state_names[c->state]);
	if (c->state == SMTP_TLS)
		tls_failed(c, what);
	else
		smtp_client_fail(c, c->state == SMTP_QUIT ? SMTP_OK : SMTP_TEMPFAIL, 0, text);
}

static void conn_event(struct conn *conn, enum conn_event event, void *ctx)
{
	struct smtp_client *c = ctx;

	switch (event) {
	case CONN_CONNECTED:
		smtp_client_set_state(c, SMTP_GREETING);
		smtp_client_wait(c, SMTP_STAGE_COMMAND);
		break;
	case CONN_TLS:
		tls_done(c);
		break;
	case CONN_DATA:
		read_replies(c);
		break;
	case CONN_DRAINED:
		smtp_client_tx_drained(c);
		break;
	case CONN_EOF:
		read_replies(c);
		if (!c->dead && c->state != SMTP_CLOSED && c->conn == conn)
			lost(c, "the peer closed the connection");
		break;
	case CONN_TIMEOUT:
		lost(c, "no answer in time");
		break;
	case CONN_ERROR:
		lost(c, conn_error(conn));
		break;
	}
}

void smtp_client_quit(struct smtp_client *c)
{
	if (c->state != SMTP_READY)
		return;
	smtp_client_set_state(c, SMTP_QUIT);
	conn_set_timeout(c->conn, SMTP_QUIT_TIMEOUT_MS);
	conn_printf(c->conn, "QUIT\r\n");
}
