/*
 * What a PDF helper answers (it is Python under another user, so its bytes are a stranger's): a PDF
 * as it was sent, or a refusal with a reason; never part of one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/ipc.h"
#include "mtagw/base/listener.h"
#include "mtagw/office/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char dir[] = "/tmp/mtagw-fuzz-XXXXXX";
static char socket_path[64];
static int listen_fd;
static const uint8_t *answer; /* of the helper, until it hangs up */
static size_t answer_len;
static sem_t hung_up;

static void clean(void)
{
	(void)unlink(socket_path);
	(void)rmdir(dir);
}

/* The helper: sends all it has, then reads what it is sent until the router hangs up. */
static void *help(void *ctx)
{
	char sink[4096];

	(void)ctx;
	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);

		if (fd < 0)
			continue;
		for (size_t at = 0; at < answer_len;) {
			ssize_t n = send(fd, answer + at, answer_len - at, MSG_NOSIGNAL);

			if (n <= 0)
				break;
			at += (size_t)n;
		}
		(void)shutdown(fd, SHUT_WR);
		while (read(fd, sink, sizeof(sink)) > 0)
			;
		(void)close(fd);
		(void)sem_post(&hung_up);
	}
	return NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char address[80];
	pthread_t thread;
	struct err err;
	int flags;

	(void)argc, (void)argv;
	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(socket_path, sizeof(socket_path), "%s/pdfd.sock", dir);
	(void)snprintf(address, sizeof(address), "unix:%s", socket_path);
	listen_fd = listener_bind(address, &err);
	flags = fcntl(listen_fd, F_GETFL);
	if (listen_fd < 0 || sem_init(&hung_up, 0, 0) != 0 ||
	    fcntl(listen_fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
	    pthread_create(&thread, NULL, help, NULL) != 0)
		abort();
	return atexit(clean);
}

/* A greeting with a process, a frame with `ok` and the document: the document. */
static bool wanted(struct range bytes, struct range *document_r)
{
	struct ipc_reader r = ipc_reader_of(bytes);
	struct range greeting = ipc_get_bytes(&r), frame = ipc_get_bytes(&r), status;

	if (r.bad || greeting.len != 4)
		return false;
	r = ipc_reader_of(greeting);
	if ((int32_t)ipc_get_u32(&r) <= 0)
		return false;
	r = ipc_reader_of(frame);
	status = ipc_get_bytes(&r);
	*document_r = ipc_get_bytes(&r);
	return ipc_done(&r) && range_equal(status, range_of("ok"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pdf *pdf = pdf_new(dir);
	struct range document = {0};
	struct buf out = {0};
	struct err err = {""};
	bool good;
	int rc;

	answer = data;
	answer_len = size;
	good = wanted((struct range){(const char *)data, size}, &document);
	rc = pdf_make(pdf, range_of("<p>x</p>"), "surat.xml", range_of("<surat/>"), &out, &err);
	if ((rc == 1) != good || (rc == 1 ? !range_equal(buf_range(&out), document)
	                                  : out.len > 0 || err.text[0] == '\0'))
		abort();
	pdf_free(&pdf);
	(void)sem_wait(&hung_up); /* it reads our bytes */
	buf_free(&out);
	return 0;
}
