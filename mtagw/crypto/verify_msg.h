/* verify_msg: what is said over mtagw-verify's socket, encoded and decoded for both sides. One
 * question a connection: HEAD, then the message in frames of at most IPC_FRAME_MAX bytes until its
 * announced size is there; the worker says TAKEN when it has all of it, then ANSWER. */
#ifndef CRYPTO_VERIFY_MSG_H
#define CRYPTO_VERIFY_MSG_H

#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/crypto/verdict.h"

#define VERIFY_VERSION 1
#define VERIFY_TEXT_MAX 320 /* RFC 5321 4.5.3.1: local part 64, @, domain 255 */

/* Ranges point into the payload. */
struct verify_head {
	uint64_t size; /* of the message */
	struct range peer_ip, helo, sender;
};
/* Appends the payload; texts are cut at VERIFY_TEXT_MAX (none that SMTP lets through is longer). */
void verify_head_put(struct buf *out, const struct verify_head *head);
/* 1, or -1: not a head of this version, a size over size_max, a text with a control. */
int verify_head_get(
    struct range payload, uint64_t size_max, struct verify_head *head_r, struct err *error_r);

void verify_taken_put(struct buf *out);
void verify_answer_put(struct buf *out, const struct verdicts *verdicts);
/* What came back: 1 an answer (verdicts in the arena), 0 TAKEN, -1 neither. */
int verify_reply_get(
    struct range payload, struct arena *arena, struct verdicts *verdicts_r, struct err *error_r);

#endif
