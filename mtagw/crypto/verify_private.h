/* verify_private: what the verify_*.c files share. */
#ifndef CRYPTO_VERIFY_PRIVATE_H
#define CRYPTO_VERIFY_PRIVATE_H

#include "mtagw/base/dns.h"
#include "mtagw/crypto/verify.h"
#include "mtagw/mail/header.h"

/* One message with what all judges need of it. */
struct verify_mail {
	const struct verify_request *request;
	struct arena *arena; /* of the verdicts */
	struct dns *dns;
	struct header header; /* empty where the block is no header */
	struct range body;
	const char *from;        /* the one From address, `a@b`, "" with none or several */
	const char *from_domain; /* lower case, "" likewise */
};

/* Text from outside as one clean line, cut at 160 bytes of it. */
const char *verify_clean(struct arena *arena, const char *text);
/* A name that may be asked for: letters, digits, - and _, two labels or more. */
bool verify_is_domain(const char *domain);

/* ASCII letters in lower case. */
const char *verify_lower(struct arena *arena, const char *text);

/* -- verify_domain.c: the public suffix list -- */
/* The part of the domain that one organisation registers (RFC 7489 3.2): `surat.dinas.go.id` gives
 * `dinas.go.id`; a public suffix is its own. Points into domain, which is lower case. */
const char *verify_organisation(const char *domain);
/* RFC 7489 3.1: the same domain, or (not strict) of the same organisation. Never with a "". */
bool verify_aligned(const char *a, const char *b, bool strict);

/* -- verify_dkim.c -- */
struct verify_dkim;
struct verify_dkim *verify_dkim_open(struct err *error_r);
void verify_dkim_close(struct verify_dkim **dkim);
/* Fills verdicts->dkim. */
void verify_dkim(
    struct verify_dkim *dkim, const struct verify_mail *mail, struct verdicts *verdicts);

/* -- verify_spf.c -- */
struct verify_spf;
/* hostname: ours, for the %{r} macro. */
struct verify_spf *verify_spf_open(const char *hostname, struct err *error_r);
void verify_spf_close(struct verify_spf **spf);
/* Fills spf, spf_domain, spf_aligned. */
void verify_spf(struct verify_spf *spf, const struct verify_mail *mail, struct verdicts *verdicts);

/* -- verify_dmarc.c -- */
/* Fills dmarc and dmarc_policy from what DKIM and SPF found. */
void verify_dmarc(const struct verify_mail *mail, struct verdicts *verdicts);

/* -- verify_gpg.c -- */
struct verify_gpg;
/* home: of GnuPG, with public keys only; made where absent. Also sets GNUPGHOME. */
struct verify_gpg *verify_gpg_open(const char *home, struct err *error_r);
void verify_gpg_close(struct verify_gpg **gpg);
/* Fills signatures. Starts gpg or gpgsm once for each that is found. */
void verify_signatures(
    struct verify_gpg *gpg, const struct verify_mail *mail, struct verdicts *verdicts);

#endif
