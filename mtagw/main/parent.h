/* parent: what the files of the program mtagw share. */
#ifndef MAIN_PARENT_H
#define MAIN_PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "mtagw/base/err.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/settings.h"

/* --- users: parent_user.c --- */
struct parent_user {
	bool change; /* false: stay who we are */
	uid_t uid;
	gid_t gid;
};
/* Name or number; "" and whoever is not root stay. 1, or -1: no such user. May read the user
 * database, so it runs before any role does. */
int parent_user_find(const char *name, struct parent_user *user_r, struct err *error_r);
/* Becomes that user for good, in the child: groups cleared. 1 or -1 with errno's words. */
int parent_user_become(const struct parent_user *user, struct err *error_r);

/* --- listening sockets: parent_bind.c --- */
enum parent_socket {
	SOCKET_MX,
	SOCKET_SUBMISSION,
	SOCKET_SUBMISSIONS,
	SOCKET_SIGND,
	SOCKET_VERIFY,
	SOCKET_PDFD,
	SOCKET_COUNT
};
extern const char *const parent_socket_names[SOCKET_COUNT];
struct parent_sockets {
	int fd[SOCKET_COUNT]; /* -1: off */
};
/* Users that the sockets of roles are made for; each asks through the router's group. */
struct parent_owners {
	const struct parent_user *signd, *verify, *pdfd, *router;
};
/* Binds all. The sockets of signd, verify and pdfd lie in runtime_dir (made when absent); each may
 * be used by that role's user and the router's group alone. 1 or -1. */
int parent_bind(const struct settings *settings, const struct parent_owners *owners,
    struct parent_sockets *sockets_r, struct err *error_r);
/* Warns about addresses that a reload cannot change. */
void parent_bind_compare(const struct settings *old, const struct settings *fresh);

/* --- roles: parent_roles.c --- */
struct parent_roles;
/* Checks executables and users of all roles: NULL and error_r on a defect. Nothing runs yet. */
struct parent_roles *parent_roles_new(struct loop *loop, const struct settings *settings,
    const char *config_file, struct err *error_r);
const struct parent_user *parent_roles_user(const struct parent_roles *roles, const char *name);
void parent_roles_start(struct parent_roles *roles, const struct parent_sockets *sockets);
/* Takes over what of changed settings holds for roles started from now on: restart_max_secs. */
void parent_roles_settings(struct parent_roles *roles, const struct settings *settings);
/* To every running role. */
void parent_roles_signal(struct parent_roles *roles, int signo);
/* Collects ended roles and plans their restart. SIGCHLD's work. */
void parent_roles_reap(struct parent_roles *roles);
/* No restart from now on; TERM to the roles that ask, and when they have ended to those that are
 * asked. */
void parent_roles_drain(struct parent_roles *roles);
size_t parent_roles_running(const struct parent_roles *roles);
void parent_roles_free(struct parent_roles **roles);

/* --- settings that are wrong together: parent_check.c --- */
/* Where we are root: no role is root, no two are one user ("" is the administrator's own word).
 * 1 or -1 with file, line and key. */
int parent_check_users(const struct settings *settings, const char *config_file,
    const struct parent_roles *roles, struct err *error_r);
/* Folders are there, certificate and key belong together. What we may not read is said on standard
 * error and not checked. 1 or -1 with file, line and key. Reads files. */
int parent_check_files(
    const struct settings *settings, const char *config_file, struct err *error_r);

#endif
