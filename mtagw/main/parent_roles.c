/*
 * parent_roles: starts the role processes and keeps them. A role is its own executable, started
 * with the settings file, its listening descriptors by number in MTAGW_FDS and an otherwise bare
 * environment, under its own user where we are root. One that ends is started again after a wait
 * that doubles from one second to restart_max_secs, and begins anew for a role that lived for five
 * seconds.
 * When all end, those that others ask end last: a router in the middle of a batch still gets its
 * signatures.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/main/parent.h"

#define RESTART_MIN_MS 1000
#define LIVED_MS (5 * 1000) /* a role that ran this long did not fail at its start */

static const struct kind {
	const char *name;
	size_t user; /* offset of its setting */
	enum parent_socket first, last;
	bool sockets;
	bool serves; /* other roles ask it */
} kinds[] = {
    {"signd", offsetof(struct settings, signd_user), SOCKET_SIGND, SOCKET_SIGND, true, true},
    {"verify", offsetof(struct settings, verify_user), SOCKET_VERIFY, SOCKET_VERIFY, true, true},
    {"pdfd", offsetof(struct settings, pdfd_user), SOCKET_PDFD, SOCKET_PDFD, true, true},
    {"router", offsetof(struct settings, router_user), 0, 0, false, false},
    {"sender", offsetof(struct settings, sender_user), 0, 0, false, false},
    {"clerk", offsetof(struct settings, clerk_user), 0, 0, false, false},
    /* last: what takes mail in opens when the others stand */
    {"smtpd", offsetof(struct settings, smtpd_user), SOCKET_MX, SOCKET_SUBMISSIONS, true, false},
};
#define ROLE_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* Of our environment a role gets these, and PATH. */
static const char *const passed_on[] = {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};

struct one {
	struct parent_roles *roles;
	const struct kind *kind;
	struct parent_user user;
	char *file;
	pid_t pid; /* 0: not running */
	bool told; /* to end */
	int64_t started_ms, wait_ms;
	struct timer *restart;
};
struct parent_roles {
	const char *config_file;
	int64_t wait_max_ms;
	struct parent_sockets sockets;
	bool draining;
	struct one list[ROLE_COUNT];
};

static char *fds_text(const struct one *one)
{
	struct buf text = {0};

	buf_puts(&text, "MTAGW_FDS=");
	for (int i = one->kind->first; one->kind->sockets && i <= (int)one->kind->last; i++)
		if (one->roles->sockets.fd[i] >= 0)
			buf_printf(&text, "%s%s=%d", text.data[text.len - 1] == '=' ? "" : " ",
			    parent_socket_names[i], one->roles->sockets.fd[i]);
	return buf_steal(&text);
}

static char **environment(const struct one *one)
{
	size_t count = sizeof(passed_on) / sizeof(passed_on[0]), n = 0;
	char **env = mem_zalloc((count + 3) * sizeof(*env));

	env[n++] = mem_strdup("PATH=/usr/local/bin:/usr/bin:/bin");
	env[n++] = fds_text(one);
	for (size_t i = 0; i < count; i++)
		if (getenv(passed_on[i]) != NULL)
			env[n++] = mem_printf("%s=%s", passed_on[i], getenv(passed_on[i]));
	return env;
}

/* The child, up to exec. Never returns. */
static void become(struct one *one, char **env, pid_t parent)
{
	char option[] = "-c";
	char *argv[] = {one->file, option, mem_strdup(one->roles->config_file), NULL};
	struct err err;

	for (int i = one->kind->first; one->kind->sockets && i <= (int)one->kind->last; i++)
		if (one->roles->sockets.fd[i] >= 0)
			(void)fcntl(one->roles->sockets.fd[i], F_SETFD, 0);
	if (parent_user_become(&one->user, &err) < 0)
		log_fatal("start: role=%s %s", one->kind->name, err.text);
	/* After the change of user, which would undo it: no role outlives its parent, or the next
	 * parent would find its ports in use. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	(void)execve(one->file, argv, env);
	log_fatal("start: role=%s %s: %s", one->kind->name, one->file, strerror(errno));
}

static void plan_restart(struct one *one)
{
	if (one->roles->draining)
		return;
	if (one->wait_ms > one->roles->wait_max_ms)
		one->wait_ms = one->roles->wait_max_ms;
	log_info("restart: role=%s in_ms=%" PRId64, one->kind->name, one->wait_ms);
	timer_start(one->restart, one->wait_ms);
	one->wait_ms *= 2;
}

static void start_cb(void *ctx)
{
	struct one *one = ctx;
	char **env = environment(one);
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		become(one, env, parent);
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	free(env);
	one->started_ms = clock_mono_ms();
	if (pid < 0) {
		log_warn("start: role=%s fork: %s", one->kind->name, strerror(errno));
		plan_restart(one);
		return;
	}
	one->pid = pid;
	log_info(
	    "start: role=%s pid=%d uid=%u", one->kind->name, (int)pid, (unsigned)one->user.uid);
}

static const char *user_of(const struct settings *settings, const struct kind *kind)
{
	return *(const char *const *)((const char *)settings + kind->user);
}

static int prepare(struct one *one, struct loop *loop, const struct settings *settings,
    const struct kind *kind, struct err *error_r)
{
	one->kind = kind;
	one->wait_ms = RESTART_MIN_MS;
	one->file = mem_printf("%s/mtagw-%s", settings->libexec_dir, kind->name);
	one->restart = timer_new(loop, start_cb, one);
	if (access(one->file, X_OK) != 0)
		return err_set(error_r, "%s: %s (libexec_dir)", one->file, strerror(errno));
	if (parent_user_find(user_of(settings, kind), &one->user, error_r) < 0)
		return err_prefix(error_r, "%s_user", kind->name);
	return 1;
}

/* Said aloud: what a break-in into one role would reach. */
static void tell_separation(const struct parent_roles *roles)
{
	if (geteuid() != 0) {
		log_warn(
		    "not separated: all roles run as uid=%u; started as root, each has its own "
		    "user",
		    (unsigned)geteuid());
		return;
	}
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		const struct one *one = &roles->list[i];

		if (!one->user.change)
			log_warn("not separated: role=%s runs as root; set %s_user",
			    one->kind->name, one->kind->name);
	}
}

