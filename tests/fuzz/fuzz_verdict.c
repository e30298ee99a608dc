/*
 * Fuzzes what comes over mtagw-verify's socket, both ways: a question decodes to bounded text and
 * encodes to the same bytes again; verdicts that are read (from an answer or from a row) come back
 * the same after a writing, and have a level.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/crypto/verify_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void question(struct range payload)
{
	struct verify_head head;
	struct buf again = {0};
	struct err err;

	if (verify_head_get(payload, 1 << 20, &head, &err) > 0) {
		verify_head_put(&again, &head);
		if (!range_equal(buf_range(&again), payload) || head.size > 1 << 20 ||
		    head.sender.len > VERIFY_TEXT_MAX)
			abort();
	}
	buf_free(&again);
}

static void written_again(const struct verdicts *v, struct arena *arena)
{
	struct buf once = {0}, twice = {0};
	struct verdicts same;
	struct err err;

	if (!*verdicts_level(v) || v->dkim_count > VERDICT_DKIM_MAX ||
	    v->signature_count > VERDICT_SIGNATURES_MAX)
		abort();
	verdicts_json(v, &once);
	if (verdicts_read(buf_str(&once), arena, &same, &err) != 1)
		abort();
	verdicts_json(&same, &twice);
	if (!range_equal(buf_range(&once), buf_range(&twice)))
		abort();
	buf_free(&once);
	buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct range payload;
	struct verdicts verdicts;
	struct err err;

	if (size > 0) {
		payload = (struct range){(const char *)data + 1, size - 1};
		if (*data % 3 == 0)
			question(payload);
		else if (*data % 3 == 1 && verify_reply_get(payload, arena, &verdicts, &err) > 0)
			written_again(&verdicts, arena);
		else if (*data % 3 == 2 &&
		         verdicts_read(arena_strndup(arena, payload.p, payload.len), arena,
		             &verdicts, &err) > 0)
			written_again(&verdicts, arena);
	}
	arena_free(&arena);
	return 0;
}
