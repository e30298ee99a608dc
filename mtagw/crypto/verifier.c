/*
 * verifier: asks mtagw-verify about one message. The worker says when it has the whole message; an
 * end of the connection before that is nobody's fault (the role was restarted, all workers are
 * busy), after it the message is what the worker died of. The whole talk has one deadline.
 */
#include "mtagw/crypto/verifier.h"

#include <stdlib.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/base/mem.h"
#include "mtagw/crypto/verify_msg.h"

struct verifier {
	char *address;
	int timeout_ms;
	struct buf payload;
};

struct verifier *verifier_new(const struct settings *settings)
{
	struct verifier *verifier = mem_zalloc(sizeof(*verifier));

	verifier->address = mem_printf("unix:%s/verify.sock", settings->runtime_dir);
	verifier->timeout_ms = settings->verify_timeout_secs * 1000;
	return verifier;
}

void verifier_free(struct verifier **verifierp)
{
	struct verifier *verifier = *verifierp;

	*verifierp = NULL;
	if (!verifier)
		return;
	buf_free(&verifier->payload);
	free(verifier->address);
	free(verifier);
}

/* What is left for one more wait; at least a moment, so that the wait itself tells it is over. */
static int left_ms(int64_t deadline)
{
	int64_t left = deadline - clock_mono_ms();

	return left > 1 ? (int)left : 1;
}

static int send_question(struct verifier *verifier, int fd, const struct verify_request *request,
    int64_t deadline, struct err *error_r)
{
	const struct verify_head head = {.size = request->message.len,
	    .peer_ip = range_of(request->peer_ip),
	    .helo = range_of(request->helo),
	    .sender = range_of(request->sender)};
	struct range left = request->message;

	buf_reset(&verifier->payload);
	verify_head_put(&verifier->payload, &head);
	if (ipc_send(fd, buf_range(&verifier->payload), left_ms(deadline), error_r) < 0)
		return -1;
	while (left.len > 0) {
		size_t n = left.len < IPC_FRAME_MAX ? left.len : IPC_FRAME_MAX;

		if (ipc_send(fd, (struct range){left.p, n}, left_ms(deadline), error_r) < 0)
			return -1;
		left.p += n;
		left.len -= n;
	}
	return 1;
}

/* The answer, after TAKEN. */
static int wait_answer(struct verifier *verifier, int fd, int64_t deadline, struct arena *arena,
    struct verdicts *verdicts_r, struct err *error_r)
{
	int rc = ipc_recv(fd, &verifier->payload, left_ms(deadline), error_r);

	if (rc > 0)
		rc = verify_reply_get(buf_range(&verifier->payload), arena, verdicts_r, error_r);
	if (rc > 0)
		return 1;
	if (rc == 0)
		(void)err_set(error_r, "said twice that it has the message");
	if (clock_mono_ms() >= deadline)
		return err_prefix(error_r, "verify"); /* it came late to a worker: wait */
	(void)err_prefix(error_r, "the verify worker ended over this message");
	return 0;
}

int verifier_ask(struct verifier *verifier, const struct verify_request *request,
    struct arena *arena, struct verdicts *verdicts_r, struct err *error_r)
{
	int64_t deadline = clock_mono_ms() + verifier->timeout_ms;
	int fd = ipc_connect(verifier->address, verifier->timeout_ms, error_r), rc;

	if (fd < 0)
		return err_prefix(error_r, "verify");
	rc = send_question(verifier, fd, request, deadline, error_r);
	if (rc > 0)
		rc = ipc_recv(fd, &verifier->payload, left_ms(deadline), error_r);
	if (rc > 0)
		rc = verify_reply_get(buf_range(&verifier->payload), arena, verdicts_r, error_r);
	if (rc == 0)
		rc = wait_answer(verifier, fd, deadline, arena, verdicts_r, error_r);
	else if (rc > 0)
		rc = err_set(error_r, "verify: an answer before the message was taken");
	else
		(void)err_prefix(error_r, "verify does not take the message");
	(void)close(fd);
	return rc;
}
