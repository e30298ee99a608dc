/*
 * client_tx: one message on a sending session. MAIL, RCPT and DATA are steps 0 to n + 1, sent at
 * once where the peer has PIPELINING, else one by one; answers come in the same order. Then the
 * role writes, everything but the dot leaves, the role commits its fence, the dot goes. States:
 * envelope, data, draining, fence, dot, and rset where the peer must be brought back. What has no
 * answer when the connection goes is a TEMPFAIL before the dot and UNCERTAIN after it. RFC 5321
 * (4.1.1, 4.2.5, 4.5.3.2), RFC 2033 section 4.2, RFC 2920, RFC 1870, RFC 6152, RFC 3461.
 */
#include "mtagw/smtp/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/client_private.h"

static void settle(struct smtp_client *c, size_t i, enum smtp_outcome outcome, int code,
    const char *enhanced, const char *text)
{
	struct smtp_client_rcpt *rcpt = &c->message->rcpts[i];

	if (c->settled[i])
		return;
	c->settled[i] = true;
	rcpt->settled = true;
	if (c->accepted[i])
		c->accepted_count--;
	rcpt->outcome = outcome;
	rcpt->code = code;
	rcpt->at_ms = clock_now_ms();
	snprintf(rcpt->enhanced, sizeof(rcpt->enhanced), "%s", enhanced);
	snprintf(rcpt->text, sizeof(rcpt->text), "%s", text);
}

static void settle_all(struct smtp_client *c, enum smtp_outcome outcome, int code,
    const char *enhanced, const char *text)
{
	for (size_t i = 0; i < c->message->rcpt_count; i++)
		settle(c, i, outcome, code, enhanced, text);
}

static enum smtp_outcome outcome_of(int code)
{
	return code / 100 == 2 ? SMTP_OK : code / 100 == 5 ? SMTP_PERMFAIL : SMTP_TEMPFAIL;
}

/* Settles one, or all with SIZE_MAX, by the reply that stands. */
static void settle_reply(struct smtp_client *c, size_t i)
{
	const struct smtp_reply *r = &c->reply;
	char text[SMTP_REPLY_TEXT_MAX];

	smtp_reply_text(r, text);
	if (i == SIZE_MAX)
		settle_all(c, outcome_of(r->code), r->code, r->enhanced, text);
	else
		settle(c, i, outcome_of(r->code), r->code, r->enhanced, text);
}

/* An address as it may stand between angle brackets: printable ASCII; a blank or bracket only
 * inside quotes. A CR or LF would be a command of somebody else's making. */
static bool address_ok(const char *address)
{
	bool quoted = false;
	size_t i;

	for (i = 0; address[i] != '\0'; i++) {
		char a = address[i];

		if (a < ' ' || a > '~' || i >= SMTP_ADDRESS_MAX)
			return false;
		if (quoted && a == '\\' && address[i + 1] >= ' ' && address[i + 1] <= '~')
			i++;
		else if (a == '"')
			quoted = !quoted;
		else if (!quoted && (a == ' ' || a == '<' || a == '>'))
			return false;
	}
	return !quoted;
}

static bool is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s > 127)
			return false;
	return true;
}

void smtp_client_tx_free(struct smtp_client *c)
{
	c->message = NULL;
	free(c->accepted);
	free(c->settled);
	free(c->skipped);
	c->accepted = c->settled = c->skipped = NULL;
	buf_free(&c->out);
}

/* The message is over: tells the role. The session may go on or be destroyed by that call. */
static void finish(struct smtp_client *c)
{
	struct smtp_client_message *m = c->message;

	smtp_client_tx_free(c);
	c->params.ops->done(c, m, c->params.ctx);
}

void smtp_client_tx_lost(
    struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text)
{
	const char *enhanced = code != 0 && c->reply.code == code ? c->reply.enhanced : "";

	if (c->message == NULL)
		return;
	if (c->state == SMTP_DOT)
		settle_all(c, SMTP_UNCERTAIN, 0, "", text);
	else
		settle_all(c, outcome == SMTP_OK ? SMTP_TEMPFAIL : outcome, code, enhanced, text);
	if (c->dead)
		smtp_client_tx_free(c);
	else
		finish(c);
}

