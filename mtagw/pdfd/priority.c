/*
 * priority: nice counts among tasks of one scheduling group only. Where the kernel groups tasks by
 * session (sched(7), autogroup) all roles are one group and each backend of PostgreSQL is another:
 * a helper then takes the share of the roles' group from the database whatever its nice is, and
 * letters wait for that. So a helper gets a session of its own, and that group a low weight.
 * Batch, not idle: among groups the kernel takes a core with an idle task for a free one, and who
 * is put there waits.
 */
#include "mtagw/pdfd/priority.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "mtagw/base/log.h"

/* A tenth of the weight of others: letters hardly feel it, and pages still come along where the
 * machine is never idle. */
#define NICE 10
#define NICE_TEXT "10"
#define GROUP_FILE "/proc/self/autogroup"
/* The kernel changes one group in a tenth of a second, for the whole machine. */
#define GROUP_TRIES 20
#define GROUP_PAUSE_MS 60

/* The files of a role that forbids tracing are root's. */
static int group_open(void)
{
	int fd, error;

	(void)prctl(PR_SET_DUMPABLE, 1);
	fd = open(GROUP_FILE, O_WRONLY | O_CLOEXEC);
	error = errno;
	(void)prctl(PR_SET_DUMPABLE, 0);
	errno = error;
	return fd;
}

static void group_last(void)
{
	const struct timespec pause = {0, GROUP_PAUSE_MS * 1000000L};
	int fd = group_open();
	ssize_t n = -1;

	if (fd < 0) {
		if (errno != ENOENT) /* a kernel without such groups */
			log_info("helper: %s: %s", GROUP_FILE, strerror(errno));
		return;
	}
	for (int i = 0; i < GROUP_TRIES && n < 0; i++) {
		n = write(fd, NICE_TEXT, strlen(NICE_TEXT));
		if (n < 0 && errno != EAGAIN)
			break;
		if (n < 0)
			(void)nanosleep(&pause, NULL);
	}
	if (n < 0)
		log_info("helper: %s: %s", GROUP_FILE, strerror(errno));
	(void)close(fd);
}

void priority_last(void)
{
	const struct sched_param none = {0};

	if (setsid() < 0)
		log_info("helper: no session of its own: %s", strerror(errno));
	else
		group_last();
	if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		log_info("helper: nice: %s", strerror(errno));
	if (sched_setscheduler(0, SCHED_BATCH, &none) < 0)
		log_info("helper: no batch scheduling: %s", strerror(errno));
}
