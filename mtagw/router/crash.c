/*
 * crash: `MTAGW_CRASH=router-number-before-commit` in the router's environment makes a worker die
 * there the first time it comes by, as a power cut would. `MTAGW_CRASH_ONCE=FILE` lets only one
 * worker die: the file is removed by the one that does. Costs a pointer comparison where the
 * environment is silent.
 */
#include "mtagw/router/crash.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/log.h"

const char *crash_part(const char *part)
{
	return getenv("MTAGW_CRASH_ONCE") != NULL ? "router-crashing" : part;
}

void crash_point(const char *name)
{
	static const char *wanted, *once;
	static bool read_once;

	if (!read_once) {
		wanted = getenv("MTAGW_CRASH");
		once = getenv("MTAGW_CRASH_ONCE");
		read_once = true;
	}
	if (wanted == NULL || strcmp(wanted, name) != 0)
		return;
	if (once != NULL && unlink(once) != 0)
		return;
	log_warn("crash-point name=%s", name);
	(void)raise(SIGKILL);
}
