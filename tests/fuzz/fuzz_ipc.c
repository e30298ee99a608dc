/*
 * What comes over a socket between roles: the event side (any pieces), the blocking side and a
 * plain reading of the bytes must come to the same frames and the same end; and whatever is taken
 * from a payload lies in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/ipc.h"
#include "tests/fuzz/fake_conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Frames are written down as `length:payload`, and how it ended: `.` at a frame's end or within
 * one, `!` too long a frame. */
static void put_frame(struct buf *out, struct range payload)
{
	buf_printf(out, "%zu:", payload.len);
	buf_append(out, payload.p, payload.len);
}

static void plain(const uint8_t *data, size_t size, struct buf *out)
{
	for (size_t at = 0; size - at >= 4;) {
		size_t len = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
		             (size_t)data[at + 2] << 8 | data[at + 3];

		if (len > IPC_FRAME_MAX) {
			buf_putc(out, '!');
			return;
		}
		if (len > size - at - 4)
			break;
		put_frame(out, (struct range){(const char *)data + at + 4, len});
		at += 4 + len;
	}
	buf_putc(out, '.');
}

/* The event side. */
static bool too_long;
static void event(struct conn *conn, enum conn_event what, void *ctx)
{
	struct range payload;
	int rc;

	if (what != CONN_DATA || too_long)
		return;
	while ((rc = ipc_conn_frame(conn, &payload)) > 0) {
		put_frame(ctx, payload);
		ipc_conn_drain(conn);
	}
	too_long = rc < 0;
}

static void by_events(const uint8_t *data, size_t size, struct buf *out)
{
	struct conn *conn = conn_accepted(NULL, -1, event, out);

	too_long = false;
	for (size_t at = 0, n; at < size; at += n) {
		n = 1 + (at + data[at]) % 9;
		if (n > size - at)
			n = size - at;
		conn_feed(data + at, n);
	}
	conn_tell(CONN_EOF);
	conn_destroy(&conn);
	buf_putc(out, too_long ? '!' : '.');
}

static void by_waiting(const uint8_t *data, size_t size, struct buf *out)
{
	struct buf payload = {0};
	struct err err;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0 ||
	    (size > 0 && write(fd[0], data, size) != (ssize_t)size))
		abort();
	(void)close(fd[0]);
	while (ipc_recv(fd[1], &payload, 1000, &err) > 0)
		put_frame(out, buf_range(&payload));
	buf_putc(out, strstr(err.text, "the bound is") ? '!' : '.');
	(void)close(fd[1]);
	buf_free(&payload);
}

/* The bytes as steps of a reader, and as what is read. */
static void take(struct range payload)
{
	struct ipc_reader r = ipc_reader_of(payload);
	struct range got;

	for (size_t i = 0; i < payload.len && !r.bad; i++) {
		size_t left = r.left;

		switch (payload.p[i] & 3) {
		case 0:
			(void)ipc_get_u8(&r);
			break;
		case 1:
			(void)ipc_get_u32(&r);
			break;
		case 2:
			(void)ipc_get_u64(&r);
			break;
		default:
			got = ipc_get_bytes(&r);
			if (got.len > 0 &&
			    (got.p < payload.p || got.p + got.len > payload.p + payload.len))
				abort();
			for (size_t j = 0; j < got.len; j++)
				i += got.p[j] == '\377'; /* touches each */
		}
		if (r.left > left || (ipc_done(&r) && r.left > 0))
			abort();
	}
	if (r.bad && (ipc_get_u64(&r) != 0 || ipc_get_bytes(&r).len != 0 || ipc_done(&r)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf wanted = {0}, events = {0}, waiting = {0};

	plain(data, size, &wanted);
	by_events(data, size, &events);
	by_waiting(data, size, &waiting);
	if (!range_equal(buf_range(&wanted), buf_range(&events)) ||
	    !range_equal(buf_range(&wanted), buf_range(&waiting)))
		abort();
	take((struct range){(const char *)data, size});
	buf_free(&wanted);
	buf_free(&events);
	buf_free(&waiting);
	return 0;
}
