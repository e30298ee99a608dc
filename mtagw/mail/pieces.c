/*
 * pieces: a composed message as a list of byte ranges. Literal bytes are copied into the arena;
 * ranges of stored bodies are only pointed at, so that a 20 MB enclosure exists once (DESIGN 14.2).
 * Does not write to the store and does not merge neighbours: the store does both.
 */
#include "mtagw/mail/pieces.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PIECES_FIRST 32 /* a letter with one enclosure needs about as many */

struct pieces *pieces_new(struct arena *arena)
{
	struct pieces *pieces = arena_alloc(arena, sizeof(*pieces));

	pieces->arena = arena;
	return pieces;
}

static void add(struct pieces *pieces, struct piece piece)
{
	if (piece.bytes.len == 0)
		return;
	if (pieces->count == pieces->size) {
		size_t size = pieces->size ? pieces->size * 2 : PIECES_FIRST;
		struct piece *list = arena_alloc(pieces->arena, size * sizeof(*list));

		if (pieces->count > 0)
			memcpy(list, pieces->list, pieces->count * sizeof(*list));
		pieces->list = list;
		pieces->size = size;
	}
	pieces->list[pieces->count++] = piece;
}

void pieces_add(struct pieces *pieces, const void *data, size_t len)
{
	if (len > 0)
		add(pieces, (struct piece){{arena_strndup(pieces->arena, data, len), len}, 0, 0});
}

void pieces_puts(struct pieces *pieces, const char *text)
{
	pieces_add(pieces, text, strlen(text));
}

void pieces_printf(struct pieces *pieces, const char *format, ...)
{
	struct buf text = {0};
	va_list ap, again;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n > 0) {
		(void)vsnprintf(buf_room(&text, (size_t)n), (size_t)n + 1, format, again);
		pieces_add(pieces, text.data, (size_t)n);
	}
	va_end(again);
	buf_free(&text);
}

void pieces_add_stored(struct pieces *pieces, struct range bytes, int64_t body_id, uint64_t offset)
{
	add(pieces, (struct piece){bytes, body_id, offset});
}

void pieces_add_all(struct pieces *pieces, const struct pieces *other)
{
	for (size_t i = 0; i < other->count; i++) {
		const struct piece *p = &other->list[i];

		if (p->body_id == 0 && other->arena != pieces->arena)
			pieces_add(pieces, p->bytes.p, p->bytes.len);
		else
			add(pieces, *p);
	}
}

uint64_t pieces_len(const struct pieces *pieces)
{
	uint64_t len = 0;

	for (size_t i = 0; i < pieces->count; i++)
		len += pieces->list[i].bytes.len;
	return len;
}

void pieces_flatten(const struct pieces *pieces, struct buf *out)
{
	for (size_t i = 0; i < pieces->count; i++)
		buf_append(out, pieces->list[i].bytes.p, pieces->list[i].bytes.len);
}
