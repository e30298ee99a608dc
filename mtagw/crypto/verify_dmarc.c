/*
 * verify_dmarc: DMARC (RFC 7489) by libopendmarc, whose door this is. It reads the record and says
 * what follows from it. Which record counts and what is aligned is ours: its resolver would ask
 * outside, and its alignment takes a domain above a public suffix for related. So an aligned result
 * is told to it under the From domain's own name, one that is not aligned not at all; and of the
 * record it gets the tags that decide, each short: values that fill its buffers lose their end.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include <opendmarc/dmarc.h>

#include "mtagw/crypto/verify_private.h"

/* "quarantine" is the longest value that means something. */
#define VALUE_MAX_BYTES 20

/* -- the record -- */

static bool is_dmarc_record(struct range text)
{
	struct range version;
	const char *end = memchr(text.p, ';', text.len);

	/* RFC 7489 6.3: v= is the first tag, and DMARC1 in just these letters */
	version = range_trim((struct range){text.p, end ? (size_t)(end - text.p) : text.len});
	if (version.len < 8 || version.p[0] != 'v')
		return false;
	version = range_trim((struct range){version.p + 1, version.len - 1});
	if (version.len == 0 || version.p[0] != '=')
		return false;
	version = range_trim((struct range){version.p + 1, version.len - 1});
	return range_equal(version, range_of("DMARC1"));
}

/* The tags that decide, as a record of their own; permerror where a value is none. */
static bool record_reduce(struct range record, struct buf *out)
{
	static const char *const tags[] = {"p", "sp", "adkim", "aspf"};

	buf_puts(out, "v=DMARC1;");
	while (record.len > 0) {
		const char *end = memchr(record.p, ';', record.len);
		size_t len = end ? (size_t)(end - record.p) : record.len;
		const char *equal = memchr(record.p, '=', len);
		struct range name, value;

		if (equal) {
			name = range_trim((struct range){record.p, (size_t)(equal - record.p)});
			value = range_trim(
			    (struct range){equal + 1, len - (size_t)(equal + 1 - record.p)});
			for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
				if (!range_equal_case(name, tags[i]))
					continue;
				if (value.len == 0 || value.len > VALUE_MAX_BYTES ||
				    memchr(value.p, '\0', value.len))
					return false;
				buf_printf(out, " %s=%.*s;", tags[i], (int)value.len, value.p);
			}
		}
		len += end != NULL;
		record.p += len;
		record.len -= len;
	}
	return true;
}

/* The one record at _dmarc.<domain>: 1; 0 none (several are none, RFC 7489 6.6.3); -1 nobody knows
 * now. */
static int record_at(const struct verify_mail *mail, const char *domain, struct range *record_r)
{
	const char *name = arena_printf(mail->arena, "_dmarc.%s", domain);
	struct dns_answer answer = dns_ask(mail->dns, name, DNS_TXT, mail->arena);
	int found = 0;

	if (answer.status == DNS_FAILED)
		return -1;
	for (size_t i = 0; i < answer.count; i++) {
		if (!is_dmarc_record(answer.records[i].text))
			continue;
		*record_r = answer.records[i].text;
		found++;
	}
	return found == 1;
}

/* -- what follows -- */

static bool dkim_aligned(const struct verdicts *v, bool strict)
{
	for (size_t i = 0; i < v->dkim_count; i++)
		if (strcmp(v->dkim[i].result, "pass") == 0 &&
		    verify_aligned(v->dkim[i].domain, v->from_domain, strict))
			return true;
	return false;
}

static bool any_temperror(const struct verdicts *v)
{
	bool any = strcmp(v->spf, "temperror") == 0;

	for (size_t i = 0; i < v->dkim_count; i++)
		any |= strcmp(v->dkim[i].result, "temperror") == 0;
	return any;
}

static const char *policy_word(int policy)
{
	return policy == DMARC_RECORD_P_REJECT       ? "reject"
	       : policy == DMARC_RECORD_P_QUARANTINE ? "quarantine"
	                                             : "none";
}

/* Tells libopendmarc what was found and takes its word. organisation: NULL where the record is the
 * From domain's own. */
static void decide(
    DMARC_POLICY_T *policy, struct range record, const char *organisation, struct verdicts *v)
{
	unsigned char *domain = (unsigned char *)(uintptr_t)v->from_domain;
	int adkim = 0, aspf = 0, p = 0, sp = 0, to_enforce;
	struct buf reduced = {0};
	bool readable = record_reduce(record, &reduced) &&
	                opendmarc_policy_store_dmarc(policy, (unsigned char *)reduced.data, domain,
	                    (unsigned char *)(uintptr_t)organisation) == DMARC_PARSE_OKAY;

	buf_free(&reduced);
	v->dmarc = "permerror";
	if (!readable || opendmarc_policy_fetch_adkim(policy, &adkim) != DMARC_PARSE_OKAY ||
	    opendmarc_policy_fetch_aspf(policy, &aspf) != DMARC_PARSE_OKAY ||
	    opendmarc_policy_fetch_p(policy, &p) != DMARC_PARSE_OKAY ||
	    opendmarc_policy_fetch_sp(policy, &sp) != DMARC_PARSE_OKAY)
		return;
	v->dmarc_policy = policy_word(organisation && sp != DMARC_RECORD_P_UNSPECIFIED ? sp : p);
	if (dkim_aligned(v, adkim == DMARC_RECORD_A_STRICT))
		(void)opendmarc_policy_store_dkim(
		    policy, domain, NULL, DMARC_POLICY_DKIM_OUTCOME_PASS, NULL);
	if (strcmp(v->spf, "pass") == 0 &&
	    verify_aligned(v->spf_domain, v->from_domain, aspf == DMARC_RECORD_A_STRICT))
		(void)opendmarc_policy_store_spf(policy, domain, DMARC_POLICY_SPF_OUTCOME_PASS,
		    DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL);
	to_enforce = opendmarc_get_policy_to_enforce(policy);
	if (to_enforce == DMARC_POLICY_PASS)
		v->dmarc = "pass";
	else if (to_enforce == DMARC_POLICY_REJECT || to_enforce == DMARC_POLICY_QUARANTINE ||
	         to_enforce == DMARC_POLICY_NONE)
		/* RFC 7489 6.6.2: what is not known yet may still pass */
		v->dmarc = any_temperror(v) ? "temperror" : "fail";
}

void verify_dmarc(const struct verify_mail *mail, struct verdicts *verdicts)
{
	static unsigned char nobody[] =
	    "0.0.0.0"; /* it wants an address and does nothing with it */
	const char *domain = mail->from_domain, *organisation = NULL;
	DMARC_POLICY_T *policy;
	struct range record;
	int found;

	if (!*domain) {
		/* no author, or several: nobody's policy can be asked for */
		verdicts->dmarc = "permerror";
		return;
	}
	found = record_at(mail, domain, &record);
	if (found == 0 && strcmp(verify_organisation(domain), domain) != 0) {
		organisation = verify_organisation(domain);
		found = record_at(mail, organisation, &record);
	}
	if (found <= 0) {
		verdicts->dmarc = found < 0 ? "temperror" : "none";
		return;
	}
	policy = opendmarc_policy_connect_init(nobody, 0);
	if (!policy) {
		verdicts->dmarc = "temperror";
		return;
	}
	decide(policy, record, organisation, verdicts);
	(void)opendmarc_policy_connect_shutdown(policy);
}
