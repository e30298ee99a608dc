/*
 * mx: the addresses of a domain's mail servers, in the order to be tried. First its MX records, by
 * preference, equals in random order; without any the domain itself is the server (RFC 5321 section
 * 5.1). Then the addresses of all servers, asked at once: those of one server in the order of the
 * answer, IPv4 before IPv6. Our own name among the servers takes away itself and all of its
 * preference and above. A server whose addresses nobody knows now is left out while others have
 * some; when none has, what is unknown for now decides before what is known not to be.
 */
#include "mtagw/smtp/mx.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/codec.h"
#include "mtagw/base/loop.h"

/* Servers looked at, and addresses of one: more are nobody's need (RFC 5321 section 5.1 asks for
 * two). */
#define MX_HOSTS_MAX 16
#define MX_ADDRESSES_MAX 8

struct mx_host {
	const char *name;
	unsigned preference;
	uint32_t random; /* order among equals */
	struct dns_query *query[2];
	const char *addresses[2][MX_ADDRESSES_MAX]; /* of A, of AAAA */
	size_t count[2];
	struct mx_lookup *lookup;
};

struct mx_lookup {
	struct mx_params params;
	struct arena *arena;
	const char *domain;
	struct dns_query *mx;
	struct timer *soon; /* an address literal needs no question */
	struct mx_host hosts[MX_HOSTS_MAX];
	size_t host_count, waiting;
	const char *failed; /* why an address is unknown for now, NULL: none is */
	void (*done)(const struct mx_answer *answer, void *ctx);
	void *ctx;
};

void mx_lookup_cancel(struct mx_lookup **lp)
{
	struct mx_lookup *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	dns_cancel(&l->mx);
	for (size_t i = 0; i < l->host_count; i++) {
		dns_cancel(&l->hosts[i].query[0]);
		dns_cancel(&l->hosts[i].query[1]);
	}
	timer_free(&l->soon);
	arena_free(&l->arena);
	free(l);
}

/* The lookup is over: tells it. */
static void finish(struct mx_lookup *l, const struct mx_answer *a)
{
	void (*done)(const struct mx_answer *answer, void *ctx) = l->done;
	void *ctx = l->ctx;
	struct arena *arena = l->arena; /* the answer lives there */

	l->arena = NULL;
	mx_lookup_cancel(&l);
	done(a, ctx);
	arena_free(&arena);
}

static void never(struct mx_lookup *l, int code, const char *enhanced, const char *what)
{
	struct mx_answer a = {.status = MX_NEVER,
	    .code = code,
	    .enhanced = enhanced,
	    .why = arena_printf(l->arena, "%s %s", l->domain, what)};

	finish(l, &a);
}

static void later(struct mx_lookup *l, const char *why)
{
	struct mx_answer a = {
	    .status = MX_LATER, .enhanced = "4.4.3", .why = arena_printf(l->arena, "DNS: %s", why)};

	finish(l, &a);
}

/* All addresses that can be known are. */
static void gathered(struct mx_lookup *l)
{
	struct mx_answer a = {.status = MX_FOUND, .enhanced = "", .why = ""};
	struct mx_target *targets =
	    arena_alloc(l->arena, 2 * MX_ADDRESSES_MAX * l->host_count * sizeof(*targets));

	for (size_t i = 0; i < l->host_count; i++)
		for (size_t family = 0; family < 2; family++)
			for (size_t k = 0; k < l->hosts[i].count[family]; k++)
				targets[a.count++] = (struct mx_target){
				    l->hosts[i].name, l->hosts[i].addresses[family][k]};
	a.targets = targets;
	if (a.count > 0)
		finish(l, &a);
	else if (l->failed != NULL)
		later(l, l->failed);
	else
		never(l, 0, "5.4.4", "has no mail server with an address");
}

static void take_addresses(struct mx_host *host, size_t family, const struct dns_answer *answer)
{
	struct mx_lookup *l = host->lookup;

	host->query[family] = NULL;
	if (answer->status == DNS_FAILED)
		l->failed = arena_strdup(l->arena, answer->why);
	for (size_t i = 0; i < answer->count && host->count[family] < MX_ADDRESSES_MAX; i++)
		host->addresses[family][host->count[family]++] = arena_printf(l->arena,
		    family == 0 ? "%s:%d" : "[%s]:%d", answer->records[i].text.p, l->params.port);
	if (--l->waiting == 0)
		gathered(l);
}