/* What no peer of this kind would take, said without asking it. */
static const char *refuse_here(struct smtp_client *c, const char **enhanced_r)
{
	const struct smtp_client_message *m = c->message;

	*enhanced_r = "5.6.3";
	if (m->is_8bit && !c->has_8bitmime) /* RFC 6152 section 3 */
		return "the peer does not take 8-bit messages (no 8BITMIME)";
	*enhanced_r = "5.3.4";
	if (c->has_size && c->size_max > 0 && m->size > c->size_max) /* RFC 1870 section 4 */
		return "the message is larger than the peer's SIZE";
	*enhanced_r = is_ascii(m->sender) ? "5.1.7" : "5.6.7";
	if (!address_ok(m->sender))
		return is_ascii(m->sender) ? "the sender's address cannot be said in SMTP"
		                           : "the sender's address needs SMTPUTF8";
	return NULL;
}

/* RFC 3461 sections 4.1, 4.3, 4.4. */
static bool wants_dsn(const struct smtp_client *c)
{
	return c->has_dsn && c->message->envid != NULL;
}

static void send_step(struct smtp_client *c, size_t step)
{
	const struct smtp_client_message *m = c->message;

	if (step == 0) {
		buf_printf(&c->out, "MAIL FROM:<%s>", m->sender);
		if (c->has_size)
			buf_printf(&c->out, " SIZE=%llu", (unsigned long long)m->size);
		if (m->is_8bit)
			buf_puts(&c->out, " BODY=8BITMIME");
		if (wants_dsn(c))
			buf_printf(&c->out, " RET=HDRS ENVID=%s", m->envid);
		buf_puts(&c->out, "\r\n");
	} else if (step <= m->rcpt_count) {
		buf_printf(&c->out, "RCPT TO:<%s>%s\r\n", m->rcpts[step - 1].address,
		    wants_dsn(c) ? " NOTIFY=FAILURE,DELAY" : "");
	} else {
		buf_puts(&c->out, "DATA\r\n");
	}
}

/* Steps of recipients with a bad address are not sent and not answered. */
static bool is_skipped(const struct smtp_client *c, size_t step)
{
	return step >= 1 && step <= c->message->rcpt_count && c->skipped[step - 1];
}

static void reset(struct smtp_client *c);

/* Sends what may be sent now: all with PIPELINING, else the next one; then DATA only for an
 * accepted recipient. */
static void send_steps(struct smtp_client *c)
{
	size_t last = c->message->rcpt_count + 1;

	for (bool more = true; more && c->sent <= last; c->sent++) {
		if (is_skipped(c, c->sent))
			continue;
		if (!c->has_pipelining && c->sent == last && c->accepted_count == 0) {
			reset(c);
			return;
		}
		send_step(c, c->sent);
		more = c->has_pipelining;
	}
	conn_write(c->conn, c->out.data, c->out.len);
	buf_reset(&c->out);
}

void smtp_client_send(struct smtp_client *c, struct smtp_client_message *m)
{
	if (c->message != NULL || m->rcpt_count == 0) {
		log_error("smtp_client_send: a message is in flight, or one without recipients");
		return;
	}
	c->message = m;
	c->accepted = mem_zalloc(m->rcpt_count * sizeof(bool));
	c->settled = mem_zalloc(m->rcpt_count * sizeof(bool));
	c->skipped = mem_zalloc(m->rcpt_count * sizeof(bool));
	c->accepted_count = 0;
	c->sent = c->replied = c->next_rcpt = 0;
	c->mail_ok = false;
	c->stuff = (struct dot_stuff){DOT_LINE_START};
	c->aborted = false;
	if (c->state !=
	    SMTP_READY) { /* the peer went in the meantime: closed was or will be called */
		settle_all(c, SMTP_TEMPFAIL, 0, "", "the connection is gone");
		c->refused_here = true;
		timer_start(c->soon, 0);
		return;
	}
	for (size_t i = 0; i < m->rcpt_count; i++) {
		const char *address = m->rcpts[i].address;

		c->skipped[i] = !address_ok(address) || address[0] == '\0';
		if (c->skipped[i])
			settle(c, i, SMTP_PERMFAIL, 0, is_ascii(address) ? "5.1.3" : "5.6.7",
			    is_ascii(address) ? "the address cannot be said in SMTP"
			                      : "the address needs SMTPUTF8");
	}
	timer_start(c->soon, 0);
}

