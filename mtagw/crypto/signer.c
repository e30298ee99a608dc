/*
 * signer: the blocking client of signd's socket, used by the router's workers and mtagwctl. It
 * keeps one connection and nothing else. A connection that broke since the last call is noticed by
 * the call, made anew, and the question is asked once more: every question may be repeated, for
 * none changes anything but key.create-*, which is never asked twice. Anything wrong with the way
 * to signd is "wait" (0), so that the letter waits (DESIGN 12), never an unsigned message.
 */
#include "mtagw/crypto/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/ipc.h"
#include "mtagw/base/mem.h"
#include "mtagw/crypto/signer_msg.h"

/* A plan holds for the second it names: what was asked then serves the trials and seals of that
 * second, and a seal that fails ends it. signd looks at it again when it signs. */
#define KNOWN_PLANS 64
struct known_plan {
	char from[SIGNER_ADDRESS_MAX + 1]; /* "": none */
	struct seal_plan plan;
};

struct signer {
	char *address;
	struct known_plan known[KNOWN_PLANS];
	size_t known_next;
	int timeout_ms;
	int fd; /* -1: not connected */
	struct buf request, answer;
};

struct signer *signer_new(const char *address, int timeout_ms)
{
	struct signer *signer = mem_zalloc(sizeof(*signer));

	signer->address = mem_strdup(address);
	signer->timeout_ms = timeout_ms;
	signer->fd = -1;
	return signer;
}

static void signer_disconnect(struct signer *signer)
{
	if (signer->fd >= 0)
		close(signer->fd);
	signer->fd = -1;
}

void signer_free(struct signer **signerp)
{
	struct signer *signer = *signerp;

	if (!signer)
		return;
	signer_disconnect(signer);
	buf_free(&signer->request);
	buf_free(&signer->answer);
	free(signer->address);
	free(signer);
	*signerp = NULL;
}

/* One question and its answer over the connection that stands; -1 leaves it closed, for a late
 * answer must not be taken for the next one's. */
static int signer_exchange(struct signer *signer, struct err *error_r)
{
	if (ipc_send(signer->fd, buf_range(&signer->request), signer->timeout_ms, error_r) > 0 &&
	    ipc_recv(signer->fd, &signer->answer, signer->timeout_ms, error_r) > 0)
		return 1;
	signer_disconnect(signer);
	return -1;
}

/* Fills answer_r (its text lives until the next call). 1, 0 or -1 as the calls of signer.h. */
static int signer_ask(struct signer *signer, const struct signer_request *request, bool repeat,
    struct signer_answer *answer_r, struct err *error_r)
{
	bool kept = signer->fd >= 0;
	int rc;

	buf_reset(&signer->request);
	signer_request_put(&signer->request, request);
	if (kept && !repeat) { /* start on a fresh connection instead of trying twice */
		signer_disconnect(signer);
		kept = false;
	}
	if (!kept || signer_exchange(signer, error_r) < 0) {
		signer->fd = ipc_connect(signer->address, signer->timeout_ms, error_r);
		if (signer->fd < 0 || signer_exchange(signer, error_r) < 0) {
			err_prefix(error_r, "signd does not answer");
			return 0;
		}
	}
	rc = signer_answer_get(buf_range(&signer->answer), request->kind, answer_r, error_r);
	if (rc < 0) {
		signer_disconnect(signer);
		err_prefix(error_r, "signd");
		return 0;
	}
	if (answer_r->outcome <= 0)
		err_set(error_r, "%.*s", (int)answer_r->text.len,
		    answer_r->text.p ? answer_r->text.p : "");
	return answer_r->outcome;
}

