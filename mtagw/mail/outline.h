/* outline: finds the parts of a message in bytes as they arrive. Guard and mime share it, so that
 * what was checked is what is parsed. */
#ifndef MAIL_OUTLINE_H
#define MAIL_OUTLINE_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"

/* All offsets are bytes from the start of the message. Calls nest: begin, body, (begin ... end)*,
 * end. */
struct outline_cbs {
	/* A part starts with its headers; digest: its default type is message/rfc822. */
	void (*begin)(uint64_t offset, int digest, void *ctx);
	/* Its headers end at headers_end, its body begins at body (behind the empty line, where
	 * there is one). */
	void (*body)(uint64_t headers_end, uint64_t body, void *ctx);
	/* It ended; the line end before the delimiter is not its own (RFC 2046 5.1.1). */
	void (*end)(uint64_t offset, void *ctx);
};

struct outline;
/* cbs NULL: only the limits of guard.h are checked. ctx is handed to each callback. */
struct outline *outline_new(const struct outline_cbs *cbs, void *ctx);
/* 1, or -1 over a limit (and ever after): error_r names limit and line. Callbacks run inside the
 * call. */
int outline_feed(struct outline *outline, struct range data, struct err *error_r);
/* The message is complete: its last line, and the end of every open part. 1 or -1 as above. */
int outline_finish(struct outline *outline, struct err *error_r);
/* The number of the line that is being read, from 1. */
uint64_t outline_line(const struct outline *outline);
void outline_free(struct outline **outline);

#endif
