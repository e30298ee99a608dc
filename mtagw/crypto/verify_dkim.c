/*
 * verify_dkim: DKIM signatures of a message, by libopendkim (this is its door). As shipped it can
 * be brought down by one message, so it is used only like this:
 *  - a field of a name drawn at start stands before the real ones: h= can then never name every
 *    field of the message and one more, which writes past its array of headers;
 *  - keys come from our callback alone: its own resolver over-reads long answers; records that do
 *    not fit its buffer are not given to it;
 *  - dkim_ohdrs (the z= tag) is never called;
 *  - signatures, their length and the number of fields have bounds, for it has none;
 *  - it runs in a worker that may die.
 *
 * What it calls good is not yet a pass here: see struct verdict_dkim for what is only `policy`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <opendkim/dkim.h>

#include "mtagw/base/codec.h"
#include "mtagw/crypto/verify_private.h"

/* Longest DKIM-Signature field looked at (RSA-4096 and forty signed fields take 2 KiB), and most
 * fields of a message: names in h= times fields is the work of choosing what was signed. */
#define SIGNATURE_MAX_BYTES 8192
#define FIELDS_MAX 1000
#define RSA_BITS_MIN 1024 /* RFC 8301 3.2 */

struct verify_dkim {
	DKIM_LIB *lib;
	char dummy[40]; /* `X-<random>: x` */
};

/* What the key callback found out, by signature. */
struct key_note {
	const DKIM_SIGINFO *sig;
	const char *result, *reason;
};
struct job {
	const struct verify_mail *mail;
	struct key_note notes[VERDICT_DKIM_MAX];
	size_t note_count;
};

/* -- keys -- */

static DKIM_CBSTAT note(struct job *job, const DKIM_SIGINFO *sig, DKIM_CBSTAT status,
    const char *result, const char *reason)
{
	if (job->note_count < VERDICT_DKIM_MAX)
		job->notes[job->note_count++] = (struct key_note){sig, result, reason};
	return status;
}

/* The one key record among the TXT records of the name; NULL with none or several. */
static const struct dns_record *key_record(const struct dns_answer *answer)
{
	const struct dns_record *found = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *r = &answer->records[i];

		/* a name may hold other text; a key has p= */
		if (answer->count > 1 && !memmem(r->text.p, r->text.len, "p=", 2))
			continue;
		if (found)
			return NULL;
		found = r;
	}
	return found;
}

static DKIM_CBSTAT key_lookup(DKIM *dkim, DKIM_SIGINFO *sig, unsigned char *buf, size_t size)
{
	struct job *job = dkim_get_user_context(dkim);
	const char *selector = (const char *)dkim_sig_getselector(sig);
	const char *domain = (const char *)dkim_sig_getdomain(sig);
	struct arena *arena = job->mail->arena;
	const struct dns_record *key;
	struct dns_answer answer;
	const char *name;

	if (!selector || !domain || strlen(selector) > 200 || !verify_is_domain(domain))
		return note(job, sig, DKIM_CBSTAT_NOTFOUND, "permerror", "no name for a key");
	name = arena_printf(arena, "%s._domainkey.%s", selector, domain);
	if (!verify_is_domain(name))
		return note(job, sig, DKIM_CBSTAT_NOTFOUND, "permerror", "no name for a key");
	answer = dns_ask(job->mail->dns, name, DNS_TXT, arena);
	if (answer.status == DNS_FAILED)
		return note(job, sig, DKIM_CBSTAT_ERROR, "temperror", answer.why);
	if (answer.count == 0)
		return note(job, sig, DKIM_CBSTAT_NOTFOUND, "permerror", "no key is published");
	key = key_record(&answer);
	if (!key)
		return note(job, sig, DKIM_CBSTAT_NOTFOUND, "permerror",
		    "not exactly one key is published");
	if (key->text.len >= size || memchr(key->text.p, '\0', key->text.len))
		return note(
		    job, sig, DKIM_CBSTAT_NOTFOUND, "permerror", "the key record is too long");
	memcpy(buf, key->text.p, key->text.len);
	buf[key->text.len] = '\0';
	return DKIM_CBSTAT_CONTINUE;
}

struct verify_dkim *verify_dkim_open(struct err *error_r)
{
	struct verify_dkim *dkim = mem_zalloc(sizeof(*dkim));
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC;
	uint8_t random[8];
	char hex[17];

