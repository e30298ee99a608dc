/*
 * mtagw-router: the office. A small parent keeps a pool of sequential workers: routers that decide,
 * number and sign in batches, and render workers for letters that need a PDF (DESIGN 4, 13). A
 * worker that dies is started again at once; the work it held is claimed again when its lease is
 * over.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/router/worker.h"

#define RESTART_MIN_MS 1000 /* a worker that dies at once again and again must not spin */

struct child {
	pid_t pid;
	int64_t started_ms; /* of the monotonic clock; 0 never */
	bool renders;
};

static pid_t start(struct role *role, const struct glyphs *glyphs, bool renders, int index)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	worker_run(role, glyphs, renders, index);
	_exit(0);
}

static void end_children(struct child *list, int count)
{
	for (int i = 0; i < count; i++)
		if (list[i].pid > 0)
			(void)kill(list[i].pid, SIGTERM);
	for (int i = 0; i < count; i++)
		if (list[i].pid > 0)
			while (waitpid(list[i].pid, NULL, 0) < 0 && errno == EINTR)
				continue;
}

int main(int argc, char **argv)
{
	struct role role;
	struct child *list;
	struct glyphs *glyphs;
	int count;

	role_start(&role, "router", argc, argv);
	role_watch_signals_blocking(&role);
	count = role.settings->router_workers + role.settings->render_workers;
	list = mem_zalloc((size_t)count * sizeof(*list));
	for (int i = 0; i < count; i++)
		list[i].renders = i >= role.settings->router_workers;
	glyphs = glyphs_new(); /* reads font files, may want to keep caches of them */
	if (glyphs == NULL)
		log_warn(
		    "no font is installed: no PDF can be made until one is and mtagw starts again");
	sandbox_enter(role.settings, "router");
	while (!role_draining()) {
		int status;
		pid_t pid;

		for (int i = 0; i < count; i++)
			if (list[i].pid <= 0 &&
			    clock_mono_ms() - list[i].started_ms >= RESTART_MIN_MS) {
				list[i].started_ms = clock_mono_ms();
				list[i].pid = start(&role, glyphs, list[i].renders, i);
			}
		pid = waitpid(-1, &status, WNOHANG);
		for (int i = 0; pid > 0 && i < count; i++)
			if (list[i].pid == pid) {
				log_warn("worker-ended pid=%d status=%d", (int)pid, status);
				list[i].pid = 0;
			}
		if (pid <= 0)
			(void)usleep(200000); /* TERM interrupts it */
	}
	end_children(list, count);
	glyphs_free(&glyphs);
	free(list);
	return 0;
}
