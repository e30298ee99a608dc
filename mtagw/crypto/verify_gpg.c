/*
 * verify_gpg: other people's OpenPGP and S/MIME signatures, by GPGME (this is its second door; the
 * first, keyring.c, holds our own keys in another process). What gpg calls good is read from the
 * result's summary, never from a status alone or an exit code: gpg says "good" of expired and
 * revoked keys, gpgsm of certificates that nobody trusts.
 *
 * The home holds public keys of correspondents only. A key that stands there is trusted to be of
 * the addresses in its user ids: a person put it there. gpg is kept from asking anyone for keys or
 * revocation lists. gpgsm asks a gpg-agent for the authorities in trustlist.txt; that agent has no
 * key and lives as long as the role, which ends it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <gpgme.h>

#include "mtagw/crypto/verify_private.h"
#include "mtagw/crypto/verify_signed.h"
#include "mtagw/mail/guard.h"
#include "mtagw/mail/mime.h"

/* A signature with all certificates of its chain; larger ones are made to be unpacked. */
#define SIGNATURE_MAX_BYTES (256 * 1024)

struct verify_gpg {
	gpgme_ctx_t openpgp, smime;
	struct buf signature;
};

/* -- opening -- */

static gpgme_ctx_t context(gpgme_protocol_t protocol, const char *home, struct err *error_r)
{
	gpgme_ctx_t ctx = NULL;
	gpgme_error_t err = gpgme_new(&ctx);

	if (!err)
		err = gpgme_set_protocol(ctx, protocol);
	if (!err)
		err = gpgme_ctx_set_engine_info(ctx, protocol, NULL, home);
	if (!err && protocol == GPGME_PROTOCOL_OpenPGP)
		err = gpgme_set_ctx_flag(ctx, "trust-model", "always");
	if (!err && protocol == GPGME_PROTOCOL_OpenPGP)
		err = gpgme_set_ctx_flag(ctx, "auto-key-retrieve", "0");
	if (!err) {
		gpgme_set_offline(ctx, 1);
		return ctx;
	}
	(void)err_set(error_r, "GPGME: %s", gpgme_strerror(err));
	gpgme_release(ctx);
	return NULL;
}

struct verify_gpg *verify_gpg_open(const char *home, struct err *error_r)
{
	struct verify_gpg *gpg;

	if (mkdir(home, 0700) != 0 && errno != EEXIST) {
		(void)err_set(error_r, "correspondent_keys %s: %s", home, strerror(errno));
		return NULL;
	}
	/* for the agent, which gpgsm starts */
	(void)setenv("GNUPGHOME", home, 1);
	(void)gpgme_check_version(NULL); /* GPGME wants this once before anything */
	gpg = mem_zalloc(sizeof(*gpg));
	gpg->openpgp = context(GPGME_PROTOCOL_OpenPGP, home, error_r);
	if (gpg->openpgp)
		gpg->smime = context(GPGME_PROTOCOL_CMS, home, error_r);
	if (!gpg->smime)
		verify_gpg_close(&gpg);
	return gpg;
}

void verify_gpg_close(struct verify_gpg **gpgp)
{
	struct verify_gpg *gpg = *gpgp;

	*gpgp = NULL;
	if (!gpg)
		return;
	gpgme_release(gpg->openpgp);
	gpgme_release(gpg->smime);
	buf_free(&gpg->signature);
	free(gpg);
}

/* -- whose key -- */

