/* sandbox: what a part of the gateway may ask of the kernel, by libseccomp (this is its one door),
 * and how much address space it gets. One table says it for every part (sandbox.c). */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "mtagw/base/settings.h"

/* Takes from this process, for good, whatever the named part does not need: `smtpd`, `router`,
 * `router-worker`, `router-crashing`, `sender`, `clerk`, `signd`, `verify`, `verify-worker`,
 * `pdfd`, `pdf`. What is opened at the start is opened before; children and programs they start
 * inherit it, and a second call only takes away more. Bounds the address space first (not in a
 * build with a sanitizer, which reserves terabytes). With `sandbox = no`, or in such a build, no
 * filter is set and the log says so.
 *
 * A system call outside the filter ends the process with SIGSYS after a log line that names it; a
 * program that was started ends without one. Sockets of a family, and files for writing, that the
 * part may not have are refused with EACCES, because libraries try them and can do without. Ends
 * the process with a clear line when the kernel takes no filter. Needs no_new_privs (role_start).
 * Never blocks; must be called before a thread is started. */
void sandbox_enter(const struct settings *settings, const char *part);

#endif
