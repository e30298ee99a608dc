/* pieces: a composed message as a list of byte ranges, fresh ones and parts of stored bodies
 * (DESIGN 14.2). */
#ifndef MAIL_PIECES_H
#define MAIL_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/mem.h"

/* bytes always points at the bytes in memory; body_id 0 says that they are new (stored as part of
 * the message's own literal body), else they are the stored body's bytes from offset. */
struct piece {
	struct range bytes;
	int64_t body_id;
	uint64_t offset;
};
struct pieces {
	struct arena *arena; /* holds the list and the literal bytes */
	struct piece *list;
	size_t count, size;
};

/* An empty list whose memory comes from the arena. */
struct pieces *pieces_new(struct arena *arena);
/* Adds a copy of the bytes; neighbours that are literal are merged only by the store. */
void pieces_add(struct pieces *pieces, const void *data, size_t len);
void pieces_puts(struct pieces *pieces, const char *text);
__attribute__((format(printf, 2, 3))) void pieces_printf(
    struct pieces *pieces, const char *format, ...);
/* Adds a range of a stored body, not copied: bytes must live as long as the arena. */
void pieces_add_stored(struct pieces *pieces, struct range bytes, int64_t body_id, uint64_t offset);
void pieces_add_all(struct pieces *pieces, const struct pieces *other);
uint64_t pieces_len(const struct pieces *pieces);
/* Appends all bytes: small messages and tests. */
void pieces_flatten(const struct pieces *pieces, struct buf *out);

#endif
