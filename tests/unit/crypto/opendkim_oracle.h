/* opendkim_oracle: libopendkim as the judge of our DKIM signatures; keys come from a table, never
 * from DNS. */
#ifndef TEST_CRYPTO_OPENDKIM_ORACLE_H
#define TEST_CRYPTO_OPENDKIM_ORACLE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <opendkim/dkim.h>

/* selector and TXT record of each key; the domain is not looked at. */
struct oracle_key {
	const char *selector, *record;
};
static const struct oracle_key *oracle_keys;
static size_t oracle_key_count;

static DKIM_CBSTAT oracle_lookup(DKIM *dkim, DKIM_SIGINFO *sig, unsigned char *buf, size_t size)
{
	(void)dkim;
	for (size_t i = 0; i < oracle_key_count; i++)
		if (strcmp((char *)dkim_sig_getselector(sig), oracle_keys[i].selector) == 0) {
			snprintf((char *)buf, size, "%s", oracle_keys[i].record);
			return DKIM_CBSTAT_CONTINUE;
		}
	return DKIM_CBSTAT_NOTFOUND;
}

/* How many signatures of the message (header block with CRLF, body) are good; total_r: how many
 * there are. */
static int oracle_verify(
    const char *block, size_t block_len, const char *body, size_t body_len, int *total_r)
{
	static DKIM_LIB *lib;
	DKIM_STAT status;
	DKIM_SIGINFO **sigs = NULL;
	DKIM *dkim;
	int good = 0;

	if (!lib) {
		lib = dkim_init(NULL, NULL);
		dkim_set_key_lookup(lib, oracle_lookup);
	}
	dkim = dkim_verify(lib, (const unsigned char *)"test", NULL, &status);
	*total_r = 0;
	for (const char *p = block, *end = block + block_len; p < end;) {
		const char *q = p;

		do {
			q = memmem(q, (size_t)(end - q), "\r\n", 2);
			q = q ? q + 2 : end;
		} while (q < end && (*q == ' ' || *q == '\t'));
		dkim_header(dkim, (unsigned char *)p, (size_t)(q - p) - 2);
		p = q;
	}
	if (dkim_eoh(dkim) == DKIM_STAT_OK) {
		if (body_len > 0)
			dkim_body(dkim, (unsigned char *)body, body_len);
		dkim_eom(dkim, NULL);
		dkim_getsiglist(dkim, &sigs, total_r);
		for (int i = 0; i < *total_r; i++) {
			dkim_sig_process(dkim, sigs[i]);
			good += (dkim_sig_getflags(sigs[i]) & DKIM_SIGFLAG_PASSED) &&
			        dkim_sig_getbh(sigs[i]) == DKIM_SIGBH_MATCH;
		}
	}
	dkim_free(dkim);
	return good;
}

#endif