static bool all_settled(const struct smtp_client *c)
{
	for (size_t i = 0; i < c->message->rcpt_count; i++)
		if (!c->settled[i])
			return false;
	return true;
}

/* A message that is over without touching the peer. */
static void finish_here(struct smtp_client *c)
{
	bool usable = c->state == SMTP_READY;

	finish(c);
	if (usable && !c->dead && c->state == SMTP_READY && c->message == NULL)
		smtp_client_become_ready(c);
}

void smtp_client_tx_soon(struct smtp_client *c)
{
	const char *why, *enhanced;

	if (c->aborted) {
		c->aborted = false;
		smtp_client_fail(c, SMTP_TEMPFAIL, 0, c->abort_text);
		return;
	}
	if (c->message == NULL)
		return;
	if (c->state == SMTP_DRAINING) { /* everything had left already */
		smtp_client_tx_drained(c);
		return;
	}
	if (c->state == SMTP_READY) {
		why = refuse_here(c, &enhanced);
		if (why != NULL)
			settle_all(c, SMTP_PERMFAIL, 0, enhanced, why);
	}
	if (c->refused_here || all_settled(c)) {
		c->refused_here = false;
		finish_here(c);
	} else if (c->state == SMTP_READY) {
		smtp_client_set_state(c, SMTP_ENVELOPE);
		smtp_client_wait(c, SMTP_STAGE_COMMAND);
		send_steps(c);
	}
}

/* Nothing of this message is under way any more: done, and the peer is brought back to its start.
 */
static void reset(struct smtp_client *c)
{
	smtp_client_set_state(c, SMTP_RSET);
	smtp_client_wait(c, SMTP_STAGE_COMMAND);
	conn_printf(c->conn, "RSET\r\n");
	finish(c);
}

static void data_reply(struct smtp_client *c)
{
	if (c->reply.code != 354) {
		if (c->reply.code / 100 < 4) {
			smtp_client_fail(
			    c, SMTP_TEMPFAIL, 0, "an answer to DATA that has no meaning");
			return;
		}
		settle_reply(c, SIZE_MAX);
		reset(c);
	} else if (c->accepted_count == 0) {
		/* Nobody was accepted and the peer waits for a message: closing is the one end that
		 * delivers nothing. */
		smtp_client_fail(c, SMTP_TEMPFAIL, 0, "the peer asks for data without a recipient");
	} else {
		smtp_client_set_state(c, SMTP_DATA);
		smtp_client_wait(c, SMTP_STAGE_PIECE);
		c->params.ops->want_data(c, c->message, c->params.ctx);
	}
}

static void envelope_step(struct smtp_client *c, size_t step)
{
	if (step == 0) {
		c->mail_ok = c->reply.code / 100 == 2;
		if (!c->mail_ok)
			settle_reply(c, SIZE_MAX);
	} else if (c->reply.code / 100 == 2 && c->mail_ok) {
		c->accepted[step - 1] = true;
		c->accepted_count++;
	} else {
		settle_reply(c, step - 1);
	}
}

static void envelope_reply(struct smtp_client *c)
{
	size_t last = c->message->rcpt_count + 1;

	while (is_skipped(c, c->replied))
		c->replied++;
	if (c->reply.code / 100 == 3 && c->replied != last) {
		smtp_client_fail(
		    c, SMTP_TEMPFAIL, 0, "an answer to the envelope that has no meaning");
		return;
	}
	if (c->replied == last) {
		c->replied++;
		data_reply(c);
		return;
	}
	envelope_step(c, c->replied);
	c->replied++;
	while (is_skipped(c, c->replied))
		c->replied++;
	if (c->replied == last)
		smtp_client_wait(c, SMTP_STAGE_DATA);
	if (c->has_pipelining)
		return;
	if (!c->mail_ok)
		reset(c);
	else
		send_steps(c);
}

