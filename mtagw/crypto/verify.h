/* verify: everything that is found out about one message from outside, in the process that may die
 * of it (mtagw-verify's workers and tests; nobody else links it). */
#ifndef CRYPTO_VERIFY_H
#define CRYPTO_VERIFY_H

#include "mtagw/base/settings.h"
#include "mtagw/crypto/verifier.h"

struct verify;
/* Names, DKIM, SPF and DMARC libraries, and GnuPG's home for correspondent_keys, made where absent.
 * NULL and error_r when one of them cannot be had. Starts a thread: call it after the last fork. */
struct verify *verify_open(const struct settings *settings, struct err *error_r);
void verify_close(struct verify **verify);
/* Judges; never fails: what cannot be found out is a word of the verdicts. Strings live in the
 * arena. Blocks for names (budget_ms for all of them) and for gpg. */
void verify_message(struct verify *verify, const struct verify_request *request, int budget_ms,
    struct arena *arena, struct verdicts *verdicts_r);

#endif
