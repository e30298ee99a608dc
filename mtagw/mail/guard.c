/*
 * guard: what a message may ask of the programs behind (DESIGN 6): size, header, fields, nesting,
 * parts, and no NUL. Runs over the bytes as DATA brings them, so that a message over a limit is
 * refused before it is stored. Received hops are counted by intake, line ends and line length by
 * smtp.
 */
#include "mtagw/mail/guard.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/outline.h"

struct guard {
	struct guard_limits limits;
	struct outline *outline;
	uint64_t bytes;
	bool failed;
};

struct guard *guard_new(const struct guard_limits *limits)
{
	struct guard *guard = mem_zalloc(sizeof(*guard));

	guard->limits = *limits;
	guard->outline = outline_new(NULL, NULL);
	return guard;
}

void guard_free(struct guard **guard)
{
	if (*guard == NULL)
		return;
	outline_free(&(*guard)->outline);
	free(*guard);
	*guard = NULL;
}

static uint64_t lines_before(const char *data, const char *at)
{
	uint64_t n = 0;

	while ((data = memchr(data, '\n', (size_t)(at - data))) != NULL) {
		n++;
		data++;
	}
	return n;
}

int guard_feed(struct guard *guard, const void *data, size_t len, struct err *error_r)
{
	const char *nul;

	if (guard->failed)
		return err_set(error_r, "the message was refused before");
	guard->failed = true;
	guard->bytes += len;
	if (guard->bytes > guard->limits.message_max)
		return err_set(error_r, "message larger than %llu bytes",
		    (unsigned long long)guard->limits.message_max);
	if (len == 0) {
		guard->failed = false;
		return 1;
	}
	/* RFC 5322 4: NUL is no character of a message; 8BITMIME does not carry it either (RFC
	 * 2045 2.8) */
	nul = memchr(data, '\0', len);
	if (nul != NULL)
		return err_set(error_r, "NUL byte at line %llu",
		    (unsigned long long)outline_line(guard->outline) + lines_before(data, nul));
	if (outline_feed(guard->outline, (struct range){data, len}, error_r) < 0)
		return -1;
	guard->failed = false;
	return 1;
}

int guard_check(struct range message, const struct guard_limits *limits, struct err *error_r)
{
	struct guard *guard = guard_new(limits);
	int result = guard_feed(guard, message.p, message.len, error_r);

	guard_free(&guard);
	return result;
}
