/*
 * server: the life of a session on the receiving side: greeting, TLS, lines, answers, end. Protocol
 * order and limits are here and in server_cmd.c, the message stream in server_data.c; what a
 * command means to the house is the role's, asked through smtp_server_ops. Pipelined commands
 * simply wait in the connection's buffer until the question that stands is answered.
 */
#include "mtagw/smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/log.h"
#include "mtagw/smtp/server_private.h"

/* RFC 5321 4.5.3.1.4 wants 512 and room for extensions; an AUTH line may be 12,288 (RFC 4954
 * section 4.3). */
#define COMMAND_LINE_MAX 2048
#define AUTH_LINE_MAX 12288
/* A command line that has not ended after this much is no SMTP. */
#define SKIPPED_MAX (128 * 1024)
/* Answers that the client has not read; more commands wait for it. */
#define OUTPUT_MAX (64 * 1024)
/* Of a reply's text: with code and CRLF within the 512 bytes of RFC 5321 4.5.3.1.5. */
#define REPLY_TEXT_MAX 480

static const char *const state_names[] = {
    "tls", "start", "ready", "mail", "rcpt", "data", "chunk", "chunks", "auth", "closed"};
_Static_assert(
    sizeof(state_names) / sizeof(state_names[0]) == SERVER_STATE_COUNT, "a name for each state");

static void server_process(struct smtp_session *s);

void server_set_state(struct smtp_session *s, enum server_state state)
{
	log_debug("session=%s state=%s from=%s", s->id, state_names[state], state_names[s->state]);
	s->state = state;
}

void server_reply(struct smtp_session *s, int code, const char *enhanced, const char *text)
{
	if (s->state == SERVER_CLOSED)
		return;
	char safe[REPLY_TEXT_MAX];
	size_t len = strnlen(text, sizeof(safe) - 1);

	for (size_t n = 0; n < len; n++)
		safe[n] = text[n] < ' ' || text[n] > '~'
		              ? '?'
		              : text[n]; /* RFC 5321 4.2: one line, ASCII */
	safe[len] = '\0';
	conn_printf(s->conn, "%d%s%s %s\r\n", code, enhanced[0] ? " " : "", enhanced, safe);
	if (code >= 500)
		s->errors++;
}

void server_reset_tx(struct smtp_session *s)
{
	if (s->tx == NULL)
		return;
	s->params.ops->reset(s, s->tx, s->params.ctx);
	struct arena *arena = s->tx->arena;
	s->tx = NULL;
	arena_free(&arena);
}

static void resume(void *ctx);

void server_close(struct smtp_session *s, const char *reason)
{
	if (s->gone)
		return;
	s->gone = true;
	s->question = ASK_NONE;
	server_reset_tx(s);
	s->params.ops->closed(s, reason, s->params.ctx);
	server_set_state(s, SERVER_CLOSED);
	conn_destroy_when_drained(&s->conn);
	if (!s->deferred) /* freed from the loop, never under the feet of a caller */
		loop_defer(s->loop, resume, s);
	s->deferred = true;
}

/* --- input ------------------------------------------------------------------------------------ */

static int64_t timeout_ms(const struct smtp_session *s)
{
	return (int64_t)s->params.settings->smtpd_timeout_secs * 1000;
}

/* One line up to its LF, handled or refused. False: no whole line is there. */
static bool take_line(struct smtp_session *s)
{
	struct range in = conn_input(s->conn), line;
	size_t max = s->state == SERVER_AUTH ? AUTH_LINE_MAX : COMMAND_LINE_MAX;
	const char *lf = in.len ? memchr(in.p, '\n', in.len) : NULL;

	if (lf == NULL && in.len > 0 && s->line_since_ms == 0)
		s->line_since_ms = clock_mono_ms();
	if (lf == NULL) {
		if (in.len > max) {
			s->skipping = true;
			s->skipped += in.len;
			conn_drain(s->conn, in.len);
		}
		if (s->skipped > SKIPPED_MAX) {
			server_reply(s, 500, "5.5.2", "line too long");
			server_close(s, "a command line without end");
		} else if (s->line_since_ms != 0 &&
		           clock_mono_ms() - s->line_since_ms > timeout_ms(s)) {
			/* a byte now and then is no progress: RFC 5321 4.5.3.2.7 speaks of commands
			 */
			server_reply(s, 421, "4.4.2", "timeout");
			server_close(s, "a command line without end");
		}
		return false;
	}
	s->line_since_ms = 0;
	line = (struct range){in.p, (size_t)(lf - in.p)};
	if (s->skipping || line.len > max) {
		s->skipping = false;
		s->skipped = 0;
		conn_drain(s->conn, line.len + 1);
		server_reply(s, 500, "5.5.2", "line too long");
	} else if (line.len == 0 || line.p[line.len - 1] != '\r') {
		conn_drain(s->conn, line.len + 1);
		server_reply(s, 500, "5.5.2", "bare LF: command lines end with CRLF");
	} else if (memchr(line.p, '\r', line.len - 1) != NULL ||
	           memchr(line.p, '\0', line.len) != NULL) {
		conn_drain(s->conn, line.len + 1);
		server_reply(s, 500, "5.5.2", "bare CR or NUL in a command line");
	} else {
		char *copy =
		    mem_strndup(line.p, line.len - 1); /* the buffer moves when we answer */

		conn_drain(s->conn, line.len + 1);
		if (s->state == SERVER_AUTH)
			server_auth_line(s, (struct range){copy, line.len - 1});
		else
			server_command(s, (struct range){copy, line.len - 1});
		mem_wipe(copy, line.len);
		free(copy);
	}
	return true;
}

