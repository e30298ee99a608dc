/* mx: where mail of a domain goes (RFC 5321 section 5.1, RFC 7505), asked on the event loop. */
#ifndef SMTP_MX_H
#define SMTP_MX_H

#include <stddef.h>

#include "mtagw/base/dns.h"
#include "mtagw/base/loop.h"

struct mx_target {
	const char *host;    /* the server's name, for TLS; the literal of an address literal */
	const char *address; /* numeric host:port */
};
enum mx_status {
	MX_FOUND,
	MX_LATER, /* nobody knows now: try again */
	MX_NEVER, /* the domain takes no mail, is not there, or its servers are we */
};
struct mx_answer {
	enum mx_status status;
	const struct mx_target *targets; /* in the order to be tried */
	size_t count;
	int code;                   /* 556 of a null MX, else 0 */
	const char *enhanced, *why; /* one line for a person; "" when found */
};
struct mx_params {
	struct loop *loop;
	struct dns *dns;      /* attached to the loop */
	const char *hostname; /* our own: it and what stands behind it is left out, against loops */
	int port;
};

struct mx_lookup;
/* The strings of params stay the caller's and alive until then. done runs once, from the loop,
 * never inside mx_lookup_start; the answer lives until it returns. domain: a name or an address
 * literal. */
struct mx_lookup *mx_lookup_start(const struct mx_params *params, const char *domain,
    void (*done)(const struct mx_answer *answer, void *ctx), void *ctx);
/* done will not run; the pointer is cleared, NULL is fine. */
void mx_lookup_cancel(struct mx_lookup **lookup);

#endif
