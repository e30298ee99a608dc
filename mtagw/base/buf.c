/*
 * buf: a growing byte buffer and byte ranges. Growth doubles; the caller bounds what it appends.
 */
#include "mtagw/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/mem.h"

char *buf_room(struct buf *buf, size_t len)
{
	size_t need = buf->len + len + 1;

	if (need > buf->size) {
		size_t size = buf->size ? buf->size * 2 : 128;

		while (size < need)
			size *= 2;
		buf->data = mem_realloc(buf->data, size);
		buf->size = size;
	}
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
	char *p = buf_room(buf, len);

	if (len > 0)
		memcpy(p, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *s)
{
	buf_append(buf, s, strlen(s));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	size_t room = buf->size - buf->len;
	va_list ap, again;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n >= room)
		(void)vsnprintf(buf_room(buf, (size_t)n), (size_t)n + 1, format, again);
	buf->len += n > 0 ? (size_t)n : 0;
	va_end(again);
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

char *buf_steal(struct buf *buf)
{
	char *p = buf->data ? buf->data : mem_strdup("");

	*buf = (struct buf){0};
	return p;
}

struct range range_of(const char *s)
{
	return (struct range){s, s ? strlen(s) : 0};
}

struct range buf_range(const struct buf *buf)
{
	return (struct range){buf_str(buf), buf->len};
}

bool range_equal(struct range a, struct range b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool range_equal_case(struct range a, const char *s)
{
	return a.len == strlen(s) && (a.len == 0 || strncasecmp(a.p, s, a.len) == 0);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct range range_trim(struct range r)
{
	while (r.len > 0 && is_blank(r.p[0])) {
		r.p++;
		r.len--;
	}
	while (r.len > 0 && is_blank(r.p[r.len - 1]))
		r.len--;
	return r;
}
