/* keyring_agent: one kept-open connection to gpg-agent, for keyring.c alone. */
#ifndef CRYPTO_KEYRING_AGENT_H
#define CRYPTO_KEYRING_AGENT_H

#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"

struct keyring_agent;
/* Asks gpgconf where the agent of this home listens; connects at first use. NULL and error_r. */
struct keyring_agent *keyring_agent_new(const char *home, struct err *error_r);
void keyring_agent_free(struct keyring_agent **agent);
/* Replaces *sexp by the signature value over a SHA-256 digest. 1; 0 the agent answered and refused
 * (error_r); -1 no agent there, or the connection broke: a fresh one is made by the next call.
 * Blocks. */
int keyring_agent_sign(struct keyring_agent *agent, const char *keygrip,
    const uint8_t digest[SHA256_BYTES], struct buf *sexp, struct err *error_r);
/* Asks the agent to end; nothing happens where none runs. */
void keyring_agent_stop(struct keyring_agent *agent);

#endif
