/* smtpd: the role that takes mail in; shared by its files. */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/proxy.h"
#include "mtagw/base/role.h"
#include "mtagw/base/sockaddr.h"
#include "mtagw/base/tls.h"
#include "mtagw/smtp/sasl.h"
#include "mtagw/smtp/server.h"
#include "mtagw/smtpd/peers.h"
#include "mtagw/store/accept.h"

struct smtpd;
/* One listening port. */
struct door {
	struct smtpd *smtpd;
	struct listener *listener;
	bool submission, implicit_tls;
};
/* One session of ours, in the list of its process. */
struct guest {
	struct guest *next, **back;
	struct door *door;
	struct smtp_session *session;
	struct peer *peer;
	struct sasl_request *auth; /* while an AUTH runs */
	int auth_failures;
	char ip[SOCKADDR_TEXT_MAX];
};
/* A connection of a balancer until its header is there. */
struct arrival {
	struct arrival *next;
	struct door *door;
	struct proxy *proxy;
	int fd;
	char ip[SOCKADDR_TEXT_MAX]; /* the balancer's */
};
struct smtpd {
	struct role role;
	struct loop *loop;
	struct tls *tls;
	struct sasl *sasl;
	struct accept *accept;
	struct peers *peers;
	struct door doors[3];
	struct guest *guests;
	int guest_count;
	struct arrival *arrivals;
	int arrival_count;
	int64_t in_flight; /* bytes of DATA held in memory by all sessions */
	bool draining;
	struct timer *drain_timer;
};

/* main.c: what the engine asks; ctx is the guest. */
extern const struct smtp_server_ops smtpd_ops;

/* door.c: a connection, from the listener; takes the descriptor. */
void door_accepted(int fd, void *ctx);
/* Those whose header has not come yet are closed. */
void door_drop_arrivals(struct smtpd *d);

/* auth.c: AUTH through Dovecot, throttled per session and peer. */
void auth_start(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx);
void auth_answer(struct smtp_session *s, struct range response, void *ctx);
void auth_drop(struct guest *guest);

/* dsn.c: what the client asked of reports, as JSON (store/migrations/0003), "" nothing. In the
 * transaction's arena. */
const char *dsn_request(const struct smtp_tx *tx);

/* tx.c: envelope rules, the stream of DATA, the commit. */
void tx_mail(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
void tx_rcpt(struct smtp_session *s, struct smtp_tx *tx, const struct smtp_rcpt *rcpt, void *ctx);
void tx_data_begin(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
void tx_data(struct smtp_session *s, struct smtp_tx *tx, const void *bytes, size_t len, void *ctx);
void tx_data_end(struct smtp_session *s, struct smtp_tx *tx, void *ctx);
void tx_reset(struct smtp_session *s, struct smtp_tx *tx, void *ctx);

#endif
