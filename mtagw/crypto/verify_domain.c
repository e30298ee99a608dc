/*
 * verify_domain: which domains belong together, by the public suffix list (libpsl's door). The
 * list is the distribution's, newer than the library where its package is. libopendmarc has a
 * reader of that list too; it takes a public suffix for aligned with all below it, so it is not
 * asked.
 */
#include <string.h>
#include <strings.h>

#include <libpsl.h>

#include "mtagw/crypto/verify_private.h"

const char *verify_organisation(const char *domain)
{
	static psl_ctx_t *list;
	const char *registered;

	if (!list)
		list = psl_latest(NULL);
	registered = list ? psl_registrable_domain(list, domain) : NULL;
	return registered ? registered : domain;
}

bool verify_aligned(const char *a, const char *b, bool strict)
{
	if (!*a || !*b)
		return false;
	if (strcasecmp(a, b) == 0)
		return true;
	return !strict && strcmp(verify_organisation(a), verify_organisation(b)) == 0;
}
