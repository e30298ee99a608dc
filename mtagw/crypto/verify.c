/*
 * verify: one message through all judges. Knows which of them there are and in which order one
 * needs another's word; the libraries are behind their own doors. A header that cannot be read, or
 * a From that is not exactly one address, takes away what could be proven, never the message.
 */
#include "mtagw/crypto/verify.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/crypto/verify_private.h"
#include "mtagw/mail/address.h"
#include "mtagw/mail/charset.h"

/* One question to the name system; a message has a budget for all of them. */
#define QUESTION_MS 5000
#define CLEAN_MAX_BYTES 160 /* three times as many where each is broken; VERDICT texts have 512 */

struct verify {
	struct dns *dns;
	struct verify_dkim *dkim;
	struct verify_spf *spf;
	struct verify_gpg *gpg;
};

const char *verify_clean(struct arena *arena, const char *text)
{
	struct range in = {text, strnlen(text, CLEAN_MAX_BYTES)};
	struct buf out = {0};
	const char *clean;

	charset_line(in, &out);
	clean = arena_strdup(arena, buf_str(&out));
	buf_free(&out);
	return clean;
}

bool verify_is_domain(const char *domain)
{
	size_t labels = 0, label = 0, len = strlen(domain);

	if (len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || domain[i] == '.') {
			if (label == 0 || label > 63)
				return false;
			labels++;
			label = 0;
		} else if (isalnum((unsigned char)domain[i]) || domain[i] == '-' ||
		           domain[i] == '_') {
			label++;
		} else {
			return false;
		}
	}
	return labels > 1;
}

const char *verify_lower(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

struct verify *verify_open(const struct settings *settings, struct err *error_r)
{
	struct verify *verify = mem_zalloc(sizeof(*verify));

	verify->dns = dns_open_apart(settings->dns_zone_file, QUESTION_MS, error_r);
	if (verify->dns)
		verify->dkim = verify_dkim_open(error_r);
	if (verify->dkim)
		verify->spf = verify_spf_open(settings->hostname, error_r);
	if (verify->spf)
		verify->gpg = verify_gpg_open(settings->correspondent_keys, error_r);
	if (!verify->gpg)
		verify_close(&verify);
	return verify;
}

void verify_close(struct verify **verifyp)
{
	struct verify *verify = *verifyp;

	*verifyp = NULL;
	if (!verify)
		return;
	verify_gpg_close(&verify->gpg);
	verify_spf_close(&verify->spf);
	verify_dkim_close(&verify->dkim);
	dns_close(&verify->dns);
	free(verify);
}

/* The one author, or nobody: two From fields or two addresses in one prove nothing for either. */
static void find_author(struct verify_mail *mail)
{
	const struct header_field *from = header_get(&mail->header, "From", 0);
	struct mailbox *list;
	size_t count = 0;

	mail->from = mail->from_domain = "";
	if (!from || header_count(&mail->header, "From") != 1 ||
	    address_list(from->value, mail->arena, &list, &count, NULL) <= 0 || count != 1 ||
	    !verify_is_domain(list[0].address.domain))
		return;
	mail->from = address_format(&list[0].address, mail->arena);
	mail->from_domain = verify_lower(mail->arena, list[0].address.domain);
}

void verify_message(struct verify *verify, const struct verify_request *request, int budget_ms,
    struct arena *arena, struct verdicts *verdicts_r)
{
	struct verify_mail mail = {.request = request, .arena = arena, .dns = verify->dns};
	struct header header;
	struct range body;

	dns_budget(verify->dns, budget_ms);
	*verdicts_r =
	    (struct verdicts){.spf = "none", .spf_domain = "", .dmarc = "none", .dmarc_policy = ""};
	if (header_parse(request->message, arena, &header, &body, NULL) > 0) {
		mail.header = header;
		mail.body = body;
	}
	find_author(&mail);
	verdicts_r->from_domain = mail.from_domain;
	verify_dkim(verify->dkim, &mail, verdicts_r);
	verify_spf(verify->spf, &mail, verdicts_r);
	verify_dmarc(&mail, verdicts_r);
	verify_signatures(verify->gpg, &mail, verdicts_r);
}
