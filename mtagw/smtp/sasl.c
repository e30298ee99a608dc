/*
 * sasl: AUTH through Dovecot's auth socket, client side of its protocol 1.2: TAB-separated lines,
 * ids of ours, many exchanges at once over one connection, answers in any order. The connection is
 * kept and made again with back-off; an exchange that loses it fails temporarily. Passwords pass
 * through and are not kept.
 */
#include "mtagw/smtp/sasl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/conn.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

/* A line of Dovecot's longer than this is not from Dovecot. */
#define LINE_MAX_BYTES 16384
/* Dovecot holds a refusal back for seconds; after this much silence it does not work (STYLE 32). */
#define ANSWER_MS 60000
#define RETRY_MIN_MS 250
#define RETRY_MAX_MS 10000
/* What we offer, in this order, where Dovecot has it. CRAM-MD5 never: clients prefer it and SCRAM
 * hashes cannot serve it. */
static const char *const wanted[] = {"PLAIN", "LOGIN", "SCRAM-SHA-256"};

struct sasl_request {
	struct sasl_request *next;
	struct sasl *sasl;
	unsigned id;
	sasl_cb *cb;
	void *ctx;
	bool failed;  /* answer TEMPFAIL from the loop */
	bool waiting; /* for Dovecot, not for the mail client */
};
struct sasl {
	struct loop *loop;
	char *address;
	struct conn *conn;
	struct timer *retry, *fail; /* fail: answers requests that found no connection */
	int64_t retry_ms;
	bool ready; /* DONE seen */
	unsigned last_id;
	char mechanisms[64], offered[64]; /* offered: of the handshake that runs */
	struct sasl_request *requests;
};

static void connect_now(void *ctx);
static void fail_now(void *ctx);

static struct sasl_request *find(struct sasl *sasl, unsigned id)
{
	for (struct sasl_request *r = sasl->requests; r != NULL; r = r->next)
		if (r->id == id)
			return r;
	return NULL;
}

static void unlink_request(struct sasl_request *request)
{
	for (struct sasl_request **at = &request->sasl->requests; *at != NULL; at = &(*at)->next)
		if (*at == request) {
			*at = request->next;
			return;
		}
}

/* The last callback of a request. */
static void finish(struct sasl_request *request, const struct sasl_result *result)
{
	unlink_request(request);
	request->cb(request, result, request->ctx);
	free(request);
}

static void lost(struct sasl *sasl, const char *why)
{
	struct sasl_result result = {.kind = SASL_TEMPFAIL, .login = "", .reason = why};

	log_warn("auth-socket-lost reason=\"%s\" retry_ms=%lld", log_safe(why),
	    (long long)sasl->retry_ms);
	conn_destroy(&sasl->conn);
	sasl->ready = false;
	while (sasl->requests != NULL) {
		struct sasl_request *request = sasl->requests;

		sasl->requests = request->next;
		request->cb(request, &result, request->ctx);
		free(request);
	}
	timer_start(sasl->retry, sasl->retry_ms);
	sasl->retry_ms = sasl->retry_ms * 2 < RETRY_MAX_MS ? sasl->retry_ms * 2 : RETRY_MAX_MS;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* \001 0, 1, t, r, n (Dovecot's tab escaping) undone in place. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (*text == '\001' && text[1] != '\0') {
			text++;
			*out++ = *text == 't'   ? '\t'
			         : *text == 'n' ? '\n'
			         : *text == 'r' ? '\r'
			         : *text == '1' ? '\001'
			                        : '?';
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static void put_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\t')
			buf_puts(out, "\001t");
		else if (*text == '\n')
			buf_puts(out, "\001n");
		else if (*text == '\r')
			buf_puts(out, "\001r");
		else if (*text == '\001')
			buf_puts(out, "\0011");
		else
			buf_putc(out, *text);
	}
}

static void take_mech(struct sasl *sasl, const char *name)
{
	size_t len = strlen(sasl->offered);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strcasecmp(wanted[i], name) == 0)
			(void)snprintf(sasl->offered + len, sizeof(sasl->offered) - len, "%s%s",
			    len ? " " : "", wanted[i]);
}