	/* nothing is processed before the end: one signature's trouble must not end the others */
	dkim->lib = dkim_init(NULL, NULL);
	if (!dkim->lib ||
	    dkim_options(dkim->lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) !=
	        DKIM_STAT_OK ||
	    dkim_set_key_lookup(dkim->lib, key_lookup) != DKIM_STAT_OK) {
		(void)err_set(error_r, "libopendkim does not start");
		verify_dkim_close(&dkim);
		return NULL;
	}
	codec_random(random, sizeof(random));
	codec_hex(random, sizeof(random), hex);
	(void)snprintf(dkim->dummy, sizeof(dkim->dummy), "X-%s: x", hex);
	return dkim;
}

void verify_dkim_close(struct verify_dkim **dkimp)
{
	struct verify_dkim *dkim = *dkimp;

	*dkimp = NULL;
	if (!dkim)
		return;
	if (dkim->lib)
		dkim_close(dkim->lib);
	free(dkim);
}

/* -- what a good signature still lacks -- */

/* A field of which RFC 5322 3.6 (and MIME) allows one: with two of it, nobody can say which one the
 * reader sees and which one was signed (RFC 6376 8.15). NULL when all is well. */
static const char *doubled_field(const struct header *header)
{
	static const char *const once[] = {"From", "Sender", "Reply-To", "To", "Cc", "Subject",
	    "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type",
	    "Content-Transfer-Encoding"};

	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
		if (header_count(header, once[i]) > 1)
			return once[i];
	return NULL;
}

/* Why a signature that is good in itself does not pass; NULL: it does. */
static const char *not_accepted(
    DKIM *handle, DKIM_SIGINFO *sig, const char *doubled, struct arena *arena)
{
	ssize_t length = -1;
	dkim_alg_t algorithm = DKIM_SIGN_UNKNOWN;
	unsigned bits = 0;

	if (dkim_sig_getsignalg(sig, &algorithm) != DKIM_STAT_OK || algorithm == DKIM_SIGN_RSASHA1)
		return "SHA-1";
	if (algorithm == DKIM_SIGN_RSASHA256 &&
	    (dkim_sig_getkeysize(sig, &bits) != DKIM_STAT_OK || bits < RSA_BITS_MIN))
		return arena_printf(arena, "an RSA key of %u bits", bits);
	if (dkim_sig_getflags(sig) & DKIM_SIGFLAG_TESTKEY)
		return "the key is in test mode (t=y)";
	/* the library counts no further than l=, so that nobody knows what stands behind it */
	if (dkim_sig_getcanonlen(handle, sig, NULL, NULL, &length) != DKIM_STAT_OK || length >= 0)
		return arena_printf(arena, "l= covers %zd bytes of the body only", length);
	if (doubled)
		return arena_printf(arena, "%s stands twice in the header", doubled);
	return NULL;
}

/* -- one signature -- */

static void set_result(struct verdict_dkim *verdict, const char *result, const char *reason)
{
	verdict->result = result;
	verdict->reason = reason;
}

static void judge_error(DKIM_SIGINFO *sig, struct arena *arena, struct verdict_dkim *verdict)
{
	DKIM_SIGERROR error = dkim_sig_geterror(sig);
	const char *said = dkim_sig_geterrorstr(error);

	if (error == DKIM_SIGERROR_KEYTOOSMALL)
		set_result(verdict, "policy", "an RSA key of less than 1024 bits");
	else if (error == DKIM_SIGERROR_BADSIG && dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH)
		set_result(verdict, "fail", "the body was changed");
	else if (error == DKIM_SIGERROR_BADSIG)
		set_result(verdict, "fail", "the header was changed, or the key is another");
	else
		set_result(verdict, "permerror", verify_clean(arena, said ? said : "unknown"));
}

static void judge(const struct job *job, DKIM *handle, DKIM_SIGINFO *sig, const char *doubled,
    struct verdict_dkim *verdict)
{
	static unsigned char tag[] = "a";
	struct arena *arena = job->mail->arena;
	const char *domain = (const char *)dkim_sig_getdomain(sig);
	const char *selector = (const char *)dkim_sig_getselector(sig);
	const char *algorithm = (const char *)dkim_sig_gettagvalue(sig, false, tag);
	const char *why;
	bool good;

