/*
 * route: where a connection of a destination goes: Dovecot, the next hop of the settings, or the
 * mail servers of the domain's MX records. Those are asked for when a connection is wanted and none
 * stands, and tried one after another: an address that fails before it is ready is not tried again
 * until all have failed or all connections are gone. States of a route: unknown, asked, known.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/sender/sender.h"

/* The exact domain first, else the default relay. NULL: none. */
static const struct next_hop *find_hop(const struct settings *settings, const char *domain)
{
	const struct next_hop *fallback = NULL;

	for (size_t i = 0; i < settings->next_hop_count; i++) {
		if (strcasecmp(settings->next_hops[i].domain, domain) == 0)
			return &settings->next_hops[i];
		if (strcmp(settings->next_hops[i].domain, "*") == 0)
			fallback = &settings->next_hops[i];
	}
	return fallback;
}

/* The TLS context of a level, made at first use and again when the settings name another CA file.
 */
static struct tls *tls_of(struct sender *s, int level, struct err *error_r)
{
	const char *ca = s->role->settings->tls_ca;
	bool verify = level == HOP_TLS_VERIFY;
	struct tls **slot = verify ? &s->tls_verify : &s->tls_any;

	if (s->tls_ca == NULL || strcmp(s->tls_ca, ca) != 0) {
		/* contexts in use stay until the end of the process: a change of CA is rare */
		s->tls_any = s->tls_verify = NULL;
		free(s->tls_ca);
		s->tls_ca = mem_strdup(ca);
	}
	if (*slot == NULL)
		*slot = tls_client_new(ca[0] != '\0' ? ca : NULL, verify, error_r);
	return *slot;
}

/* --- by MX --- */

void route_forget(struct destination *dest)
{
	mx_lookup_cancel(&dest->lookup);
	arena_free(&dest->route_arena);
	dest->targets = NULL;
	dest->target_count = 0;
}

static void lookup_done(const struct mx_answer *answer, void *ctx)
{
	struct destination *dest = ctx;
	struct target *targets;

	dest->lookup = NULL;
	if (answer->status != MX_FOUND) {
		log_info("sender_no_route destination=%s enhanced=%s reason=\"%s\"",
		    log_safe(dest->name), answer->enhanced, log_safe(answer->why));
		destination_put_off(
		    dest, &(struct job_result){
		              .outcome = answer->status == MX_NEVER ? SMTP_PERMFAIL : SMTP_TEMPFAIL,
		              .code = answer->code,
		              .enhanced = answer->enhanced,
		              .text = answer->why,
		              .remote = ""});
		sender_look(dest->sender);
		return;
	}
	dest->route_arena = arena_new();
	targets = arena_alloc(dest->route_arena, answer->count * sizeof(*targets));
	for (size_t i = 0; i < answer->count; i++)
		targets[i] = (struct target){
		    .host = arena_strdup(dest->route_arena, answer->targets[i].host),
		    .address = arena_strdup(dest->route_arena, answer->targets[i].address)};
	dest->targets = targets;
	dest->target_count = answer->count;
	dest->found_at = clock_mono_ms();
	destination_pump(dest);
}

/* The resolver of this process, opened at its first use: 1, or -1 with the reason. */
static int open_dns(struct sender *s, struct err *error_r)
{
	if (s->dns != NULL)
		return 1;
	s->dns = dns_open(s->role->settings->dns_zone_file, SENDER_DNS_MS, error_r);
	if (s->dns == NULL)
		return -1;
	dns_attach(s->dns, s->loop);
	return 1;
}

static int ask(struct destination *dest, struct err *error_r)
{
	struct sender *s = dest->sender;
	const struct settings *settings = s->role->settings;
	struct mx_params params = {
	    .loop = s->loop, .hostname = settings->hostname, .port = settings->mx_port};

	if (open_dns(s, error_r) < 0)
		return -1;
	params.dns = s->dns;
	dest->lookup = mx_lookup_start(&params, dest->name, lookup_done, dest);
	return 0;
}

/* The first address that has not failed. 0: asked for, or all have failed and connections that end
 * yet will bring us here again. */
static int find_target(struct destination *dest, struct smtp_client_params *params,
    size_t *target_r, struct err *error_r)
{
	size_t i = 0;

	if (dest->lookup != NULL)
		return 0;
	while (i < dest->target_count && dest->targets[i].failed)
		i++;
	if (dest->link_count == 0 &&
	    (i == dest->target_count || clock_mono_ms() - dest->found_at > SENDER_ROUTE_MS)) {
		route_forget(dest);
		return ask(dest, error_r);
	}
	if (i == dest->target_count)
		return 0;
	*target_r = i + 1;
	params->address = dest->targets[i].address;
	params->tls_level = HOP_TLS_MAY;
	params->tls_name = dest->targets[i].host;
	params->tls = tls_of(dest->sender, HOP_TLS_MAY, error_r);
	return params->tls != NULL ? 1 : -1;
}

bool route_other(struct destination *dest, size_t target)
{
	if (target == 0 || target > dest->target_count)
		return false;
	dest->targets[target - 1].failed = true;
	for (size_t i = 0; i < dest->target_count; i++)
		if (!dest->targets[i].failed)
			return true;
	return dest->connecting > 0;
}

/* --- by the settings --- */

int route_find(struct destination *dest, struct smtp_client_params *params, size_t *target_r,
    struct err *error_r)
{
	struct sender *s = dest->sender;
	const struct settings *settings = s->role->settings;
	const struct next_hop *hop;

	*target_r = 0;
	params->lmtp = dest->lmtp;
	params->tls_level = HOP_TLS_NONE;
	params->timeout_ms = settings->sender_timeout_secs * INT64_C(1000);
	if (dest->lmtp) {
		params->address = settings->lmtp;
		return params->address[0] != '\0'
		           ? 1
		           : err_set(error_r, "the settings name no lmtp server");
	}
	hop = find_hop(settings, dest->name);
	if (hop == NULL)
		return find_target(dest, params, target_r, error_r);
	params->address = hop->address;
	params->tls_level = hop->tls;
	params->tls_name = hop->tls_name != NULL ? hop->tls_name : dest->name;
	if (hop->tls == HOP_TLS_NONE)
		return 1;
	params->tls = tls_of(s, hop->tls, error_r);
	return params->tls != NULL ? 1 : -1;
}
