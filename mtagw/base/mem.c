/*
 * mem: memory. Plain allocation aborts the process when the system has none left, because no
 * caller could do better; what comes from peers is bounded before it is allocated. An arena is a
 * list of blocks, freed as a whole when its session, message or letter ends.
 */
#include "mtagw/base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small enough for an idle session, large enough that a message needs a handful of blocks. */
#define ARENA_BLOCK_BYTES 4000

struct block {
	struct block *next;
	size_t used, size; /* bytes of data */
	_Alignas(max_align_t) char data[];
};

struct hook {
	struct hook *next;
	void (*fn)(void *);
	void *p;
};

struct arena {
	struct block *blocks; /* the first one is filled, the others are full */
	struct hook *hooks;   /* latest first */
};

static void no_memory(size_t size)
{
	(void)fprintf(stderr, "fatal: no memory for %zu bytes\n", size);
	abort();
}

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (p == NULL)
		no_memory(size);
	return p;
}

void *mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (p == NULL)
		no_memory(size);
	return p;
}

void *mem_realloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (p == NULL)
		no_memory(size);
	return p;
}

char *mem_strndup(const char *s, size_t n)
{
	char *p = mem_alloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *mem_printf(const char *format, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, format);
	n = vasprintf(&p, format, ap);
	va_end(ap);
	if (n < 0)
		no_memory(0);
	return p;
}

void mem_wipe(void *p, size_t size)
{
	explicit_bzero(p, size);
}

struct arena *arena_new(void)
{
	return mem_zalloc(sizeof(struct arena));
}

void arena_free(struct arena **arenap)
{
	struct arena *arena = *arenap;

	*arenap = NULL;
	if (arena == NULL)
		return;
	for (struct hook *h = arena->hooks; h != NULL; h = h->next)
		h->fn(h->p);
	for (struct block *b = arena->blocks, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t need = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	struct block *b = arena->blocks;
	void *p;

	if (b == NULL || b->size - b->used < need) {
		size_t room = need > ARENA_BLOCK_BYTES / 4 ? need : ARENA_BLOCK_BYTES;
		struct block *fresh = mem_alloc(sizeof(*fresh) + room);

		fresh->used = 0;
		fresh->size = room;
		if (b != NULL &&
		    room != ARENA_BLOCK_BYTES) { /* keep filling the block at the head */
			fresh->next = b->next;
			b->next = fresh;
		} else {
			fresh->next = b;
			arena->blocks = fresh;
		}
		b = fresh;
	}
	p = b->data + b->used;
	b->used += need;
	return memset(p, 0, size);
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
	char *p = arena_alloc(arena, n + 1);

	memcpy(p, s, n);
	return p;
}

void *arena_memdup(struct arena *arena, const void *p, size_t size)
{
	return memcpy(arena_alloc(arena, size), p, size);
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		no_memory(0);
	p = arena_alloc(arena, (size_t)n + 1);
	(void)vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return p;
}

void arena_on_free(struct arena *arena, void (*fn)(void *), void *p)
{
	struct hook *h = arena_alloc(arena, sizeof(*h));

	h->fn = fn;
	h->p = p;
	h->next = arena->hooks;
	arena->hooks = h;
}
