/*
 * worker: takes a connection, a message, judges it, answers, and closes. What it runs is written in
 * C by many hands and reads bytes of strangers, so the process is made to be lost: no database, no
 * key, no connection outside (names are asked for by a process beside it), no right to write but in
 * GnuPG's home, bounds on memory, processor and time. It says TAKEN
 * when it has the whole message; if it ends after that, the client knows what it ended of.
 *
 * The workers share the listening socket: a worker that is busy does not accept, so a question
 * waits in the kernel's queue for the first that is free. Nobody in front of them reads a byte.
 *
 * Crash points for tests (MTAGW_CRASH in the environment): verify-after-taken, verify-hang.
 */
#include "mtagw/verify/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/crypto/verify.h"
#include "mtagw/crypto/verify_msg.h"

/* Replaced after so many, for what libraries leak. The cache of names goes with it. */
#define WORKER_MESSAGES 1000
/* A client sends what it has in memory; one that does not is gone. */
#define CLIENT_MS 10000
#define FILES_MAX 256 /* low: GPGME closes all up to it in each child */

struct worker {
	struct role *role;
	struct verify *verify;
	struct buf frame, message;
};

static void stuck(int signo)
{
	static const char line[] = "verify: error: a message took too long, ending\n";
	ssize_t put = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)signo;
	(void)put;
	_exit(1);
}

static void set_limit(int what, rlim_t value)
{
	struct rlimit limit = {value, value};

	if (setrlimit(what, &limit) != 0)
		log_fatal("start: setrlimit: %s", strerror(errno));
}

/* Processor seconds from now on; children count their own from zero. */
static void limit_processor(int secs)
{
	struct rusage used;
	struct rlimit limit;

	if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0)
		return;
	limit.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 2 + secs);
	(void)setrlimit(RLIMIT_CPU, &limit);
}

/* Of the client's patience three quarters are the worker's, so that its end is still heard; names
 * get half. */
static int work_secs(const struct settings *settings)
{
	return settings->verify_timeout_secs * 3 / 4;
}

static void crash_point(void)
{
	const char *wanted = getenv("MTAGW_CRASH");

	if (wanted && strcmp(wanted, "verify-after-taken") == 0)
		(void)raise(SIGKILL);
	while (wanted && strcmp(wanted, "verify-hang") == 0)
		(void)pause();
}

/* The whole message into worker->message. */
static int take_message(struct worker *worker, int fd, uint64_t size, struct err *error_r)
{
	buf_reset(&worker->message);
	while (worker->message.len < size) {
		if (ipc_recv(fd, &worker->frame, CLIENT_MS, error_r) < 0)
			return -1;
		if (worker->frame.len == 0 || worker->frame.len > size - worker->message.len)
			return err_set(error_r, "a frame that is not of the message");
		buf_append(&worker->message, worker->frame.data, worker->frame.len);
	}
	return 1;
}

/* Whether the process that asks for names has ended: the only child that is still ours, GnuPG's are
 * not. Without it every verdict would be one of a resolver that does not answer. */
static bool names_gone(void)
{
	siginfo_t info = {0};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static int answer(
    struct worker *worker, int fd, const struct verify_request *request, struct err *error_r)
{
	const struct settings *settings = worker->role->settings;
	struct arena *arena = arena_new();
	int64_t began = clock_mono_ms();
	struct verdicts verdicts;
	int rc;

	limit_processor(work_secs(settings));
	(void)alarm((unsigned)work_secs(settings));
	crash_point();
	verify_message(
	    worker->verify, request, settings->verify_timeout_secs * 500, arena, &verdicts);
	(void)alarm(0);
	if (names_gone()) {
		arena_free(&arena);
		return err_set(error_r, "no names while the message was judged");
	}
	buf_reset(&worker->frame);
	verify_answer_put(&worker->frame, &verdicts);
	rc = ipc_send(fd, buf_range(&worker->frame), CLIENT_MS, error_r);
	log_info("judged size=%zu level=%s from=%s spf=%s dkim=%zu dmarc=%s signatures=%zu ms=%lld",
	    request->message.len, verdicts_level(&verdicts), log_safe(verdicts.from_domain),
	    verdicts.spf, verdicts.dkim_count, verdicts.dmarc, verdicts.signature_count,
	    (long long)(clock_mono_ms() - began));
	arena_free(&arena);
	return rc;
}

static int serve(struct worker *worker, int fd, struct err *error_r)
{
	char peer_ip[VERIFY_TEXT_MAX + 1], helo[VERIFY_TEXT_MAX + 1], sender[VERIFY_TEXT_MAX + 1];
	struct verify_request request = {.peer_ip = peer_ip, .helo = helo, .sender = sender};
	struct verify_head head;
	uint64_t size_max = (uint64_t)worker->role->settings->message_size_limit;

	if (ipc_recv(fd, &worker->frame, CLIENT_MS, error_r) < 0 ||
	    verify_head_get(buf_range(&worker->frame), size_max, &head, error_r) < 0)
		return -1;
	(void)snprintf(peer_ip, sizeof(peer_ip), "%.*s", (int)head.peer_ip.len, head.peer_ip.p);
	(void)snprintf(helo, sizeof(helo), "%.*s", (int)head.helo.len, head.helo.p);
	(void)snprintf(sender, sizeof(sender), "%.*s", (int)head.sender.len, head.sender.p);
	if (take_message(worker, fd, head.size, error_r) < 0)
		return -1;
	request.message = buf_range(&worker->message);
	buf_reset(&worker->frame);
	verify_taken_put(&worker->frame);
	if (ipc_send(fd, buf_range(&worker->frame), CLIENT_MS, error_r) < 0)
		return -1;
	return answer(worker, fd, &request, error_r);
}

/* The next connection; -1 when there is none now. */
static int next_client(int listen_fd)
{
	struct pollfd p = {.fd = listen_fd, .events = POLLIN};

	/* TERM ends the wait; the second is for a signal that came just before it */
	if (poll(&p, 1, 1000) <= 0)
		return -1;
	/* another worker may have been faster */
	return accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void worker_run(struct role *role, int listen_fd)
{
	struct worker worker = {.role = role};
	struct err err = {""};
	int count = 0;

	set_limit(RLIMIT_NOFILE, FILES_MAX);
	(void)signal(SIGALRM, stuck);
	(void)signal(SIGHUP, SIG_IGN); /* a changed setting means another worker */
	worker.verify = verify_open(role->settings, &err);
	if (!worker.verify)
		log_fatal("start: %s", err.text);
	sandbox_enter(role->settings, "verify-worker");
	while (!role_draining() && count < WORKER_MESSAGES) {
		int fd = next_client(listen_fd);

		if (fd < 0)
			continue;
		if (names_gone()) { /* nothing was taken: the client asks another worker */
			log_warn("the process that asks for names ended, so does this worker");
			(void)close(fd);
			break;
		}
		count++;
		if (serve(&worker, fd, &err) < 0)
			log_warn("not answered: %s", log_safe(err.text));
		(void)close(fd);
	}
	verify_close(&worker.verify);
	buf_free(&worker.frame);
	buf_free(&worker.message);
}
