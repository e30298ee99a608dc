/* address: mailboxes of RFC 5321 (envelope) and RFC 5322 (header fields). */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"

/* local: unquoted form; domain: lower case (of ASCII), "" for the bare `postmaster` of RFC
 * 5321 4.5.1. Both "" is the null sender. Strings live in the arena of the call. */
struct address {
	const char *local;
	const char *domain;
};

/* A path as in `MAIL FROM:<a@b>` (the text starts at `<`): fills address_r and rest_r (what stands
 * after `>`, for parameters). Accepts and drops a source route (RFC 5321 4.1.2, appendix C); `<>`
 * only where null_ok; `<postmaster>` only where !null_ok. Limits of RFC 5321 4.5.3.1: local 64,
 * domain 255. Printable ASCII, or well-formed UTF-8 (RFC 6531 3.3), of which address_is_ascii tells
 * the one from the other; CR, LF, NUL and what is not shown to people (direction overrides) never.
 */
int address_path(struct range text, bool null_ok, struct arena *arena, struct address *address_r,
    struct range *rest_r, struct err *error_r);
/* A bare addr-spec, `a@b`, ASCII only: the ones we write to and write into headers. */
int address_parse(
    struct range text, struct arena *arena, struct address *address_r, struct err *error_r);
/* The same with UTF-8: the ones that others have. */
int address_parse_utf8(
    struct range text, struct arena *arena, struct address *address_r, struct err *error_r);
bool address_is_ascii(const struct address *address);
/* `a@b`, local part quoted where needed, "" for null. In the arena. */
const char *address_format(const struct address *address, struct arena *arena);
/* Domain and local part without regard to ASCII case (our own addresses are case-blind). */
bool address_equal(const struct address *a, const struct address *b);
/* Local part before the first '+' and the detail behind it (NULL when none), in the arena. */
const char *address_base(const struct address *address, struct arena *arena, const char **detail_r);

struct mailbox {
	const char *name; /* UTF-8, decoded, may be "" */
	struct address address;
};
/* A list as in From/To/Cc/Reply-To, groups flattened, by libetpan's mailimf: 1 with list_r, 0 when
 * empty, -1 malformed (also: an address that address_parse_utf8 refuses, a quoted local part with
 * blanks, comments nested deeper than 50). Addresses may be UTF-8 (RFC 6532 3.2). */
int address_list(struct range value, struct arena *arena, struct mailbox **list_r, size_t *count_r,
    struct err *error_r);

#endif
