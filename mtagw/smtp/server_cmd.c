/*
 * server_cmd: the verbs of the server side, a table of what is allowed when (RFC 5321 4.1, RFC
 * 3207, RFC 4954). A command is checked here and then either answered
 * or handed to the role as a question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/codec.h"
#include "mtagw/smtp/server_private.h"

#define IN(state) (1u << (state))
#define AFTER_HELO (IN(SERVER_READY) | IN(SERVER_MAIL) | IN(SERVER_RCPT))
/* Commands of this sort a session has for each message; each more is an error. */
#define JUNK_COMMANDS_MAX 100
#define ANY (AFTER_HELO | IN(SERVER_START) | IN(SERVER_CHUNKS))

/* --- HELO, EHLO ------------------------------------------------------------------------------- */

static bool take_helo(struct smtp_session *s, struct range args)
{
	args = range_trim(args);
	for (size_t i = 0; i < args.len; i++)
		if ((unsigned char)args.p[i] <= ' ' || (unsigned char)args.p[i] > 126)
			args.len = 0;
	if (args.len == 0 || args.len >= sizeof(s->helo)) {
		server_reply(s, 501, "5.5.4", "HELO and EHLO want the name of your host");
		return false;
	}
	(void)snprintf(s->helo, sizeof(s->helo), "%.*s", (int)args.len, args.p);
	server_reset_tx(s);
	server_set_state(s, SERVER_READY);
	return true;
}

static void do_helo(struct smtp_session *s, struct range args)
{
	if (!take_helo(s, args))
		return;
	s->extended = false;
	server_reply(s, 250, "", s->params.settings->hostname);
}

static void do_ehlo(struct smtp_session *s, struct range args)
{
	const struct settings *settings = s->params.settings;
	bool tls = conn_is_tls(s->conn);

	if (!take_helo(s, args))
		return;
	s->extended = true;
	conn_printf(s->conn,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %lld\r\n250-8BITMIME\r\n"
	    "250-CHUNKING\r\n250-SMTPUTF8\r\n",
	    settings->hostname, (long long)settings->message_size_limit);
	if (s->params.submission)
		conn_printf(s->conn, "250-DSN\r\n");
	if (s->params.tls != NULL && !tls)
		conn_printf(s->conn, "250-STARTTLS\r\n");
	if (s->params.submission && tls && s->login[0] == '\0' &&
	    s->params.auth_mechanisms[0] != '\0')
		conn_printf(s->conn, "250-AUTH %s\r\n", s->params.auth_mechanisms);
	conn_printf(s->conn, "250 ENHANCEDSTATUSCODES\r\n");
}

/* --- STARTTLS, AUTH --------------------------------------------------------------------------- */

static void do_starttls(struct smtp_session *s, struct range args)
{
	if (range_trim(args).len > 0) {
		server_reply(s, 501, "5.5.4", "STARTTLS takes no argument");
	} else if (s->params.tls == NULL || conn_is_tls(s->conn)) {
		server_reply(s, 503, "5.5.1", "TLS is not available or already there");
	} else {
		server_reply(s, 220, "2.0.0", "go ahead");
		server_reset_tx(s);
		s->helo[0] = s->login[0] = '\0';
		server_set_state(s, SERVER_TLS);
		conn_start_tls(
		    s->conn, s->params.tls, NULL); /* what was injected before is thrown away */
	}
}

static bool offered(const char *list, struct range name)
{
	while (*list != '\0') {
		size_t len = strcspn(list, " ");

		if (len == name.len && strncasecmp(list, name.p, len) == 0)
			return true;
		list += len + (list[len] == ' ');
	}
	return false;
}

static void do_auth(struct smtp_session *s, struct range args)
{
	struct buf initial = {0};
	struct range name;
	char mechanism[40];
	bool have = false;

	args = range_trim(args);
	for (name = (struct range){args.p, 0}; name.len < args.len && args.p[name.len] != ' ';)
		name.len++;
	if (!s->params.submission)
		server_reply(s, 502, "5.5.1", "AUTH is for submission");
	else if (!conn_is_tls(s->conn))
		server_reply(s, 538, "5.7.11", "AUTH needs TLS: STARTTLS first");
	else if (s->login[0] != '\0' || s->state != SERVER_READY)
		server_reply(s, 503, "5.5.1", "AUTH is not possible now");
	else if (name.len == 0 || name.len >= sizeof(mechanism) ||
	         !offered(s->params.auth_mechanisms, name))
		server_reply(s, 504, "5.5.4", "this mechanism is not offered");
	else {
		struct range rest =
		    range_trim((struct range){args.p + name.len, args.len - name.len});

		(void)snprintf(mechanism, sizeof(mechanism), "%.*s", (int)name.len, name.p);
		have = rest.len > 0;
		if (have && !(rest.len == 1 && rest.p[0] == '=') &&
		    codec_unbase64(&initial, rest.p, rest.len) < 0) {
			server_reply(s, 501, "5.5.2", "the initial response is not base64");
		} else {
			struct range r = have ? buf_range(&initial) : (struct range){0};

			s->question = ASK_AUTH;
			s->params.ops->auth(s, mechanism, r, s->params.ctx);
		}
	}
	if (initial.data != NULL)
		mem_wipe(initial.data, initial.len);
	buf_free(&initial);
}

