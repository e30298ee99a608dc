/*
 * The receiving side of SMTP under hostile bytes, over a connection made of two buffers. Whole and
 * in pieces must come to the same replies and messages; what reaches the role has strict line ends
 * and no NUL; each transaction is given back once, each session closed once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/smtp/server.h"
#include "tests/fuzz/fake_conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* --- the role --- */

enum { FLAG_LATE = 1, FLAG_TLS = 2, FLAG_SUBMISSION = 4, FLAG_PAUSE = 8, FLAG_FAIL = 16 };
static struct {
	unsigned flags;
	struct smtp_session *session;
	struct smtp_tx *open; /* the transaction between mail and reset */
	int closed, code;
	struct buf stored;
	size_t whole; /* of stored: messages that came to their end */
	char last;    /* byte given to data */
} role;

static void reply_now(void *ctx)
{
	(void)ctx;
	if (role.session != NULL)
		smtp_session_reply(
		    role.session, role.code, role.code == 250 ? "2.0.0" : "4.0.0", "said");
}

static void answer(int code)
{
	role.code = code;
	if (role.flags & FLAG_LATE)
		loop_defer(NULL, reply_now, NULL);
	else
		reply_now(NULL);
}

static void auth_cb(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx)
{
	(void)mechanism, (void)ctx;
	if (initial.len == 1)
		smtp_session_auth_challenge(s, initial);
	else if (initial.len > 1)
		smtp_session_auth_ok(s, "a@b.example");
	else
		smtp_session_auth_fail(s, true);
}

static void auth_continue_cb(struct smtp_session *s, struct range response, void *ctx)
{
	if (response.p != NULL)
		auth_cb(s, "", response, ctx);
}

/* Nothing that could end a line or a field; beyond ASCII only where MAIL asked for it. */
static void check_text(const struct smtp_tx *tx, const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127 ||
		    ((unsigned char)*text > 127 && !tx->smtputf8))
			abort();
}

static void mail_cb(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)ctx;
	if (role.open != NULL)
		abort();
	check_text(tx, tx->sender_text);
	check_text(tx, tx->envid);
	if (!(role.flags & FLAG_SUBMISSION) && (tx->envid[0] || tx->ret[0]))
		abort();
	role.open = tx;
	answer(250);
}

static void rcpt_cb(
    struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *r, void *ctx)
{
	(void)s, (void)ctx;
	check_text(tx, r->text);
	check_text(tx, r->orcpt);
	check_text(tx, r->notify);
	answer(r->address.local[0] == 'n' ? 450 : r->address.local[0] == 'q' ? 421 : 250);
}

static void data_begin_cb(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)ctx;
	if (tx != role.open || tx->rcpt_count == 0)
		abort();
	role.last = '\n';
}

static void go_on(void *ctx)
{
	(void)ctx;
	if (role.session != NULL)
		smtp_session_pause_data(role.session, false);
}

static void data_cb(
    struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx)
{
	const char *p = bytes;

	(void)ctx;
	if (tx != role.open || len == 0)
		abort();
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\0' || (p[i] == '\n') != (role.last == '\r'))
			abort();
		role.last = p[i] == '\n' ? 0 : p[i];
	}
	if (role.flags & FLAG_FAIL && p[0] == 'F')
		smtp_session_fail_data(s, 554, "5.6.0", "refused\r\nby the role");
	buf_append(&role.stored, bytes, len);
	if (role.flags & FLAG_PAUSE) {
		smtp_session_pause_data(s, true);
		loop_defer(NULL, go_on, NULL);
	}
}

static void data_end_cb(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)ctx;
	if (tx != role.open || role.last == '\r' || (role.last != 0 && role.last != '\n'))
		abort();
	buf_putc(&role.stored, '|');
	role.whole = role.stored.len;
	answer(250);
}

static void reset_cb(struct smtp_session *s, struct smtp_tx *tx, void *ctx)
{
	(void)s, (void)ctx;
	if (role.open != NULL && role.open != tx)
		abort();
	role.open = NULL;
	role.stored.len = role.whole; /* how much of a refused one was seen depends on the cut */
}

static void closed_cb(struct smtp_session *s, const char *reason, void *ctx)
{
	(void)s, (void)reason, (void)ctx;
	if (role.closed++ > 0 || role.open != NULL)
		abort();
	role.session = NULL;
}

static const struct smtp_server_ops ops = {auth_cb, auth_continue_cb, mail_cb, rcpt_cb,
    data_begin_cb, data_cb, data_end_cb, reset_cb, closed_cb};

static const struct settings settings = {.hostname = "mail.dumai.example",
    .message_size_limit = 100000,
    .line_length_limit = 200,
    .recipient_limit = 5,
    .smtpd_error_limit = 20,
    .smtpd_timeout_secs = 300};

/* Plays the bytes in pieces of 1 to piece_max; what was said and stored goes into out. */
static void play(
    const uint8_t *data, size_t size, unsigned flags, size_t piece_max, struct buf *out)
{
	struct smtp_server_params params = {.submission = (flags & FLAG_SUBMISSION) != 0,
	    .tls = flags & FLAG_TLS ? (struct tls *)&role : NULL,
	    .auth_mechanisms = "PLAIN SCRAM-SHA-256",
	    .settings = &settings,
	    .ops = &ops};

	memset(&role, 0, sizeof(role));
	role.flags = flags;
	role.session = smtp_session_new(NULL, -1, &params);
	for (size_t at = 0; at < size && line != NULL;) {
		size_t n = piece_max > 1 ? 1 + (at * 7 + data[at]) % piece_max : 1;

		if (n > size - at)
			n = size - at;
		conn_feed(data + at, n);
		at += n;
	}
	conn_tell(CONN_EOF);
	if (line != NULL || role.closed != 1)
		abort(); /* nothing is under way, so the end is the end */
	buf_append(out, buf_str(&transcript), transcript.len);
	buf_append(out, buf_str(&role.stored), role.stored.len);
	buf_free(&transcript);
	buf_free(&role.stored);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = {0}, pieces = {0};
	unsigned flags;

	if (size == 0)
		return 0;
	flags = data[0];
	play(data + 1, size - 1, flags, size, &whole);
	play(data + 1, size - 1, flags ^ FLAG_LATE, 1, &pieces);
	/* under STARTTLS what came with the command is thrown away, so the cut matters there; and a
	 * role that refuses by what it sees in a piece depends on the pieces */
	if (!(flags & (FLAG_TLS | FLAG_FAIL)) &&
	    (whole.len != pieces.len || memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
