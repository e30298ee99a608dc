/*
 * signer_msg: what router, clerk and mtagwctl say to signd and what it answers, as payloads of ipc
 * frames. Decoding checks every bound and every character that later code relies on; encoding is of
 * values that our own code made. Both sides use this file, so there is one description of the
 * format: the order of the put and get calls. Knows neither sockets nor keys.
 */
#include "mtagw/crypto/signer_msg.h"

#include <string.h>

#include "mtagw/base/ipc.h"

static void put_range(struct buf *out, struct range r)
{
	ipc_put_bytes(out, r.p, r.len);
}

static void put_plan(struct buf *out, const struct seal_plan *plan)
{
	ipc_put_str(out, plan->fingerprint);
	ipc_put_str(out, plan->primary);
	ipc_put_u8(out, (uint8_t)plan->algorithm);
	ipc_put_u64(out, (uint64_t)plan->at_secs);
	ipc_put_bytes(out, plan->hashed, plan->hashed_len);
}

/* Printable text of at most max bytes; UTF-8 is let through. */
static struct range get_text(struct ipc_reader *r, size_t max)
{
	struct range text = ipc_get_bytes(r);

	if (text.len > max)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 127)
			r->bad = true;
	if (r->bad)
		text = (struct range){0};
	return text;
}

static void get_fixed(struct ipc_reader *r, void *out, size_t len)
{
	struct range bytes = ipc_get_bytes(r);

	if (r->bad || bytes.len != len)
		r->bad = true;
	else
		memcpy(out, bytes.p, len);
}

static int64_t get_time(struct ipc_reader *r)
{
	uint64_t at = ipc_get_u64(r);

	if (at > SIGNER_TIME_MAX) {
		r->bad = true;
		return 0;
	}
	return (int64_t)at;
}

static void get_fingerprint(struct ipc_reader *r, char out[41])
{
	get_fixed(r, out, 40);
	out[40] = '\0';
	for (int i = 0; !r->bad && i < 40; i++)
		if (!((out[i] >= '0' && out[i] <= '9') || (out[i] >= 'A' && out[i] <= 'F')))
			r->bad = true;
}

/* A plan is known by four values; its hashed area travels too, and must be the one they make. */
static void get_plan(struct ipc_reader *r, struct seal_plan *plan)
{
	char fingerprint[41] = "", primary[41] = "";
	struct range hashed;
	int64_t at_secs;
	int algorithm;

	get_fingerprint(r, fingerprint);
	get_fingerprint(r, primary);
	algorithm = ipc_get_u8(r);
	at_secs = get_time(r);
	hashed = ipc_get_bytes(r);
	if (algorithm != SEAL_RSA && algorithm != SEAL_EDDSA)
		r->bad = true;
	if (r->bad)
		return;
	seal_plan_make(plan, fingerprint, primary, algorithm, at_secs);
	if (!range_equal(hashed, (struct range){(const char *)plan->hashed, plan->hashed_len}))
		r->bad = true;
}

void signer_request_put(struct buf *out, const struct signer_request *request)
{
	ipc_put_u8(out, SIGNER_VERSION);
	ipc_put_u8(out, (uint8_t)request->kind);
	switch (request->kind) {
	case SIGNER_PLAN:
		put_range(out, request->from);
		ipc_put_u64(out, (uint64_t)request->at_secs);
		break;
	case SIGNER_SIGN:
		put_range(out, request->from);
		put_plan(out, &request->plan);
		ipc_put_bytes(out, request->digest, sizeof(request->digest));
		break;
	case SIGNER_DKIM:
		put_range(out, request->from);
		ipc_put_u64(out, (uint64_t)request->at_secs);
		put_range(out, request->header_block);
		ipc_put_bytes(out, request->digest, sizeof(request->digest));
		break;
	case SIGNER_ADMIN:
		put_range(out, request->verb);
		for (int i = 0; i < SIGNER_ARGS; i++)
			put_range(out, request->args[i]);
		break;
	}
}

int signer_request_get(struct range payload, struct signer_request *request_r, struct err *error_r)
{
	struct ipc_reader r = ipc_reader_of(payload);
	unsigned version = ipc_get_u8(&r), kind = ipc_get_u8(&r);

	memset(request_r, 0, sizeof(*request_r));
	if (version != SIGNER_VERSION)
		return err_set(
		    error_r, "signer request of version %u, not %d", version, SIGNER_VERSION);
	if (kind < SIGNER_PLAN || kind > SIGNER_ADMIN)
		return err_set(error_r, "signer request of unknown kind %u", kind);
	request_r->kind = kind;
	if (request_r->kind == SIGNER_ADMIN) {
		request_r->verb = get_text(&r, SIGNER_VERB_MAX);
		for (int i = 0; i < SIGNER_ARGS; i++)
			request_r->args[i] = get_text(&r, SIGNER_ARG_MAX);
	} else {
		request_r->from = get_text(&r, SIGNER_ADDRESS_MAX);
	}
	if (request_r->kind == SIGNER_PLAN || request_r->kind == SIGNER_DKIM)
		request_r->at_secs = get_time(&r);
	if (request_r->kind == SIGNER_DKIM) {
		request_r->header_block = ipc_get_bytes(&r);
		r.bad |= request_r->header_block.len > SIGNER_HEADER_MAX;
	}
	if (request_r->kind == SIGNER_SIGN)
		get_plan(&r, &request_r->plan);
	if (request_r->kind == SIGNER_SIGN || request_r->kind == SIGNER_DKIM)
		get_fixed(&r, request_r->digest, sizeof(request_r->digest));
	if (!ipc_done(&r))
		return err_set(error_r, "signer request of kind %u is malformed", kind);
	return 1;
}

void signer_answer_put(struct buf *out, enum signer_kind kind, const struct signer_answer *answer)
{
	ipc_put_u8(out, SIGNER_VERSION);
	ipc_put_u8(out, (uint8_t)(answer->outcome + 1)); /* 0 refused, 1 wait, 2 done */
	if (kind == SIGNER_PLAN && answer->outcome > 0)
		put_plan(out, &answer->plan);
	else
		put_range(out, answer->text);
}

int signer_answer_get(struct range payload, enum signer_kind kind, struct signer_answer *answer_r,
    struct err *error_r)
{
	struct ipc_reader r = ipc_reader_of(payload);
	unsigned version = ipc_get_u8(&r), outcome = ipc_get_u8(&r);

	memset(answer_r, 0, sizeof(*answer_r));
	if (version != SIGNER_VERSION || outcome > 2)
		return err_set(
		    error_r, "signer answer of version %u, outcome %u", version, outcome);
	answer_r->outcome = (int)outcome - 1;
	if (kind == SIGNER_PLAN && answer_r->outcome > 0)
		get_plan(&r, &answer_r->plan);
	else if (answer_r->outcome <= 0)
		answer_r->text = get_text(&r, sizeof(((struct err *)0)->text));
	else
		answer_r->text = ipc_get_bytes(&r);
	if (!ipc_done(&r))
		return err_set(error_r, "signer answer is malformed");
	return 1;
}