/* What signd would refuse unread is refused here, for good. */
static int signer_check(const char *from_address, int64_t at_secs, struct err *error_r)
{
	if (strlen(from_address) > SIGNER_ADDRESS_MAX)
		return err_set(
		    error_r, "sender address is longer than %d bytes", SIGNER_ADDRESS_MAX);
	for (const char *p = from_address; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return err_set(error_r, "sender address holds a control character");
	if (at_secs < 0 || at_secs > SIGNER_TIME_MAX)
		return err_set(error_r, "time of signing %lld is out of range", (long long)at_secs);
	return 1;
}

static struct known_plan *find_plan(struct signer *signer, const char *from, int64_t at_secs)
{
	for (size_t i = 0; i < KNOWN_PLANS; i++)
		if (signer->known[i].from[0] != '\0' && signer->known[i].plan.at_secs == at_secs &&
		    strcmp(signer->known[i].from, from) == 0)
			return &signer->known[i];
	return NULL;
}

static void forget_plans(struct signer *signer)
{
	for (size_t i = 0; i < KNOWN_PLANS; i++)
		signer->known[i].from[0] = '\0';
}

int signer_plan(struct signer *signer, const char *from_address, int64_t at_secs,
    struct seal_plan *plan_r, struct err *error_r)
{
	struct signer_request request = {
	    .kind = SIGNER_PLAN, .from = range_of(from_address), .at_secs = at_secs};
	struct known_plan *known;
	struct signer_answer answer;
	int rc;

	if (signer_check(from_address, at_secs, error_r) < 0)
		return -1;
	rc = signer_ask(signer, &request, true, &answer, error_r);
	if (rc > 0) {
		*plan_r = answer.plan;
		known = &signer->known[signer->known_next++ % KNOWN_PLANS];
		(void)snprintf(known->from, sizeof(known->from), "%s", from_address);
		known->plan = answer.plan;
	}
	return rc;
}

/* What was asked in this second already, else asked now. */
static int plan_of_second(struct signer *signer, const char *from_address, int64_t at_secs,
    struct seal_plan *plan_r, struct err *error_r)
{
	const struct known_plan *known = find_plan(signer, from_address, at_secs);

	if (known == NULL)
		return signer_plan(signer, from_address, at_secs, plan_r, error_r);
	*plan_r = known->plan;
	return 1;
}

int signer_usable(
    struct signer *signer, const char *from_address, int64_t at_secs, struct err *error_r)
{
	struct seal_plan plan;

	return plan_of_second(signer, from_address, at_secs, &plan, error_r);
}

int signer_seal(struct signer *signer, const char *from_address, int64_t at_secs,
    const struct range *parts, size_t part_count, struct buf *armor, struct seal_plan *plan_r,
    struct err *error_r)
{
	struct signer_request request = {.kind = SIGNER_SIGN, .from = range_of(from_address)};
	struct signer_answer answer;
	struct sha256 *sha;
	int rc = plan_of_second(signer, from_address, at_secs, &request.plan, error_r);

	if (rc <= 0)
		return rc;
	sha = sha256_new();
	for (size_t i = 0; i < part_count; i++)
		sha256_add(sha, parts[i].p, parts[i].len);
	seal_digest_end(&request.plan, &sha, request.digest);
	rc = signer_ask(signer, &request, true, &answer, error_r);
	if (rc > 0) {
		buf_append(armor, answer.text.p, answer.text.len);
		*plan_r = request.plan;
	} else {
		forget_plans(signer);
	}
	return rc;
}

int signer_dkim(struct signer *signer, const char *from_address, struct range header_block,
    const uint8_t body_hash[SHA256_BYTES], int64_t at_secs, struct buf *fields, struct err *error_r)
{
	struct signer_request request = {.kind = SIGNER_DKIM,
	    .from = range_of(from_address),
	    .at_secs = at_secs,
	    .header_block = header_block};
	struct signer_answer answer;
	int rc;

	if (signer_check(from_address, at_secs, error_r) < 0)
		return -1;
	if (header_block.len > SIGNER_HEADER_MAX)
		return err_set(error_r, "header block of %zu bytes; at most %d are signed",
		    header_block.len, SIGNER_HEADER_MAX);
	memcpy(request.digest, body_hash, SHA256_BYTES);
	rc = signer_ask(signer, &request, true, &answer, error_r);
	if (rc > 0)
		buf_append(fields, answer.text.p, answer.text.len);
	return rc;
}

/* signd takes no request with such a word for whole; here a person can be told. */
static int check_arg(const char *verb, int n, struct range arg, struct err *error_r)
{
	if (arg.len > SIGNER_ARG_MAX)
		return err_set(error_r, "%s: word %d has %zu bytes, more than %d", verb, n, arg.len,
		    SIGNER_ARG_MAX);
	for (size_t i = 0; i < arg.len; i++)
		if ((unsigned char)arg.p[i] < ' ' || arg.p[i] == 127)
			return err_set(error_r, "%s: word %d holds a control character", verb, n);
	return 1;
}

int signer_admin(struct signer *signer, const char *verb, const char *const args[3],
    struct buf *json, struct err *error_r)
{
	struct signer_request request = {.kind = SIGNER_ADMIN, .verb = range_of(verb)};
	struct signer_answer answer;
	int rc;

	for (int i = 0; i < SIGNER_ARGS; i++) {
		request.args[i] = range_of(args[i] ? args[i] : "");
		if (check_arg(verb, i + 1, request.args[i], error_r) < 0)
			return -1;
	}
	rc = signer_ask(signer, &request, strncmp(verb, "key.create", 10) != 0, &answer, error_r);
	if (rc > 0)
		buf_append(json, answer.text.p, answer.text.len);
	return rc;
}