/* The peer closes: nothing more of it counts (RFC 5321 section 3.8). */
static void fail_421(struct smtp_client *c)
{
	char text[SMTP_REPLY_TEXT_MAX];

	smtp_reply_text(&c->reply, text);
	smtp_client_fail(c, SMTP_TEMPFAIL, 421, text);
}

static void dot_reply(struct smtp_client *c)
{
	size_t count = c->message->rcpt_count;

	if (c->reply.code / 100 == 3) {
		smtp_client_fail(
		    c, SMTP_TEMPFAIL, 0, "an answer to the message that has no meaning");
		return;
	}
	if (!c->params.lmtp) {
		settle_reply(c, SIZE_MAX);
	} else { /* one answer for each accepted recipient, in order (RFC 2033 section 4.2) */
		while (c->next_rcpt < count && c->settled[c->next_rcpt])
			c->next_rcpt++;
		settle_reply(c, c->next_rcpt);
		if (!all_settled(c) && c->reply.code == 421) {
			fail_421(c);
			return;
		}
	}
	if (!all_settled(c))
		return;
	if (c->reply.code == 421) {
		fail_421(c);
		return;
	}
	smtp_client_set_state(c, SMTP_READY);
	finish_here(c);
}

void smtp_client_tx_reply(struct smtp_client *c)
{
	switch (c->state) {
	case SMTP_DOT:
		dot_reply(c);
		return;
	case SMTP_ENVELOPE:
		if (c->reply.code == 421)
			fail_421(c);
		else
			envelope_reply(c);
		return;
	case SMTP_RSET:
		if (c->reply.code / 100 == 2)
			smtp_client_become_ready(c);
		else
			smtp_client_fail(c, SMTP_TEMPFAIL, c->reply.code, "RSET refused");
		return;
	default: { /* an answer while the message is being sent: the peer gave up on it */
		char text[SMTP_REPLY_TEXT_MAX];

		smtp_reply_text(&c->reply, text);
		smtp_client_fail(c, c->reply.code / 100 == 5 ? SMTP_PERMFAIL : SMTP_TEMPFAIL,
		    c->reply.code, text);
	}
	}
}

void smtp_client_data(struct smtp_client *c, const void *bytes, size_t len)
{
	if (c->state != SMTP_DATA || len == 0)
		return;
	dot_stuff_add(&c->stuff, bytes, len, &c->out);
	conn_write(c->conn, c->out.data, c->out.len);
	buf_reset(&c->out);
}

size_t smtp_client_output_len(const struct smtp_client *c)
{
	return c->conn != NULL ? conn_output_len(c->conn) : 0;
}

void smtp_client_data_end(struct smtp_client *c)
{
	if (c->state != SMTP_DATA)
		return;
	dot_stuff_end(&c->stuff, &c->out);
	if (c->out.len > 0)
		conn_write(c->conn, c->out.data, c->out.len);
	buf_reset(&c->out);
	smtp_client_set_state(c, SMTP_DRAINING);
	if (conn_output_len(c->conn) == 0)
		timer_start(c->soon, 0);
}

void smtp_client_tx_drained(struct smtp_client *c)
{
	if (c->state == SMTP_DATA) {
		c->params.ops->drained(c, c->message, c->params.ctx);
	} else if (c->state == SMTP_DRAINING && conn_output_len(c->conn) == 0) {
		smtp_client_set_state(c, SMTP_FENCE);
		conn_set_timeout(c->conn, 0); /* it is us who keep the peer waiting */
		c->params.ops->before_dot(c, c->message, c->params.ctx);
	}
}

void smtp_client_dot(struct smtp_client *c)
{
	if (c->state != SMTP_FENCE || c->aborted)
		return;
	smtp_client_set_state(c, SMTP_DOT);
	smtp_client_wait(c, SMTP_STAGE_DOT);
	conn_write(c->conn, ".\r\n", 3);
}

void smtp_client_abort(struct smtp_client *c, const char *text)
{
	if (c->state == SMTP_DOT || c->state == SMTP_CLOSED || c->message == NULL)
		return;
	snprintf(c->abort_text, sizeof(c->abort_text), "%s", text);
	c->aborted = true;
	timer_start(c->soon, 0);
}
