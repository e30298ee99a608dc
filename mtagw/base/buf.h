/* buf: a growing byte buffer, always followed by a NUL, and ranges of bytes owned by others. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that belong to somebody else; p may be NULL when len is 0. */
struct range {
	const char *p;
	size_t len;
};

/* Start with `struct buf b = {0};`, end with buf_free. */
struct buf {
	char *data;  /* NUL after len; NULL while nothing was appended */
	size_t len;  /* bytes, the NUL not counted */
	size_t size; /* bytes allocated */
};

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_puts(struct buf *buf, const char *s);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *buf, const char *format, ...);
/* Makes room for len more bytes and returns where they go; the caller adds to buf->len. */
char *buf_room(struct buf *buf, size_t len);
/* One byte; inline, for texts are often built of them. */
static inline void buf_putc(struct buf *buf, char c)
{
	char *p = buf->len + 1 < buf->size ? buf->data + buf->len : buf_room(buf, 1);

	p[0] = c;
	p[1] = '\0';
	buf->len++;
}
/* The text ("" when nothing was appended). Valid until the next change. */
const char *buf_str(const struct buf *buf);
/* Forgets the bytes, keeps the memory. */
void buf_reset(struct buf *buf);
void buf_free(struct buf *buf);
/* Hands the memory to the caller, who frees it; the buffer is empty afterwards. Never NULL. */
char *buf_steal(struct buf *buf);

struct range range_of(const char *s);
struct range buf_range(const struct buf *buf);
bool range_equal(struct range a, struct range b);
/* ASCII case ignored. */
bool range_equal_case(struct range a, const char *s);
/* Without spaces, tabs, CR and LF at both ends. */
struct range range_trim(struct range r);

#endif
