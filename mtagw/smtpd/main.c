/*
 * mtagw-smtpd: takes mail in, on the MX port and on submission (RFC 5321, 6409, 8314). One event
 * loop, no signing key, no policy: it speaks the protocol, knows which addresses exist, and commits
 * messages in groups before it says 250 (DESIGN 4, 9).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/smtpd/smtpd.h"

/* Sessions that are in the middle of something get this long when we end. */
#define DRAIN_MS 20000

static void maybe_end(struct smtpd *d)
{
	if (d->draining && d->guests == NULL)
		loop_stop(d->loop);
}

/* Whoever only connects can do that very often, and each time the log would have a line of it. */
static bool left_without_a_word(const struct smtp_session *s, const char *reason)
{
	return smtp_session_helo(s)[0] == '\0' &&
	       (strcmp(reason, "closed by peer") == 0 || strcmp(reason, strerror(ECONNRESET)) == 0);
}

static void closed(struct smtp_session *s, const char *reason, void *ctx)
{
	struct guest *g = ctx;
	struct smtpd *d = g->door->smtpd;

	*g->back = g->next;
	if (g->next != NULL)
		g->next->back = g->back;
	if (left_without_a_word(s, reason))
		peers_log(d->peers, "session-without-a-word", g->ip, reason);
	else
		log_info("session-end session=%s peer=%s reason=\"%s\"", smtp_session_id(s), g->ip,
		    log_safe(reason));
	auth_drop(g);
	peers_leave(d->peers, &g->peer);
	free(g);
	d->guest_count--;
	maybe_end(d);
}

const struct smtp_server_ops smtpd_ops = {auth_start, auth_answer, tx_mail, tx_rcpt, tx_data_begin,
    tx_data, tx_data_end, tx_reset, closed};

static void drain_over(void *ctx)
{
	struct smtpd *d = ctx;

	log_warn("drain-over sessions=%d", d->guest_count);
	loop_stop(d->loop);
}

static void drain(void *ctx)
{
	struct smtpd *d = ctx;

	d->draining = true;
	for (size_t i = 0; i < 3; i++)
		listener_free(&d->doors[i].listener);
	door_drop_arrivals(d);
	for (struct guest *g = d->guests, *next; g != NULL; g = next) {
		next = g->next;
		smtp_session_shut(g->session, "closing for maintenance");
	}
	d->drain_timer = timer_new(d->loop, drain_over, d);
	timer_start(d->drain_timer, DRAIN_MS);
	maybe_end(d);
}

static void reload(void *ctx)
{
	struct smtpd *d = ctx;
	struct err err;
	struct tls *tls =
	    tls_server_new(d->role.settings->tls_cert, d->role.settings->tls_key, &err);

	if (tls == NULL) {
		log_error("tls-reload-failed reason=\"%s\"", log_safe(err.text));
		return;
	}
	d->tls = tls; /* sessions that run keep the old one: it is small and a reload is rare */
}

static void open_door(struct smtpd *d, int i, const char *name, bool submission, bool implicit_tls)
{
	struct door *door = &d->doors[i];
	int fd = role_inherited_fd(name);

	*door = (struct door){.smtpd = d, .submission = submission, .implicit_tls = implicit_tls};
	if (fd >= 0)
		door->listener = listener_new(d->loop, fd, door_accepted, door);
}

int main(int argc, char **argv)
{
	static struct smtpd d;
	struct err err;
	char auth[300];

	role_start(&d.role, "smtpd", argc, argv);
	clock_set_offset_ms(d.role.settings->clock_offset_secs * 1000);
	d.loop = loop_new();
	d.tls = tls_server_new(d.role.settings->tls_cert, d.role.settings->tls_key, &err);
	if (d.tls == NULL)
		log_fatal("%s", err.text);
	(void)snprintf(auth, sizeof(auth), "%s", d.role.settings->dovecot_auth);
	d.sasl = sasl_new(d.loop, auth);
	d.accept = accept_new(d.role.settings, d.loop);
	d.peers = peers_new(d.loop, d.role.settings);
	open_door(&d, 0, "mx", false, false);
	open_door(&d, 1, "submission", true, false);
	open_door(&d, 2, "submissions", true, true);
	if (!d.doors[0].listener && !d.doors[1].listener && !d.doors[2].listener)
		log_fatal("no listening socket was handed over: start mtagw, not mtagw-smtpd");
	role_watch_signals(&d.role, d.loop, drain, reload, &d);
	sandbox_enter(d.role.settings, "smtpd");
	loop_run(d.loop);
	accept_free(&d.accept);
	sasl_free(&d.sasl);
	if (d.guests == NULL)
		peers_free(&d.peers);
	timer_free(&d.drain_timer);
	tls_free(&d.tls);
	loop_free(&d.loop);
	return 0;
}
