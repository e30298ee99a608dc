/*
 * server_envelope: MAIL and RCPT with their parameters, a table of who may say what: SIZE (RFC
 * 1870), BODY (RFC 6152; no BINARYMIME), AUTH (RFC 4954 section 5, not believed), SMTPUTF8 (RFC
 * 6531), and on submission RET, ENVID, NOTIFY and ORCPT (RFC 3461). A parameter that is not in the
 * table, or comes twice, is refused; none is repaired.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/codec.h"
#include "mtagw/smtp/server_private.h"

#define ENVID_MAX_BYTES 100 /* RFC 3461 4.4 */
#define ORCPT_MAX_BYTES 500 /* RFC 3461 4.2 */

/* Each takes the value of one parameter. False: it has answered. rcpt is NULL behind MAIL. */
struct parameter {
	const char *name; /* ends with = where it has a value */
	bool submission;  /* DSN is offered there alone */
	bool (*take)(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value);
};

static bool bad(struct smtp_session *s, const char *text)
{
	server_reply(s, 501, "5.5.4", text);
	return false;
}

static bool take_size(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	char *end;

	(void)rcpt;
	s->tx->size_declared = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0')
		return bad(s, "SIZE wants a number");
	if (s->tx->size_declared > (uint64_t)s->params.settings->message_size_limit) {
		server_reply(s, 552, "5.3.4", "message larger than the limit");
		return false;
	}
	return true;
}

static bool take_body(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	(void)rcpt;
	if (strcasecmp(value, "7BIT") == 0 || strcasecmp(value, "8BITMIME") == 0)
		return true;
	server_reply(s, 555, "5.5.4", "BODY is 7BIT or 8BITMIME here");
	return false;
}

static bool take_auth(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	(void)s, (void)rcpt, (void)value;
	return true;
}

static bool take_smtputf8(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	(void)rcpt, (void)value;
	s->tx->smtputf8 = true;
	return true;
}

static bool take_ret(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	(void)rcpt;
	if (strcasecmp(value, "FULL") != 0 && strcasecmp(value, "HDRS") != 0)
		return bad(s, "RET is FULL or HDRS");
	s->tx->ret = strcasecmp(value, "FULL") == 0 ? "FULL" : "HDRS";
	return true;
}

/* Xtext of something printable: a line end in it would make fields of its own in a report. */
static bool is_xtext(const char *value)
{
	struct buf text = {0};
	bool good = codec_unxtext(&text, value, strlen(value)) == 1 && text.len > 0;

	for (size_t i = 0; i < text.len; i++)
		good = good && text.data[i] >= ' ' && text.data[i] <= '~';
	buf_free(&text);
	return good;
}

static bool take_envid(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	(void)rcpt;
	if (strlen(value) > ENVID_MAX_BYTES || !is_xtext(value))
		return bad(s, "ENVID is xtext of printable characters, at most 100");
	s->tx->envid = value;
	return true;
}

static bool take_notify(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY"};
	bool said[3] = {false};
	const char *list = "";

	if (strcasecmp(value, "NEVER") == 0) {
		rcpt->notify = "NEVER";
		return true;
	}
	for (const char *p = value;; p += *p == ',') {
		size_t len = strcspn(p, ","), n = 0;

		while (n < 3 && (strlen(words[n]) != len || strncasecmp(words[n], p, len) != 0))
			n++;
		if (n == 3 || said[n])
			return bad(s, "NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY");
		said[n] = true;
		p += len;
		if (*p == '\0')
			break;
	}
	for (size_t n = 0; n < 3; n++)
		if (said[n])
			list =
			    arena_printf(s->tx->arena, "%s%s%s", list, *list ? "," : "", words[n]);
	rcpt->notify = list;
	return true;
}

static bool take_orcpt(struct smtp_session *s, struct smtp_rcpt *rcpt, const char *value)
{
	size_t type =
	    strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

	if (strlen(value) > ORCPT_MAX_BYTES || type == 0 || value[type] != ';' ||
	    !is_xtext(value + type + 1))
		return bad(s, "ORCPT is a type, a semicolon and an address in xtext, at most 500");
	rcpt->orcpt = value;
	return true;
}

static const struct parameter of_mail[] = {{"SIZE=", false, take_size}, {"BODY=", false, take_body},
    {"AUTH=", false, take_auth}, {"SMTPUTF8", false, take_smtputf8}, {"RET=", true, take_ret},
    {"ENVID=", true, take_envid}, {NULL, false, NULL}};
static const struct parameter of_rcpt[] = {
    {"NOTIFY=", true, take_notify}, {"ORCPT=", true, take_orcpt}, {NULL, false, NULL}};

static bool is_named(const struct parameter *known, const char *text)
{
	size_t len = strlen(known->name);

	return strncasecmp(text, known->name, len) == 0 &&
	       (known->name[len - 1] == '=' || text[len] == '\0');
}

