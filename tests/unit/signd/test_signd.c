/*
 * mtagw-signd as a process of its own, asked through its own client: keys made, letters sealed and
 * signed and judged by gpg and libopendkim, wrong From and foreign keys refused, missing keys
 * waited for, killed and started again under the same client, other users kept out.
 */
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "mtagw/crypto/signer.h"

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/crypto/dkim.h"
#include "mtagw/crypto/signer_msg.h"
#include "tests/unit/crypto/gnupg_home.h"
#include "tests/unit/crypto/opendkim_oracle.h"

#define FROM "surat.uji@dumai.example"
#define ROUTER_UID 47110
#define CLERK_UID 47111
#define STRANGER_UID 47112
#define TIMEOUT_MS 20000

static struct gnupg_home home;
static char *program, *conf, *address;
static struct signer *signer;
static pid_t signd;

static const char block[] = "From: Dinas Uji <" FROM ">\r\nTo: a@pelabuhan.example\r\n"
                            "Subject: Undangan\r\nDate: Tue, 24 Nov 2026 08:00:00 +0700\r\n"
                            "Message-ID: <1@dumai.example>\r\n";
static const char body[] = "Dengan hormat\r\n";

static int64_t now_secs(void)
{
	return clock_now_ms() / 1000;
}

/* Starts signd and reads its log until it says that it is ready. */
static void start(void)
{
	char line[1024];
	int log[2];
	FILE *f;

	assert_int_equal(pipe(log), 0);
	signd = fork();
	if (signd == 0) {
		dup2(log[1], STDERR_FILENO);
		/* roles cannot be traced, which is how the leak check works */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
		execl(program, program, "-c", conf, (char *)NULL);
		_exit(127);
	}
	close(log[1]);
	f = fdopen(log[0], "r");
	for (;;) {
		if (!fgets(line, sizeof(line), f))
			fail_msg("signd did not start");
		if (strstr(line, "ready"))
			break;
	}
	/* the pipe stays open in a child that drains it: signd's log must not fill it */
	if (fork() == 0) {
		while (fgets(line, sizeof(line), f))
			if (getenv("SHOW"))
				fputs(line, stdout);
		_exit(0);
	}
	fclose(f);
}

static int stop(int signo)
{
	int status = -1;

	kill(signd, signo);
	waitpid(signd, &status, 0);
	return status;
}

static void write_conf(const char *more)
{
	struct buf text = {0};

	buf_printf(&text,
	    "domain = dumai.example\nhostname = mail.dumai.example\nstate_dir = %s\n"
	    "runtime_dir = %s\ngnupg_home = %s/g\nrouter_user = %d\nclerk_user = %d\n%s",
	    home.dir, home.dir, home.dir, ROUTER_UID, CLERK_UID, more);
	home_write(&home, "conf", text.data, text.len);
	buf_free(&text);
}

