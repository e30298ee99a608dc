/*
 * auth: AUTH goes to Dovecot, which knows the accounts (R43). Guessing is slowed down twice: a
 * session has few tries, and a peer address that failed too often within ten minutes is told to
 * come back later, whatever it sends.
 */
#include "mtagw/smtpd/smtpd.h"

#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"

/* Peers remembered for failed AUTH; the oldest makes room, so that memory is bounded whoever
 * guesses. */
#define PEERS_MAX 1024
#define PEER_WINDOW_MS (10 * 60 * 1000)
/* An address may be a whole office behind one router: it may fail this many times as often as a
 * session before all of it has to wait. */
#define PEER_FACTOR 10

static struct peer {
	char ip[SOCKADDR_TEXT_MAX];
	int failures;
	int64_t since_ms;
} peers[PEERS_MAX];

static struct peer *peer_of(const char *ip, bool make)
{
	struct peer *oldest = &peers[0];
	int64_t now = clock_mono_ms();

	for (int i = 0; i < PEERS_MAX; i++) {
		struct peer *p = &peers[i];

		if (p->failures > 0 && now - p->since_ms > PEER_WINDOW_MS)
			p->failures = 0;
		if (p->failures > 0 && strcmp(p->ip, ip) == 0)
			return p;
		if (p->failures == 0 || p->since_ms < oldest->since_ms)
			oldest = p;
	}
	if (!make)
		return NULL;
	(void)snprintf(oldest->ip, sizeof(oldest->ip), "%s", ip);
	oldest->failures = 0;
	oldest->since_ms = now;
	return oldest;
}

static void failed(struct guest *guest, bool temporary)
{
	struct smtp_session *s = guest->session;

	if (!temporary) {
		guest->auth_failures++;
		peer_of(guest->ip, true)->failures++;
	}
	log_info("auth-failed session=%s peer=%s temporary=%d", smtp_session_id(s), guest->ip,
	    temporary);
	smtp_session_auth_fail(s, temporary);
	if (guest->auth_failures >= guest->door->smtpd->role.settings->auth_failures_max)
		smtp_session_shut(s, "too many failed AUTH commands");
}

static void answered(struct sasl_request *request, const struct sasl_result *result, void *ctx)
{
	struct guest *guest = ctx;

	(void)request;
	switch (result->kind) {
	case SASL_CHALLENGE:
		smtp_session_auth_challenge(guest->session, result->challenge);
		return;
	case SASL_OK:
		guest->auth = NULL;
		log_info("auth-ok session=%s login=%s", smtp_session_id(guest->session),
		    log_safe(result->login));
		smtp_session_auth_ok(guest->session, result->login);
		return;
	case SASL_FAIL:
	case SASL_TEMPFAIL:
		guest->auth = NULL;
		failed(guest, result->kind == SASL_TEMPFAIL);
		return;
	}
}

void auth_start(struct smtp_session *s, const char *mechanism, struct range initial, void *ctx)
{
	struct door *door = ctx;
	struct smtpd *d = door->smtpd;
	struct guest *guest = smtpd_guest(d, s);
	struct peer *peer = peer_of(guest->ip, false);

	auth_drop(guest); /* none is left of an AUTH before, whatever it ended with */
	if (peer != NULL && peer->failures >= PEER_FACTOR * d->role.settings->auth_failures_max) {
		log_info("auth-throttled session=%s peer=%s failures=%d", smtp_session_id(s),
		    guest->ip, peer->failures);
		smtp_session_auth_fail(s, true);
		return;
	}
	guest->auth = sasl_start(d->sasl, mechanism, initial, initial.p != NULL,
	    smtp_session_local_ip(s), guest->ip, smtp_session_id(s), answered, guest);
}

void auth_answer(struct smtp_session *s, struct range response, void *ctx)
{
	struct guest *guest = smtpd_guest(((struct door *)ctx)->smtpd, s);

	if (response.p == NULL) { /* the client gave up; the engine answers */
		auth_drop(guest);
		return;
	}
	if (guest->auth == NULL) {
		smtp_session_auth_fail(s, true);
		return;
	}
	sasl_continue(guest->auth, response);
}

void auth_drop(struct guest *guest)
{
	if (guest->auth != NULL)
		sasl_cancel(&guest->auth);
}
