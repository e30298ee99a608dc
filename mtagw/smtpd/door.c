/*
 * door: from the accepted descriptor to a session: whose it is (the socket's peer, or whom a listed
 * balancer tells, before anything else is read), and whether there is room for one more.
 */
#include "mtagw/smtpd/smtpd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/log.h"

/* Says why and closes; the kernel sends it if it can. */
static void turn_away(int fd, const char *line)
{
	if (send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("turn-away errno=%d", errno);
	(void)close(fd);
}

static void refuse(struct door *door, int fd, const char *ip, const char *why)
{
	char line[100];

	(void)snprintf(line, sizeof(line), "421 4.7.0 %s, try again later\r\n", why);
	if (!door->implicit_tls)
		turn_away(fd, line);
	else
		(void)close(fd);
	peers_log(door->smtpd->peers, "session-refused", ip, why);
}

/* ends: what a balancer told, NULL without one. */
static void begin(struct door *door, int fd, const char *ip, const struct proxy_ends *ends)
{
	struct smtpd *d = door->smtpd;
	const struct settings *settings = d->role.settings;
	struct smtp_server_params params = {.submission = door->submission,
	    .implicit_tls = door->implicit_tls,
	    .tls = d->tls,
	    .auth_mechanisms = door->submission ? sasl_mechanisms(d->sasl) : "",
	    .settings = settings,
	    .ops = &smtpd_ops};
	const char *why = "too many sessions";
	struct peer *peer = NULL;
	struct guest *guest;

	if (ends != NULL && ends->told) {
		ip = params.peer_ip = ends->peer_ip;
		params.local_ip = ends->local_ip;
	}
	if (d->guest_count < settings->smtpd_sessions_max)
		peer = peers_enter(d->peers, ip, &why);
	if (peer == NULL) {
		refuse(door, fd, ip, why);
		return;
	}
	guest = mem_zalloc(sizeof(*guest));
	guest->peer = peer;
	guest->door = door;
	(void)snprintf(guest->ip, sizeof(guest->ip), "%s", ip);
	guest->next = d->guests;
	guest->back = &d->guests;
	if (guest->next != NULL)
		guest->next->back = &guest->next;
	d->guests = guest;
	d->guest_count++;
	params.ctx = guest;
	guest->session = smtp_session_new(d->loop, fd, &params);
}

/* --- balancers -------------------------------------------------------------------------------- */

/* In a list with one blank between? */
static bool listed(const char *list, const char *ip)
{
	size_t len = strlen(ip);

	for (const char *p = list; *p != '\0'; p += *p == ' ') {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, ip, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static void arrival_free(struct arrival *a)
{
	struct smtpd *d = a->door->smtpd;

	for (struct arrival **at = &d->arrivals; *at != NULL; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			d->arrival_count--;
			break;
		}
	proxy_free(&a->proxy);
	free(a);
}

static void header_came(int fd, const struct proxy_ends *ends, const char *why, void *ctx)
{
	struct arrival *a = ctx;

	if (ends == NULL) {
		log_info("session-refused peer=%s reason=\"%s\"", a->ip, log_safe(why));
		(void)close(fd);
	} else {
		begin(a->door, fd, a->ip, ends);
	}
	arrival_free(a);
}

void door_drop_arrivals(struct smtpd *d)
{
	for (struct arrival *a = d->arrivals, *next; a != NULL; a = next) {
		int fd = a->fd;

		next = a->next;
		arrival_free(a);
		(void)close(fd);
	}
}

void door_accepted(int fd, void *ctx)
{
	struct door *door = ctx;
	struct smtpd *d = door->smtpd;
	struct sockaddr_any peer = {.len = sizeof(peer.sa)};
	char ip[SOCKADDR_TEXT_MAX] = "unknown";
	struct arrival *a;

	if (getpeername(fd, (struct sockaddr *)&peer.sa, &peer.len) == 0)
		sockaddr_format(&peer, false, ip);
	if (!listed(d->role.settings->proxy_from, ip)) {
		begin(door, fd, ip, NULL);
		return;
	}
	if (d->arrival_count + d->guest_count >= d->role.settings->smtpd_sessions_max) {
		refuse(door, fd, ip, "too many sessions");
		return;
	}
	a = mem_zalloc(sizeof(*a));
	a->door = door;
	a->fd = fd;
	(void)snprintf(a->ip, sizeof(a->ip), "%s", ip);
	a->next = d->arrivals;
	d->arrivals = a;
	d->arrival_count++;
	a->proxy = proxy_new(d->loop, fd, header_came, a);
}
