/*
 * role: the start and the signals that all role processes share. The parent has already changed
 * user, bound the ports and cleared the environment; what is done here cannot be undone by a
 * process that was taken over: no new privileges, no dump of its memory, no descriptor it did not
 * ask for.
 */
#include "mtagw/base/role.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

/* What the parent may hand over: more listening sockets than any role has. */
#define INHERITED_MAX 16

static struct {
	char *name;
	int fd;
} inherited[INHERITED_MAX];
static size_t inherited_count;

/* One role a process (STYLE pitfall 4): signals have no other way to find it. */
static struct {
	struct role *role;
	struct loop *loop;
	void (*drain)(void *ctx);
	void (*reload)(void *ctx);
	void *ctx;
} watch;
static volatile sig_atomic_t draining;

/* `mx=3 submission=4`, set by the parent; anything else in it is our own fault. */
static void read_inherited(void)
{
	const char *env = getenv("MTAGW_FDS");
	char *copy = mem_strdup(env ? env : ""), *save = NULL;

	for (char *item = strtok_r(copy, " ", &save); item; item = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(item, '='), *end = NULL;
		long fd = eq ? strtol(eq + 1, &end, 10) : -1;

		if (eq == NULL || end == eq + 1 || *end != '\0' || fd < 3 || fd > 65535 ||
		    inherited_count == INHERITED_MAX)
			log_fatal("start: MTAGW_FDS: not name=descriptor: \"%s\"", log_safe(item));
		if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
			log_fatal("start: MTAGW_FDS: %s: %s", log_safe(item), strerror(errno));
		*eq = '\0';
		inherited[inherited_count].name = mem_strdup(item);
		inherited[inherited_count++].fd = (int)fd;
	}
	free(copy);
	(void)unsetenv("MTAGW_FDS"); /* a helper we start must not believe it is meant */
}

static bool is_inherited(int fd)
{
	for (size_t i = 0; i < inherited_count; i++)
		if (inherited[i].fd == fd)
			return true;
	return false;
}

static void close_unknown(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;

	if (dir == NULL)
		return; /* no /proc: the parent's close-on-exec flags have to do */
	while ((e = readdir(dir)) != NULL) {
		char *end;
		long fd = strtol(e->d_name, &end, 10);

		if (end != e->d_name && fd > STDERR_FILENO && fd != dirfd(dir) &&
		    !is_inherited((int)fd))
			(void)close((int)fd);
	}
	(void)closedir(dir);
}

/* Descriptors 0 to 2 stand, so that a socket never becomes the log. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static void harden(void)
{
	const struct rlimit none = {0, 0};

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		log_fatal("start: prctl: %s", strerror(errno));
}

static void apply_settings(const struct settings *settings)
{
	log_set_level(settings->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	clock_set_offset_ms(settings->clock_offset_secs * 1000);
}

void role_start(struct role *role, const char *name, int argc, char **argv)
{
	struct err error = {""};
	char *file;
	int opt;

	open_standard();
	log_open(name);
	*role = (struct role){.name = name};
	while ((opt = getopt(argc, argv, "c:")) != -1) {
		if (opt != 'c')
			log_fatal("start: usage: mtagw-%s -c FILE", name);
		role->config_file = optarg;
	}
	if (role->config_file == NULL || optind != argc)
		log_fatal("start: usage: mtagw-%s -c FILE", name);
	read_inherited();
	close_unknown();
	harden();
	file = realpath(role->config_file, NULL); /* later reloads may run in another folder */
	if (file == NULL)
		log_fatal("start: %s: %s", role->config_file, strerror(errno));
	role->config_file = file;
	role->settings = settings_load(file, &error);
	if (role->settings == NULL)
		log_fatal("start: settings: %s", error.text);
	apply_settings(role->settings);
}

int role_inherited_fd(const char *name)
{
	for (size_t i = 0; i < inherited_count; i++)
		if (strcmp(inherited[i].name, name) == 0)
			return inherited[i].fd;
	return -1;
}

static void term_cb(void *ctx)
{
	(void)ctx;
	if (draining) {
		log_warn("stop: second signal, ending at once");
		_exit(1);
	}
	draining = 1;
	log_info("stop: draining");
	watch.drain(watch.ctx);
}

static void hup_cb(void *ctx)
{
	struct err error = {""};
	const struct settings *fresh = settings_load(watch.role->config_file, &error);

	(void)ctx;
	if (fresh == NULL) {
		log_error("reload: old settings stay: %s", error.text);
		return;
	}
	/* The old struct is never freed: sessions hold it, and reloads are rare. */
	watch.role->settings = fresh;
	apply_settings(fresh);
	log_info("reload: file=%s", watch.role->config_file);
	if (watch.reload != NULL)
		watch.reload(watch.ctx);
}

void role_watch_signals(struct role *role, struct loop *loop, void (*drain)(void *ctx),
    void (*reload)(void *ctx), void *ctx)
{
	watch.role = role;
	watch.loop = loop;
	watch.drain = drain;
	watch.reload = reload;
	watch.ctx = ctx;
	loop_on_signal(loop, SIGTERM, term_cb, NULL);
	loop_on_signal(loop, SIGINT, term_cb, NULL);
	loop_on_signal(loop, SIGHUP, hup_cb, NULL);
}

static volatile sig_atomic_t hup_seen;

static void flag_term(int signo)
{
	(void)signo;
	if (draining)
		_exit(1);
	draining = 1;
}

static void flag_hup(int signo)
{
	(void)signo;
	hup_seen = 1;
}

void role_watch_signals_blocking(struct role *role)
{
	struct sigaction sa = {.sa_handler = flag_term}; /* no SA_RESTART: a wait must end */

	watch.role = role;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = flag_hup;
	(void)sigaction(SIGHUP, &sa, NULL);
}

int role_draining(void)
{
	if (hup_seen) { /* between two pieces of work: the only safe place */
		hup_seen = 0;
		hup_cb(NULL);
	}
	return draining;
}