static void take_ok(struct sasl_request *request, char **fields)
{
	struct sasl_result result = {.kind = SASL_OK, .login = "", .reason = ""};

	for (; *fields != NULL; fields++)
		if (strncmp(*fields, "user=", 5) == 0) {
			unescape(*fields);
			result.login = *fields + 5;
			for (char *p = *fields + 5; *p; p++)
				if (*p >= 'A' && *p <= 'Z')
					*p = (char)(*p + 32);
		}
	if (result.login[0] == '\0')
		result.kind = SASL_TEMPFAIL;
	finish(request, &result);
}

static void take_fail(struct sasl_request *request, char **fields)
{
	struct sasl_result result = {.kind = SASL_FAIL, .login = "", .reason = ""};

	for (; *fields != NULL; fields++) {
		if (strcmp(*fields, "temp") == 0)
			result.kind = SASL_TEMPFAIL;
		else if (strncmp(*fields, "reason=", 7) == 0)
			result.reason = *fields + 7;
	}
	finish(request, &result);
}

static void take_cont(struct sasl_request *request, const char *text)
{
	struct sasl_result result = {.kind = SASL_CHALLENGE, .login = "", .reason = ""};
	struct buf bytes = {0};

	if (codec_unbase64(&bytes, text, strlen(text)) < 0) {
		result.kind = SASL_TEMPFAIL;
		finish(request, &result);
	} else {
		result.challenge = buf_range(&bytes);
		request->waiting = false;
		request->cb(request, &result, request->ctx);
	}
	buf_free(&bytes);
}

/* -1: a line that this protocol does not have at this place. */
static int take_line(struct sasl *sasl, char *line)
{
	char *fields[64], *save = NULL;
	size_t n = 0;
	struct sasl_request *request;

	for (char *f = strtok_r(line, "\t", &save); f != NULL && n < 63;
	     f = strtok_r(NULL, "\t", &save))
		fields[n++] = f;
	fields[n] = NULL;
	if (n == 0)
		return 1;
	if (strcmp(fields[0], "VERSION") == 0)
		return n >= 3 && strcmp(fields[1], "1") == 0 ? 1 : -1;
	if (strcmp(fields[0], "MECH") == 0 && n >= 2) {
		take_mech(sasl, fields[1]);
		return 1;
	}
	if (strcmp(fields[0], "DONE") == 0) {
		memcpy(sasl->mechanisms, sasl->offered, sizeof(sasl->mechanisms));
		sasl->ready = true;
		sasl->retry_ms = RETRY_MIN_MS;
		return 1;
	}
	if (n < 2 || (strcmp(fields[0], "OK") != 0 && strcmp(fields[0], "FAIL") != 0 &&
	                 strcmp(fields[0], "CONT") != 0))
		return 1; /* SPID, CUID, COOKIE and what later versions add */
	request = find(sasl, (unsigned)strtoul(fields[1], NULL, 10));
	if (request == NULL)
		return 1; /* cancelled meanwhile */
	if (fields[0][0] == 'O')
		take_ok(request, fields + 2);
	else if (fields[0][0] == 'F')
		take_fail(request, fields + 2);
	else
		take_cont(request, n >= 3 ? fields[2] : "");
	return 1;
}

/* Silence counts only where something is asked: the handshake or an exchange. */
static bool is_waiting(const struct sasl *sasl)
{
	for (const struct sasl_request *r = sasl->requests; r != NULL; r = r->next)
		if (r->waiting)
			return true;
	return !sasl->ready;
}

static void event(struct conn *conn, enum conn_event what, void *ctx)
{
	struct sasl *sasl = ctx;

	switch (what) {
	case CONN_CONNECTED:
		conn_printf(conn, "VERSION\t1\t2\nCPID\t%d\n", (int)getpid());
		return;
	case CONN_DATA:
		while (sasl->conn != NULL) {
			struct range in = conn_input(conn);
			const char *lf = in.len ? memchr(in.p, '\n', in.len) : NULL;
			char *line;
			int rc;

			if (lf == NULL) {
				if (in.len > LINE_MAX_BYTES)
					lost(sasl, "a line without end");
				return;
			}
			line = mem_strndup(in.p, (size_t)(lf - in.p));
			conn_drain(conn, (size_t)(lf - in.p) + 1);
			rc = take_line(sasl, line);
			free(line);
			if (rc < 0)
				lost(sasl,
				    "not the protocol of Dovecot's auth client socket, version 1");
		}
		return;
	case CONN_EOF:
		lost(sasl, "closed by Dovecot");
		return;
	case CONN_ERROR:
		lost(sasl, conn_error(conn));
		return;
	case CONN_TIMEOUT:
		if (is_waiting(sasl))
			lost(sasl, "no answer from Dovecot");
		return;
	case CONN_TLS:
	case CONN_DRAINED:
		return;
	}
}

