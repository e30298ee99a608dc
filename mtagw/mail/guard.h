/* guard: limits checked on the bytes as they arrive, before libetpan sees any (DESIGN 6). */
#ifndef MAIL_GUARD_H
#define MAIL_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"

/* Each bound has its reason in crypto-and-store measurements: libetpan recurses and is quadratic in nesting. */
#define GUARD_HEADER_MAX_BYTES (256 * 1024)
#define GUARD_FIELD_MAX_BYTES (64 * 1024)
#define GUARD_NESTING_MAX 20
#define GUARD_PARTS_MAX 1000
#define GUARD_RECEIVED_MAX 25 /* hops, RFC 5321 6.3 wants at least 100 only where loops are else undetected; the office's own bound */

struct guard_limits {
	uint64_t message_max; /* bytes */
};
struct guard;
struct guard *guard_new(const struct guard_limits *limits);
/* Bytes of the message in any cut, CRLF line ends. 1 fine so far, -1 over a limit: error_r says which and where (line). After -1 it
 * stays -1. Linear time, constant memory apart from the list of open boundaries. */
int guard_feed(struct guard *guard, const void *data, size_t len, struct err *error_r);
void guard_free(struct guard **guard);
/* The same on a whole message. */
int guard_check(struct range message, const struct guard_limits *limits, struct err *error_r);

#endif