static int setup(void **state)
{
	char self[512] = "";
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *cut;

	(void)state;
	/* <build>/tests/unit/signd/test_signd -> <build>/mtagw-signd */
	cut = len > 0 ? strstr(self, "/tests/unit/") : NULL;
	if (cut)
		*cut = '\0';
	program = getenv("MTAGW_SIGND") ? mem_strdup(getenv("MTAGW_SIGND"))
	                                : mem_printf("%s/mtagw-signd", self);
	home_open(&home);
	chmod(home.dir, 0755); /* other users must reach the socket */
	conf = mem_printf("%s/conf", home.dir);
	address = mem_printf("unix:%s/signd.sock", home.dir);
	write_conf("");
	if (access(program, X_OK) == 0)
		start();
	signer = signer_new(address, TIMEOUT_MS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	signer_free(&signer);
	if (signd > 0)
		stop(SIGKILL);
	home_close(&home);
	free(program);
	free(conf);
	free(address);
	while (wait(NULL) > 0)
		;
	return 0;
}

static void need_signd(void)
{
	if (signd > 0)
		return;
	print_message("%s is not built: skipped\n", program);
	skip();
}

static int admin(const char *verb, const char *a, const char *b, struct buf *json, struct err *err)
{
	const char *args[3] = {a, b, NULL};

	buf_reset(json);
	return signer_admin(signer, verb, args, json, err);
}

static void hash_body(uint8_t hash[SHA256_BYTES])
{
	struct dkim_body *running = dkim_body_new();

	dkim_body_add(running, body, strlen(body));
	dkim_body_end(&running, hash);
}

static void test_missing_keys_wait(void **state)
{
	struct buf out = {0};
	struct seal_plan plan;
	struct err err = {""};
	struct range part = range_of("x");
	uint8_t hash[SHA256_BYTES];

	(void)state;
	need_signd();
	hash_body(hash);
	assert_int_equal(admin("key.list", NULL, NULL, &out, &err), 1);
	assert_non_null(strstr(out.data, "\"seal\": []"));
	assert_non_null(strstr(out.data, "\"usable\": false"));
	buf_reset(&out);
	assert_int_equal(signer_plan(signer, FROM, now_secs(), &plan, &err), 0);
	assert_non_null(strstr(err.text, "missing"));
	assert_int_equal(signer_seal(signer, FROM, now_secs(), &part, 1, &out, &plan, &err), 0);
	assert_int_equal(
	    signer_dkim(signer, FROM, range_of(block), hash, now_secs(), &out, &err), 0);
	assert_non_null(strstr(err.text, "rsa1.pem"));
	assert_int_equal(out.len, 0);
	assert_int_equal(admin("key.show-dkim", NULL, NULL, &out, &err), 0);
	assert_int_equal(admin("key.show-seal", FROM, NULL, &out, &err), 0);
	buf_free(&out);
}

static void test_make_keys(void **state)
{
	static const struct {
		const char *label, *verb, *a, *b;
		int rc;
	} cases[] = {
	    {"no name", "key.create-seal", FROM, NULL, -1},
	    {"other domain", "key.create-seal", "a@x.example", "X", -1},
	    {"seal", "key.create-seal", FROM, "Dinas \"Uji\"", -1},
	    {"seal", "key.create-seal", FROM, "Dinas Uji", 1},
	    {"again", "key.create-seal", FROM, "Dinas Uji", -1},
	    {"other agency", "key.create-seal", "surat.lain@dumai.example", "Lain", 1},
	    {"dsa", "key.create-dkim", "dsa", NULL, -1},
	    {"one only", "key.create-dkim", "rsa", NULL, 1},
	    {"rsa again", "key.create-dkim", "rsa", NULL, -1},
	    {"unknown verb", "key.eat", NULL, NULL, -1},
	};
	struct buf out = {0};
	struct err err = {""};
	uint8_t hash[SHA256_BYTES];

	(void)state;
	need_signd();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (admin(cases[i].verb, cases[i].a, cases[i].b, &out, &err) != cases[i].rc)
			fail_msg("%s: %s", cases[i].label, err.text);
	/* one of two keys is none */
	hash_body(hash);
	buf_reset(&out);
	assert_int_equal(
	    signer_dkim(signer, FROM, range_of(block), hash, now_secs(), &out, &err), 0);
	assert_non_null(strstr(err.text, "ed1.pem"));
	assert_int_equal(out.len, 0);
	assert_int_equal(admin("key.create-dkim", "ed25519", NULL, &out, &err), 1);
	assert_string_equal(out.data,
	    "{\"selector\": \"ed1\", \"algorithm\": \"ed25519\", \"name\": "
	    "\"ed1._domainkey.dumai.example\"}");
	assert_int_equal(admin("key.show-seal", FROM, NULL, &out, &err), 1);
	assert_non_null(strstr(out.data, "\\u000a"));
	buf_free(&out);
}

static void seal_good(void)
{
	struct range parts[2] = {range_of("Content-Type: text/plain\r\n\r\n"), range_of("isi\r\n")};
	struct seal_plan plan;
	struct buf armor = {0};
	struct err err = {""};

	if (signer_seal(signer, FROM, now_secs(), parts, 2, &armor, &plan, &err) != 1)
		fail_msg("%s", err.text);
	home_write(&home, "part", "Content-Type: text/plain\r\n\r\nisi\r\n", 33);
	home_write(&home, "sig", armor.data, armor.len);
	assert_int_equal(home_run(&home, "gpg --batch --status-fd 1 --verify sig part"), 0);
	assert_int_equal(home_said(&home, "] GOODSIG "), 1);
	assert_int_equal(home_said(&home, "Dinas Uji <" FROM ">"), 2);
	buf_free(&armor);
}

static void test_seal(void **state)
{
	(void)state;
	need_signd();
	seal_good();
}

static char *record_of(const char *file, const char *selector)
{
	struct err err = {""};
	struct buf text = {0};
	char *path = mem_printf("%s/dkim/%s", home.dir, file);
	struct dkim_key *key = dkim_key_load(path, selector, "dumai.example", &err);

	if (!key)
		fail_msg("%s", err.text);
	dkim_key_record(key, &text);
	dkim_key_free(&key);
	free(path);
	return buf_steal(&text);
}

static void test_dkim(void **state)
{
	struct oracle_key table[2] = {{"rsa1", NULL}, {"ed1", NULL}};
	struct buf out = {0}, json = {0};
	struct err err = {""};
	uint8_t hash[SHA256_BYTES];
	char *records[2];
	int total;

	(void)state;
	need_signd();
	hash_body(hash);
	if (signer_dkim(signer, FROM, range_of(block), hash, now_secs(), &out, &err) != 1)
		fail_msg("%s", err.text);
	table[0].record = records[0] = record_of("rsa1.pem", "rsa1");
	table[1].record = records[1] = record_of("ed1.pem", "ed1");
	oracle_keys = table;
	oracle_key_count = 2;
	buf_puts(&out, block);
	assert_int_equal(oracle_verify(out.data, out.len, body, strlen(body), &total), 2);
	assert_int_equal(total, 2);
	assert_true(strstr(out.data, "a=rsa-sha256") < strstr(out.data, "a=ed25519-sha256"));
	/* what is to be published is what verifies */
	assert_int_equal(admin("key.show-dkim", NULL, NULL, &json, &err), 1);
	assert_non_null(strstr(json.data, records[0]));
	assert_non_null(strstr(json.data, records[1]));
	assert_non_null(strstr(json.data, "\"strings\": [\"v=DKIM1; k=rsa; p="));
	free(records[0]);
	free(records[1]);
	buf_free(&out);
	buf_free(&json);
}

static void test_dkim_refused(void **state)
{
	static const struct {
		const char *label, *from, *block;
	} cases[] = {
	    {"other From", "kadis@dumai.example", block},
	    {"other domain", "a@x.example", "From: a@x.example\r\n"},
	    {"domain below ours", "a@x.dumai.example", "From: a@x.dumai.example\r\n"},
	    {"two From", FROM, "From: " FROM "\r\nFrom: " FROM "\r\n"},
	    {"two mailboxes", FROM, "From: " FROM ", a@x.example\r\n"},
	    {"no From", FROM, "To: a@x.example\r\n"},
	    {"From in the name only", FROM, "From: \"" FROM "\" <a@x.example>\r\n"},
	    {"empty line", FROM, "To: a@x.example\r\n\r\nFrom: " FROM "\r\n"},
	    {"bare LF", FROM, "From: " FROM "\nTo: a@x.example\r\n"},
	    {"no block", FROM, ""},
	};
	uint8_t hash[SHA256_BYTES] = {0};
	struct buf out = {0};
	struct err err = {""};

	(void)state;
	need_signd();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (signer_dkim(signer, cases[i].from, range_of(cases[i].block), hash, now_secs(),
		        &out, &err) != -1 ||
		    out.len > 0)
			fail_msg("%s", cases[i].label);
	/* a time ahead of the clock is waited for */
	assert_int_equal(
	    signer_dkim(signer, FROM, range_of(block), hash, now_secs() + 4000, &out, &err), 0);
	buf_free(&out);
}

/* A SIGN of our own making: the router's process in the wrong hands. */
static int sign_raw(const char *from, const struct seal_plan *plan, struct err *err)
{
	struct signer_request request = {
	    .kind = SIGNER_SIGN, .from = range_of(from), .plan = *plan};
	struct signer_answer answer;
	struct buf payload = {0};
	int fd = ipc_connect(address, TIMEOUT_MS, err), rc;

	assert_true(fd >= 0);
	signer_request_put(&payload, &request);
	assert_int_equal(ipc_send(fd, buf_range(&payload), TIMEOUT_MS, err), 1);
	assert_int_equal(ipc_recv(fd, &payload, TIMEOUT_MS, err), 1);
	assert_int_equal(signer_answer_get(buf_range(&payload), SIGNER_SIGN, &answer, err), 1);
	rc = answer.outcome;
	buf_free(&payload);
	close(fd);
	return rc;
}

static void test_foreign_plans(void **state)
{
	struct seal_plan plan, other;
	struct err err = {""};

	(void)state;
	need_signd();
	assert_int_equal(signer_plan(signer, FROM, now_secs(), &plan, &err), 1);
	assert_int_equal(sign_raw(FROM, &plan, &err), 1);
	assert_int_equal(sign_raw("surat.lain@dumai.example", &plan, &err), -1);
	assert_int_equal(sign_raw("nobody@dumai.example", &plan, &err), -1);
	seal_plan_make(&other, "0123456789ABCDEF0123456789ABCDEF01234567", plan.primary, SEAL_EDDSA,
	    plan.at_secs);
	assert_int_equal(sign_raw(FROM, &other, &err), -1);
	seal_plan_make(&other, plan.fingerprint, plan.primary, SEAL_RSA, plan.at_secs);
	assert_int_equal(sign_raw(FROM, &other, &err), 0);
	seal_plan_make(&other, plan.fingerprint, plan.primary, SEAL_EDDSA, plan.at_secs - 86400);
	assert_int_equal(sign_raw(FROM, &other, &err), 0);
}

static void test_garbage_on_the_socket(void **state)
{
	static const struct {
		const char *label, *bytes;
		size_t len;
	} cases[] = {
	    {"frame too long", "\xff\xff\xff\xff", 4},
	    {"empty frame", "\0\0\0\0", 4},
	    {"not a request", "\0\0\0\x04GET ", 8},
	    {"half a frame", "\0\0\0\x08GE", 6},
	};
	struct err err = {""};

	(void)state;
	need_signd();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int fd = ipc_connect(address, TIMEOUT_MS, &err);
		struct buf answer = {0};

		assert_true(fd >= 0);
		assert_int_equal(write(fd, cases[i].bytes, cases[i].len), (ssize_t)cases[i].len);
		shutdown(fd, SHUT_WR);
		if (ipc_recv(fd, &answer, TIMEOUT_MS, &err) != -1)
			fail_msg("%s", cases[i].label);
		buf_free(&answer);
		close(fd);
	}
	seal_good();
}

