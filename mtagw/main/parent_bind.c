/*
 * parent_bind: listening sockets, bound while we may still use ports below 1024 and handed to roles
 * as open descriptors. They live as long as the parent: a role that dies loses no connection that
 * waits to be accepted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/main/parent.h"

const char *const parent_socket_names[SOCKET_COUNT] = {
    "mx", "submission", "submissions", "signd", "verify", "pdfd"};

static int bind_one(const char *address, const char *key, int *fd_r, struct err *error_r)
{
	if (address[0] == '\0')
		return 1;
	*fd_r = listener_bind(address, error_r);
	return *fd_r >= 0 ? 1 : err_prefix(error_r, "%s", key);
}

static int make_runtime_dir(const char *dir, struct err *error_r)
{
	/* Roles of other users pass through it to their sockets. */
	if (mkdir(dir, 0755) == 0 ? chmod(dir, 0755) != 0 : errno != EEXIST)
		return err_set(error_r, "runtime_dir %s: %s", dir, strerror(errno));
	return 1;
}

static int bind_role(const char *dir, const char *name, const struct parent_user *user,
    const struct parent_user *router, int *fd_r, struct err *error_r)
{
	char *address = mem_printf("unix:%s/%s.sock", dir, name);
	const char *path = address + strlen("unix:");
	/* Between bind and chmod nobody but us may connect. */
	mode_t old = umask(0177);
	int rc = 1;

	*fd_r = listener_bind(address, error_r);
	(void)umask(old);
	if (*fd_r < 0)
		rc = -1;
	else if ((user->change || router->change) &&
	         (chown(path, user->uid, router->gid) != 0 || chmod(path, 0660) != 0))
		rc = err_set(error_r, "%s: %s", path, strerror(errno));
	free(address);
	return rc;
}

int parent_bind(const struct settings *settings, const struct parent_owners *owners,
    struct parent_sockets *sockets_r, struct err *error_r)
{
	const char *dir = settings->runtime_dir;
	int *fd = sockets_r->fd;

	for (int i = 0; i < SOCKET_COUNT; i++)
		fd[i] = -1;
	if (bind_one(settings->listen_mx, "listen_mx", &fd[SOCKET_MX], error_r) < 0 ||
	    bind_one(settings->listen_submission, "listen_submission", &fd[SOCKET_SUBMISSION],
	        error_r) < 0 ||
	    bind_one(settings->listen_submissions, "listen_submissions", &fd[SOCKET_SUBMISSIONS],
	        error_r) < 0 ||
	    make_runtime_dir(dir, error_r) < 0 ||
	    bind_role(dir, "signd", owners->signd, owners->router, &fd[SOCKET_SIGND], error_r) <
	        0 ||
	    bind_role(dir, "verify", owners->verify, owners->router, &fd[SOCKET_VERIFY], error_r) <
	        0)
		return -1;
	return bind_role(dir, "pdfd", owners->pdfd, owners->router, &fd[SOCKET_PDFD], error_r);
}

void parent_bind_compare(const struct settings *old, const struct settings *fresh)
{
	const struct {
		const char *key, *old, *fresh;
	} fixed[] = {
	    {"listen_mx", old->listen_mx, fresh->listen_mx},
	    {"listen_submission", old->listen_submission, fresh->listen_submission},
	    {"listen_submissions", old->listen_submissions, fresh->listen_submissions},
	    {"runtime_dir", old->runtime_dir, fresh->runtime_dir},
	    {"libexec_dir", old->libexec_dir, fresh->libexec_dir},
	    {"smtpd_user", old->smtpd_user, fresh->smtpd_user},
	    {"router_user", old->router_user, fresh->router_user},
	    {"signd_user", old->signd_user, fresh->signd_user},
	    {"sender_user", old->sender_user, fresh->sender_user},
	    {"clerk_user", old->clerk_user, fresh->clerk_user},
	    {"verify_user", old->verify_user, fresh->verify_user},
	    {"pdfd_user", old->pdfd_user, fresh->pdfd_user},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcmp(fixed[i].old, fixed[i].fresh) != 0)
			log_warn(
			    "reload: key=%s changed, a restart is needed for it", fixed[i].key);
}
