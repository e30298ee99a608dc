/* signer_msg: the messages of signd's socket, encoded and decoded for both sides. */
#ifndef CRYPTO_SIGNER_MSG_H
#define CRYPTO_SIGNER_MSG_H

#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/crypto/seal.h"

/* One question, one answer, in order, each an ipc frame. All lengths are bounded far below
 * IPC_FRAME_MAX. */
#define SIGNER_VERSION 1
#define SIGNER_ADDRESS_MAX 320         /* RFC 5321 4.5.3.1: local part 64, @, domain 255 */
#define SIGNER_HEADER_MAX (512 * 1024) /* twice what the guard of incoming mail lets through */
#define SIGNER_VERB_MAX 32
#define SIGNER_ARG_MAX 512
#define SIGNER_ARGS 3
#define SIGNER_TIME_MAX 4294967295 /* OpenPGP times have 32 bits */

enum signer_kind {
	SIGNER_PLAN = 1, /* from, at -> plan */
	SIGNER_SIGN,     /* from, plan, digest -> armor */
	SIGNER_DKIM,     /* from, at, header block, body hash -> fields */
	SIGNER_ADMIN,    /* verb, arguments -> JSON */
};

/* Ranges point into the payload; fields not named for a kind are empty. */
struct signer_request {
	enum signer_kind kind;
	struct range from;
	int64_t at_secs;
	struct seal_plan plan;
	uint8_t digest[SHA256_BYTES]; /* SIGN: of the part; DKIM: of the body */
	struct range header_block;
	struct range verb, args[SIGNER_ARGS]; /* an absent argument is empty */
};
/* Appends the payload. */
void signer_request_put(struct buf *out, const struct signer_request *request);
/* 1, or -1: not a whole request of this version, or something out of bounds. Addresses, verbs and
 * arguments hold no control characters then. Never looks beyond the payload. */
int signer_request_get(struct range payload, struct signer_request *request_r, struct err *error_r);

struct signer_answer {
	int outcome;           /* 1 done, 0 wait, -1 refused */
	struct range text;     /* done: armor, fields or JSON; otherwise the reason */
	struct seal_plan plan; /* PLAN done */
};
void signer_answer_put(struct buf *out, enum signer_kind kind, const struct signer_answer *answer);
int signer_answer_get(struct range payload, enum signer_kind kind, struct signer_answer *answer_r,
    struct err *error_r);

#endif
