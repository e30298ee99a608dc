/*
 * verify_msg: the payloads of mtagw-verify's socket. A question carries what SMTP knew of the
 * message; an answer is the JSON form of the verdicts, so that there is one description of them for
 * socket, store and `--json`. Both sides use this file. Knows neither sockets nor libraries.
 */
#include "mtagw/crypto/verify_msg.h"

#include "mtagw/base/ipc.h"

enum { VERIFY_HEAD = 1, VERIFY_TAKEN, VERIFY_ANSWER };

static void put_text(struct buf *out, struct range text)
{
	ipc_put_bytes(out, text.p, text.len < VERIFY_TEXT_MAX ? text.len : VERIFY_TEXT_MAX);
}

/* No controls: it may be logged, or handed to a C library as a string. */
static struct range get_text(struct ipc_reader *r)
{
	struct range text = ipc_get_bytes(r);

	if (text.len > VERIFY_TEXT_MAX)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 127)
			r->bad = true;
	if (r->bad)
		text = (struct range){0};
	return text;
}

void verify_head_put(struct buf *out, const struct verify_head *head)
{
	ipc_put_u8(out, VERIFY_VERSION);
	ipc_put_u8(out, VERIFY_HEAD);
	ipc_put_u64(out, head->size);
	put_text(out, head->peer_ip);
	put_text(out, head->helo);
	put_text(out, head->sender);
}

int verify_head_get(
    struct range payload, uint64_t size_max, struct verify_head *head_r, struct err *error_r)
{
	struct ipc_reader r = ipc_reader_of(payload);
	unsigned version = ipc_get_u8(&r), kind = ipc_get_u8(&r);

	*head_r = (struct verify_head){.size = ipc_get_u64(&r)};
	head_r->peer_ip = get_text(&r);
	head_r->helo = get_text(&r);
	head_r->sender = get_text(&r);
	if (version != VERIFY_VERSION || kind != VERIFY_HEAD)
		return err_set(error_r, "question of version %u, kind %u", version, kind);
	if (!ipc_done(&r))
		return err_set(error_r, "question is malformed");
	if (head_r->size > size_max)
		return err_set(error_r, "a message of %llu bytes; the bound is %llu",
		    (unsigned long long)head_r->size, (unsigned long long)size_max);
	return 1;
}

void verify_taken_put(struct buf *out)
{
	ipc_put_u8(out, VERIFY_VERSION);
	ipc_put_u8(out, VERIFY_TAKEN);
}

void verify_answer_put(struct buf *out, const struct verdicts *verdicts)
{
	struct buf json = {0};

	verdicts_json(verdicts, &json);
	ipc_put_u8(out, VERIFY_VERSION);
	ipc_put_u8(out, VERIFY_ANSWER);
	ipc_put_bytes(out, json.data, json.len);
	buf_free(&json);
}

int verify_reply_get(
    struct range payload, struct arena *arena, struct verdicts *verdicts_r, struct err *error_r)
{
	struct ipc_reader r = ipc_reader_of(payload);
	unsigned version = ipc_get_u8(&r), kind = ipc_get_u8(&r);
	struct range json;

	if (version == VERIFY_VERSION && kind == VERIFY_TAKEN && ipc_done(&r))
		return 0;
	json = ipc_get_bytes(&r);
	if (version != VERIFY_VERSION || kind != VERIFY_ANSWER || !ipc_done(&r))
		return err_set(
		    error_r, "answer of version %u, kind %u is malformed", version, kind);
	return verdicts_read(arena_strndup(arena, json.p, json.len), arena, verdicts_r, error_r);
}
