/*
 * Fuzzes the search for signed parts in mail that the guard let through: what is called signed lies
 * inside the message, the list is bounded, and what can be looked at has a signature.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/crypto/verify_signed.h"
#include "mtagw/mail/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guard_limits limits = {.message_max = size};
	struct range message = {(const char *)data, size};
	struct arena *arena = arena_new();
	const struct signed_part *list;
	struct mime_part *root;
	size_t count;

	if (guard_check(message, &limits, NULL) > 0 &&
	    mime_parse(message, arena, &root, NULL) > 0) {
		count = signed_parts_find(root, arena, &list);
		if (count > VERDICT_SIGNATURES_MAX)
			abort();
		for (size_t i = 0; i < count; i++) {
			struct range c = list[i].content;

			if (!list[i].missing || !list[i].defect)
				abort();
			if (!*list[i].defect && !list[i].signature)
				abort();
			if (c.len > 0 && (c.p < message.p || c.p + c.len > message.p + message.len))
				abort();
		}
	}
	arena_free(&arena);
	return 0;
}