/* What stands behind the path. False: answered. */
static bool parameters(struct smtp_session *s, const struct parameter *known, struct range rest,
    struct smtp_rcpt *rcpt)
{
	char *copy = arena_strndup(s->tx->arena, rest.p ? rest.p : "", rest.len), *save = NULL;
	unsigned seen = 0;

	for (char *p = strtok_r(copy, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save)) {
		size_t n = 0;

		while (known[n].name != NULL && !is_named(&known[n], p))
			n++;
		if (known[n].name == NULL || (known[n].submission && !s->params.submission)) {
			server_reply(s, 555, "5.5.4",
			    rcpt == NULL ? "a parameter of MAIL is not known here"
			                 : "a parameter of RCPT is not known here");
			return false;
		}
		if (seen & 1u << n)
			return bad(s, "a parameter comes twice");
		seen |= 1u << n;
		if (!known[n].take(s, rcpt, p + strlen(known[n].name)))
			return false;
	}
	return true;
}

/* RFC 6531 3.5: 553 where a sender or recipient would need what MAIL did not ask for. */
static bool letters_allowed(struct smtp_session *s, const struct address *address)
{
	if (s->tx->smtputf8 || address_is_ascii(address))
		return true;
	server_reply(s, 553, "5.6.7", "an address beyond ASCII needs SMTPUTF8");
	return false;
}

static struct smtp_tx *new_tx(struct smtp_session *s)
{
	struct arena *arena = arena_new();

	s->tx = arena_alloc(arena, sizeof(*s->tx));
	s->tx->arena = arena;
	s->tx->ret = s->tx->envid = "";
	s->rcpts_size = 0;
	return s->tx;
}

/* `FROM:` or `TO:`, blanks behind the colon forgiven. */
static bool take_keyword(struct range *args, const char *word)
{
	size_t n = strlen(word);

	*args = range_trim(*args);
	if (args->len < n || strncasecmp(args->p, word, n) != 0)
		return false;
	*args = range_trim((struct range){args->p + n, args->len - n});
	return true;
}

void server_mail_command(struct smtp_session *s, struct range args)
{
	struct range rest;
	struct smtp_tx *tx;
	struct err err;

	if (s->params.submission && s->login[0] == '\0') {
		server_reply(s, 530, "5.7.0",
		    conn_is_tls(s->conn) ? "AUTH first" : "STARTTLS and AUTH first");
		return;
	}
	if (!take_keyword(&args, "FROM:")) {
		(void)bad(s, "MAIL FROM:<address>");
		return;
	}
	tx = new_tx(s);
	if (address_path(args, true, tx->arena, &tx->sender, &rest, &err) < 0) {
		server_reply(s, 501, "5.1.7", err.text);
		server_reset_tx(s);
	} else if (!parameters(s, of_mail, rest, NULL) || !letters_allowed(s, &tx->sender)) {
		server_reset_tx(s);
	} else {
		tx->sender_text = address_format(&tx->sender, tx->arena);
		s->question = ASK_MAIL;
		s->params.ops->mail(s, tx, s->params.ctx);
	}
}

/* The next recipient's place; it is counted when the role accepts it. */
static struct smtp_rcpt *next_rcpt(struct smtp_session *s)
{
	struct smtp_tx *tx = s->tx;

	if (tx->rcpt_count == s->rcpts_size) {
		size_t size = s->rcpts_size ? s->rcpts_size * 2 : 8;
		struct smtp_rcpt *list = arena_alloc(tx->arena, size * sizeof(*list));

		if (tx->rcpt_count > 0)
			memcpy(list, tx->rcpts, tx->rcpt_count * sizeof(*list));
		tx->rcpts = list;
		s->rcpts_size = size;
	}
	tx->rcpts[tx->rcpt_count] = (struct smtp_rcpt){.notify = "", .orcpt = ""};
	return &tx->rcpts[tx->rcpt_count];
}

void server_rcpt_command(struct smtp_session *s, struct range args)
{
	struct smtp_tx *tx = s->tx;
	struct smtp_rcpt *rcpt;
	struct range rest;
	struct err err;

	if (!take_keyword(&args, "TO:")) {
		(void)bad(s, "RCPT TO:<address>");
		return;
	}
	if (tx->rcpt_count >= (size_t)s->params.settings->recipient_limit) {
		server_reply(s, 452, "4.5.3", "too many recipients");
		return;
	}
	rcpt = next_rcpt(s);
	if (address_path(args, false, tx->arena, &rcpt->address, &rest, &err) < 0) {
		server_reply(s, 501, "5.1.3", err.text);
	} else if (parameters(s, of_rcpt, rest, rcpt) && letters_allowed(s, &rcpt->address)) {
		rcpt->text = address_format(&rcpt->address, tx->arena);
		s->question = ASK_RCPT;
		s->params.ops->rcpt(s, tx, rcpt, s->params.ctx);
	}
}
