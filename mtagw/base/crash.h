/* crash: named points where a test kills a role (MTAGW_CRASH=<directory>); DESIGN 3, "the crash
 * points have names"; the names stand in mtagw/README.md. */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include <stdbool.h>

/* Whether the environment names a directory: the role then needs the right to remove files. */
bool crash_armed(void);
/* Kills the process with SIGKILL where the directory has a file `<name>` or `<name>.<digit>`, which
 * is removed first: each file is one death. Does nothing where the environment is silent. */
void crash_point(const char *name);
/* The point `<role>-<kind>-<when>`. */
void crash_point_of(const char *role, const char *kind, const char *when);
#define CRASH_POINT(name) crash_point(name)
#define CRASH_POINT_OF(role, kind, when) crash_point_of(role, kind, when)

#endif
