/* sasl: AUTH through Dovecot's auth socket (client protocol 1.2, dovecot.md 4). One connection,
 * many requests. */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include <stdbool.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/loop.h"

struct sasl;         /* the connection, reconnects with back-off */
struct sasl_request; /* one AUTH exchange */

struct sasl_result {
	enum { SASL_OK, SASL_FAIL, SASL_TEMPFAIL, SASL_CHALLENGE } kind;
	const char *login;      /* OK: the user, lower case */
	struct range challenge; /* CHALLENGE: decoded bytes for the 334 */
	const char *reason;
};
typedef void sasl_cb(struct sasl_request *request, const struct sasl_result *result, void *ctx);

struct sasl *sasl_new(struct loop *loop, const char *address);
void sasl_free(struct sasl **sasl);
/* "PLAIN LOGIN SCRAM-SHA-256" restricted to what Dovecot offers; "" while not connected. */
const char *sasl_mechanisms(const struct sasl *sasl);
/* cb runs later, never before the call returns; after OK, FAIL or TEMPFAIL the request is gone.
 * Values are tab-escaped. */
struct sasl_request *sasl_start(struct sasl *sasl, const char *mechanism, struct range initial,
    bool have_initial, const char *local_ip, const char *remote_ip, const char *session_id,
    sasl_cb *cb, void *ctx);
void sasl_continue(struct sasl_request *request, struct range response);
/* No callback after this. */
void sasl_cancel(struct sasl_request **request);

#endif
