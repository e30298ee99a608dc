/* agent: one kept-open connection to gpg-agent's socket, for keyring.c. */
#ifndef CRYPTO_AGENT_H
#define CRYPTO_AGENT_H

#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"

struct agent;
/* Connects at first use. socket_path fits a Unix address (asserted). timeout_ms bounds each wait.
 */
struct agent *agent_new(const char *socket_path, int timeout_ms);
void agent_free(struct agent **agent);
/* Replaces *sexp by the signature value (a canonical S-expression) over a SHA-256 digest. 1; 0 the
 * agent answered and refused (error_r); -1 no agent there, or the connection broke or spoke
 * nonsense: the next call makes a fresh one. Blocks. */
int agent_sign(struct agent *agent, const char *keygrip, const uint8_t digest[SHA256_BYTES],
    struct buf *sexp, struct err *error_r);
/* Asks the agent to end; nothing happens where none runs. */
void agent_stop(struct agent *agent);

/* One answer to one command (Assuan protocol): takes its lines from the front of *input. */
enum agent_answer {
	AGENT_MORE, /* not whole yet: nothing of the unfinished line is taken */
	AGENT_OK,
	AGENT_REFUSED, /* ERR: error_r holds its text */
	AGENT_BAD,     /* not the protocol, too long, or a question back */
};
/* Appends the unescaped bytes of D lines to *data. */
enum agent_answer agent_answer_take(struct range *input, struct buf *data, struct err *error_r);

#endif