static void a_done(const struct dns_answer *answer, void *ctx)
{
	take_addresses(ctx, 0, answer);
}

static void aaaa_done(const struct dns_answer *answer, void *ctx)
{
	take_addresses(ctx, 1, answer);
}

static void ask_addresses(struct mx_lookup *l)
{
	l->waiting = 2 * l->host_count;
	for (size_t i = 0; i < l->host_count; i++) {
		struct mx_host *host = &l->hosts[i];

		host->lookup = l;
		host->query[0] = dns_start(l->params.dns, host->name, DNS_A, a_done, host);
		host->query[1] = dns_start(l->params.dns, host->name, DNS_AAAA, aaaa_done, host);
	}
}

static int by_preference(const void *x, const void *y)
{
	const struct mx_host *a = x, *b = y;

	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	return a->random < b->random ? -1 : a->random > b->random;
}

static void add_host(struct mx_lookup *l, const char *name, unsigned preference)
{
	struct mx_host *host = &l->hosts[l->host_count++];

	host->name = arena_strdup(l->arena, name);
	host->preference = preference;
	codec_random(&host->random, sizeof(host->random));
}

/* Sorted; what a loop would come of is cut off (RFC 5321 section 5.1). */
static void order_hosts(struct mx_lookup *l)
{
	qsort(l->hosts, l->host_count, sizeof(l->hosts[0]), by_preference);
	for (size_t i = 0; i < l->host_count; i++) {
		if (strcasecmp(l->hosts[i].name, l->params.hostname) != 0)
			continue;
		while (i > 0 && l->hosts[i - 1].preference == l->hosts[i].preference)
			i--;
		l->host_count = i;
	}
}

static void mx_done(const struct dns_answer *answer, void *ctx)
{
	struct mx_lookup *l = ctx;

	l->mx = NULL;
	if (answer->status == DNS_FAILED) {
		later(l, answer->why);
		return;
	}
	if (answer->status == DNS_NO_NAME) {
		never(l, 0, "5.1.2", "does not exist");
		return;
	}
	if (answer->count == 1 && answer->records[0].text.len == 0) {
		never(l, 556, "5.1.10", "takes no mail (null MX)"); /* RFC 7505 section 4.2 */
		return;
	}
	for (size_t i = 0; i < answer->count && l->host_count < MX_HOSTS_MAX; i++)
		if (answer->records[i].text.len > 0)
			add_host(l, answer->records[i].text.p, answer->records[i].preference);
	if (answer->status == DNS_EMPTY)
		add_host(l, l->domain, 0);
	order_hosts(l);
	if (l->host_count == 0)
		never(l, 0, "5.4.6", "sends its mail to this host: a loop");
	else
		ask_addresses(l);
}

/* `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3). */
static void literal_cb(void *ctx)
{
	struct mx_lookup *l = ctx;
	bool six = strncasecmp(l->domain, "[IPv6:", 6) == 0;
	char *text = arena_strdup(l->arena, l->domain + (six ? 6 : 1));
	struct mx_answer a = {.status = MX_FOUND, .count = 1, .enhanced = "", .why = ""};
	unsigned char bytes[16];
	struct mx_target target;

	text[strcspn(text, "]")] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1) {
		never(l, 0, "5.1.2", "is not an address");
		return;
	}
	target.host = l->domain;
	target.address = arena_printf(l->arena, six ? "[%s]:%d" : "%s:%d", text, l->params.port);
	a.targets = &target;
	finish(l, &a);
}

struct mx_lookup *mx_lookup_start(const struct mx_params *params, const char *domain,
    void (*done)(const struct mx_answer *answer, void *ctx), void *ctx)
{
	struct mx_lookup *l = mem_zalloc(sizeof(*l));

	l->params = *params;
	l->arena = arena_new();
	l->domain = arena_strdup(l->arena, domain);
	l->done = done;
	l->ctx = ctx;
	if (domain[0] == '[') {
		l->soon = timer_new(params->loop, literal_cb, l);
		timer_start(l->soon, 0);
	} else {
		l->mx = dns_start(params->dns, domain, DNS_MX, mx_done, l);
	}
	return l;
}
