/*
 * The PDF helper behind its launcher: a letter's page becomes the same PDF twice with letter.xml in
 * it, pages that reach outside are refused, a helper that hangs, dies or lies costs its job only.
 * Helpers that misbehave are shell scripts. What needs WeasyPrint is skipped with a word where it
 * is missing. Run from the repository root.
 */
#include "mtagw/office/render.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/pdfd/launch.h"

#define PAGE                                                                               \
	"<!DOCTYPE html><html lang='id'><title>Surat</title><meta name='dcterms.created' " \
	"content='2026-11-24'><p>Isi surat</p></html>"
#define XML "<letter xmlns=\"urn:mtagw:letter:1\"/>"
#define HELPER_DIR "mtagw/router"

#define WAIT_MS 20000
/* Such a build has no filters (base/sandbox.h). */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static char dir[] = "/tmp/mtagw-test-pdf-XXXXXX";
static pid_t launcher; /* 0: none */
static volatile sig_atomic_t ending;

/* --- the launcher, as mtagw-pdfd runs it --- */

static void on_term(int signo)
{
	(void)signo;
	ending = 1;
}

static int is_ending(void)
{
	return ending;
}

/* Serves dir/pdfd.sock with the helper of a folder, until launcher_stop. */
static void launcher_start(const char *libexec)
{
	const struct settings settings = {
	    .libexec_dir = libexec, .sandbox = true, .db_host = "/", .dovecot_auth = "/"};
	char address[64];
	struct err err;
	int fd;

	(void)snprintf(address, sizeof(address), "unix:%s/pdfd.sock", dir);
	fd = listener_bind(address, &err);
	assert_true(fd >= 0);
	launcher = fork();
	if (launcher == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		log_open("pdfd");
		launch_run(&settings, fd, is_ending);
		_exit(0);
	}
	(void)close(fd);
}

static void launcher_stop(void)
{
	char path[64];
	int status = -1;

	(void)kill(launcher, SIGTERM);
	assert_int_equal(waitpid(launcher, &status, 0), launcher);
	assert_int_equal(status, 0);
	launcher = 0;
	(void)snprintf(path, sizeof(path), "%s/pdfd.sock", dir);
	(void)unlink(path);
}

static struct pdf *real_helper(void)
{
	if (launcher == 0)
		launcher_start(HELPER_DIR);
	return pdf_new(dir);
}

/* The client, and the launcher with it: whatever it started has ended when this returns. */
static void end(struct pdf **pdf)
{
	pdf_free(pdf);
	launcher_stop();
}

static bool has_weasyprint(void)
{
	static int known = -1;

	if (known < 0) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			execl(
			    "/usr/bin/python3", "python3", "-c", "import weasyprint", (char *)NULL);
			_exit(127);
		}
		known = waitpid(pid, &status, 0) == pid && status == 0;
		if (!known)
			print_message("weasyprint is not installed: skipped\n");
	}
	return known;
}

/* A helper in the temporary folder; lines of sh. */
static struct pdf *fake_helper(const char *lines)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/mtagw-pdf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\necho x >>%s/started\n%s\n", dir, lines);
	fclose(f);
	assert_int_equal(chmod(path, 0700), 0);
	launcher_start(dir);
	return pdf_new(dir);
}

/* How often a fake helper was started since the last call. */
static int starts(void)
{
	char path[64];
	struct stat st;
	int n = 0;

	(void)snprintf(path, sizeof(path), "%s/started", dir);
	if (stat(path, &st) == 0)
		n = (int)(st.st_size / 2);
	(void)unlink(path);
	return n;
}

static int make(struct pdf *pdf, const char *page, struct buf *out, struct err *err)
{
	return pdf_make(pdf, range_of(page), "letter.xml", range_of(XML), out, err);
}

static void test_same_bytes(void **state)
{
	struct pdf *pdf, *other;
	struct buf first = {0}, again = {0}, elsewhere = {0};
	struct err err = {0};

	(void)state;
	if (!has_weasyprint())
		skip();
	pdf = real_helper();
	other = real_helper();
	if (make(pdf, PAGE, &first, &err) != 1 || make(pdf, PAGE, &again, &err) != 1 ||
	    make(other, PAGE, &elsewhere, &err) != 1)
		fail_msg("%s", err.text);
	assert_memory_equal(first.data, "%PDF-", 5);
	assert_true(range_equal(buf_range(&first), buf_range(&again)));
	assert_true(range_equal(buf_range(&first), buf_range(&elsewhere)));
	assert_non_null(memmem(first.data, first.len, "/EmbeddedFile", 13));
	assert_non_null(memmem(first.data, first.len, "letter.xml", 10));
	assert_non_null(memmem(first.data, first.len, "/AFRelationship /Data", 21));
	buf_free(&first);
	buf_free(&again);
	buf_free(&elsewhere);
	pdf_free(&other);
	end(&pdf);
	assert_null(pdf);
}

