/*
 * peers: a table of addresses. Whoever has a session is in it; of the others the last
 * PEERS_IDLE_MAX are remembered for their failed AUTH and the connections of this minute, so that
 * memory is bounded whoever comes. Windows are fixed, not sliding: an address may come twice as
 * often around the minute's end, which costs nothing.
 *
 * The log: of an address each kind of thing is said once, and at the minute's end how many more
 * there were, whether it comes again or not.
 */
#include "mtagw/smtpd/peers.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

#define BUCKETS 4096
#define PEERS_IDLE_MAX 8192
#define MINUTE_MS (60 * 1000)
#define AUTH_WINDOW_MS (10 * MINUTE_MS)
/* An address may be a whole office behind one router: it may fail this many times as often as a
 * session before all of it has to wait. */
#define AUTH_FACTOR 10
#define KINDS_MAX 4 /* of things said of an address */

/* What the log has of it this minute, and how often it was not said; NULL: nothing. */
struct said {
	const char *what;
	int unsaid;
};
struct peer {
	struct peer *next;          /* of its bucket */
	struct peer *older, *newer; /* of those without a session */
	uint64_t key[2];
	char ip[INET6_ADDRSTRLEN];
	int sessions;
	int connections, auth_failures;
	int64_t minute_ms, auth_ms; /* since when they are counted (clock_mono_ms) */
	struct said said[KINDS_MAX];
};
struct peers {
	const struct settings *settings;
	struct timer *timer;
	uint64_t seed;
	struct peer *buckets[BUCKETS];
	struct peer *oldest, *newest; /* without a session */
	int idle;
};

static void key_of(const char *ip, uint64_t key[2])
{
	struct in6_addr v6;
	struct in_addr v4;

	key[0] = key[1] = 0;
	if (inet_pton(AF_INET, ip, &v4) == 1) {
		key[1] = v4.s_addr | (uint64_t)1 << 32;
	} else if (inet_pton(AF_INET6, ip, &v6) == 1) {
		memcpy(key, &v6, sizeof(v6));
		if (!IN6_IS_ADDR_V4MAPPED(&v6))
			key[1] = 0;
	}
}

static struct peer **bucket_of(struct peers *peers, const uint64_t key[2])
{
	uint64_t h = peers->seed;

	for (int i = 0; i < 2; i++) {
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return &peers->buckets[h % BUCKETS];
}

static void idle_add(struct peers *peers, struct peer *p)
{
	p->older = peers->newest;
	p->newer = NULL;
	*(p->older ? &p->older->newer : &peers->oldest) = p;
	peers->newest = p;
	peers->idle++;
}

static void idle_remove(struct peers *peers, struct peer *p)
{
	*(p->older ? &p->older->newer : &peers->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &peers->newest) = p->older;
	peers->idle--;
}

static void say_rest(struct peer *p)
{
	for (int i = 0; i < KINDS_MAX; i++)
		if (p->said[i].unsaid > 0)
			log_info("peer-held-back peer=%s lines=%d first=%s", p->ip,
			    p->said[i].unsaid, p->said[i].what);
	memset(p->said, 0, sizeof(p->said));
}

static void forget(struct peers *peers, struct peer *p)
{
	struct peer **at = bucket_of(peers, p->key);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	idle_remove(peers, p);
	say_rest(p);
	free(p);
}

static struct peer *find(struct peers *peers, const char *ip)
{
	struct peer **bucket, *p;
	uint64_t key[2];

	key_of(ip, key);
	bucket = bucket_of(peers, key);
	for (p = *bucket; p != NULL; p = p->next)
		if (memcmp(p->key, key, sizeof(key)) == 0)
			return p;
	if (peers->idle >= PEERS_IDLE_MAX)
		forget(peers, peers->oldest);
	p = mem_zalloc(sizeof(*p));
	memcpy(p->key, key, sizeof(key));
	(void)strncpy(p->ip, ip, sizeof(p->ip) - 1);
	p->next = *bucket;
	*bucket = p;
	idle_add(peers, p);
	return p;
}

static void each_minute(void *ctx)
{
	struct peers *peers = ctx;
	int64_t now = clock_mono_ms();

	for (int i = 0; i < BUCKETS; i++)
		for (struct peer *p = peers->buckets[i], *next; p != NULL; p = next) {
			next = p->next;
			say_rest(p);
			if (p->sessions == 0 && now - p->minute_ms > MINUTE_MS &&
			    now - p->auth_ms > AUTH_WINDOW_MS)
				forget(peers, p);
		}
	timer_start(peers->timer, MINUTE_MS);
}

struct peers *peers_new(struct loop *loop, const struct settings *settings)
{
	struct peers *peers = mem_zalloc(sizeof(*peers));

	peers->settings = settings;
	codec_random(&peers->seed, sizeof(peers->seed));
	peers->timer = timer_new(loop, each_minute, peers);
	timer_start(peers->timer, MINUTE_MS);
	return peers;
}

void peers_free(struct peers **pp)
{
	struct peers *peers = *pp;

	*pp = NULL;
	if (peers == NULL)
		return;
	while (peers->oldest != NULL)
		forget(peers, peers->oldest);
	timer_free(&peers->timer);
	free(peers);
}

struct peer *peers_enter(struct peers *peers, const char *ip, const char **why_r)
{
	const struct settings *settings = peers->settings;
	struct peer *p = find(peers, ip);
	int64_t now = clock_mono_ms();

	if (p->connections == 0 || now - p->minute_ms > MINUTE_MS) {
		p->connections = 0;
		p->minute_ms = now;
	}
	if (settings->smtpd_connection_rate_limit > 0 &&
	    p->connections >= settings->smtpd_connection_rate_limit) {
		*why_r = "too many connections";
		return NULL;
	}
	p->connections++;
	if (p->sessions >= settings->smtpd_sessions_per_peer) {
		*why_r = "too many sessions";
		return NULL;
	}
	if (p->sessions++ == 0)
		idle_remove(peers, p);
	return p;
}

void peers_leave(struct peers *peers, struct peer **peer)
{
	struct peer *p = *peer;

	*peer = NULL;
	if (--p->sessions > 0)
		return;
	idle_add(peers, p);
	if (peers->idle > PEERS_IDLE_MAX)
		forget(peers, peers->oldest);
}

void peers_auth_failed(struct peer *p)
{
	int64_t now = clock_mono_ms();

	if (p->auth_failures == 0 || now - p->auth_ms > AUTH_WINDOW_MS) {
		p->auth_failures = 0;
		p->auth_ms = now;
	}
	p->auth_failures++;
}

bool peers_may_auth(const struct peers *peers, struct peer *p)
{
	if (clock_mono_ms() - p->auth_ms > AUTH_WINDOW_MS)
		p->auth_failures = 0;
	return p->auth_failures < AUTH_FACTOR * peers->settings->auth_failures_max;
}

void peers_log(struct peers *peers, const char *what, const char *ip, const char *why)
{
	struct said *said = find(peers, ip)->said;
	int i = 0;

	/* more kinds than we know of share the last place */
	while (said->what != NULL && strcmp(said->what, what) != 0 && ++i < KINDS_MAX)
		said++;
	if (said->what != NULL) {
		said->unsaid++;
		return;
	}
	log_info("%s peer=%s reason=\"%s\"", what, ip, why);
	said->what = what;
}
