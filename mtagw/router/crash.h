/* crash: named points where a test kills the worker (MTAGW_CRASH=<name>); DESIGN 3, "the crash
 * points have names". */
#ifndef ROUTER_CRASH_H
#define ROUTER_CRASH_H

/* Kills the process with SIGKILL when the environment names this point. */
void crash_point(const char *name);
#define CRASH_POINT(name) crash_point(name)

#endif
