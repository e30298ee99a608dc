/* smtp client: SMTP and LMTP (RFC 5321, 2033) out, on the event loop, pipelined, many messages a
 * connection. */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/conn.h"
#include "mtagw/base/settings.h"

struct smtp_client;

enum smtp_outcome { SMTP_OK, SMTP_TEMPFAIL, SMTP_PERMFAIL, SMTP_UNCERTAIN }; /* STYLE 23 */

struct smtp_client_rcpt {
	const char *address;
	void *user;
	bool settled; /* its outcome is known; the others are accepted when before_dot comes */
	/* filled when the message is done */
	enum smtp_outcome outcome;
	int code;          /* 0 when no reply came */
	char enhanced[12]; /* "" when none */
	char text[256];    /* reply or what happened */
	int64_t at_ms;
};
struct smtp_client_message {
	const char *sender; /* "" null */
	struct smtp_client_rcpt *rcpts;
	size_t rcpt_count;
	uint64_t size; /* bytes of the message, for SIZE= */
	bool is_8bit;
	/* NULL, or what reports shall name it by (xtext): a peer with DSN is asked for those of
	 * failure and delay, with the head alone. */
	const char *envid;
	void *user;
};
struct smtp_client_ops {
	/* Connected, greeted, TLS as wanted: ready for a message. */
	void (*ready)(struct smtp_client *c, void *ctx);
	/* At least one recipient was accepted and 354 came: write the message with smtp_client_data
	 * (dots are stuffed here), then smtp_client_data_end. */
	void (*want_data)(struct smtp_client *c, struct smtp_client_message *m, void *ctx);
	/* Output fell under the bound: go on with data. */
	void (*drained)(struct smtp_client *c, struct smtp_client_message *m, void *ctx);
	/* Everything but the final dot was sent: the role commits dot_at, then calls
	 * smtp_client_dot (or smtp_client_abort). */
	void (*before_dot)(struct smtp_client *c, struct smtp_client_message *m, void *ctx);
	/* All recipients have their outcome. ready follows when the connection can be used again.
	 */
	void (*done)(struct smtp_client *c, struct smtp_client_message *m, void *ctx);
	/* The connection is gone; called once, after done of a message in flight. outcome and text
	 * tell why (greeting refused, TLS failed ...). */
	void (*closed)(struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text,
	    void *ctx);
};
struct smtp_client_params {
	bool lmtp;
	const char *address;  /* numeric host:port or unix:/path */
	const char *hostname; /* for EHLO/LHLO */
	struct tls *tls;      /* NULL with HOP_TLS_NONE */
	int tls_level;        /* HOP_TLS_* of settings */
	const char *tls_name;
	int64_t timeout_ms; /* for an answer; other times in proportion */
	const struct smtp_client_ops *ops;
	void *ctx;
};
struct smtp_client *smtp_client_new(
    struct loop *loop, const struct smtp_client_params *params, struct err *error_r);
/* Starts a message; allowed after ready (or after done+ready). m and its recipients stay the
 * caller's and alive until done. */
void smtp_client_send(struct smtp_client *c, struct smtp_client_message *m);
void smtp_client_data(struct smtp_client *c, const void *bytes, size_t len);
size_t smtp_client_output_len(const struct smtp_client *c);
void smtp_client_data_end(struct smtp_client *c);
void smtp_client_dot(struct smtp_client *c);
/* Before the dot only: closes the connection, recipients become TEMPFAIL with this text. */
void smtp_client_abort(struct smtp_client *c, const char *text);
/* QUIT politely when idle. */
void smtp_client_quit(struct smtp_client *c);
void smtp_client_destroy(struct smtp_client **c);
const char *smtp_client_tls(const struct smtp_client *c);

#endif
