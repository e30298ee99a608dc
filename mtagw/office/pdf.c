/*
 * pdf: keeps one mtagw-pdf helper running and gives it one page at a time (DESIGN 13). The helper
 * is Python and renders what a stylesheet made of an official's words, so it is held at arm's
 * length: no descriptor but its socket and the log, a clean environment, a temporary folder that we
 * remove, death with its parent, a deadline, a new process every 100 jobs (its memory grows).
 * Blocking: the router is a sequential worker. Not here: what counts as a second kill (the router
 * quarantines), and the layout.
 */
#include "mtagw/office/render.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/office/pdf_tmp.h"

#define PDF_JOBS_MAX 100 /* of one helper process */
/* A page takes 0.1-1 s of a free core; a helper that works for 20 s hangs. One that only waits for
 * its turn, being the last in a machine full of work, gets the second limit. Tests shorten the
 * first. */
#define PDF_DEADLINE_MS 20000
#define PDF_STARVED_MS 120000
#define PDF_SLICE_MS 1000       /* how often a late helper is looked at */
#define PDF_JOB_MAX (32u << 20) /* the helper's own limit */
#define PDF_ANSWER_MAX                                                                           \
	(64u << 20) /* a letter's PDF is tens of kilobytes; fonts and long bodies some megabytes \
	             */
#define PDF_READ_BYTES (64u << 10)

struct pdf {
	char *path;
	pid_t pid; /* 0: none runs */
	int fd;    /* our end of the socket pair, not blocking; -1 with no helper */
	unsigned jobs;
	struct pdf_tmp tmp; /* of the helper that runs */
	int64_t deadline_ms;
};

struct pdf *pdf_new(const char *libexec_dir)
{
	struct pdf *pdf = mem_zalloc(sizeof(*pdf));

	pdf->path = mem_printf("%s/mtagw-pdf", libexec_dir);
	pdf->fd = -1;
	pdf->deadline_ms = PDF_DEADLINE_MS;
	return pdf;
}

void pdf_set_deadline_ms(struct pdf *pdf, int64_t deadline_ms)
{
	pdf->deadline_ms = deadline_ms;
}