static void connect_now(void *ctx)
{
	struct sasl *sasl = ctx;
	struct err err;

	sasl->offered[0] = '\0';
	sasl->conn = conn_connect(sasl->loop, sasl->address, event, sasl, &err);
	if (sasl->conn == NULL)
		lost(sasl, err.text);
	else
		conn_set_timeout(sasl->conn, ANSWER_MS);
}

struct sasl *sasl_new(struct loop *loop, const char *address)
{
	struct sasl *sasl = mem_zalloc(sizeof(*sasl));

	sasl->loop = loop;
	sasl->address = mem_strdup(address);
	sasl->retry_ms = RETRY_MIN_MS;
	sasl->retry = timer_new(loop, connect_now, sasl);
	sasl->fail = timer_new(loop, fail_now, sasl);
	connect_now(sasl);
	return sasl;
}

void sasl_free(struct sasl **sasl)
{
	if (*sasl == NULL)
		return;
	while ((*sasl)->requests != NULL) {
		struct sasl_request *r = (*sasl)->requests;

		(*sasl)->requests = r->next;
		free(r);
	}
	conn_destroy(&(*sasl)->conn);
	timer_free(&(*sasl)->retry);
	timer_free(&(*sasl)->fail);
	free((*sasl)->address);
	free(*sasl);
	*sasl = NULL;
}

const char *sasl_mechanisms(const struct sasl *sasl)
{
	return sasl->mechanisms; /* the last known ones while Dovecot restarts: AUTH then fails
	                            temporarily */
}

/* --- requests --------------------------------------------------------------------------------- */

static void fail_now(void *ctx)
{
	struct sasl *sasl = ctx;
	struct sasl_result result = {
	    .kind = SASL_TEMPFAIL, .login = "", .reason = "no connection to Dovecot"};

	for (struct sasl_request *r = sasl->requests, *next; r != NULL; r = next) {
		next = r->next;
		if (r->failed)
			finish(r, &result);
	}
}

static void send_wiped(struct conn *conn, struct buf *line)
{
	conn_write(conn, buf_str(line), line->len);
	mem_wipe(line->data, line->len);
	buf_free(line);
}

struct sasl_request *sasl_start(struct sasl *sasl, const char *mechanism, struct range initial,
    bool have_initial, const char *local_ip, const char *remote_ip, const char *session_id,
    sasl_cb *cb, void *ctx)
{
	struct sasl_request *r = mem_zalloc(sizeof(*r));
	struct buf line = {0};

	r->sasl = sasl;
	r->cb = cb;
	r->ctx = ctx;
	r->id = ++sasl->last_id;
	r->next = sasl->requests;
	sasl->requests = r;
	if (!sasl->ready) {
		r->failed = true;
		timer_start(sasl->fail, 0);
		return r;
	}
	r->waiting = true;
	buf_printf(&line, "AUTH\t%u\t", r->id);
	put_escaped(&line, mechanism);
	buf_puts(&line, "\tservice=smtp\tsecured=tls\tlip=");
	put_escaped(&line, local_ip);
	buf_puts(&line, "\trip=");
	put_escaped(&line, remote_ip);
	buf_puts(&line, "\tsession=");
	put_escaped(&line, session_id);
	if (have_initial) { /* must be the last field */
		buf_puts(&line, "\tresp=");
		codec_base64(&line, initial.p, initial.len, 0);
	}
	buf_putc(&line, '\n');
	send_wiped(sasl->conn, &line);
	return r;
}

void sasl_continue(struct sasl_request *r, struct range response)
{
	struct buf line = {0};

	if (!r->sasl->ready)
		return; /* the loss has answered it already */
	r->waiting = true;
	buf_printf(&line, "CONT\t%u\t", r->id);
	codec_base64(&line, response.p, response.len, 0);
	buf_putc(&line, '\n');
	send_wiped(r->sasl->conn, &line);
}

void sasl_cancel(struct sasl_request **request)
{
	if (*request == NULL)
		return;
	unlink_request(*request);
	free(*request);
	*request = NULL;
}
