/*
 * signd_answer: takes a request apart, asks the keys, puts the answer together and writes the log
 * line. It sees digests and header blocks, never a message's body.
 */
#include "mtagw/signd/signd_answer.h"

#include <stdlib.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/crypto/signer_msg.h"
#include "mtagw/signd/signd_admin.h"

static const char *const kind_names[] = {"", "plan", "seal", "dkim", "admin"};
_Static_assert(sizeof(kind_names) / sizeof(*kind_names) == SIGNER_ADMIN + 1, "one name a kind");

static int answer_admin(struct signd_keys *keys, const struct signer_request *request, bool admin,
    int64_t now_secs, struct buf *json, struct err *error_r)
{
	char *args[SIGNER_ARGS];
	char *verb = mem_strndup(request->verb.p, request->verb.len);
	int rc;

	for (int i = 0; i < SIGNER_ARGS; i++)
		args[i] = mem_strndup(request->args[i].p, request->args[i].len);
	if (!admin)
		rc = err_set(error_r, "this user may not ask %s", log_safe(verb));
	else
		rc = signd_admin(keys, verb, (const char *const *)args, now_secs, json, error_r);
	log_info("admin verb=%s arg=%s outcome=%d", log_safe(verb), log_safe(args[0]), rc);
	for (int i = 0; i < SIGNER_ARGS; i++)
		free(args[i]);
	free(verb);
	return rc;
}

static int answer(struct signd_keys *keys, const struct signer_request *request, const char *from,
    bool admin, int64_t now_secs, struct seal_plan *plan_r, struct buf *text, struct err *error_r)
{
	switch (request->kind) {
	case SIGNER_PLAN:
		return signd_keys_plan(keys, from, request->at_secs, now_secs, plan_r, error_r);
	case SIGNER_SIGN:
		return signd_keys_sign(
		    keys, from, &request->plan, request->digest, now_secs, text, error_r);
	case SIGNER_DKIM:
		return signd_keys_dkim(keys, from, request->at_secs, now_secs,
		    request->header_block, request->digest, text, error_r);
	case SIGNER_ADMIN:
		return answer_admin(keys, request, admin, now_secs, text, error_r);
	}
	return err_set(error_r, "unknown request");
}

static void answer_log(
    const struct signer_request *request, const char *from, int outcome, const struct err *error)
{
	char digest[SHA256_HEX_SIZE];

	if (request->kind == SIGNER_ADMIN)
		return;
	codec_hex(request->digest, sizeof(request->digest), digest);
	if (outcome > 0 && request->kind == SIGNER_PLAN)
		log_debug("plan from=%s", log_safe(from));
	else if (outcome > 0)
		log_info("%s from=%s digest=%s", kind_names[request->kind], log_safe(from), digest);
	else
		log_warn("%s from=%s %s reason=\"%s\"", kind_names[request->kind], log_safe(from),
		    outcome == 0 ? "waits" : "refused", log_safe(error->text));
}

int signd_answer(struct signd_keys *keys, struct range payload, bool admin, int64_t now_secs,
    struct buf *out, struct err *error_r)
{
	struct signer_request request;
	struct signer_answer reply = {0};
	struct err error = {""};
	struct buf text = {0};
	char *from;

	if (signer_request_get(payload, &request, error_r) < 0)
		return -1;
	from = mem_strndup(request.from.p ? request.from.p : "", request.from.len);
	reply.outcome = answer(keys, &request, from, admin, now_secs, &reply.plan, &text, &error);
	answer_log(&request, from, reply.outcome, &error);
	for (char *p = error.text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?'; /* a reason is one printable line */
	reply.text = reply.outcome > 0 ? buf_range(&text) : range_of(error.text);
	signer_answer_put(out, request.kind, &reply);
	buf_free(&text);
	free(from);
	return 1;
}
