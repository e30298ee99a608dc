/*
 * crash: `MTAGW_CRASH=/directory` in a role's environment makes it die at the points that have a
 * file of their name there, as a power cut would. Whoever removes the file dies, so that one file
 * is one death whatever number of processes come by. Costs a comparison where the environment is
 * silent.
 */
#include "mtagw/base/crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mtagw/base/log.h"

#define PATH_SIZE 512
#define DEATHS_MAX 9 /* of one name waiting at one time, beside the bare one */

static const char *directory(void)
{
	static const char *name;
	static bool known;

	if (!known) {
		name = getenv("MTAGW_CRASH");
		known = true;
	}
	return name;
}

bool crash_armed(void)
{
	return directory() != NULL;
}

static bool take(const char *name)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/%s", directory(), name);
	if (unlink(path) == 0)
		return true;
	for (int i = 1; i <= DEATHS_MAX; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s.%d", directory(), name, i);
		if (unlink(path) == 0)
			return true;
	}
	return false;
}

void crash_point(const char *name)
{
	if (directory() == NULL || !take(name))
		return;
	log_warn("crash-point name=%s", name);
	(void)raise(SIGKILL);
}

void crash_point_of(const char *role, const char *kind, const char *when)
{
	char name[128];

	if (directory() == NULL)
		return;
	(void)snprintf(name, sizeof(name), "%s-%s-%s", role, kind, when);
	crash_point(name);
}
