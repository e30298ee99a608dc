/*
 * pdf: keeps one PDF helper (a connection that mtagw-pdfd gave to a process of its own) and hands
 * it one page at a time (DESIGN 13). The helper is Python and renders what a stylesheet made of an
 * official's words, so it is under another user; what ends it is that we hang up: at its deadline,
 * after 250 jobs (its memory grows), with our own end. Blocking: the router is a sequential worker.
 * Not here: how a helper is confined (pdfd), what counts as a second kill (the router quarantines),
 * and the layout.
 */
#include "mtagw/office/render.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/ipc.h"
#include "mtagw/base/mem.h"

#define PDF_JOBS_MAX \
	250 /* of one helper process: it grows by a third of a MiB each, a start takes a second */
/* A page takes 0.1-1 s of a free core; a helper that works for 20 s hangs. One that only waits for
 * its turn, being the last in a machine full of work, gets the second limit. Tests shorten the
 * first. */
#define PDF_DEADLINE_MS 20000
#define PDF_STARVED_MS 120000
#define PDF_START_MS 10000      /* for a process to begin */
#define PDF_SLICE_MS 1000       /* how often a helper is looked at, and the beat comes */
#define PDF_JOB_MAX (32u << 20) /* the helper's own limit */
#define PDF_ANSWER_MAX                                                                           \
	(64u << 20) /* a letter's PDF is tens of kilobytes; fonts and long bodies some megabytes \
	             */
#define PDF_READ_BYTES (64u << 10)

struct pdf {
	char *address;
	pid_t pid; /* the helper's */
	int fd;    /* connection with it, not blocking; -1 with no helper */
	unsigned jobs;
	int64_t deadline_ms;
	void (*beat)(void *ctx); /* NULL: none */
	void *beat_ctx;
};

struct pdf *pdf_new(const char *runtime_dir)
{
	struct pdf *pdf = mem_zalloc(sizeof(*pdf));

	pdf->address = mem_printf("unix:%s/pdfd.sock", runtime_dir);
	pdf->fd = -1;
	pdf->deadline_ms = PDF_DEADLINE_MS;
	return pdf;
}

void pdf_set_deadline_ms(struct pdf *pdf, int64_t deadline_ms)
{
	pdf->deadline_ms = deadline_ms;
}

void pdf_set_beat(struct pdf *pdf, void (*beat)(void *ctx), void *ctx)
{
	pdf->beat = beat;
	pdf->beat_ctx = ctx;
}

/* Ends the helper: mtagw-pdfd kills it when we hang up. */
static void stop(struct pdf *pdf)
{
	if (pdf->fd >= 0)
		(void)close(pdf->fd);
	pdf->fd = -1;
	pdf->jobs = 0;
}

void pdf_free(struct pdf **pdf)
{
	if (*pdf == NULL)
		return;
	stop(*pdf);
	free((*pdf)->address);
	free(*pdf);
	*pdf = NULL;
}

static int start(struct pdf *pdf, struct err *error_r)
{
	struct buf greeting = {0};
	struct ipc_reader r;

	pdf->fd = ipc_connect(pdf->address, PDF_START_MS, error_r);
	if (pdf->fd < 0)
		return -1;
	if (ipc_recv(pdf->fd, &greeting, PDF_START_MS, error_r) < 0) {
		stop(pdf);
		buf_free(&greeting);
		return err_prefix(error_r, "no PDF helper");
	}
	r = ipc_reader_of(buf_range(&greeting));
	pdf->pid = (pid_t)ipc_get_u32(&r);
	buf_free(&greeting);
	if (!ipc_done(&r) || pdf->pid <= 0) {
		stop(pdf);
		return err_set(error_r, "%s is not a launcher of PDF helpers", pdf->address);
	}
	(void)fcntl(pdf->fd, F_SETFL, O_NONBLOCK);
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
		if (poll(&p, 1, left < PDF_SLICE_MS ? (int)left : PDF_SLICE_MS) > 0)
			return 1;
		if (pdf->beat != NULL)
			pdf->beat(pdf->beat_ctx);
	}
}

static int gone(struct pdf *pdf, struct err *error_r)
{
	stop(pdf);
	return err_set(error_r, "the PDF helper ended in the middle of a job"), 0;
}

static int late(struct pdf *pdf, struct err *error_r)
{
	stop(pdf);
	return err_set(error_r, "the PDF helper did not finish within %lld ms and was killed",
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
		return err_set(error_r,
		    "the PDF helper answered with %u bytes, more than a letter can have",
		    (unsigned)len);
	}
	return receive(pdf, job, len, payload, error_r);
}

static int read_answer(struct pdf *pdf, struct range payload, struct buf *out, struct err *error_r)
{
	struct ipc_reader r = ipc_reader_of(payload);
	struct range status = ipc_get_bytes(&r), data = ipc_get_bytes(&r);

	if (!ipc_done(&r)) {
		stop(pdf);
		return err_set(error_r, "the PDF helper answered with a frame of another shape"), 0;
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
	if (pdf->fd < 0 && start(pdf, error_r) < 0)
		return 0;
	ipc_put_bytes(&payload, page.p, page.len);
	ipc_put_str(&payload, attachment_name ? attachment_name : "");
	ipc_put_bytes(&payload, attachment.p, attachment.len);
	pdf->jobs++;
	rc = run_job(pdf, buf_range(&payload), out, error_r);
	buf_free(&payload);
	return rc;
}
