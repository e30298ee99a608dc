/* signd_answer: one request of the socket, answered. */
#ifndef SIGND_ANSWER_H
#define SIGND_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/signd/signd_keys.h"

/* Appends the answer's payload to *out: 1; -1 with nothing appended when the payload is not a
 * request (the peer speaks another language: close it). admin: the peer may ask the key.* verbs.
 * Blocks for the keys' work. */
int signd_answer(struct signd_keys *keys, struct range payload, bool admin, int64_t now_secs,
    struct buf *out, struct err *error_r);

#endif
