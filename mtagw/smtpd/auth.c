/*
 * auth: AUTH goes to Dovecot, which knows the accounts (R43). Guessing is slowed down twice: a
 * session has few tries, and a peer address that failed too often within ten minutes is told to
 * come back later, whatever it sends (peers.c).
 */
#include "mtagw/smtpd/smtpd.h"

#include "mtagw/base/log.h"

static void failed(struct guest *guest, bool temporary)
{
	struct smtp_session *s = guest->session;

	if (!temporary) {
		guest->auth_failures++;
		peers_auth_failed(guest->peer);
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
	struct guest *guest = ctx;
	struct smtpd *d = guest->door->smtpd;

	auth_drop(guest); /* none is left of an AUTH before, whatever it ended with */
	if (!peers_may_auth(d->peers, guest->peer)) {
		peers_log(d->peers, "auth-throttled", guest->ip, "too many failed AUTH commands");
		smtp_session_auth_fail(s, true);
		smtp_session_shut(s, "too many failed AUTH commands, try again later");
		return;
	}
	guest->auth = sasl_start(d->sasl, mechanism, initial, initial.p != NULL,
	    smtp_session_local_ip(s), guest->ip, smtp_session_id(s), answered, guest);
}

void auth_answer(struct smtp_session *s, struct range response, void *ctx)
{
	struct guest *guest = ctx;

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
