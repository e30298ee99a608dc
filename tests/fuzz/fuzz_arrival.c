/* A mail from outside read as a letter: its quoted numbers, dates and forwards. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/guard.h"
#include "mtagw/office/arrival.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct guard_limits limits = {.message_max = 1 << 20};
	struct arena *arena = arena_new();
	char *text = arena_strndup(arena, (const char *)data, size);
	struct arrival_forward forward;
	const char *const *numbers;
	struct mime_part *root;
	struct err err;
	size_t count = arrival_numbers(text, ARRIVAL_NUMBERS_MAX, arena, &numbers);
	const char *day = arrival_date(text, arena);

	if (count > ARRIVAL_NUMBERS_MAX || (day != NULL && strlen(day) != 10))
		abort();
	for (size_t i = 0; i < count; i++)
		if (strlen(numbers[i]) > 80 || strchr(numbers[i], '/') == NULL)
			abort();
	if (guard_check((struct range){(const char *)data, size}, &limits, NULL) == 1 &&
	    mime_parse((struct range){(const char *)data, size}, arena, &root, &err) == 1 &&
	    arrival_forwarded(root, arena, &forward) == 1 && forward.part == NULL &&
	    strchr(forward.address, '@') == NULL)
		abort();
	arena_free(&arena);
	return 0;
}
