/* guard: limits checked on the bytes as they arrive, before any parser sees them (DESIGN 6). */
#ifndef MAIL_GUARD_H
#define MAIL_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"

/* Far above what mail programs write (a header of 20 KiB is rare), low enough that lists of one
 * field stay small. */
#define GUARD_HEADER_MAX_BYTES (256 * 1024)
#define GUARD_FIELD_MAX_BYTES (64 * 1024)
/* Multiparts and messages open inside each other; parsers recurse once per level or search the rest
 * of the message again. */
#define GUARD_NESTING_MAX 20
#define GUARD_PARTS_MAX 1000
/* Fields of all header blocks together: each costs a few hundred bytes of memory once parsed, three
 * bytes on the line. */
#define GUARD_FIELDS_MAX 20000
/* Hops: a message with 25 Received fields passes, 26 are refused as a loop (5.4.6). RFC 5321 6.3
 * suggests 100 for a simple count; an office's mail has under ten, and a loop is ended sooner. */
#define GUARD_RECEIVED_MAX 25

struct guard_limits {
	uint64_t message_max; /* bytes */
};
struct guard;
/* A guard for one message; limits are copied. */
struct guard *guard_new(const struct guard_limits *limits);
/* Bytes of the message in any cut, CRLF line ends. 1 fine so far, -1 over a limit or at a NUL:
 * error_r says which and where (line). After -1 it stays -1. Linear time; memory: the open
 * boundaries and at most one cut line of GUARD_FIELD_MAX_BYTES. */
int guard_feed(struct guard *guard, const void *data, size_t len, struct err *error_r);
void guard_free(struct guard **guard);
/* The same on a whole message. */
int guard_check(struct range message, const struct guard_limits *limits, struct err *error_r);

#endif
