/* crash: named points where a test kills the worker (MTAGW_CRASH=<name>); DESIGN 3, "the crash
 * points have names". */
#ifndef ROUTER_CRASH_H
#define ROUTER_CRASH_H

/* The part whose rights the router takes (base/sandbox.h): `router-crashing`, which may remove the
 * file of MTAGW_CRASH_ONCE, where that is in the environment, else this one. */
const char *crash_part(const char *part);
/* Kills the process with SIGKILL when the environment names this point. */
void crash_point(const char *name);
#define CRASH_POINT(name) crash_point(name)

#endif
