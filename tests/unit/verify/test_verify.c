/*
 * mtagw-verify as a process of its own, asked through its own client: a verdict comes back, a
 * worker that dies or hangs on a message is told apart from a role that is not there, and others go
 * on. What the verdicts are is tested in tests/unit/crypto.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/crypto/verifier.h"

#include "tests/unit/crypto/verify_help.h"

#define TIMEOUT_SECS 4
#define MAIL                                                                               \
	"From: Kantor <surat@pelabuhan.example>\r\nTo: surat.diskominfo@dumai.example\r\n" \
	"Subject: Balasan\r\n\r\nDengan hormat\r\n"

static struct verify_help help;
static char *program, *conf;
static struct verifier *verifier;
static pid_t role;

/* Starts the role and reads its log until it says that it is ready. crash: MTAGW_CRASH, or NULL. */
static void start(const char *crash)
{
	char line[1024];
	int log[2];
	FILE *f;

	assert_int_equal(pipe(log), 0);
	role = fork();
	if (role == 0) {
		dup2(log[1], STDERR_FILENO);
		setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
		if (crash)
			setenv("MTAGW_CRASH", crash, 1);
		execl(program, program, "-c", conf, (char *)NULL);
		_exit(127);
	}
	close(log[1]);
	f = fdopen(log[0], "r");
	do {
		if (!fgets(line, sizeof(line), f))
			fail_msg("verify did not start");
	} while (!strstr(line, "ready"));
	/* the pipe stays open in a child that drains it */
	if (fork() == 0) {
		while (fgets(line, sizeof(line), f))
			if (getenv("SHOW"))
				fputs(line, stdout);
		_exit(0);
	}
	fclose(f);
}

static void stop(void)
{
	int status = -1;

	kill(role, SIGTERM);
	assert_int_equal(waitpid(role, &status, 0), role);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int setup(void **state)
{
	char self[512] = "";
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *cut = len > 0 ? strstr(self, "/tests/unit/") : NULL;
	struct buf text = {0};
	struct err err = {""};

	(void)state;
	/* <build>/tests/unit/verify/test_verify -> <build>/mtagw-verify */
	if (cut)
		*cut = '\0';
	program = mem_printf("%s/mtagw-verify", self);
	help_folder(&help);
	buf_printf(&text,
	    "domain = dumai.example\nhostname = mail.dumai.example\nstate_dir = %s\n"
	    "runtime_dir = %s\ndns_zone_file = %s/zone\nverify_timeout_secs = %d\n"
	    "verify_workers = 2\n",
	    help.dir, help.dir, help.dir, TIMEOUT_SECS);
	help_write(&help, "conf", buf_range(&text));
	help_write(
	    &help, "zone", range_of("pelabuhan.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"));
	help.settings = settings_parse(buf_range(&text), "conf", &err);
	assert_non_null(help.settings);
	buf_free(&text);
	conf = mem_printf("%s/conf", help.dir);
	verifier = verifier_new(help.settings);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verifier_free(&verifier);
	free(program);
	free(conf);
	help_close(&help);
	return 0;
}

static int ask_range(struct range message, struct verdicts *v, struct err *err)
{
	const struct verify_request request = {.message = message,
	    .peer_ip = "192.0.2.1",
	    .helo = "mx.pelabuhan.example",
	    .sender = "surat@pelabuhan.example"};

	err->text[0] = '\0';
	return verifier_ask(verifier, &request, help.arena, v, err);
}

static int ask(struct verdicts *v, struct err *err)
{
	return ask_range(range_of(MAIL), v, err);
}

static void test_answer(void **state)
{
	struct verdicts v;
	struct err err;

	(void)state;
	start(NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ask(&v, &err), 1);
		assert_string_equal(v.from_domain, "pelabuhan.example");
		assert_int_equal(v.dkim_count, 0);
	}
	stop();
}

/* As large as a message may be, and one byte more. */
static void test_large(void **state)
{
	size_t size = (size_t)help.settings->message_size_limit;
	char *message = malloc(size + 1);
	struct verdicts v;
	struct err err;

	(void)state;
	memset(message, 'a', size + 1);
	for (size_t i = 78; i < size; i += 80)
		memcpy(message + i - 1, "\r\n", 2);
	memcpy(message, MAIL, strlen(MAIL));
	start(NULL);
	assert_int_equal(ask_range((struct range){message, size}, &v, &err), 1);
	assert_string_equal(v.from_domain, "pelabuhan.example");
	assert_int_equal(ask_range((struct range){message, size + 1}, &v, &err), -1);
	assert_int_equal(ask_range((struct range){"", 0}, &v, &err), 1);
	assert_string_equal(v.from_domain, "");
	stop();
	free(message);
}

/* The worker ends in the middle of the message; so does the next one. */
static void test_worker_dies(void **state)
{
	struct verdicts v;
	struct err err;

	(void)state;
	start("verify-after-taken");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(&v, &err), 0);
		assert_non_null(strstr(err.text, "ended over this message"));
	}
	stop();
}

static void test_worker_hangs(void **state)
{
	struct verdicts v;
	struct err err;
	int64_t began;

	(void)state;
	start("verify-hang");
	began = clock_mono_ms();
	assert_int_equal(ask(&v, &err), 0);
	assert_true(clock_mono_ms() - began < TIMEOUT_SECS * 1000);
	stop();
}

/* An idle worker that is killed is replaced, and nobody's message counts for it. */
static void test_idle_worker_dies(void **state)
{
	struct verdicts v;
	struct err err;

	(void)state;
	start(NULL);
	assert_int_equal(ask(&v, &err), 1);
	for (int i = 0; i < 2; i++) {
		char path[64], list[256] = "";
		FILE *f;
		int pid = 0;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)role, (int)role);
		f = fopen(path, "r");
		if (!f || !fgets(list, sizeof(list), f))
			skip();
		fclose(f);
		pid = atoi(list);
		assert_true(pid > 0);
		kill(pid, SIGKILL);
		assert_int_equal(ask(&v, &err), 1);
	}
	stop();
}

static void test_absent(void **state)
{
	struct verdicts v;
	struct err err;

	(void)state;
	assert_int_equal(ask(&v, &err), -1);
}

/* Somebody who connects and says nothing, or nonsense, holds up nobody. */
static void test_bad_clients(void **state)
{
	char *address = mem_printf("unix:%s/verify.sock", help.dir);
	struct buf reply = {0};
	struct verdicts v;
	struct err err;
	int silent, rude;

	(void)state;
	start(NULL);
	silent = ipc_connect(address, 1000, &err);
	rude = ipc_connect(address, 1000, &err);
	assert_true(silent >= 0 && rude >= 0);
	assert_int_equal(ipc_send(rude, range_of("GET / HTTP/1.0"), 1000, &err), 1);
	assert_int_equal(ipc_recv(rude, &reply, 3000, &err), -1);
	assert_int_equal(ask(&v, &err), 1);
	close(rude);
	close(silent);
	stop();
	buf_free(&reply);
	free(address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_absent),
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_worker_dies),
	    cmocka_unit_test(test_worker_hangs),
	    cmocka_unit_test(test_idle_worker_dies),
	    cmocka_unit_test(test_bad_clients),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
