/*
 * launch: what a PDF helper is, before its program begins: Python that renders what a stylesheet
 * made of an official's words, so it is held at arm's length. It has no descriptor but its client's
 * connection and the log, a clean environment, no network (by its filter, and by a namespace of its
 * own where the system allows one), a temporary folder that we remove, and it dies with us.
 *
 * Who is a client is decided by the rights of the socket, as for mtagw-verify. We read nothing from
 * him: that he hung up is all we want to know. Deadlines are the client's (he kills by hanging up).
 */
#include "mtagw/pdfd/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/office/pdf_tmp.h"
#include "mtagw/pdfd/priority.h"

#define HELPERS_MAX 64 /* as many render workers as a router may have */
#define GREETING_MS 1000
#define DRAIN_MS 20000 /* before the parent loses its patience */
#define DRAIN_SLICE_MS 200

struct helper {
	pid_t pid; /* 0: none */
	int fd;    /* the client's connection; -1 once he has hung up */
	struct pdf_tmp tmp;
};

struct launcher {
	const struct settings *settings;
	int listen_fd;
	char *program;
	struct helper list[HELPERS_MAX];
	sigset_t waiting; /* signals that may come while we wait, and only then */
};

static void on_child(int signo)
{
	(void)signo; /* it ends the wait */
}

/* -- in the child -- */

static void leave_network(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		log_info(
		    "no network namespace (%s): the filter alone keeps the helper from the network",
		    strerror(errno));
}

/* Never returns. */
__attribute__((noreturn)) static void become_helper(
    const struct launcher *l, int fd, const char *tmpdir, pid_t parent)
{
	char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8",
	    (char *)"HOME=/nonexistent", (char *)"SOURCE_DATE_EPOCH=0", (char *)"PYTHONHASHSEED=0",
	    (char *)"PYTHONDONTWRITEBYTECODE=1", mem_printf("TMPDIR=%s", tmpdir), NULL};
	char *const argv[] = {l->program, NULL};
	struct buf greeting = {0};
	struct err err = {""};
	sigset_t none;

	ipc_put_u32(&greeting, (uint32_t)getpid());
	if (ipc_send(fd, buf_range(&greeting), GREETING_MS, &err) < 0)
		_exit(0); /* he is gone already */
	priority_last();  /* before the namespace, in which our own files are not ours */
	leave_network();
	/* after the namespace, which undoes it */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 || close_range(3, ~0u, 0) < 0)
		log_fatal("helper: descriptors: %s", strerror(errno));
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	sandbox_enter(l->settings, "pdf");
	(void)execve(l->program, argv, environment);
	log_fatal("helper: %s: %s", l->program, strerror(errno));
}

/* -- in the launcher -- */

static struct helper *vacant(struct launcher *l)
{
	for (int i = 0; i < HELPERS_MAX; i++)
		if (l->list[i].pid == 0)
			return &l->list[i];
	return NULL;
}

static void start(struct launcher *l, struct helper *h, int fd)
{
	pid_t parent = getpid();
	struct err err = {""};

	if (pdf_tmp_make(&h->tmp, &err) < 0) {
		log_error("helper: %s", err.text);
		(void)close(fd);
		return;
	}
	h->pid = fork();
	if (h->pid == 0)
		become_helper(l, fd, h->tmp.path, parent);
	if (h->pid < 0) {
		log_error("helper: fork: %s", strerror(errno));
		(void)close(fd);
		pdf_tmp_remove(&h->tmp);
		h->pid = 0;
		return;
	}
	h->fd = fd;
	log_debug("helper started pid=%d", (int)h->pid);
}

static void hang_up(struct helper *h)
{
	(void)close(h->fd);
	h->fd = -1;
	(void)kill(h->pid, SIGKILL);
}

static void ended(struct helper *h, int status)
{
	/* with a client still there it ended by itself; he sees the end of his connection */
	if (h->fd >= 0 && WIFSIGNALED(status))
		log_warn("helper died pid=%d signal=%d%s", (int)h->pid, WTERMSIG(status),
		    WTERMSIG(status) == SIGSYS ? " (a system call that it may not make)" : "");
	else if (h->fd >= 0)
		log_warn("helper ended pid=%d status=%d", (int)h->pid, WEXITSTATUS(status));
	if (h->fd >= 0)
		(void)close(h->fd);
	pdf_tmp_remove(&h->tmp);
	h->pid = 0;
}

static void collect(struct launcher *l)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < HELPERS_MAX; i++)
			if (l->list[i].pid == pid)
				ended(&l->list[i], status);
}

/* Whoever comes while we end is told so at once. */
static void take_client(struct launcher *l, bool ending)
{
	int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct helper *h = ending ? NULL : vacant(l);

	if (fd < 0)
		return;
	if (h != NULL)
		start(l, h, fd);
	else
		(void)close(fd);
}

/* One wait and what came of it; with no room for a helper, clients wait in the socket's queue. */
static void turn(struct launcher *l, bool ending, int ms)
{
	const struct timespec limit = {ms / 1000, (long)(ms % 1000) * 1000000};
	struct pollfd p[HELPERS_MAX + 1];

	for (int i = 0; i < HELPERS_MAX; i++)
		p[i] = (struct pollfd){
		    .fd = l->list[i].pid > 0 ? l->list[i].fd : -1, .events = POLLRDHUP};
	p[HELPERS_MAX] = (struct pollfd){
	    .fd = ending || vacant(l) != NULL ? l->listen_fd : -1, .events = POLLIN};
	if (ppoll(p, HELPERS_MAX + 1, ms >= 0 ? &limit : NULL, &l->waiting) <= 0)
		return;
	for (int i = 0; i < HELPERS_MAX; i++)
		if (p[i].revents != 0)
			hang_up(&l->list[i]);
	if (p[HELPERS_MAX].revents != 0)
		take_client(l, ending);
}

static bool any_left(const struct launcher *l)
{
	for (int i = 0; i < HELPERS_MAX; i++)
		if (l->list[i].pid > 0)
			return true;
	return false;
}

static void end_all(struct launcher *l)
{
	for (int i = 0; i < HELPERS_MAX; i++)
		if (l->list[i].pid > 0 && l->list[i].fd >= 0)
			hang_up(&l->list[i]);
}

static void hold_signals(struct launcher *l)
{
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGCHLD);
	(void)sigaddset(&held, SIGTERM);
	(void)sigaddset(&held, SIGINT);
	(void)sigaddset(&held, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &held, &l->waiting);
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGCHLD, &sa, NULL);
}

void launch_run(const struct settings *settings, int listen_fd, int (*draining)(void))
{
	struct launcher *l = mem_zalloc(sizeof(*l));
	int64_t until_ms;

	l->settings = settings;
	l->listen_fd = listen_fd;
	l->program = mem_printf("%s/mtagw-pdf", settings->libexec_dir);
	hold_signals(l);
	while (!draining()) {
		turn(l, false, -1);
		collect(l);
	}
	until_ms = clock_mono_ms() + DRAIN_MS;
	while (any_left(l)) {
		if (clock_mono_ms() > until_ms)
			end_all(l);
		turn(l, true, DRAIN_SLICE_MS);
		collect(l);
	}
	free(l->program);
	free(l);
}
