/* param: `value; name=value; ...` of Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2231).
 */
#ifndef MAIL_PARAM_H
#define MAIL_PARAM_H

#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/mem.h"

#define PARAM_MAX                                                                      \
	100 /* parameters kept per field: mail has under ten; looking one up is linear \
	     */

struct param {
	const char *name;   /* lower case, with RFC 2231's stars */
	struct range value; /* unquoted, not decoded */
};
struct params {
	const char *first; /* what stands before the first `;`, lower case, no blanks or comments */
	struct param list[PARAM_MAX];
	size_t count;
};

/* Reads what can be read: empty parameters and rubbish are passed over. All memory from the arena.
 */
struct params *param_parse(struct range field_value, struct arena *arena);
/* The value decoded to UTF-8 in one clean line: RFC 2231 forms first, then the plain one with RFC
 * 2047 words (against the RFC, but in use). NULL when absent. */
const char *param_text(const struct params *params, const char *name, struct arena *arena);
/* The plain value as it is (boundary, charset, format); NULL when absent. */
const char *param_raw(const struct params *params, const char *name, struct arena *arena);

#endif