void parent_roles_settings(struct parent_roles *roles, const struct settings *settings)
{
	roles->wait_max_ms = settings->restart_max_secs * INT64_C(1000);
}

struct parent_roles *parent_roles_new(struct loop *loop, const struct settings *settings,
    const char *config_file, struct err *error_r)
{
	struct parent_roles *roles = mem_zalloc(sizeof(*roles));

	roles->config_file = config_file;
	parent_roles_settings(roles, settings);
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		roles->list[i].roles = roles;
		if (prepare(&roles->list[i], loop, settings, &kinds[i], error_r) < 0) {
			parent_roles_free(&roles);
			return NULL;
		}
	}
	return roles;
}

const struct parent_user *parent_roles_user(const struct parent_roles *roles, const char *name)
{
	size_t i = 0;

	while (strcmp(kinds[i].name, name) != 0) /* names are ours: it is there */
		i++;
	return &roles->list[i].user;
}

void parent_roles_start(struct parent_roles *roles, const struct parent_sockets *sockets)
{
	roles->sockets = *sockets;
	tell_separation(roles);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		start_cb(&roles->list[i]);
}

void parent_roles_signal(struct parent_roles *roles, int signo)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (roles->list[i].pid > 0)
			(void)kill(roles->list[i].pid, signo);
}

/* TERM to those that ask, or, once none of them runs, to those that are asked. */
static void end_some(struct parent_roles *roles)
{
	bool asking = false;

	for (size_t i = 0; i < ROLE_COUNT; i++)
		asking |= !roles->list[i].kind->serves && roles->list[i].pid > 0;
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		struct one *one = &roles->list[i];

		if (one->pid <= 0 || one->told || one->kind->serves == asking)
			continue;
		one->told = true;
		(void)kill(one->pid, SIGTERM);
	}
}

static void ended(struct one *one, int status)
{
	int64_t lived_ms = clock_mono_ms() - one->started_ms;
	const char *how = WIFSIGNALED(status) ? "signal" : "status";
	int what = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);

	one->pid = 0;
	if (one->roles->draining) {
		log_info("ended: role=%s %s=%d", one->kind->name, how, what);
		end_some(one->roles);
		return;
	}
	log_error("died: role=%s %s=%d lived_ms=%" PRId64, one->kind->name, how, what, lived_ms);
	if (lived_ms >= LIVED_MS)
		one->wait_ms = RESTART_MIN_MS;
	plan_restart(one);
}

void parent_roles_reap(struct parent_roles *roles)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < ROLE_COUNT; i++)
			if (roles->list[i].pid == pid)
				ended(&roles->list[i], status);
}

void parent_roles_drain(struct parent_roles *roles)
{
	roles->draining = true;
	for (size_t i = 0; i < ROLE_COUNT; i++)
		timer_stop(roles->list[i].restart);
	end_some(roles);
}

size_t parent_roles_running(const struct parent_roles *roles)
{
	size_t n = 0;

	for (size_t i = 0; i < ROLE_COUNT; i++)
		n += roles->list[i].pid > 0;
	return n;
}

void parent_roles_free(struct parent_roles **roles)
{
	if (*roles == NULL)
		return;
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		free((*roles)->list[i].file);
		timer_free(&(*roles)->list[i].restart);
	}
	free(*roles);
	*roles = NULL;
}
