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

/* Bounds of the lists: more of a kind in one message is nobody's mail. */
#define VERDICT_DKIM_MAX 10
#define VERDICT_SIGNATURES_MAX 16

/* One DKIM signature. result: pass, fail, temperror, permerror, policy (RFC 8601 2.7.1: good in
 * itself, not accepted here: SHA-1 and RSA keys under 1024 bits (RFC 8301), l= at all, a key in
 * test mode, a header with two Subject or From fields). reason: "" for a plain pass.
 */
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
/* All strings in the arena of whoever made it; "" where nothing is known, never NULL. They are
 * UTF-8 without controls. */
struct verdicts {
	const char *from_domain;  /* "" with no or several From */
	const char *spf;          /* none, pass, fail, softfail, neutral, temperror, permerror */
	const char *spf_domain;   /* of the envelope sender, of HELO where that is null */
	bool spf_aligned;         /* spf_domain and the From domain belong to one organisation */
	const char *dmarc;        /* none, pass, fail, temperror, permerror */
	const char *dmarc_policy; /* none, quarantine, reject: what the owner wants done, as
	                             published (sp= where that is what holds) */
	const struct verdict_dkim *dkim;
	size_t dkim_count;
	const struct verdict_signature *signatures;
	size_t signature_count;
};
/* How much authority it has, for policy (`verdict=`); a static string, the first that fits:
 * signed (a good signature of the From address over all that is shown), failed (a bad signature,
 * or DMARC fail), proven (a From-aligned DKIM pass), spf (an aligned SPF pass alone, which DMARC
 * may call pass too: only the path is proven), unproven (anything else). */
const char *verdicts_level(const struct verdicts *verdicts);
/* Appends one JSON object with stable keys (the names above, and level), for the store and
 * `--json`. */
void verdicts_json(const struct verdicts *verdicts, struct buf *out);
/* And back: 1, or -1 on what is not that (a missing key, a word that is none of the above, too
 * long, too many). Never trusts its input. */
int verdicts_read(
    const char *json, struct arena *arena, struct verdicts *verdicts_r, struct err *error_r);

#endif
