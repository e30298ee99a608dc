/*
 * What each part may ask of the kernel, tried: a child takes the part's filter and does one thing;
 * it works, is refused, or ends the child with SIGSYS and a line that names the call. This is the
 * table of mtagw/README.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/base/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static char folder[] = "/tmp/mtagw-test-sandbox-XXXXXX";
static struct settings settings;
/* What the child said. */
static char said[2000];

/* --- things to do: 0, or the errno of a refusal --- */

static int open_inet(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static int open_inet6_datagram(void)
{
	return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static int open_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static int read_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
}

static int write_file(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/file", folder);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
}

static int remove_file(void)
{
	return unlink("/nonexistent/file") == 0 || errno == ENOENT ? 0 : errno;
}

static int start_process(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, 0) == pid ? 0 : errno;
}

static int start_program(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static void *thread_body(void *ctx)
{
	return ctx;
}

static int start_thread(void)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, thread_body, NULL);

	return rc != 0 ? rc : pthread_join(thread, NULL);
}

static int make_namespace(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

enum { GOOD = 0, KILLED = -1 };
#define NO EACCES

static const struct act {
	const char *name;
	int (*run)(void);
	const char *call; /* what a killed child says */
} acts[] = {
    {"inet", open_inet, "socket"},
    {"inet6", open_inet6_datagram, "socket"},
    {"netlink", open_netlink, "socket"},
    {"unix", open_unix, "socket"},
    {"read", read_file, "openat"},
    {"write", write_file, "openat"},
    {"remove", remove_file, "unlink"},
    {"process", start_process, "clone"},
    {"program", start_program, "execve"},
    {"thread", start_thread, "clone"},
    {"namespace", make_namespace, "unshare"},
    {"trace", trace, "ptrace"},
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))

/* In the order of acts. */
static const struct {
	const char *part;
	int wanted[ACTS];
} parts[] = {
    /*                inet inet6 netlink unix read write remove process program thread namespace
       trace */
    {"smtpd", {NO, NO, NO, GOOD, GOOD, NO, KILLED, KILLED, KILLED, GOOD, EPERM, KILLED}},
    {"router", {NO, NO, NO, GOOD, GOOD, NO, KILLED, GOOD, KILLED, GOOD, EPERM, KILLED}},
    {"router-worker", {NO, NO, NO, GOOD, GOOD, NO, KILLED, KILLED, KILLED, GOOD, EPERM, KILLED}},
    {"sender", {GOOD, GOOD, NO, GOOD, GOOD, NO, KILLED, KILLED, KILLED, GOOD, EPERM, KILLED}},
    {"clerk", {NO, NO, NO, GOOD, GOOD, NO, KILLED, KILLED, KILLED, GOOD, EPERM, KILLED}},
    {"signd", {NO, NO, NO, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, EPERM, KILLED}},
    {"verify", {GOOD, GOOD, NO, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, EPERM, KILLED}},
    {"verify-worker", {NO, NO, NO, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, EPERM, KILLED}},
    {"pdf", {NO, NO, NO, NO, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, EPERM, KILLED}},
};

/* --- the child --- */

static __attribute__((noreturn)) void child(
    const char *const *as, size_t count, int (*run)(void), int out)
{
	int rc;

	(void)dup2(out, STDERR_FILENO);
	(void)alarm(20);
	log_open("uji");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(99);
	for (size_t i = 0; i < count; i++)
		sandbox_enter(&settings, as[i]);
	rc = run();
	_exit(rc >= 0 && rc < 98 ? rc : 98);
}

/* Exit status (an errno or 0), or KILLED. */
static int outcome(const char *const *as, size_t count, int (*run)(void))
{
	int fd[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(as, count, run, fd[1]);
	(void)close(fd[1]);
	n = read(fd[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	(void)close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -100 - WTERMSIG(status);
}

/* --- the tests --- */

static void test_parts(void **state)
{
	char line[100];

	(void)state;
	if (SANITIZED)
		skip();
	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++)
		for (size_t a = 0; a < ACTS; a++) {
			int rc = outcome(&parts[p].part, 1, acts[a].run);

			if (rc != parts[p].wanted[a])
				fail_msg("%s, %s: %d instead of %d: %s", parts[p].part,
				    acts[a].name, rc, parts[p].wanted[a], said);
			(void)snprintf(line, sizeof(line),
			    "part=%s made a system call that it may not: %s\n", parts[p].part,
			    acts[a].call);
			if (rc == KILLED && strstr(said, line) == NULL)
				fail_msg("%s, %s says: %s", parts[p].part, acts[a].name, said);
		}
}

/* A worker takes its own filter on top of its pool's. */
static void test_stacked(void **state)
{
	const char *const verify[] = {"verify", "verify-worker"};
	const char *const router[] = {"router", "router-worker"};
	const char *const pdf[] = {"pdfd", "pdf"};

	(void)state;
	if (SANITIZED)
		skip();
	assert_int_equal(outcome(verify, 2, open_inet), EACCES);
	assert_int_equal(outcome(verify, 2, start_program), 0);
	assert_int_equal(outcome(router, 2, start_process), KILLED);
	assert_int_equal(outcome(router, 2, open_unix), 0);
	assert_int_equal(outcome(pdf, 2, open_unix), EACCES);
	assert_int_equal(outcome(pdf, 2, make_namespace), EPERM);
	assert_int_equal(outcome(pdf, 2, start_program), 0);
}

/* Only a database on another machine opens the network to those who ask it. */
static void test_database_elsewhere(void **state)
{
	const char *const here[] = {"smtpd", "router", "clerk"}, *const judge[] = {"verify-worker"};

	(void)state;
	if (SANITIZED)
		skip();
	settings.db_host = "db.kota.example";
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
		assert_int_equal(outcome(&here[i], 1, open_inet), 0);
	assert_int_equal(outcome(judge, 1, open_inet), EACCES);
	settings.db_host = "/run/postgresql";
}

static int start_and_reach(void)
{
	int rc = start_process();

	return rc != 0 ? rc : open_inet();
}

static void test_off(void **state)
{
	const char *const part[] = {"clerk"};

	(void)state;
	settings.sandbox = false;
	assert_int_equal(outcome(part, 1, start_and_reach), 0);
	assert_non_null(strstr(said, "part=clerk runs without a filter"));
	settings.sandbox = true;
}

static int memory_is_bounded(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_max != ((rlim_t)1024 << 20))
		return 97;
	return malloc((size_t)2 << 30) == NULL ? 0 : 96;
}

static void test_memory(void **state)
{
	const char *const part[] = {"clerk"};

	(void)state;
	if (SANITIZED)
		skip();
	assert_int_equal(outcome(part, 1, memory_is_bounded), 0);
}

static int setup(void **state)
{
	(void)state;
	settings = (struct settings){.sandbox = true,
	    .db_host = "/run/postgresql",
	    .dovecot_auth = "unix:/run/dovecot/auth",
	    .message_size_limit = 25 << 20,
	    .router_batch = 32,
	    .smtpd_sessions_max = 2000,
	    .smtpd_data_in_flight_max = 256 << 20};
	return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	(void)unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_stacked),
	    cmocka_unit_test(test_database_elsewhere),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