static void resume(void *ctx)
{
	struct smtp_session *s = ctx;

	s->deferred = false;
	if (s->gone)
		free(s);
	else
		server_process(s);
}

/* Goes on from the loop: never inside the call that answered (STYLE 31). */
static void resume_later(struct smtp_session *s)
{
	if (s->processing || s->deferred || s->gone)
		return;
	s->deferred = true;
	loop_defer(s->loop, resume, s);
}

static void check_limits(struct smtp_session *s)
{
	if (s->gone)
		return;
	if (s->errors >= s->params.settings->smtpd_error_limit && s->question == ASK_NONE) {
		server_reply(s, 421, "4.7.0", "too many errors");
		server_close(s, "too many errors");
	} else if (s->shut != NULL && s->question == ASK_NONE && s->state != SERVER_DATA &&
	           s->state != SERVER_CHUNK) {
		server_reply(s, 421, "4.3.2", s->shut);
		server_close(s, s->shut);
	}
}

/* Bytes of a message. False: none is there. */
static bool take_bytes(struct smtp_session *s)
{
	struct range in = conn_input(s->conn);
	size_t taken;

	if (in.len == 0)
		return false;
	taken = s->state == SERVER_DATA ? server_data_feed(s, in) : server_chunk_feed(s, in);
	if (!s->gone)
		conn_drain(s->conn, taken);
	return true;
}

/* Nothing is read while the role or the store works on what came, nor while the client does not
 * read what we answered. */
static bool may_read(const struct smtp_session *s)
{
	bool message =
	    s->state == SERVER_DATA || s->state == SERVER_CHUNK || s->state == SERVER_CHUNKS;

	return !s->gone && s->question == ASK_NONE && s->state != SERVER_TLS &&
	       s->state != SERVER_CLOSED && !(message && s->data_paused) &&
	       conn_output_len(s->conn) < OUTPUT_MAX;
}

static void server_process(struct smtp_session *s)
{
	bool more = true;

	s->processing = true;
	while (more && may_read(s)) {
		if (s->state == SERVER_DATA || s->state == SERVER_CHUNK)
			more = take_bytes(s);
		else
			more = take_line(s);
		check_limits(s);
	}
	if (s->eof && !s->gone && s->question == ASK_NONE && !s->data_paused &&
	    conn_output_len(s->conn) < OUTPUT_MAX)
		server_close(s, "closed by peer");
	s->processing = false;
}

static void greet(struct smtp_session *s)
{
	server_set_state(s, SERVER_START);
	conn_printf(s->conn, "220 %s ESMTP\r\n", s->params.settings->hostname);
}

static void event(struct conn *conn, enum conn_event what, void *ctx)
{
	struct smtp_session *s = ctx;

	(void)conn;
	switch (what) {
	case CONN_TLS:
		if (s->params.implicit_tls)
			greet(s);
		else
			server_set_state(s, SERVER_START); /* RFC 3207 4.2: as after the greeting */
		server_process(s);
		return;
	case CONN_DATA:
		server_process(s);
		return;
	case CONN_TIMEOUT:
		if (s->question != ASK_NONE)
			return; /* it waits for us, not we for it */
		server_reply(s, 421, "4.4.2", "timeout");
		server_close(s, "timeout");
		return;
	case CONN_EOF:
		s->eof = true;
		server_process(s);
		return;
	case CONN_ERROR:
		server_close(s, conn_error(s->conn));
		return;
	case CONN_DRAINED:
		server_process(s);
		return;
	case CONN_CONNECTED:
		return;
	}
}

/* The address alone, as Dovecot wants to hear it; the connection tells it with its port. */
static void set_local_ip(struct smtp_session *s)
{
	const char *local = conn_local(s->conn), *colon = strrchr(local, ':');
	size_t len = colon ? (size_t)(colon - local) : strlen(local);
	bool bracketed = local[0] == '[' && len > 2;

	(void)snprintf(s->local_ip, sizeof(s->local_ip), "%.*s", (int)(bracketed ? len - 2 : len),
	    local + bracketed);
}

struct smtp_session *smtp_session_new(
    struct loop *loop, int fd, const struct smtp_server_params *params)
{
	struct smtp_session *s = mem_zalloc(sizeof(*s));
	uint64_t random;
	char text[14];

