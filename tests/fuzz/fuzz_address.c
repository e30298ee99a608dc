/*
 * fuzz_address: envelope paths and address lists; what is taken formats and parses to itself.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range text = {(const char *)data, size}, rest;
	struct arena *arena = arena_new();
	struct address a, again;
	struct mailbox *list;
	size_t n;

	if (address_path(text, size & 1, arena, &a, &rest, NULL) == 1 && a.domain[0] != '\0') {
		const char *formatted = address_format(&a, arena);

		if (address_parse_utf8(range_of(formatted), arena, &again, NULL) != 1 ||
		    !address_equal(&a, &again))
			abort();
	}
	if (address_list(text, arena, &list, &n, NULL) == 1) {
		for (size_t i = 0; i < n; i++) {
			if (strpbrk(address_format(&list[i].address, arena), "\r\n") != NULL ||
			    strpbrk(list[i].name, "\r\n") != NULL)
				abort();
		}
	}
	arena_free(&arena);
	return 0;
}
