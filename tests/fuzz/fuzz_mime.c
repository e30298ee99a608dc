/*
 * fuzz_mime: guard, then parse, decode, choose, look at it as a letter's source and enclose
 * everything; what the guard passes must parse.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mtagw/mail/compose.h"
#include "mtagw/mail/guard.h"
#include "mtagw/mail/mime.h"
#include "mtagw/office/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_all(const struct mime_part *part, int depth, void *ctx)
{
	const struct range *message = ctx;
	struct buf out = {0};

	if (depth > 2 * GUARD_NESTING_MAX || part->whole.p < message->p ||
	    part->whole.p + part->whole.len > message->p + message->len ||
	    part->headers.p != part->whole.p ||
	    part->body.p < part->headers.p + part->headers.len ||
	    part->body.p + part->body.len != part->whole.p + part->whole.len)
		abort();
	(void)mime_decode(part, &out, NULL);
	buf_reset(&out);
	(void)mime_text(part, &out, NULL);
	buf_free(&out);
}

/* The guard must say the same however the bytes are cut. */
static int guard_by_bytes(struct range message, const struct guard_limits *limits)
{
	struct guard *guard = guard_new(limits);
	int result = 1;

	for (size_t i = 0; i < message.len && result > 0; i++)
		result = guard_feed(guard, message.p + i, 1, NULL);
	guard_free(&guard);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct guard_limits limits = {.message_max = 1 << 20};
	struct range message = {(const char *)data, size};
	const struct mime_part **list;
	const char *what;
	struct mime_part *root;
	struct arena *arena;
	struct pieces *pieces;
	struct buf out = {0};
	int passed = guard_check(message, &limits, NULL);

	if (guard_by_bytes(message, &limits) != passed)
		abort();
	if (passed < 0 || size == 0)
		return 0;
	arena = arena_new();
	if (mime_parse(message, arena, &root, NULL) < 0)
		abort();
	mime_walk(root, decode_all, &message);
	(void)mime_main_text(root, arena);
	(void)source_problem(root, arena, &what);
	(void)source_signed(root, arena);
	(void)source_text(root, arena);
	pieces = pieces_new(arena);
	for (size_t i = 0, n = mime_enclosures(root, arena, &list); i < n; i++)
		compose_enclosure(pieces, list[i], list[i]->filename, message, 1);
	pieces_flatten(pieces, &out);
	for (size_t i = 0; i < out.len; i++) {
		if ((unsigned char)out.data[i] > 126)
			abort();
	}
	buf_free(&out);
	arena_free(&arena);
	return 0;
}