	verdict->domain = verify_lower(arena, verify_clean(arena, domain ? domain : ""));
	verdict->selector = verify_clean(arena, selector ? selector : "");
	verdict->algorithm = verify_clean(arena, algorithm ? algorithm : "");
	verdict->aligned = verify_aligned(verdict->domain, job->mail->from_domain, false);
	for (size_t i = 0; i < job->note_count; i++)
		if (job->notes[i].sig == sig) {
			set_result(verdict, job->notes[i].result, job->notes[i].reason);
			return;
		}
	good = (dkim_sig_getflags(sig) & DKIM_SIGFLAG_PASSED) != 0 &&
	       dkim_sig_getbh(sig) == DKIM_SIGBH_MATCH &&
	       dkim_sig_geterror(sig) == DKIM_SIGERROR_OK;
	if (!good) {
		judge_error(sig, arena, verdict);
		return;
	}
	why = not_accepted(handle, sig, doubled, arena);
	set_result(verdict, why ? "policy" : "pass", why ? why : "");
}

/* -- the message -- */

static bool is_signature(const struct header_field *field)
{
	return range_equal_case(field->name, DKIM_SIGNHEADER);
}

/* A signature that libopendkim does not get, or does not take. */
static void add_refused(struct verdict_dkim *list, size_t *count, const char *reason)
{
	if (*count < VERDICT_DKIM_MAX)
		list[(*count)++] = (struct verdict_dkim){.domain = "",
		    .selector = "",
		    .algorithm = "",
		    .result = "permerror",
		    .reason = reason};
}

/* Hands the header over; signatures that stay out are added to the list. */
static void feed_header(struct verify_dkim *dkim, DKIM *handle, const struct header *header,
    struct verdict_dkim *list, size_t *count)
{
	size_t signatures = 0;

	(void)dkim_header(handle, (unsigned char *)dkim->dummy, strlen(dkim->dummy));
	for (size_t i = 0; i < header->count; i++) {
		const struct header_field *field = &header->fields[i];
		size_t len = field->whole.len;
		DKIM_STAT status;

		while (
		    len > 0 && (field->whole.p[len - 1] == '\n' || field->whole.p[len - 1] == '\r'))
			len--;
		if (is_signature(field) &&
		    (++signatures > VERDICT_DKIM_MAX || len > SIGNATURE_MAX_BYTES)) {
			add_refused(list, count,
			    len > SIGNATURE_MAX_BYTES ? "too long" : "one of too many");
			continue;
		}
		status = dkim_header(handle, (unsigned char *)(uintptr_t)field->whole.p, len);
		if (status != DKIM_STAT_OK && is_signature(field))
			add_refused(list, count, "malformed");
	}
}

/* Runs it; the number of signatures it has, all processed as far as they can be. */
static int run(DKIM *handle, struct range body, DKIM_SIGINFO ***sigs_r)
{
	int count = 0;

	if (dkim_eoh(handle) != DKIM_STAT_OK)
		return 0;
	if (body.len > 0 &&
	    dkim_body(handle, (unsigned char *)(uintptr_t)body.p, body.len) != DKIM_STAT_OK)
		return 0;
	(void)dkim_eom(handle, NULL);
	if (dkim_getsiglist(handle, sigs_r, &count) != DKIM_STAT_OK)
		return 0;
	return count;
}

void verify_dkim(
    struct verify_dkim *dkim, const struct verify_mail *mail, struct verdicts *verdicts)
{
	struct job job = {.mail = mail};
	struct verdict_dkim *list = arena_alloc(mail->arena, VERDICT_DKIM_MAX * sizeof(*list));
	const char *doubled = doubled_field(&mail->header);
	size_t count = 0, wanted = header_count(&mail->header, DKIM_SIGNHEADER);
	DKIM_SIGINFO **sigs = NULL;
	DKIM_STAT status;
	DKIM *handle;
	int found;

	verdicts->dkim = list;
	if (wanted == 0)
		return;
	if (mail->header.count > FIELDS_MAX) {
		add_refused(list, &verdicts->dkim_count, "the message has too many header fields");
		return;
	}
	handle = dkim_verify(dkim->lib, (const unsigned char *)"mtagw", NULL, &status);
	if (!handle) {
		add_refused(list, &verdicts->dkim_count, "libopendkim has no memory");
		return;
	}
	(void)dkim_set_user_context(handle, &job);
	feed_header(dkim, handle, &mail->header, list, &count);
	found = run(handle, mail->body, &sigs);
	for (int i = 0; i < found && count < VERDICT_DKIM_MAX; i++)
		judge(&job, handle, sigs[i], doubled, &list[count++]);
	/* whatever it would not look at is still told */
	while (count < wanted && count < VERDICT_DKIM_MAX)
		add_refused(list, &count, "cannot be looked at");
	verdicts->dkim_count = count;
	(void)dkim_free(handle);
}
