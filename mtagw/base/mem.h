/* mem: allocation that stops the process on no memory, and arenas for things that end together. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* malloc/calloc/realloc/strdup that never return NULL (no memory is fatal, STYLE 25).
 * The caller frees the result with free(). */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
__attribute__((format(printf, 1, 2))) char *mem_printf(const char *format, ...);

/* Overwrites a secret in a way the compiler cannot drop (STYLE 21). */
void mem_wipe(void *p, size_t size);

/* Everything allocated from an arena lives until arena_free and is never freed alone (STYLE 18). */
struct arena;
struct arena *arena_new(void);
/* Frees all of it; takes the pointer's address, accepts a NULL, clears it. */
void arena_free(struct arena **arena);
/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_memdup(struct arena *arena, const void *p, size_t size);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t n);
__attribute__((format(printf, 2, 3))) char *arena_printf(
    struct arena *arena, const char *format, ...);
/* Calls fn(p) when the arena is freed (latest first): for foreign objects that live with it. */
void arena_on_free(struct arena *arena, void (*fn)(void *), void *p);

#endif
