/*
 * fuzz_header: header blocks read, and each value written again: it must stay one field.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mtagw/mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_one_field(struct buf *out, struct arena *arena)
{
	struct header header;
	struct range body;

	if (header_parse(buf_range(out), arena, &header, &body, NULL) != 1 || header.count != 1 ||
	    body.len != 0)
		abort();
	for (size_t i = 0; i < out->len; i++) {
		if ((unsigned char)out->data[i] > 126)
			abort();
	}
	buf_reset(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct header header;
	struct range body;
	struct buf out = {0};
	char *text = arena_strndup(arena, (const char *)data, size);
	struct mailbox box = {text, {text, "dumai.example"}};

	if (header_parse((struct range){(const char *)data, size}, arena, &header, &body, NULL) ==
	    1) {
		for (size_t i = 0; i < header.count && i < 100; i++) {
			const char *name = arena_strndup(
			    arena, header.fields[i].name.p, header.fields[i].name.len);

			header_put_text(&out, "Subject", header_text(&header, name, arena));
			must_be_one_field(&out, arena);
		}
	}
	header_put_text(&out, "Subject", text);
	must_be_one_field(&out, arena);
	header_put_raw(&out, "References", text);
	must_be_one_field(&out, arena);
	header_put_mailboxes(&out, "To", &box, 1);
	must_be_one_field(&out, arena);
	buf_puts(&out, "Content-Type: text/plain");
	header_put_param(&out, "name", text);
	buf_puts(&out, "\r\n");
	must_be_one_field(&out, arena);
	buf_free(&out);
	arena_free(&arena);
	return 0;
}
