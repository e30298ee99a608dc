/* smtp server: one session of RFC 5321/6409, protocol order and limits; the role answers through
 * callbacks. */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/conn.h"
#include "mtagw/base/settings.h"
#include "mtagw/mail/address.h"

struct smtp_session;

/* Final answer to a command or message: the role calls one of these exactly once per question, at
 * once or later. */
struct smtp_reply {
	int code;             /* 250, 451, 550 ... */
	const char *enhanced; /* "5.1.1" */
	const char *text;
};

struct smtp_rcpt {
	struct address address;
	const char *text; /* `a@b` */
	/* RFC 3461, submission only; "" where not said */
	const char *notify; /* `NEVER`, or of SUCCESS,FAILURE,DELAY in this order */
	const char *orcpt;  /* `rfc822;a@b` with the address in xtext as it came */
};
/* The transaction as it stands; everything lives in its arena until reset. */
struct smtp_tx {
	struct arena *arena;
	struct address sender;
	const char *sender_text; /* "" for null */
	uint64_t size_declared;
	bool smtputf8;           /* RFC 6531: addresses and header fields may be UTF-8 */
	const char *ret, *envid; /* RFC 3461: FULL, HDRS; xtext as it came; "" where not said */
	struct smtp_rcpt *rcpts;
	size_t rcpt_count;
	void *role_data; /* the role's own */
};

/* What the role decides. Each callback may answer at once by smtp_session_reply or keep the session
 * and do so later (the session handles no further command until then). */
struct smtp_server_ops {
	void (*auth)(
	    struct smtp_session *s, const char *mechanism, struct range initial, void *ctx);
	void (*auth_continue)(struct smtp_session *s, struct range response, void *ctx);
	void (*mail)(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
	void (*rcpt)(
	    struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *rcpt, void *ctx);
	/* DATA accepted: bytes follow by data (dot-unstuffed, strict CRLF, whole or cut anywhere),
	 * then data_end; data may refuse by smtp_session_fail_data, the rest is then read and
	 * thrown away. */
	void (*data_begin)(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
	void (*data)(
	    struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx);
	void (*data_end)(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
	/* The transaction is gone (RSET, EHLO, QUIT, disconnect, or after data_end's reply). A
	 * pending answer must not be given any more. */
	void (*reset)(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
	/* The session is gone with its reason; last call for it. */
	void (*closed)(struct smtp_session *s, const char *reason, void *ctx);
};
struct smtp_server_params {
	bool submission; /* AUTH wanted before MAIL, offered under TLS only */
	bool implicit_tls;
	struct tls *tls;     /* NULL: no STARTTLS */
	const char *peer_ip; /* what a balancer tells; NULL: the socket's own */
	const char *local_ip;
	const char *auth_mechanisms; /* "PLAIN LOGIN SCRAM-SHA-256"; "" none now */
	const struct settings *settings;
	const struct smtp_server_ops *ops;
	void *ctx;
};
/* Takes the accepted descriptor. */
struct smtp_session *smtp_session_new(
    struct loop *loop, int fd, const struct smtp_server_params *params);
/* Answers the question that stands. */
void smtp_session_reply(struct smtp_session *s, int code, const char *enhanced, const char *text);
/* Answer to an auth question: 334 with base64 of the challenge; success sets the login. */
void smtp_session_auth_challenge(struct smtp_session *s, struct range challenge);
void smtp_session_auth_ok(struct smtp_session *s, const char *login);
void smtp_session_auth_fail(struct smtp_session *s, bool temporary);
/* From data: refuse what is coming with this reply at the end of data. */
void smtp_session_fail_data(
    struct smtp_session *s, int code, const char *enhanced, const char *text);
/* Bytes of DATA are not read while paused (the role waits for the store). */
void smtp_session_pause_data(struct smtp_session *s, bool paused);
/* 421 and close, after the answer that stands. */
void smtp_session_shut(struct smtp_session *s, const char *text);
const char *smtp_session_id(const struct smtp_session *s);
const char *smtp_session_login(const struct smtp_session *s); /* "" before AUTH */
const char *smtp_session_helo(const struct smtp_session *s);
const char *smtp_session_peer_ip(const struct smtp_session *s);
const char *smtp_session_local_ip(
    const struct smtp_session *s); /* our own side, "unix" for pairs */
const char *smtp_session_protocol(
    const struct smtp_session *s); /* ESMTPSA ... RFC 3848; UTF8SMTPSA ... RFC 6531 3.7.3 */
const char *smtp_session_tls(const struct smtp_session *s);

#endif
