/* peers: what each address has of us now and had lately: sessions, connections a minute, failed
 * AUTH; and a log that an address cannot fill. */
#ifndef SMTPD_PEERS_H
#define SMTPD_PEERS_H

#include <stdbool.h>

#include "mtagw/base/loop.h"
#include "mtagw/base/settings.h"

/* All of an IPv6 /64 are one peer: whoever has one address there has them all. */
struct peers;
struct peer;

struct peers *peers_new(struct loop *loop, const struct settings *settings);
/* When no session is left. */
void peers_free(struct peers **peers);

/* A connection has come. The peer, whose session it is until peers_leave; or NULL when it is one
 * too many, and *why_r (static). */
struct peer *peers_enter(struct peers *peers, const char *ip, const char **why_r);
void peers_leave(struct peers *peers, struct peer **peer);

void peers_auth_failed(struct peer *peer);
/* False: it failed too often within ten minutes, and whatever it sends is not looked at. */
bool peers_may_auth(const struct peers *peers, struct peer *peer);

/* Logs `what peer=IP reason="why"` (what static), once a minute for an address and what; how many
 * more there were is said at the minute's end. */
void peers_log(struct peers *peers, const char *what, const char *ip, const char *why);

#endif