	codec_random(&random, sizeof(random));
	codec_base32_u64(random, text);
	(void)snprintf(s->id, sizeof(s->id), "%s", text + 3);
	s->loop = loop;
	s->params = *params;
	s->conn = conn_accepted(loop, fd, event, s);
	(void)snprintf(s->peer_ip, sizeof(s->peer_ip), "%s",
	    params->peer_ip ? params->peer_ip : conn_peer_ip(s->conn));
	if (params->local_ip != NULL)
		(void)snprintf(s->local_ip, sizeof(s->local_ip), "%s", params->local_ip);
	else
		set_local_ip(s);
	s->params.peer_ip = s->peer_ip; /* the caller's are gone with its call */
	s->params.local_ip = s->local_ip;
	conn_set_timeout(s->conn, timeout_ms(s));
	if (params->implicit_tls) {
		s->state = SERVER_TLS;
		conn_start_tls(s->conn, params->tls, NULL);
	} else {
		greet(s);
	}
	return s;
}

/* --- the role's answers ----------------------------------------------------------------------- */

static void rcpt_accepted(struct smtp_session *s)
{
	s->tx->rcpt_count++;
	server_set_state(s, SERVER_RCPT);
}

void smtp_session_reply(struct smtp_session *s, int code, const char *enhanced, const char *text)
{
	enum server_question question = s->question;
	bool good = code >= 200 && code < 300;

	if (question == ASK_NONE || s->gone)
		return;
	s->question = ASK_NONE;
	server_reply(s, code, enhanced, text);
	if (question == ASK_DATA)
		conn_flush(s->conn);
	if (question == ASK_MAIL && good)
		server_set_state(s, SERVER_MAIL);
	else if (question == ASK_RCPT && good)
		rcpt_accepted(s);
	else if (question == ASK_DATA || question == ASK_MAIL) {
		server_set_state(s, SERVER_READY);
		server_reset_tx(s);
	}
	if (code == 421)
		server_close(s, text);
	else
		resume_later(s);
}

void smtp_session_fail_data(
    struct smtp_session *s, int code, const char *enhanced, const char *text)
{
	server_data_fail(s, code, enhanced, "%s", text);
	if (s->question == ASK_DATA && !s->processing) /* it failed after the end: answer now */
		smtp_session_reply(
		    s, s->data_failure.code, s->data_failure.enhanced, s->data_failure.text);
}

void smtp_session_pause_data(struct smtp_session *s, bool paused)
{
	if (s->gone || s->data_paused == paused)
		return;
	s->data_paused = paused;
	server_data_paused(s, paused);
	conn_pause(s->conn, paused);
	if (!paused)
		resume_later(s);
}

void smtp_session_auth_challenge(struct smtp_session *s, struct range challenge)
{
	struct buf text = {0};

	if (s->question != ASK_AUTH)
		return;
	s->question = ASK_NONE;
	codec_base64(&text, challenge.p, challenge.len, 0);
	conn_printf(s->conn, "334 %s\r\n", buf_str(&text));
	buf_free(&text);
	server_set_state(s, SERVER_AUTH);
	resume_later(s);
}

void smtp_session_auth_ok(struct smtp_session *s, const char *login)
{
	if (s->question != ASK_AUTH)
		return;
	s->question = ASK_NONE;
	(void)snprintf(s->login, sizeof(s->login), "%s", login);
	server_set_state(s, SERVER_READY);
	server_reply(s, 235, "2.7.0", "authentication successful");
	resume_later(s);
}

void smtp_session_auth_fail(struct smtp_session *s, bool temporary)
{
	if (s->question != ASK_AUTH)
		return;
	s->question = ASK_NONE;
	server_set_state(s, SERVER_READY);
	if (temporary)
		server_reply(s, 454, "4.7.0", "temporary authentication failure, try again later");
	else
		server_reply(s, 535, "5.7.8", "authentication credentials invalid");
	resume_later(s);
}

void smtp_session_shut(struct smtp_session *s, const char *text)
{
	s->shut = text;
	if (!s->processing)
		check_limits(s);
}

const char *smtp_session_id(const struct smtp_session *s)
{
	return s->id;
}

const char *smtp_session_login(const struct smtp_session *s)
{
	return s->login;
}

const char *smtp_session_helo(const struct smtp_session *s)
{
	return s->helo;
}

const char *smtp_session_peer_ip(const struct smtp_session *s)
{
	return s->peer_ip;
}

const char *smtp_session_local_ip(const struct smtp_session *s)
{
	return s->local_ip;
}

const char *smtp_session_protocol(const struct smtp_session *s)
{
	static const char *const names[2][2][2] = {{{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
	    {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}}};

	if (!s->extended)
		return "SMTP";
	return names[s->tx != NULL && s->tx->smtputf8][s->conn != NULL && conn_is_tls(s->conn)]
	            [s->login[0] != '\0'];
}

const char *smtp_session_tls(const struct smtp_session *s)
{
	return s->conn ? conn_tls_info(s->conn) : "";
}
