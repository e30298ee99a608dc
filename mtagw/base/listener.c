/*
 * listener: accepts connections and hands each descriptor on. It never closes what it handed on and
 * never stops for good: a process out of descriptors waits a second, because what it lacks comes
 * back when sessions end.
 */
#include "mtagw/base/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sockaddr.h"

/* Accepted in one loop turn, so that a flood of connections does not starve open sessions. */
#define ACCEPT_BATCH 64
#define RETRY_MS 1000
/* Waiting in the kernel; the system caps it (net.core.somaxconn). */
#define BACKLOG 4096

struct listener {
	struct watch *watch;
	struct timer *retry; /* runs while out of descriptors */
	struct loop *loop;
	int fd; /* the caller's */
	void (*cb)(int fd, void *ctx);
	void *ctx;
	bool paused;
	bool said; /* the shortage was logged */
	bool dead;
};

static void want(struct listener *l)
{
	watch_set(l->watch, !l->paused && !timer_running(l->retry), false);
}

static void accept_failed(struct listener *l, int error)
{
	/* The peer gave up before we came to it, or nothing is left to accept. */
	if (error == EAGAIN || error == ECONNABORTED || error == EINTR || error == EPROTO)
		return;
	if (!l->said)
		log_warn(
		    "accept: fd=%d reason=\"%s\": new connections wait", l->fd, strerror(error));
	l->said = true;
	timer_start(l->retry, RETRY_MS);
	want(l);
}

static void accept_cb(bool readable, bool writable, void *ctx)
{
	struct listener *l = ctx;

	(void)readable;
	(void)writable;
	for (int i = 0; i < ACCEPT_BATCH && !l->paused && !l->dead; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			accept_failed(l, errno);
			return;
		}
		l->said = false;
		l->cb(fd, l->ctx);
	}
}

static void retry_cb(void *ctx)
{
	want(ctx);
}

struct listener *listener_new(struct loop *loop, int fd, void (*cb)(int fd, void *ctx), void *ctx)
{
	struct listener *l = mem_zalloc(sizeof(*l));
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	l->loop = loop;
	l->fd = fd;
	l->cb = cb;
	l->ctx = ctx;
	l->watch = watch_new(loop, fd, accept_cb, l);
	l->retry = timer_new(loop, retry_cb, l);
	want(l);
	return l;
}

void listener_pause(struct listener *l, bool paused)
{
	l->paused = paused;
	want(l);
}

static void free_now(void *ctx)
{
	struct listener *l = ctx;

	watch_free(&l->watch);
	timer_free(&l->retry);
	free(l);
}

void listener_free(struct listener **lp)
{
	struct listener *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	l->dead = true;
	timer_stop(l->retry);
	listener_pause(l, true);
	loop_defer(l->loop, free_now, l); /* maybe we stand in accept_cb */
}

/* True when the socket file is left over: it exists as a socket and nobody listens. */
static bool is_stale(const struct sockaddr_any *addr)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&addr->sa;
	struct stat st;
	bool refused;
	int fd;

	if (addr->sa.ss_family != AF_UNIX || lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0 &&
	          errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

int listener_bind(const char *address, struct err *error_r)
{
	struct sockaddr_any addr;
	int on = 1, fd;

	if (sockaddr_parse(address, &addr, error_r) < 0)
		return -1;
	fd = socket(addr.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(error_r, "%s: no socket: %s", address, strerror(errno));
	if (addr.sa.ss_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr.sa.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (is_stale(&addr))
		(void)unlink(((struct sockaddr_un *)&addr.sa)->sun_path);
	if (bind(fd, (struct sockaddr *)&addr.sa, addr.len) != 0 || listen(fd, BACKLOG) != 0) {
		(void)err_set(error_r, "%s: cannot listen: %s", address, strerror(errno));
		(void)close(fd);
		return -1;
	}
	return fd;
}