/* What a helper keeps between jobs is never another page's: in one order and in the other each page
 * has the same bytes. */
static void test_order_leaves_nothing(void **state)
{
	static const char *const pages[] = {
	    "<style>p{color:#f00;margin:1cm}@page{margin:3cm}</style><p>Isi surat",
	    "<style>p{color:#00f}</style><p>Isi surat",
	    "<style>@font-face{font-family:x;src:url(data:font/ttf;base64,AAAA)}"
	    "p{font-family:x,serif}</style><p>Isi surat",
	    "<style>@counter-style c{system:cyclic;symbols:'*' '+'}li{list-style:c}</style>"
	    "<ol><li>Satu<li>Dua</ol>",
	    "<style>li{list-style:c}</style><ol><li>Satu<li>Dua</ol>",
	    "<style>:root{--w:2cm}p{margin:var(--w)}</style><p>Isi surat",
	    "<style>p{margin:2mm}</style><style>@page{margin:9mm}</style><p>Isi surat",
	    "<p style='margin:2mm'>Isi surat<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
	};
	enum { COUNT = sizeof(pages) / sizeof(pages[0]) };
	struct buf forth[COUNT] = {0}, out = {0};
	struct pdf *pdf, *other;
	struct err err = {0};

	(void)state;
	if (!has_weasyprint())
		skip();
	pdf = real_helper();
	for (int i = 0; i < COUNT; i++)
		if (make(pdf, pages[i], &forth[i], &err) != 1)
			fail_msg("%s: %s", pages[i], err.text);
	other = real_helper();
	for (int i = 2 * COUNT - 1; i >= 0; i--) {
		out.len = 0;
		if (make(other, pages[i / 2], &out, &err) != 1)
			fail_msg("%s: %s", pages[i / 2], err.text);
		if (!range_equal(buf_range(&out), buf_range(&forth[i / 2])))
			fail_msg("other bytes: %s", pages[i / 2]);
	}
	for (int i = 0; i < COUNT; i++)
		buf_free(&forth[i]);
	buf_free(&out);
	pdf_free(&other);
	end(&pdf);
}

static void test_refused(void **state)
{
	static const struct {
		const char *label, *page;
	} cases[] = {
	    {"file", "<img src='file:///etc/passwd'>"},
	    {"network", "<link rel='stylesheet' href='http://127.0.0.1:9/x.css'>"},
	    {"relative", "<img src='x.png'>"},
	    {"import", "<style>@import url(https://127.0.0.1:9/x.css)</style>"},
	    {"font", "<style>@font-face{font-family:x;src:url(file:///etc/"
	             "passwd)}p{font-family:x}</style><p>a"},
	    {"svg", "<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd' "
	            "width='9' height='9'/></svg>"},
	    {"attachment", "<link rel='attachment' href='file:///etc/passwd'>"},
	    {"not UTF-8", "<p>\xff"},
	};
	struct pdf *pdf;
	struct buf out = {0};
	struct err err = {0};

	(void)state;
	if (!has_weasyprint())
		skip();
	pdf = real_helper();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (make(pdf, cases[i].page, &out, &err) != -1)
			fail_msg("%s was not refused: %s", cases[i].label, err.text);
		assert_int_equal(out.len, 0);
	}
	assert_int_equal(make(pdf, PAGE, &out, &err), 1); /* the same helper works on */
	buf_free(&out);
	end(&pdf);
}

/* Two jobs, two kills: each within the deadline, none leaves a process. */
static void test_two_kills(void **state)
{
	struct pdf *pdf = fake_helper("exec sleep 100");
	struct buf out = {0};

	(void)state;
	pdf_set_deadline_ms(pdf, 150);
	for (int i = 0; i < 2; i++) {
		int64_t begun = clock_mono_ms();
		struct err err = {0};

		assert_int_equal(make(pdf, PAGE, &out, &err), 0);
		assert_non_null(strstr(err.text, "was killed"));
		assert_true(clock_mono_ms() - begun >= 150 && clock_mono_ms() - begun < 20000);
	}
	assert_int_equal(out.len, 0);
	assert_int_equal(starts(), 2);
	end(&pdf); /* the launcher ends when no child is left */
}