/* Ends the helper for good; a killed one is waited for, so that no zombie stays. */
static void stop(struct pdf *pdf)
{
	if (pdf->fd >= 0)
		(void)close(pdf->fd);
	if (pdf->pid > 0) {
		(void)kill(pdf->pid, SIGKILL);
		while (waitpid(pdf->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	pdf_tmp_remove(&pdf->tmp);
	pdf->fd = -1;
	pdf->pid = 0;
	pdf->jobs = 0;
}

void pdf_free(struct pdf **pdf)
{
	if (*pdf == NULL)
		return;
	stop(*pdf);
	free((*pdf)->path);
	free(*pdf);
	*pdf = NULL;
}

/* In the child: nothing of ours but the socket and standard error; no function here may allocate.
 */
__attribute__((noreturn)) static void become_helper(const char *path, int fd, char *tmpdir)
{
	char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8",
	    (char *)"HOME=/nonexistent", (char *)"SOURCE_DATE_EPOCH=0", (char *)"PYTHONHASHSEED=0",
	    (char *)"PYTHONDONTWRITEBYTECODE=1", tmpdir, NULL};
	char *const argv[] = {(char *)path, NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 || close_range(3, ~0u, 0) < 0)
		_exit(126);
	(void)execve(path, argv, environment);
	_exit(127);
}

static int start(struct pdf *pdf, struct err *error_r)
{
	int fds[2];
	pid_t pid;
	char *tmpdir;

	if (access(pdf->path, X_OK) < 0)
		return err_set(error_r, "%s: %s", pdf->path, strerror(errno));
	if (pdf_tmp_make(&pdf->tmp, error_r) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		pdf_tmp_remove(&pdf->tmp);
		return err_set(error_r, "socketpair for %s: %s", pdf->path, strerror(errno));
	}
	tmpdir = mem_printf("TMPDIR=%s", pdf->tmp.path);
	pid = fork();
	if (pid == 0)
		become_helper(pdf->path, fds[1], tmpdir);
	free(tmpdir);
	(void)close(fds[1]);
	if (pid < 0) {
		(void)close(fds[0]);
		pdf_tmp_remove(&pdf->tmp);
		return err_set(error_r, "fork for %s: %s", pdf->path, strerror(errno));
	}
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pdf->pid = pid;
	pdf->fd = fds[0];
	pdf->jobs = 0;
	return 1;
}

/* True when the helper is runnable, hence waits for a core and not for anything else (proc(5),
 * stat, field 3). */
static bool starved(const struct pdf *pdf)
{
	char path[64], text[256] = "", *after_name;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pdf->pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	(void)fclose(f);
	after_name = strrchr(text, ')');
	return after_name != NULL && strncmp(after_name, ") R", 3) == 0;
}

/* Processor time of the helper so far. */
static int64_t cpu_ms(const struct pdf *pdf)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pdf->pid, &id) != 0 || clock_gettime(id, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct job {
	int64_t begun_ms, cpu_begun_ms;
};

/* Waits for the socket: 1 ready, 0 the helper's time is over. */
static int wait_ready(struct pdf *pdf, const struct job *job, short events)
{
	for (;;) {
		struct pollfd p = {.fd = pdf->fd, .events = events};
		int64_t age = clock_mono_ms() - job->begun_ms, left = pdf->deadline_ms - age;

		if (left <= 0) {
			if (age > PDF_STARVED_MS ||
			    cpu_ms(pdf) - job->cpu_begun_ms >= pdf->deadline_ms / 2 ||
			    !starved(pdf))
				return 0;
			left = PDF_SLICE_MS;
		}
		if (poll(&p, 1, (int)left) > 0)
			return 1;
	}
}

static int gone(struct pdf *pdf, struct err *error_r)
{
	stop(pdf);
	return err_set(error_r, "%s ended in the middle of a job", pdf->path), 0;
}

static int late(struct pdf *pdf, struct err *error_r)
{
	stop(pdf);
	return err_set(error_r, "%s did not finish within %lld ms and was killed", pdf->path,
	           (long long)pdf->deadline_ms),
	       0;
}

static int send_all(struct pdf *pdf, const struct job *job, struct range bytes, struct err *error_r)
{
	while (bytes.len > 0) {
		ssize_t n = send(pdf->fd, bytes.p, bytes.len, MSG_NOSIGNAL);

		if (n > 0) {
			bytes.p += n;
			bytes.len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (wait_ready(pdf, job, POLLOUT) == 0)
				return late(pdf, error_r);
		} else if (n == 0 || errno != EINTR) {
			return gone(pdf, error_r);
		}
	}
	return 1;
}

static int receive(
    struct pdf *pdf, const struct job *job, size_t len, struct buf *out, struct err *error_r)
{
	while (len > 0) {
		size_t want = len < PDF_READ_BYTES ? len : PDF_READ_BYTES;
		ssize_t n = recv(pdf->fd, buf_room(out, want), want, 0);

		if (n > 0) {
			out->len += (size_t)n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (wait_ready(pdf, job, POLLIN) == 0)
				return late(pdf, error_r);
		} else if (n == 0 || errno != EINTR) {
			return gone(pdf, error_r);
		}
	}
	return 1;
}

static uint32_t frame_length(const struct buf *head)
{
	const uint8_t *p = (const uint8_t *)head->data;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int receive_frame(
    struct pdf *pdf, const struct job *job, struct buf *payload, struct err *error_r)
{
	struct buf head = {0};
	int rc = receive(pdf, job, 4, &head, error_r);
	uint32_t len = rc == 1 ? frame_length(&head) : 0;

	buf_free(&head);
	if (rc != 1)
		return rc;
	if (len > PDF_ANSWER_MAX) {
		stop(pdf);
		return err_set(error_r, "%s answered with %u bytes, more than a letter can have",
		    pdf->path, (unsigned)len);
	}
	return receive(pdf, job, len, payload, error_r);
}

static int read_answer(struct pdf *pdf, struct range payload, struct buf *out, struct err *error_r)
{
	struct ipc_reader r = ipc_reader_of(payload);
	struct range status = ipc_get_bytes(&r), data = ipc_get_bytes(&r);

	if (!ipc_done(&r)) {
		stop(pdf);
		return err_set(error_r, "%s answered with a frame of another shape", pdf->path), 0;
	}
	if (!range_equal(status, range_of("ok")))
		return err_set(
		    error_r, "PDF refused: %.*s", (int)(data.len > 400 ? 400 : data.len), data.p);
	buf_append(out, data.p, data.len);
	return 1;
}

static int run_job(struct pdf *pdf, struct range payload, struct buf *out, struct err *error_r)
{
	struct job job = {.begun_ms = clock_mono_ms(), .cpu_begun_ms = cpu_ms(pdf)};
	struct buf frame = {0};
	int rc;

	ipc_put_u32(&frame, (uint32_t)payload.len);
	rc = send_all(pdf, &job, buf_range(&frame), error_r);
	if (rc == 1)
		rc = send_all(pdf, &job, payload, error_r);
	buf_reset(&frame);
	if (rc == 1)
		rc = receive_frame(pdf, &job, &frame, error_r);
	if (rc == 1)
		rc = read_answer(pdf, buf_range(&frame), out, error_r);
	buf_free(&frame);
	return rc;
}

int pdf_make(struct pdf *pdf, struct range page, const char *attachment_name,
    struct range attachment, struct buf *out, struct err *error_r)
{
	struct buf payload = {0};
	int rc;

	if (page.len + attachment.len > PDF_JOB_MAX - 4096)
		return err_set(error_r, "page and %s are longer than %u bytes",
		    attachment_name ? attachment_name : "attachment", PDF_JOB_MAX);
	if (pdf->jobs >= PDF_JOBS_MAX)
		stop(pdf);
	if (pdf->pid == 0 && start(pdf, error_r) < 0)
		return 0;
	ipc_put_bytes(&payload, page.p, page.len);
	ipc_put_str(&payload, attachment_name ? attachment_name : "");
	ipc_put_bytes(&payload, attachment.p, attachment.len);
	pdf->jobs++;
	rc = run_job(pdf, buf_range(&payload), out, error_r);
	buf_free(&payload);
	return rc;
}
