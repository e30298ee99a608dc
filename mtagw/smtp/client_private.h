/* client_private: shared by client.c (the connection: greeting, EHLO, TLS, end) and client_tx.c
 * (one message); nobody else includes it. */
#ifndef SMTP_CLIENT_PRIVATE_H
#define SMTP_CLIENT_PRIVATE_H

#include "mtagw/smtp/client.h"
#include "mtagw/smtp/dot_stuff.h"
#include "mtagw/smtp/reply.h"

/* RFC 5321 section 4.5.3.1.3: 256 for a path; longer ones would only help an attacker. */
#define SMTP_ADDRESS_MAX 320
/* What the peer is waited for, in tenths of timeout_ms: with its five minutes the times of RFC 5321
 * section 4.5.3.2. Connecting has none there; more than half a minute only keeps the next address
 * waiting. */
enum smtp_client_stage {
	SMTP_STAGE_CONNECT = 1,
	SMTP_STAGE_DATA = 4,     /* 354 */
	SMTP_STAGE_PIECE = 6,    /* of the message to leave */
	SMTP_STAGE_COMMAND = 10, /* greeting and all other answers */
	SMTP_STAGE_DOT = 20      /* the peer may work long */
};
#define SMTP_QUIT_TIMEOUT_MS (5 * 1000)

enum smtp_client_state {
	SMTP_CONNECTING,
	SMTP_GREETING,
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_STARTTLS, /* the answer to STARTTLS is due */
	SMTP_TLS,      /* handshake */
	SMTP_READY,
	SMTP_ENVELOPE, /* answers to MAIL, RCPT, DATA are due */
	SMTP_DATA,     /* the role writes */
	SMTP_DRAINING, /* all but the dot is written */
	SMTP_FENCE,    /* the role commits dot_at */
	SMTP_DOT,      /* the dot has left: from here a loss is uncertain */
	SMTP_RSET,
	SMTP_QUIT,
	SMTP_CLOSED,
	SMTP_CLIENT_STATES
};

struct smtp_client {
	struct loop *loop;
	struct conn *conn;
	struct timer *soon;               /* callbacks that a call asked for */
	struct smtp_client_params params; /* its strings are copies */
	enum smtp_client_state state;
	bool dead;          /* destroyed: memory goes after the loop turn */
	bool plain_instead; /* tls=may and the handshake failed: once more without */
	bool has_pipelining, has_8bitmime, has_starttls, has_size, has_dsn;
	uint64_t size_max; /* of SIZE, 0 none said */
	struct smtp_reply reply;
	char tls_info[64];

	/* the message in flight */
	struct smtp_client_message *message;
	bool *accepted; /* of each recipient */
	bool *settled;  /* has its outcome */
	bool *skipped;  /* bad address: not said to the peer */
	size_t accepted_count;
	size_t sent, replied; /* steps: 0 MAIL, 1..n RCPT, n + 1 DATA */
	bool mail_ok;
	size_t next_rcpt; /* LMTP: whose answer is due after the dot */
	struct dot_stuff stuff;
	struct buf out;
	bool aborted, refused_here; /* soon: abort was called; the message cannot go by this peer */
	char abort_text[SMTP_REPLY_TEXT_MAX];
};

/* client.c */
void smtp_client_set_state(struct smtp_client *c, enum smtp_client_state state);
/* What the peer does next, it does within the time of this stage. */
void smtp_client_wait(struct smtp_client *c, enum smtp_client_stage stage);
/* Ends the connection: what is in flight gets its outcome, then closed is called. */
void smtp_client_fail(struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text);
void smtp_client_become_ready(struct smtp_client *c);

/* client_tx.c */
void smtp_client_tx_reply(struct smtp_client *c); /* c->reply is whole; states ENVELOPE to RSET */
void smtp_client_tx_drained(struct smtp_client *c);
void smtp_client_tx_soon(struct smtp_client *c);
/* The connection is gone: unsettled recipients become uncertain after the dot, else what outcome
 * says. Calls done. */
void smtp_client_tx_lost(
    struct smtp_client *c, enum smtp_outcome outcome, int code, const char *text);
void smtp_client_tx_free(struct smtp_client *c);

#endif