/* `a@b`, also where GPGME leaves the angle brackets on (S/MIME). */
static bool is_address(const char *text, const char *address)
{
	size_t len = text ? strlen(text) : 0;

	if (len > 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	return len > 0 && len == strlen(address) && strncasecmp(text, address, len) == 0;
}

/* Whether a user id that still stands holds the address; who_r: the first user id, for people. */
static bool key_is_of(gpgme_ctx_t ctx, const char *fingerprint, const char *address,
    struct arena *arena, const char **who_r)
{
	gpgme_key_t key = NULL;
	bool found = false;

	*who_r = "";
	if (!fingerprint || gpgme_get_key(ctx, fingerprint, &key, 0) != 0)
		return false;
	for (gpgme_user_id_t uid = key->uids; uid; uid = uid->next) {
		if (uid->revoked || uid->invalid)
			continue;
		if (!**who_r)
			*who_r = verify_clean(arena, uid->uid ? uid->uid : "");
		found |= *address &&
		         (is_address(uid->address, address) || is_address(uid->email, address));
	}
	gpgme_key_unref(key);
	return found;
}

/* -- one signature -- */

static bool is_weak(gpgme_hash_algo_t algorithm)
{
	return algorithm == GPGME_MD_SHA1 || algorithm == GPGME_MD_MD5 ||
	       algorithm == GPGME_MD_MD4 || algorithm == GPGME_MD_MD2 ||
	       algorithm == GPGME_MD_RMD160;
}

static void set_result(struct verdict_signature *verdict, const char *result, const char *reason)
{
	verdict->result = result;
	verdict->reason = reason;
}

/* Nothing speaks against it. Under the trust model `always` gpg says nothing for a key either, so
 * the summary of a good signature is empty; gpgsm's says valid where the chain is trusted. */
static bool is_valid(const struct _gpgme_signature *sig, bool smime)
{
	unsigned clean = GPGME_SIGSUM_VALID | GPGME_SIGSUM_GREEN;

	return gpgme_err_code(sig->status) == GPG_ERR_NO_ERROR &&
	       ((unsigned)sig->summary & ~clean) == 0 && !sig->wrong_key_usage &&
	       (!smime || (sig->summary & GPGME_SIGSUM_VALID));
}

/* From the summary to a word. */
static void judge_summary(
    const struct _gpgme_signature *sig, bool smime, struct verdict_signature *verdict)
{
	unsigned summary = sig->summary;

	if (summary & GPGME_SIGSUM_KEY_MISSING)
		set_result(verdict, "no_key", "the key is not among the correspondents' keys");
	else if (summary & GPGME_SIGSUM_KEY_REVOKED)
		set_result(verdict, "revoked", "the key was revoked");
	else if (summary & (GPGME_SIGSUM_KEY_EXPIRED | GPGME_SIGSUM_SIG_EXPIRED))
		set_result(verdict, "expired", "the key or the signature has expired");
	else if ((summary & GPGME_SIGSUM_RED) ||
	         gpgme_err_code(sig->status) == GPG_ERR_BAD_SIGNATURE)
		set_result(verdict, "bad", "the content is not what was signed");
	else if (is_weak(sig->hash_algo))
		set_result(verdict, "error", "a digest that can be forged");
	else if (is_valid(sig, smime))
		set_result(verdict, "good", "");
	else if (smime && gpgme_err_code(sig->status) == GPG_ERR_NO_ERROR)
		set_result(
		    verdict, "no_key", "no authority that is trusted here certified the key");
	else
		set_result(verdict, "error", gpgme_strerror(sig->status));
}

static void judge(gpgme_ctx_t ctx, const struct _gpgme_signature *sig,
    const struct signed_part *part, const struct verify_mail *mail,
    struct verdict_signature *verdict)
{
	bool of_author = key_is_of(ctx, sig->fpr, mail->from, mail->arena, &verdict->who);

	verdict->fingerprint = verify_clean(mail->arena, sig->fpr ? sig->fpr : "");
	judge_summary(sig, part->smime, verdict);
	verdict->reason = verify_clean(mail->arena, verdict->reason);
	if (strcmp(verdict->result, "good") != 0)
		return;
	if (!of_author)
		set_result(verdict, "stranger", "the key is not of the From address");
	else if (*part->missing)
		set_result(verdict, "partial", part->missing);
}

/* -- one part -- */

static struct verdict_signature *add(
    struct verdicts *verdicts, struct verdict_signature *list, bool smime)
{
	struct verdict_signature *verdict = &list[verdicts->signature_count++];

	*verdict = (struct verdict_signature){.kind = smime ? "smime" : "openpgp",
	    .result = "error",
	    .fingerprint = "",
	    .who = "",
	    .reason = ""};
	return verdict;
}

/* A detached signature is never checked as one that holds its content: that content would be
 * nobody's, and good. */
static gpgme_error_t run(gpgme_ctx_t ctx, struct range signature, const struct signed_part *part)
{
	gpgme_data_t sig = NULL, signed_text = NULL, plain = NULL;
	gpgme_error_t err = gpgme_data_new_from_mem(&sig, signature.p, signature.len, 0);

	if (!err && part->detached)
		err = gpgme_data_new_from_mem(&signed_text,
		    part->content.len > 0 ? part->content.p : "", part->content.len, 0);
	else if (!err)
		err = gpgme_data_new(&plain);
	if (!err)
		err = gpgme_op_verify(ctx, sig, signed_text, plain);
	gpgme_data_release(sig);
	gpgme_data_release(signed_text);
	gpgme_data_release(plain);
	return err;
}

static void verify_part(struct verify_gpg *gpg, const struct signed_part *part,
    const struct verify_mail *mail, struct verdicts *verdicts, struct verdict_signature *list)
{
	gpgme_ctx_t ctx = part->smime ? gpg->smime : gpg->openpgp;
	const struct _gpgme_op_verify_result *result;
	gpgme_error_t err;
	bool any = false;

	if (*part->defect) {
		add(verdicts, list, part->smime)->reason = part->defect;
		return;
	}
	buf_reset(&gpg->signature);
	(void)mime_decode(part->signature, &gpg->signature, NULL);
	if (gpg->signature.len == 0 || gpg->signature.len > SIGNATURE_MAX_BYTES) {
		add(verdicts, list, part->smime)->reason =
		    gpg->signature.len ? "the signature is too large" : "no signature";
		return;
	}
	err = run(ctx, buf_range(&gpg->signature), part);
	result = err ? NULL : gpgme_op_verify_result(ctx);
	for (gpgme_signature_t sig = result ? result->signatures : NULL;
	     sig && verdicts->signature_count < VERDICT_SIGNATURES_MAX; sig = sig->next) {
		judge(ctx, sig, part, mail, add(verdicts, list, part->smime));
		any = true;
	}
	if (!any && verdicts->signature_count < VERDICT_SIGNATURES_MAX)
		add(verdicts, list, part->smime)->reason = verify_clean(
		    mail->arena, err ? gpgme_strerror(err) : "no signature that can be read");
}

void verify_signatures(
    struct verify_gpg *gpg, const struct verify_mail *mail, struct verdicts *verdicts)
{
	const struct guard_limits limits = {.message_max = mail->request->message.len};
	struct verdict_signature *list =
	    arena_alloc(mail->arena, VERDICT_SIGNATURES_MAX * sizeof(*list));
	const struct signed_part *parts;
	struct mime_part *root;
	size_t count;

	verdicts->signatures = list;
	/* what the guard refuses never came in by SMTP, and shows nothing to anybody */
	if (guard_check(mail->request->message, &limits, NULL) < 0 ||
	    mime_parse(mail->request->message, mail->arena, &root, NULL) < 0)
		return;
	count = signed_parts_find(root, mail->arena, &parts);
	for (size_t i = 0; i < count && verdicts->signature_count < VERDICT_SIGNATURES_MAX; i++)
		verify_part(gpg, &parts[i], mail, verdicts, list);
}
