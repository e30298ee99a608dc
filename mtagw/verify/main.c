/*
 * mtagw-verify: judges mail from outside with libraries that hostile bytes can crash. This process
 * only keeps its pool of workers: it starts those that are missing, and when one ends it ends what
 * that one started (a gpg in the middle of its work) and starts another. It reads nothing from
 * anyone.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/verify/worker.h"

/* One that ends at once again and again must not spin. */
#define RESTART_MIN_MS 1000

struct child {
	pid_t pid; /* 0: none */
	int64_t started_ms;
};

struct pool {
	struct role role;
	const struct settings *settings; /* the workers' */
	int fd;
	struct child *list;
	int count;
	sigset_t waiting; /* signals that may come while we wait, and only then */
};

static void on_child(int signo)
{
	(void)signo; /* it ends the wait */
}

static void child_start(struct pool *pool, struct child *child)
{
	pid_t parent = getpid();

	child->started_ms = clock_mono_ms();
	child->pid = fork();
	if (child->pid < 0) {
		log_warn("worker: fork: %s", strerror(errno));
		child->pid = 0;
		return;
	}
	if (child->pid > 0) {
		(void)setpgid(child->pid, child->pid); /* whoever of the two comes first */
		return;
	}
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &pool->waiting, NULL);
	worker_run(&pool->role, pool->fd);
	_exit(0);
}

static void child_ended(struct child *child, int status)
{
	/* its helpers are of its group; the agent of GnuPG is a daemon of its own */
	(void)kill(-child->pid, SIGKILL);
	if (WIFSIGNALED(status))
		log_warn("worker died pid=%d signal=%d", (int)child->pid, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		log_warn("worker died pid=%d status=%d", (int)child->pid, WEXITSTATUS(status));
	else
		log_info("worker ended pid=%d", (int)child->pid);
	child->pid = 0;
}

static void collect(struct pool *pool)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < pool->count; i++)
			if (pool->list[i].pid == pid)
				child_ended(&pool->list[i], status);
}

/* Starts those that are missing; how long to wait until the next may be started, -1 without end. */
static int start_missing(struct pool *pool)
{
	int wait_ms = -1;

	for (int i = 0; i < pool->count; i++) {
		struct child *child = &pool->list[i];
		int64_t due = child->started_ms + RESTART_MIN_MS - clock_mono_ms();

		if (child->pid == 0 && (child->started_ms == 0 || due <= 0))
			child_start(pool, child);
		else if (child->pid == 0 && (wait_ms < 0 || due < wait_ms))
			wait_ms = (int)due;
		if (child->pid == 0 && wait_ms < 0)
			wait_ms = RESTART_MIN_MS;
	}
	return wait_ms;
}

static void end_all(const struct pool *pool)
{
	for (int i = 0; i < pool->count; i++)
		if (pool->list[i].pid > 0)
			(void)kill(pool->list[i].pid, SIGTERM);
}

/* Other settings: the workers end after their message, and others start with the new ones. */
static void follow_settings(struct pool *pool)
{
	if (pool->role.settings == pool->settings)
		return;
	pool->settings = pool->role.settings;
	end_all(pool);
}

static void pool_wait(const struct pool *pool, int ms)
{
	const struct timespec limit = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)ppoll(NULL, 0, ms >= 0 ? &limit : NULL, &pool->waiting);
}

static bool any_left(const struct pool *pool)
{
	for (int i = 0; i < pool->count; i++)
		if (pool->list[i].pid > 0)
			return true;
	return false;
}

/* gpgsm asked an agent about authorities; it is a daemon and would stay. */
static void end_agent(const char *home)
{
	char name[] = "gpgconf", option[] = "--homedir", verb[] = "--kill", what[] = "gpg-agent";
	char *argv[] = {name, option, mem_strdup(home), verb, what, NULL};
	pid_t pid;

	if (posix_spawnp(&pid, name, NULL, NULL, argv, environ) == 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	free(argv[2]);
}

static void hold_signals(struct pool *pool)
{
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGCHLD);
	(void)sigaddset(&held, SIGTERM);
	(void)sigaddset(&held, SIGINT);
	(void)sigaddset(&held, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &held, &pool->waiting);
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGCHLD, &sa, NULL);
}

/* What the parent bound for us, or a socket of our own in runtime_dir, for our own user. */
static int listen_open(const struct settings *settings)
{
	int fd = role_inherited_fd("verify");
	struct err err = {""};
	char *address;

	if (fd >= 0)
		return fd;
	address = mem_printf("unix:%s/verify.sock", settings->runtime_dir);
	fd = listener_bind(address, &err);
	if (fd < 0)
		log_fatal("start: %s", err.text);
	free(address);
	return fd;
}

int main(int argc, char **argv)
{
	struct pool pool = {.fd = -1};

	role_start(&pool.role, "verify", argc, argv);
	role_watch_signals_blocking(&pool.role);
	hold_signals(&pool);
	pool.settings = pool.role.settings;
	pool.fd = listen_open(pool.settings);
	pool.count = pool.settings->verify_workers;
	pool.list = mem_zalloc((size_t)pool.count * sizeof(*pool.list));
	sandbox_enter(pool.settings, "verify");
	log_info("start: ready workers=%d names=%s", pool.count,
	    *pool.settings->dns_zone_file ? pool.settings->dns_zone_file : "resolvers");
	while (!role_draining()) {
		follow_settings(&pool);
		pool_wait(&pool, start_missing(&pool));
		collect(&pool);
	}
	end_all(&pool);
	while (any_left(&pool)) {
		pool_wait(&pool, -1);
		collect(&pool);
	}
	end_agent(pool.settings->correspondent_keys);
	free(pool.list);
	log_info("stop: done");
	return 0;
}
