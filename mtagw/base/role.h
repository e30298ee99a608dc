/* role: what every role process does first and last. */
#ifndef BASE_ROLE_H
#define BASE_ROLE_H

#include "mtagw/base/loop.h"
#include "mtagw/base/settings.h"

/* Parsed command line of a role: `mtagw-NAME -c FILE`, and what the parent hands over. */
struct role {
	const char *name;        /* `smtpd` */
	const char *config_file; /* absolute */
	const struct settings *settings;
};

/* Opens the log, reads options and settings, sets umask 077, ignores SIGPIPE, no core dumps, no new
 * privileges, closes what it does not know. Exits with status 1 and a clear line on a defect. */
void role_start(struct role *role, const char *name, int argc, char **argv);
/* A listening descriptor the parent bound for us: name as in MTAGW_FDS (`mx=3 submission=4`); -1
 * when absent. */
int role_inherited_fd(const char *name);
/* TERM and INT call drain(ctx) once; a second TERM ends the process. HUP rereads the settings: on
 * success role->settings is swapped (the old one is kept: sessions may hold it) and reload(ctx) is
 * called (may be NULL); on failure the error is logged and the old one stays. */
void role_watch_signals(struct role *role, struct loop *loop, void (*drain)(void *ctx),
    void (*reload)(void *ctx), void *ctx);
/* For blocking workers without a loop: installs flags instead of callbacks. */
void role_watch_signals_blocking(struct role *role);
/* True once TERM or INT came (blocking workers ask between two pieces of work; that is also where a
 * HUP is carried out, so role->settings may be another struct afterwards). */
int role_draining(void);

#endif
