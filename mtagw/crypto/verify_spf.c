/*
 * verify_spf: SPF (RFC 7208) by libspf2, whose door this is. Its questions come to a layer of ours
 * and go to base/dns; its own resolver is never made. Ours are these bounds, for it has none or
 * wrong ones:
 *  - questions per message: an include starts its count anew, so records that include each other
 *    would ask without end;
 *  - a term with macros is kept far from the buffer it is compiled into (511 bytes): the version in
 *    use subtracts below zero at its edge (CVE-2023-42118), and no real term is so long;
 *  - an explanation (exp=) is neither asked for nor compiled: nobody here shows it;
 *  - 127.0.0.0/8 gets no free pass: a message handed in from this host is judged like any other.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spf2/spf.h>

#include "mtagw/crypto/verify_private.h"

/* RFC 7208 4.6.4: ten terms that ask; mx and ptr ask again for each of up to ten names. */
#define QUESTIONS_MAX 60
#define RECORD_MAX_BYTES 2048
/* Compiled, a macro takes at most twice its length, a letter between two of them eight bytes. */
#define MACRO_TERM_MAX_BYTES 128

struct verify_spf {
	SPF_server_t *server;
	SPF_dns_server_t layer;
	/* of the message that is judged now */
	const struct verify_mail *mail;
	int questions;
	bool late;           /* a question had no answer */
	const char *refused; /* a record or a number of questions that we do not let through */
};

/* -- the layer -- */

/* Why a record is not compiled; NULL: it is. */
static const char *record_refused(struct range record)
{
	size_t term = 0;
	bool macro = false;

	if (record.len > RECORD_MAX_BYTES)
		return "the record is too long";
	for (size_t i = 0; i <= record.len; i++) {
		if (i == record.len || record.p[i] == ' ') {
			if (macro && term > MACRO_TERM_MAX_BYTES)
				return "a term of the record is too long";
			term = 0;
			macro = false;
			continue;
		}
		if (record.p[i] < ' ' || record.p[i] > 126)
			return "the record is not plain text";
		macro |= record.p[i] == '%';
		term++;
	}
	return NULL;
}

static bool is_spf_record(struct range text)
{
	return text.len >= 6 && strncasecmp(text.p, "v=spf1", 6) == 0 &&
	       (text.len == 6 || text.p[6] == ' ');
}

static void add_record(SPF_dns_rr_t *rr, ns_type type, struct range text)
{
	int at = rr->num_rr;

	/* room for the address forms too */
	if (SPF_dns_rr_buf_realloc(rr, at, text.len + sizeof(struct in6_addr) + 1) != SPF_E_SUCCESS)
		return;
	if (type == ns_t_a) {
		if (inet_pton(AF_INET, text.p, &rr->rr[at]->a) != 1)
			return;
	} else if (type == ns_t_aaaa) {
		if (inet_pton(AF_INET6, text.p, &rr->rr[at]->aaaa) != 1)
			return;
	} else {
		memcpy(rr->rr[at]->txt, text.p, text.len);
		rr->rr[at]->txt[text.len] = '\0';
	}
	rr->num_rr++;
}

static SPF_dns_rr_t *answer(struct verify_spf *spf, const char *domain, ns_type type, int status)
{
	return SPF_dns_rr_new_init(&spf->layer, domain, type, 0, status);
}

static SPF_dns_rr_t *refuse(
    struct verify_spf *spf, const char *domain, ns_type type, const char *why)
{
	spf->refused = why;
	/* this one ends the whole evaluation */
	return answer(spf, domain, type, TRY_AGAIN);
}

static SPF_dns_rr_t *found(
    struct verify_spf *spf, const char *domain, ns_type type, const struct dns_answer *records)
{
	SPF_dns_rr_t *rr = answer(spf, domain, type, NETDB_SUCCESS);

	for (size_t i = 0; rr && i < records->count; i++) {
		struct range text = records->records[i].text;
		const char *why = NULL;

		if (type == ns_t_txt && !is_spf_record(text))
			continue;
		if (type == ns_t_txt)
			why = record_refused(text);
		if (why) {
			SPF_dns_rr_free(rr);
			return refuse(spf, domain, type, why);
		}
		add_record(rr, type, text);
	}
	if (rr && rr->num_rr == 0)
		rr->herrno = NO_DATA;
	return rr;
}

static SPF_dns_rr_t *lookup(
    SPF_dns_server_t *server, const char *domain, ns_type type, int should_cache)
{
	struct verify_spf *spf = server->hook;
	struct dns_answer records;

	(void)should_cache;
	/* type SPF was given up by RFC 7208 3.1, and is asked for first */
	if (type != ns_t_a && type != ns_t_aaaa && type != ns_t_mx && type != ns_t_txt &&
	    type != ns_t_ptr)
		return answer(spf, domain, type, NO_DATA);
	if (++spf->questions > QUESTIONS_MAX)
		return refuse(spf, domain, type, "the record asks for too many names");
	records = dns_ask(spf->mail->dns, domain, (enum dns_type)type, spf->mail->arena);
	switch (records.status) {
	case DNS_FOUND:
		return found(spf, domain, type, &records);
	case DNS_EMPTY:
		return answer(spf, domain, type, NO_DATA);
	case DNS_NO_NAME:
		return answer(spf, domain, type, HOST_NOT_FOUND);
	case DNS_FAILED:
		break;
	}
	spf->late = true;
	return answer(spf, domain, type, TRY_AGAIN);
}

