/*
 * The lines of an agent's answer, and an agent that hangs up, lies or falls silent at every point
 * of the talk (played by a child on a socket).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mtagw/crypto/agent.h"

#include "mtagw/base/mem.h"

#define GRIP "0123456789ABCDEF0123456789ABCDEF01234567"

static void test_answers(void **state)
{
	static const struct {
		const char *label, *input;
		enum agent_answer answer;
		const char *data, *rest;
	} cases[] = {
	    {"ok", "OK\n", AGENT_OK, "", ""},
	    {"ok with words", "OK Pleased to meet you\nOK\n", AGENT_OK, "", "OK\n"},
	    {"data", "D abc\nOK\n", AGENT_OK, "abc", ""},
	    {"two data lines", "D abc\nD def\nOK\n", AGENT_OK, "abcdef", ""},
	    {"escapes", "D a%25b%0D%0Ac%64\nOK\n", AGENT_OK, "a%b\r\ncd", ""},
	    {"status and comment", "S INQUIRE_MAXLEN 255\n# x\nD a\nOK\n", AGENT_OK, "a", ""},
	    {"refused", "ERR 67108881 No secret key <GPG Agent>\nOK\n", AGENT_REFUSED, "", "OK\n"},
	    {"nothing", "", AGENT_MORE, "", ""},
	    {"half a line", "D abc", AGENT_MORE, "", "D abc"},
	    {"half an answer", "D abc\nO", AGENT_MORE, "abc", "O"},
	    {"question", "INQUIRE PASSPHRASE\n", AGENT_BAD, "", ""},
	    {"not ours", "HTTP/1.1 200 OK\n", AGENT_BAD, "", ""},
	    {"okay is not ok", "OKAY\n", AGENT_BAD, "", ""},
	    {"empty line", "\n", AGENT_BAD, "", ""},
	    {"bad escape", "D a%zz\nOK\n", AGENT_BAD, NULL, NULL},
	    {"cut escape", "D a%2\nOK\n", AGENT_BAD, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct range input = range_of(cases[i].input);
		struct buf data = {0};
		struct err err = {""};

		if (agent_answer_take(&input, &data, &err) != cases[i].answer)
			fail_msg("%s", cases[i].label);
		if (cases[i].data && (strcmp(buf_str(&data), cases[i].data) != 0 ||
		                         !range_equal(input, range_of(cases[i].rest))))
			fail_msg("%s: data or rest", cases[i].label);
		if (cases[i].answer >= AGENT_REFUSED && !*err.text)
			fail_msg("%s: no reason", cases[i].label);
		buf_free(&data);
	}
}

static void test_bounds(void **state)
{
	struct buf input = {0}, data = {0};
	struct range range;
	struct err err;

	(void)state;
	for (int i = 0; i < 1100; i++)
		buf_putc(&input, 'x');
	range = buf_range(&input);
	assert_int_equal(agent_answer_take(&range, &data, &err), AGENT_BAD);
	buf_putc(&input, '\n');
	range = buf_range(&input);
	assert_int_equal(agent_answer_take(&range, &data, &err), AGENT_BAD);
	buf_reset(&input);
	for (int i = 0; i < 2000; i++)
		buf_puts(&input, "D abcdef\n");
	range = buf_range(&input);
	assert_int_equal(agent_answer_take(&range, &data, &err), AGENT_BAD);
	buf_free(&input);
	buf_free(&data);
}

/* A child that serves one connection: sends each piece after one read (the first at once), then
 * ends. */
static pid_t play(const char *path, const char *const *pieces, bool stay)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char bytes[4096];
	pid_t pid;

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 5) < 0)
		abort();
	pid = fork();
	if (pid != 0) {
		close(fd);
		return pid;
	}
	peer = accept(fd, NULL, NULL);
	for (; *pieces; pieces++) {
		if (write(peer, *pieces, strlen(*pieces)) < 0 ||
		    read(peer, bytes, sizeof(bytes)) < 0)
			_exit(1);
	}
	while (stay && read(peer, bytes, sizeof(bytes)) > 0)
		;
	_exit(0);
}

static void test_talks(void **state)
{
	static const struct {
		const char *label;
		const char *pieces[4];
		bool stay;
		int rc;
		const char *why;
	} cases[] = {
	    {"good", {"OK hi\n", "OK\nOK\nD (x)\nOK\n"}, false, 1, ""},
	    {"hangs up at once", {NULL}, false, -1, ""},
	    {"hangs up after the greeting", {"OK hi\n"}, false, -1, ""},
	    {"hangs up in the middle", {"OK hi\n", "OK\nOK\nD (x"}, false, -1, ""},
	    {"unknown key", {"OK hi\n", "ERR 1 Invalid keygrip\nOK\nERR 2 No key\n"}, false, 0,
	        "Invalid keygrip"},
	    /* after a refused SIGKEY an older key may sign: its value is thrown away */
	    {"refused key, yet a value", {"OK hi\n", "ERR 1 bad\nOK\nD (x)\nOK\n"}, false, 0,
	        "bad"},
	    {"asks for a passphrase", {"OK hi\n", "OK\nOK\nINQUIRE PASSPHRASE\n"}, true, -1,
	        "INQUIRE"},
	    {"unfriendly greeting", {"ERR 1 busy\n"}, true, -1, "busy"},
	    {"silent", {"OK hi\n"}, true, -1, "no answer in time"},
	};
	char dir[] = "/tmp/mtagw-XXXXXX", *path;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/s", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct agent *agent = agent_new(path, 200);
		const uint8_t digest[SHA256_BYTES] = {1};
		struct buf sexp = {0};
		struct err err = {""};
		pid_t pid = play(path, cases[i].pieces, cases[i].stay);
		int status;

		if (agent_sign(agent, GRIP, digest, &sexp, &err) != cases[i].rc)
			fail_msg("%s: %s", cases[i].label, err.text);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: \"%s\"", cases[i].label, err.text);
		if (cases[i].rc > 0)
			assert_string_equal(buf_str(&sexp), "(x)");
		agent_free(&agent);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		buf_free(&sexp);
	}
	unlink(path);
	rmdir(dir);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_talks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
