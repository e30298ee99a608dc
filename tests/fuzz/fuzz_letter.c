/*
 * fuzz_letter: mail text as the body of letter.xml. Whatever was typed, the stored document can be
 * read back and has the same hash; and bytes that were not written by letter_xml are read or
 * refused.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/office/letter_xml.h"
#include "mtagw/office/text_wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const char *text, struct arena *arena)
{
	struct letter letter = {.type = "ordinary_letter",
	    .scope = SCOPE_OUTSIDE,
	    .position = "a",
	    .agency = "A",
	    .capacity = "substantive",
	    .subject = "Hal",
	    .summary = "",
	    .body_text = text};
	struct letter stored;
	struct buf first = {0}, second = {0}, lines = {0};
	uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
	struct err err = {0};

	if (letter_xml_canonical(&letter, a, &first, &err) != 1 ||
	    letter_xml_read(buf_range(&first), arena, &stored, &err) != 1 ||
	    letter_xml_canonical(&stored, b, &second, &err) != 1 || memcmp(a, b, sizeof(a)) != 0)
		abort();
	text_wrap(range_of(text), &lines);
	buf_free(&first);
	buf_free(&second);
	buf_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct letter letter;
	struct err err = {0};

	if (size > 0 && data[0] == '<')
		(void)letter_xml_read(
		    (struct range){(const char *)data, size}, arena, &letter, &err);
	else
		round_trip(arena_strndup(arena, (const char *)data, size), arena);
	arena_free(&arena);
	return 0;
}