static SPF_errcode_t no_explanation(
    SPF_server_t *server, const char *domain, char **buf, size_t *size)
{
	(void)server;
	(void)domain;
	(void)buf;
	(void)size;
	return SPF_E_SUCCESS; /* what stands in buf is the name: good enough */
}

struct verify_spf *verify_spf_open(const char *hostname, struct err *error_r)
{
	struct verify_spf *spf = mem_zalloc(sizeof(*spf));

	spf->layer = (SPF_dns_server_t){
	    .lookup = lookup, .get_exp = no_explanation, .name = "mtagw", .hook = spf};
	spf->server = SPF_server_new_dns(&spf->layer, 0);
	if (!spf->server || SPF_server_set_rec_dom(spf->server, hostname) != SPF_E_SUCCESS) {
		(void)err_set(error_r, "libspf2 does not start");
		verify_spf_close(&spf);
	}
	return spf;
}

void verify_spf_close(struct verify_spf **spfp)
{
	struct verify_spf *spf = *spfp;

	*spfp = NULL;
	if (!spf)
		return;
	if (spf->server)
		SPF_server_free(spf->server);
	free(spf);
}

/* -- judging -- */

static const char *result_word(SPF_result_t result)
{
	switch (result) {
	case SPF_RESULT_NEUTRAL:
		return "neutral";
	case SPF_RESULT_PASS:
		return "pass";
	case SPF_RESULT_FAIL:
		return "fail";
	case SPF_RESULT_SOFTFAIL:
		return "softfail";
	case SPF_RESULT_NONE:
		return "none";
	case SPF_RESULT_TEMPERROR:
		return "temperror";
	case SPF_RESULT_INVALID:
	case SPF_RESULT_PERMERROR:
		break;
	}
	return "permerror";
}

/* Finds the record and evaluates it. SPF_request_query_mailfrom would do both, after letting
 * loopback through. */
static const char *evaluate(struct verify_spf *spf, SPF_request_t *request, const char *domain)
{
	SPF_response_t *response = SPF_response_new(request);
	SPF_record_t *record = NULL;
	const char *word;

	if (!response)
		return "temperror";
	request->cur_dom = domain;
	if (SPF_server_get_record(spf->server, request, response, &record) == SPF_E_SUCCESS &&
	    record) {
		response->spf_record_exp = record;
		(void)SPF_record_interpret(record, request, response, 0);
	}
	/* a record that does not compile leaves no result; neither does a silent name server */
	word = result_word(SPF_response_result(response));
	if (spf->late && strcmp(word, "permerror") == 0)
		word = "temperror";
	if (record)
		SPF_record_free(record);
	SPF_response_free(response);
	return spf->refused ? "permerror" : word;
}

static bool set_peer(SPF_request_t *request, const char *peer_ip)
{
	struct in6_addr ipv6;

	/* an IPv4 client on an IPv6 socket */
	if (inet_pton(AF_INET6, peer_ip, &ipv6) == 1 && IN6_IS_ADDR_V4MAPPED(&ipv6)) {
		struct in_addr ipv4;

		memcpy(&ipv4, ipv6.s6_addr + 12, sizeof(ipv4));
		return SPF_request_set_ipv4(request, ipv4) == SPF_E_SUCCESS;
	}
	return SPF_request_set_ipv4_str(request, peer_ip) == SPF_E_SUCCESS ||
	       SPF_request_set_ipv6_str(request, peer_ip) == SPF_E_SUCCESS;
}

/* Letters that may stand in a name we ask for: others of a local part become '-' in macros. */
static const char *plain(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *p = copy; *p; p++)
		if (*p <= ' ' || *p > 126 || strchr("\\\"()@;$%", *p))
			*p = '-';
	return copy;
}

void verify_spf(struct verify_spf *spf, const struct verify_mail *mail, struct verdicts *verdicts)
{
	const struct verify_request *asked = mail->request;
	const char *at = strrchr(asked->sender, '@');
	/* RFC 7208 2.4: a null sender is judged by the name in HELO */
	const char *domain = at ? at + 1 : asked->helo;
	const char *local =
	    at ? arena_strndup(mail->arena, asked->sender, (size_t)(at - asked->sender))
	       : "postmaster";
	SPF_request_t *request;

	if (!*asked->peer_ip || !verify_is_domain(domain))
		return;
	spf->mail = mail;
	spf->questions = 0;
	spf->late = false;
	spf->refused = NULL;
	verdicts->spf_domain = verify_lower(mail->arena, domain);
	request = SPF_request_new(spf->server);
	if (request && set_peer(request, asked->peer_ip)) {
		(void)SPF_request_set_helo_dom(
		    request, verify_is_domain(asked->helo) ? asked->helo : "unknown");
		(void)SPF_request_set_env_from(
		    request, arena_printf(mail->arena, "%s@%s", plain(mail->arena, local), domain));
		verdicts->spf = evaluate(spf, request, verdicts->spf_domain);
	}
	if (request)
		SPF_request_free(request);
	verdicts->spf_aligned = verify_aligned(verdicts->spf_domain, mail->from_domain, false);
}
