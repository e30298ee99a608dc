/*
 * The start and the signals of roles. What role_start does cannot be undone, so each case runs in a
 * child: it does its asserts by `want`, and the test looks at its exit status and at what it said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/role.h"

#define GOOD "domain = dumai.example\nhostname = mail.dumai.example\n"

static char folder[64], conf[96];
static struct role role;

/* --- the child's side --- */

#define want(condition)                                                                \
	do {                                                                           \
		if (!(condition)) {                                                    \
			dprintf(STDERR_FILENO, "line %d: %s\n", __LINE__, #condition); \
			_exit(99);                                                     \
		}                                                                      \
	} while (0)

static void write_conf(const char *more)
{
	FILE *f = fopen(conf, "w");

	want(f != NULL);
	want(fprintf(f, GOOD "%s", more) > 0);
	want(fclose(f) == 0);
}

static void start_with(const char *file)
{
	char *argv[] = {(char *)"mtagw-uji", (char *)"-c", (char *)file, NULL};

	role_start(&role, "uji", 3, argv);
}

/* --- the test's side --- */

/* Exit status of a child that runs the body, -1 for a signal; what it said is in said[]. */
static char said[4096];

static int in_child(void (*body)(const char *arg), const char *arg)
{
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	int fd[2], status;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fd[1], STDERR_FILENO);
		(void)close(fd[0]);
		(void)close(fd[1]);
		(void)alarm(20);
		body(arg);
		_exit(0);
	}
	(void)close(fd[1]);
	while (len < sizeof(said) - 1 && (n = read(fd[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	(void)close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void good(void (*body)(const char *arg))
{
	int status = in_child(body, NULL);

	if (status != 0)
		print_error("%s", said);
	assert_int_equal(status, 0);
}

/* --- options and settings --- */

static void start_words(const char *words)
{
	char *copy = strdup(words), *argv[8] = {(char *)"mtagw-uji"}, *save = NULL;
	int argc = 1;

	write_conf("");
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "CONF") == 0 ? conf : w;
	role_start(&role, "uji", argc, argv);
}

static void options(void **state)
{
	static const struct {
		const char *words;
		int status;
		const char *says;
	} cases[] = {
	    {"-c CONF", 0, ""},
	    {"", 1, "usage: mtagw-uji -c FILE"},
	    {"-c", 1, "usage: mtagw-uji -c FILE"},
	    {"-c CONF more", 1, "usage: mtagw-uji -c FILE"},
	    {"-x -c CONF", 1, "usage: mtagw-uji -c FILE"},
	    {"-c /nowhere/mtagw.conf", 1, "start: /nowhere/mtagw.conf: No such file or directory"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(in_child(start_words, cases[i].words), cases[i].status);
		if (strstr(said, cases[i].says) == NULL)
			fail_msg("\"%s\": %s", cases[i].words, said);
	}
}

static void start_bad_settings(const char *arg)
{
	write_conf(arg);
	start_with(conf);
}

static void bad_settings_end_it(void **state)
{
	(void)state;
	assert_int_equal(in_child(start_bad_settings, "debgu = yes\n"), 1);
	assert_non_null(strstr(said, "mtagw.conf:3: unknown key \"debgu\""));
}

static void relative_file(const char *arg)
{
	(void)arg;
	write_conf("clock_offset_secs = 86400\n");
	want(chdir(folder) == 0);
	start_with("mtagw.conf");
	want(strcmp(role.config_file, conf) == 0); /* absolute: a reload may run elsewhere */
	want(strcmp(role.settings->domain, "dumai.example") == 0);
	int64_t ahead = clock_now_ms() / 1000 - (int64_t)time(NULL);
	want(ahead >= 86399 && ahead <= 86402);
}

static void settings_are_there(void **state)
{
	(void)state;
	good(relative_file);
}

/* --- descriptors --- */

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR);

	want(fd > STDERR_FILENO);
	return fd;
}

static void take_over(const char *arg)
{
	int mx = open_null(), submission = open_null(), stranger = open_null();
	char env[64];

	(void)arg;
	write_conf("");
	(void)snprintf(env, sizeof(env), "mx=%d submission=%d", mx, submission);
	want(setenv("MTAGW_FDS", env, 1) == 0);
	start_with(conf);
	want(role_inherited_fd("mx") == mx);
	want(role_inherited_fd("submission") == submission);
	want(role_inherited_fd("submissions") == -1);
	want(fcntl(mx, F_GETFD) == FD_CLOEXEC); /* a helper does not get it */
	want(fcntl(stranger, F_GETFD) == -1 && errno == EBADF);
	want(getenv("MTAGW_FDS") == NULL);
}

static void nothing_inherited(const char *arg)
{
	(void)arg;
	write_conf("");
	want(unsetenv("MTAGW_FDS") == 0);
	start_with(conf);
	want(role_inherited_fd("mx") == -1);
}

static void descriptors_by_name(void **state)
{
	(void)state;
	good(take_over);
	good(nothing_inherited);
}

static void start_fds(const char *fds)
{
	write_conf("");
	want(setenv("MTAGW_FDS", fds, 1) == 0);
	start_with(conf);
}

static void false_descriptors_end_it(void **state)
{
	static const char *const cases[] = {
	    "mx", "mx=", "mx=x", "mx=3x", "mx=-1", "mx=2", "mx=70000", "mx=1023"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(in_child(start_fds, cases[i]), 1);
		if (strstr(said, "start: MTAGW_FDS: ") == NULL)
			fail_msg("\"%s\": %s", cases[i], said);
	}
	assert_non_null(strstr(said, "mx=1023: Bad file descriptor"));
}

static void closed_standard(const char *arg)
{
	struct stat st;

	(void)arg;
	write_conf("");
	want(close(STDIN_FILENO) == 0 && close(STDOUT_FILENO) == 0);
	start_with(conf);
	want(fstat(STDIN_FILENO, &st) == 0 && S_ISCHR(st.st_mode));
	want(fstat(STDOUT_FILENO, &st) == 0 && S_ISCHR(st.st_mode));
}

static void standard_descriptors_stand(void **state)
{
	(void)state;
	good(closed_standard);
}

/* --- what cannot be undone --- */

static void hardened(const char *arg)
{
	struct rlimit core;
	int fd[2];

	(void)arg;
	write_conf("");
	start_with(conf);
	want(umask(0) == 077);
	want(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	want(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	want(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	want(pipe(fd) == 0 && close(fd[0]) == 0);
	want(write(fd[1], "x", 1) == -1 && errno == EPIPE); /* no SIGPIPE */
}

static void role_is_hardened(void **state)
{
	(void)state;
	good(hardened);
}

/* --- signals --- */

static struct {
	struct loop *loop;
	int drains, reloads;
} seen;

static void drain(void *ctx)
{
	(void)ctx;
	seen.drains++;
	loop_stop(seen.loop);
}
static void reload(void *ctx)
{
	(void)ctx;
	seen.reloads++;
	loop_stop(seen.loop);
}
static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(seen.loop);
}

/* Raises a signal and lets the loop run until a callback has stopped it, or for wait_ms. */
static void turn(int signo, int64_t wait_ms)
{
	struct timer *timer = timer_new(seen.loop, stop, NULL);

	timer_start(timer, wait_ms);
	want(kill(getpid(), signo) == 0);
	loop_run(seen.loop);
	timer_free(&timer);
}

static void reload_on_loop(const char *arg)
{
	const struct settings *first;

	(void)arg;
	write_conf("recipient_limit = 200\n");
	start_with(conf);
	first = role.settings;
	seen.loop = loop_new();
	role_watch_signals(&role, seen.loop, drain, reload, NULL);
	write_conf("recipient_limit = 300\n");
	turn(SIGHUP, 10000);
	want(seen.reloads == 1 && role.settings->recipient_limit == 300);
	want(first->recipient_limit == 200); /* sessions hold it */
	write_conf("recipient_limt = 400\n");
	turn(SIGHUP, 300);
	want(seen.reloads == 1 && role.settings->recipient_limit == 300);
	want(!role_draining() && seen.drains == 0);
	turn(SIGTERM, 10000);
	want(role_draining() && seen.drains == 1);
	turn(SIGINT, 10000); /* the second ends the process with 1 */
	_exit(98);
}

static void loop_roles_reload_and_drain(void **state)
{
	(void)state;
	assert_int_equal(in_child(reload_on_loop, NULL), 1);
	assert_non_null(strstr(said, "reload: old settings stay: "));
	assert_non_null(strstr(said, "unknown key \"recipient_limt\""));
	assert_non_null(strstr(said, "stop: second signal"));
}

static void reload_blocking(const char *arg)
{
	(void)arg;
	write_conf("recipient_limit = 200\n");
	start_with(conf);
	role_watch_signals_blocking(&role);
	want(!role_draining());
	write_conf("recipient_limit = 300\n");
	want(kill(getpid(), SIGHUP) == 0);
	want(role.settings->recipient_limit == 200); /* not before the worker asks */
	want(!role_draining() && role.settings->recipient_limit == 300);
	want(kill(getpid(), SIGTERM) == 0);
	want(role_draining());
	(void)kill(getpid(), SIGTERM);
	_exit(98);
}

static void blocking_roles_reload_and_drain(void **state)
{
	(void)state;
	assert_int_equal(in_child(reload_blocking, NULL), 1);
	assert_null(strstr(said, "line "));
}

static int make_folder(void **state)
{
	(void)state;
	(void)strcpy(folder, "/tmp/mtagw-role-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(conf, sizeof(conf), "%s/mtagw.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(conf);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(options),
	    cmocka_unit_test(bad_settings_end_it), cmocka_unit_test(settings_are_there),
	    cmocka_unit_test(descriptors_by_name), cmocka_unit_test(false_descriptors_end_it),
	    cmocka_unit_test(standard_descriptors_stand), cmocka_unit_test(role_is_hardened),
	    cmocka_unit_test(loop_roles_reload_and_drain),
	    cmocka_unit_test(blocking_roles_reload_and_drain)};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