/* In a child with that user id: 1 plan answered, 2 admin answered, as bits; 0 nothing. */
static int ask_as(uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct signer *other = signer_new(address, TIMEOUT_MS);
		const char *args[3] = {NULL, NULL, NULL};
		struct seal_plan plan;
		struct buf json = {0};
		struct err err;
		int bits = 0;

		if (setuid(uid) < 0)
			_exit(9);
		if (signer_plan(other, FROM, now_secs(), &plan, &err) > 0)
			bits |= 1;
		if (signer_admin(other, "key.list", args, &json, &err) > 0)
			bits |= 2;
		_exit(bits);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void test_users(void **state)
{
	(void)state;
	need_signd();
	if (geteuid() != 0) {
		print_message("not root: other users cannot be tried: skipped\n");
		skip();
	}
	assert_int_equal(ask_as(ROUTER_UID), 1);
	assert_int_equal(ask_as(CLERK_UID), 3);
	assert_int_equal(ask_as(STRANGER_UID), 0);
}

static void test_killed_and_back(void **state)
{
	struct seal_plan plan;
	struct err err = {""};

	(void)state;
	need_signd();
	for (int i = 0; i < 2; i++) {
		seal_good();
		stop(SIGKILL);
		assert_int_equal(signer_plan(signer, FROM, now_secs(), &plan, &err), 0);
		assert_non_null(strstr(err.text, "signd does not answer"));
		start();
		seal_good(); /* the same client, the same agent */
	}
	/* gone and back between two calls: not even noticed */
	stop(SIGKILL);
	start();
	seal_good();
}

static void test_agent_killed(void **state)
{
	(void)state;
	need_signd();
	seal_good();
	assert_int_equal(home_run(&home, "gpgconf --kill gpg-agent"), 0);
	seal_good();
}

static void test_reload(void **state)
{
	struct buf out = {0};
	struct err err = {""};
	char *file = mem_printf("%s/conf", home.dir);

	(void)state;
	need_signd();
	write_conf("dkim_selector_rsa = baru\n");
	kill(signd, SIGHUP);
	/* the signal is handled before or after this question; the second one is behind it surely
	 */
	do
		assert_int_equal(admin("key.list", NULL, NULL, &out, &err), 1);
	while (!strstr(out.data, "\"baru\""));
	write_conf("colour = red\n");
	kill(signd, SIGHUP);
	seal_good();
	buf_free(&out);
	free(file);
}

static void test_key_file_replaced(void **state)
{
	char *file = mem_printf("%s/dkim/ed1.pem", home.dir), *before, *after;
	struct oracle_key table[1] = {{"ed1", NULL}};
	uint8_t hash[SHA256_BYTES];
	struct buf out = {0};
	struct err err = {""};
	int total;

	(void)state;
	need_signd();
	write_conf("");
	stop(SIGTERM);
	start();
	hash_body(hash);
	before = record_of("ed1.pem", "ed1");
	unlink(file);
	assert_int_equal(
	    signer_dkim(signer, FROM, range_of(block), hash, now_secs(), &out, &err), 0);
	assert_int_equal(dkim_key_create(file, "ed25519", &err), 1);
	after = record_of("ed1.pem", "ed1");
	assert_string_not_equal(before, after);
	assert_int_equal(
	    signer_dkim(signer, FROM, range_of(block), hash, now_secs(), &out, &err), 1);
	table[0].record = after;
	oracle_keys = table;
	oracle_key_count = 1;
	buf_puts(&out, block);
	assert_int_equal(oracle_verify(out.data, out.len, body, strlen(body), &total), 1);
	free(before);
	free(after);
	free(file);
	buf_free(&out);
}

static void test_rate(void **state)
{
	uint8_t hash[SHA256_BYTES];
	struct buf out = {0};
	struct err err = {""};
	struct range part = range_of("isi\r\n");
	struct seal_plan plan;
	int64_t begin = clock_mono_ms();

	(void)state;
	need_signd();
	hash_body(hash);
	for (int i = 0; i < 300; i++)
		assert_int_equal(
		    signer_seal(signer, FROM, now_secs(), &part, 1, &out, &plan, &err), 1);
	print_message(
	    "300 seals over the socket in %lld ms\n", (long long)(clock_mono_ms() - begin));
	begin = clock_mono_ms();
	for (int i = 0; i < 300; i++)
		assert_int_equal(
		    signer_dkim(signer, FROM, range_of(block), hash, now_secs(), &out, &err), 1);
	print_message(
	    "300 double DKIM over the socket in %lld ms\n", (long long)(clock_mono_ms() - begin));
	buf_free(&out);
}

static void test_term(void **state)
{
	(void)state;
	need_signd();
	seal_good();
	assert_int_equal(stop(SIGTERM), 0);
	signd = 0;
	/* its agent went with it, or is about to */
	assert_int_equal(home_run(&home, "i=0; while [ -S g/S.gpg-agent ] && [ $i -lt 200 ]; do "
	                                 "gpg-connect-agent --no-autostart /bye; i=$((i+1)); done; "
	                                 "[ ! -S g/S.gpg-agent ]"),
	    0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing_keys_wait),
	    cmocka_unit_test(test_make_keys),
	    cmocka_unit_test(test_seal),
	    cmocka_unit_test(test_dkim),
	    cmocka_unit_test(test_dkim_refused),
	    cmocka_unit_test(test_foreign_plans),
	    cmocka_unit_test(test_garbage_on_the_socket),
	    cmocka_unit_test(test_users),
	    cmocka_unit_test(test_killed_and_back),
	    cmocka_unit_test(test_agent_killed),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_key_file_replaced),
	    cmocka_unit_test(test_term),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