static void count_beat(void *ctx)
{
	++*(int *)ctx;
}

/* Who waits for a helper is told so each second: a router keeps its claim. */
static void test_beat(void **state)
{
	struct pdf *pdf = fake_helper("exec sleep 100");
	struct buf out = {0};
	struct err err = {0};
	int beats = 0;

	(void)state;
	pdf_set_deadline_ms(pdf, 1200);
	pdf_set_beat(pdf, count_beat, &beats);
	assert_int_equal(make(pdf, PAGE, &out, &err), 0);
	assert_true(beats >= 1);
	assert_int_equal(starts(), 1);
	end(&pdf);
}

/* A helper that turns in circles is late although it is always runnable. */
static void test_busy_kill(void **state)
{
	struct pdf *pdf = fake_helper("while :; do :; done");
	struct buf out = {0};
	struct err err = {0};

	(void)state;
	pdf_set_deadline_ms(pdf, 300);
	assert_int_equal(make(pdf, PAGE, &out, &err), 0);
	assert_non_null(strstr(err.text, "was killed"));
	assert_int_equal(starts(), 1);
	end(&pdf);
}

static void test_bad_helpers(void **state)
{
	static const struct {
		const char *label, *lines;
		int wanted;
	} cases[] = {
	    {"dies at once", "exit 3", 0},
	    {"dies inside a frame", "printf '\\000\\000\\000\\020abc'", 0},
	    {"frame too long", "printf '\\377\\377\\377\\377'; exec sleep 100", -1},
	    {"frame of another shape", "printf '\\000\\000\\000\\003abc'; exec sleep 100", 0},
	    {"field longer than its frame",
	        "printf '\\000\\000\\000\\006\\000\\000\\000\\377ab'; exec sleep 100", 0},
	    {"refusal",
	        "printf '\\000\\000\\000\\013\\000\\000\\000\\002no\\000\\000\\000\\001x'; exec "
	        "sleep 100",
	        -1},
	    {"no program", "#", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdf *pdf = fake_helper(cases[i].lines);
		struct buf out = {0};
		struct err err = {0};
		int rc = make(pdf, PAGE, &out, &err);

		if (rc != cases[i].wanted || err.text[0] == '\0')
			fail_msg("%s: %d %s", cases[i].label, rc, err.text);
		buf_free(&out);
		end(&pdf);
	}
	(void)starts();
}

static void test_no_launcher_or_helper(void **state)
{
	struct pdf *pdf = pdf_new("/nonexistent");
	struct buf out = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(make(pdf, PAGE, &out, &err), 0);
	assert_non_null(strstr(err.text, "/nonexistent/pdfd.sock"));
	pdf_free(&pdf);
	launcher_start("/nonexistent");
	pdf = pdf_new(dir);
	assert_int_equal(make(pdf, PAGE, &out, &err), 0);
	assert_non_null(strstr(err.text, "ended in the middle of a job"));
	end(&pdf);
}

/* A helper may make no connection of any kind, and the launcher's own descriptors are not its. */
static void test_confined(void **state)
{
	static const char tries[] =
	    "exec /usr/bin/python3 -c 'import os, socket, sys\n"
	    "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
	    "    try:\n"
	    "        socket.socket(family)\n"
	    "        sys.exit(\"open\")\n"
	    "    except PermissionError:\n"
	    "        pass\n"
	    "if sorted(os.listdir(\"/proc/self/fd\")) != [\"0\", \"1\", \"2\", \"3\"]:\n"
	    "    sys.exit(\"descriptors\")\n"
	    "os.write(1, b\"\\0\\0\\0\\13\\0\\0\\0\\2ok\\0\\0\\0\\1x\")\n"
	    "os.read(0, 1)'";
	struct pdf *pdf;
	struct buf out = {0};
	struct err err = {0};

	(void)state;
	if (SANITIZED)
		skip();
	pdf = fake_helper(tries);
	if (make(pdf, PAGE, &out, &err) != 1)
		fail_msg("%s", err.text);
	assert_string_equal(buf_str(&out), "x");
	buf_free(&out);
	end(&pdf);
	(void)starts();
}

/* A new process after 250 jobs. The fake reads each job (its length is known) and answers
 * "ok" and "x". */
static void test_restart(void **state)
{
	char lines[256];
	struct pdf *pdf;
	struct buf out = {0};
	struct err err = {0};
	size_t job = 4 + 4 + strlen(PAGE) + 4 + strlen("letter.xml") + 4 + strlen(XML);

	(void)state;
	(void)snprintf(lines, sizeof(lines),
	    "while head -c %zu >/dev/null; do printf "
	    "'\\000\\000\\000\\013\\000\\000\\000\\002ok\\000\\000\\000\\001x'; done",
	    job);
	pdf = fake_helper(lines);
	for (int i = 0; i < 251; i++) {
		out.len = 0;
		if (make(pdf, PAGE, &out, &err) != 1)
			fail_msg("job %d: %s", i, err.text);
		assert_string_equal(buf_str(&out), "x");
		if (i == 249)
			assert_int_equal(starts(), 1);
	}
	assert_int_equal(starts(), 1);
	buf_free(&out);
	end(&pdf);
}

/* Folders of helpers in the test's TMPDIR. */
static int folders(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += strncmp(e->d_name, "mtagw-pdf-", 10) == 0;
	closedir(d);
	return n;
}

/* The launcher removes a folder soon after its helper. */
static void wait_folders(int wanted)
{
	int64_t until = clock_mono_ms() + WAIT_MS;

	while (folders() != wanted && clock_mono_ms() < until)
		(void)poll(NULL, 0, 10);
	assert_int_equal(folders(), wanted);
}

/* Whatever a helper leaves behind is gone with it, and its folder is there while it lives. */
static void test_folder_goes_with_its_helper(void **state)
{
	static const char leaves[] =
	    "mkdir -p $TMPDIR/weasyprint-x/y; echo f >$TMPDIR/weasyprint-x/y/font; ";
	struct pdf *pdf = fake_helper("exit 3"), *other;
	char lines[400], marker[64];
	struct buf out = {0};
	struct err err = {0};
	struct stat st;

	(void)state;
	end(&pdf);
	(void)snprintf(marker, sizeof(marker), "%s/seen", dir);
	(void)snprintf(lines, sizeof(lines), "%s cp $TMPDIR/weasyprint-x/y/font %s; exec sleep 100",
	    leaves, marker);
	pdf = fake_helper(lines);
	pdf_set_deadline_ms(pdf, 1000);
	assert_int_equal(make(pdf, PAGE, &out, &err), 0); /* killed at its deadline */
	assert_int_equal(stat(marker, &st), 0);
	(void)unlink(marker);
	wait_folders(0);
	end(&pdf);

	if (!has_weasyprint())
		skip();
	pdf = real_helper();
	other = real_helper();
	assert_int_equal(make(pdf, PAGE, &out, &err), 1);
	assert_int_equal(make(other, PAGE, &out, &err), 1); /* does not take the living one's */
	assert_int_equal(folders(), 2);
	assert_int_equal(make(pdf, PAGE, &out, &err), 1);
	pdf_free(&other);
	wait_folders(1);
	end(&pdf);
	assert_int_equal(folders(), 0);
	(void)starts();
	buf_free(&out);
}

/* A maker that was killed cannot remove anything: the next one does. */
static void test_orphans_are_removed(void **state)
{
	char path[64], inner[96];
	struct pdf *pdf = fake_helper("exit 3");
	struct buf out = {0};
	struct err err = {0};

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/mtagw-pdf-orphan", dir);
	(void)snprintf(inner, sizeof(inner), "%s/weasyprint-z", path);
	assert_int_equal(mkdir(path, 0700) | mkdir(inner, 0700), 0);
	assert_int_equal(make(pdf, PAGE, &out, &err), 0);
	end(&pdf);
	assert_int_equal(folders(), 0);
	(void)starts();
}

static int setup(void **state)
{
	struct sigaction sa = {.sa_handler = on_term}; /* the launchers inherit it */

	(void)sigaction(SIGTERM, &sa, NULL);
	(void)state;
	return mkdtemp(dir) == NULL || setenv("TMPDIR", dir, 1) < 0;
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	if (launcher > 0) /* of a test that failed */
		(void)kill(launcher, SIGKILL);
	(void)snprintf(path, sizeof(path), "%s/pdfd.sock", dir);
	(void)unlink(path);
	(void)starts();
	(void)snprintf(path, sizeof(path), "%s/mtagw-pdf", dir);
	(void)unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_bytes),
	    cmocka_unit_test(test_order_leaves_nothing),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_two_kills),
	    cmocka_unit_test(test_beat),
	    cmocka_unit_test(test_busy_kill),
	    cmocka_unit_test(test_bad_helpers),
	    cmocka_unit_test(test_no_launcher_or_helper),
	    cmocka_unit_test(test_confined),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_folder_goes_with_its_helper),
	    cmocka_unit_test(test_orphans_are_removed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
