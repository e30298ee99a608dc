/* verdict: what is known about a message from outside, as data: SPF (RFC 7208), DKIM (RFC 6376),
 * DMARC (RFC 7489), OpenPGP and S/MIME. Computed once by mtagw-verify, stored, told to the reader
 * in one line, facts for policy (DESIGN 8). An unproven mail is never refused a reader; it is
 * refused authority. */
#ifndef CRYPTO_VERDICT_H
#define CRYPTO_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"

/* One DKIM signature. result: pass, fail, temperror, permerror, policy (RFC 8601 2.7.1; SHA-1 and
 * keys under 1024 bits are `policy`: they never pass, RFC 8301). */
struct verdict_dkim {
	const char *domain, *selector, *algorithm, *result, *reason;
	bool aligned; /* d= and the From domain belong to one organisation (relaxed alignment) */
};
/* One signature on content. result: good, bad, no_key, expired, revoked, partial (does not cover
 * all that is shown), stranger (good, by a key that does not belong to the From address), error. */
struct verdict_signature {
	const char *kind; /* openpgp, smime */
	const char *result, *fingerprint, *who, *reason;
};
/* All strings in the arena of whoever made it; "" where nothing is known, never NULL. */
struct verdicts {
	const char *from_domain; /* "" with no or several From */
	const char *spf,
	    *spf_domain; /* none, pass, fail, softfail, neutral, temperror, permerror */
	const char *dmarc,
	    *dmarc_policy; /* none, pass, fail, temperror, permerror; p= as published */
	const struct verdict_dkim *dkim;
	size_t dkim_count;
	const struct verdict_signature *signatures;
	size_t signature_count;
};
/* How much authority it has, for policy (`verdict=`), best first: signed (a good signature of the
 * From address over all that is shown), proven (a From-aligned DKIM pass, or DMARC pass), spf
 * (aligned SPF pass alone: DMARC may say pass by it too, this is the word where only the path is
 * proven), failed (DMARC fail, or a bad signature), unproven (anything else). A static string. */
const char *verdicts_level(const struct verdicts *verdicts);
/* As one JSON object with stable keys, for the store and `--json`; and back. -1 on what is not
 * that. */
void verdicts_json(const struct verdicts *verdicts, struct buf *out);
int verdicts_read(
    const char *json, struct arena *arena, struct verdicts *verdicts_r, struct err *error_r);

#endif
