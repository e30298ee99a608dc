/* verifier: the router's blocking client of mtagw-verify's socket (DESIGN 4). */
#ifndef CRYPTO_VERIFIER_H
#define CRYPTO_VERIFIER_H

#include "mtagw/base/settings.h"
#include "mtagw/crypto/verdict.h"

struct verifier;
struct verify_request {
	struct range message;       /* the whole, as stored */
	const char *peer_ip, *helo; /* of the session that brought it; "" where unknown: no SPF */
	const char *sender;         /* envelope, "" null */
};
/* Never fails by itself. Asks on a connection of its own each time, so that an idle router holds no
 * worker. settings are read now and not kept. */
struct verifier *verifier_new(const struct settings *settings);
void verifier_free(struct verifier **verifier);
/* 1: verdicts in the arena (a name server that does not answer is a temperror inside, not an error
 * here). 0: the worker died on this message, or took too long over it and was ended (error_r tells;
 * the caller counts it). -1: mtagw-verify is not there, busy with others all the time, or does not
 * want this message (larger than message_size_limit): wait and ask again. Blocks at most
 * settings->verify_timeout_secs. */
int verifier_ask(struct verifier *verifier, const struct verify_request *request,
    struct arena *arena, struct verdicts *verdicts_r, struct err *error_r);

#endif