void server_auth_line(struct smtp_session *s, struct range line)
{
	struct buf bytes = {0};

	server_set_state(s, SERVER_READY);
	if (line.len == 1 && line.p[0] == '*') { /* RFC 4954 section 4: the client gives up */
		s->question = ASK_AUTH;
		s->params.ops->auth_continue(s, (struct range){0}, s->params.ctx);
		if (s->question == ASK_AUTH) {
			s->question = ASK_NONE;
			server_reply(s, 501, "5.7.0", "authentication cancelled");
		}
	} else if (codec_unbase64(&bytes, line.p, line.len) < 0) {
		s->question = ASK_AUTH;
		s->params.ops->auth_continue(s, (struct range){0}, s->params.ctx); /* given up */
		smtp_session_auth_fail(s, false);
	} else {
		s->question = ASK_AUTH;
		s->params.ops->auth_continue(s, buf_range(&bytes), s->params.ctx);
	}
	if (bytes.data != NULL)
		mem_wipe(bytes.data, bytes.len);
	buf_free(&bytes);
}

/* --- DATA --------------------------------------------------------------------------------------
 */

static void do_data(struct smtp_session *s, struct range args)
{
	if (range_trim(args).len > 0) {
		server_reply(s, 501, "5.5.4", "DATA takes no argument");
		return;
	}
	server_data_start(s, false);
	conn_printf(s->conn, "354 end with <CRLF>.<CRLF>\r\n");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void do_rset(struct smtp_session *s, struct range args)
{
	(void)args;
	server_reset_tx(s);
	if (s->state != SERVER_START)
		server_set_state(s, SERVER_READY);
	server_reply(s, 250, "2.0.0", "ok");
}

static void do_noop(struct smtp_session *s, struct range args)
{
	(void)args;
	server_reply(s, 250, "2.0.0", "ok");
}

static void do_vrfy(struct smtp_session *s, struct range args)
{
	(void)args;
	server_reply(s, 252, "2.5.0", "send mail and see"); /* RFC 5321 7.3 */
}

static void do_help(struct smtp_session *s, struct range args)
{
	(void)args;
	server_reply(s, 214, "2.0.0", "RFC 5321");
}

static void do_quit(struct smtp_session *s, struct range args)
{
	(void)args;
	server_reply(s, 221, "2.0.0", "bye");
	conn_said_last(s->conn);
	conn_flush(s->conn);
	server_close(s, "quit");
}

static const struct verb {
	const char *name;
	unsigned states; /* in which it is allowed */
	bool junk;       /* brings no message nearer */
	const char *otherwise;
	void (*run)(struct smtp_session *s, struct range args);
} verbs[] = {
    {"EHLO", ANY, true, "", do_ehlo},
    {"HELO", ANY, true, "", do_helo},
    {"STARTTLS", IN(SERVER_START) | IN(SERVER_READY), false, "STARTTLS is not possible now",
        do_starttls},
    {"AUTH", AFTER_HELO, false, "EHLO first", do_auth},
    {"MAIL", IN(SERVER_READY), false, "EHLO first, one transaction at a time", server_mail_command},
    {"RCPT", IN(SERVER_MAIL) | IN(SERVER_RCPT), false, "MAIL first", server_rcpt_command},
    {"DATA", IN(SERVER_RCPT), false, "RCPT first, and no BDAT before it", do_data},
    {"BDAT", ANY, false, "", server_chunk_command},
    {"RSET", ANY, true, "", do_rset},
    {"NOOP", ANY, true, "", do_noop},
    {"VRFY", ANY, true, "", do_vrfy},
    {"HELP", ANY, true, "", do_help},
    {"QUIT", ANY, false, "", do_quit},
};

void server_command(struct smtp_session *s, struct range line)
{
	size_t len = 0;

	while (len < line.len && line.p[len] != ' ' && line.p[len] != '\t')
		len++;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const struct verb *v = &verbs[i];

		if (strlen(v->name) != len || strncasecmp(v->name, line.p, len) != 0)
			continue;
		if (s->state == SERVER_CHUNKS && server_data_too_slow(s, 0))
			return;
		s->junk += v->junk;
		if (v->junk && s->junk > JUNK_COMMANDS_MAX)
			s->errors++;
		if ((v->states & IN(s->state)) == 0)
			server_reply(s, 503, "5.5.1", v->otherwise);
		else
			v->run(s, (struct range){line.p + len, line.len - len});
		return;
	}
	server_reply(s, 500, "5.5.1", "command not known");
}
