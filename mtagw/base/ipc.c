/*
 * ipc: frames between roles, and the numbers and strings in them. A frame from a role is judged
 * like bytes from a stranger: a length over the bound is an error, a payload that is short or long
 * makes the reader bad, and nobody stops for it (STYLE 25).
 */
#include "mtagw/base/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/sockaddr.h"

#define HEAD_BYTES 4

static void store_u32(uint8_t out[HEAD_BYTES], uint32_t v)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void ipc_put_u8(struct buf *out, uint8_t v)
{
	buf_append(out, &v, 1);
}

void ipc_put_u32(struct buf *out, uint32_t v)
{
	uint8_t bytes[HEAD_BYTES];

	store_u32(bytes, v);
	buf_append(out, bytes, sizeof(bytes));
}

void ipc_put_u64(struct buf *out, uint64_t v)
{
	ipc_put_u32(out, (uint32_t)(v >> 32));
	ipc_put_u32(out, (uint32_t)v);
}

void ipc_put_bytes(struct buf *out, const void *data, size_t len)
{
	ipc_put_u32(out, (uint32_t)len);
	buf_append(out, data, len);
}

void ipc_put_str(struct buf *out, const char *s)
{
	ipc_put_bytes(out, s, strlen(s));
}

struct ipc_reader ipc_reader_of(struct range payload)
{
	return (struct ipc_reader){.p = (const uint8_t *)payload.p, .left = payload.len};
}

/* The next len bytes; NULL, and bad from now on, when they are not there. */
static const uint8_t *take(struct ipc_reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

uint8_t ipc_get_u8(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 1);

	return p ? *p : 0;
}

uint32_t ipc_get_u32(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 4);

	return p ? load_u32(p) : 0;
}

uint64_t ipc_get_u64(struct ipc_reader *r)
{
	const uint8_t *p = take(r, 8);

	return p ? (uint64_t)load_u32(p) << 32 | load_u32(p + 4) : 0;
}

struct range ipc_get_bytes(struct ipc_reader *r)
{
	size_t len = ipc_get_u32(r);
	const uint8_t *p = len > 0 ? take(r, len) : NULL;

	return p ? (struct range){(const char *)p, len} : (struct range){"", 0};
}

bool ipc_done(const struct ipc_reader *r)
{
	return !r->bad && r->left == 0;
}

int ipc_conn_frame(struct conn *conn, struct range *payload_r)
{
	struct range in = conn_input(conn);
	uint32_t len;

	if (in.len < HEAD_BYTES)
		return 0;
	len = load_u32((const uint8_t *)in.p);
	if (len > IPC_FRAME_MAX)
		return -1;
	if (in.len - HEAD_BYTES < len) {
		/* a frame over the usual bound of input still has to fit */
		conn_set_input_max(conn, IPC_FRAME_MAX + HEAD_BYTES);
		return 0;
	}
	*payload_r = (struct range){in.p + HEAD_BYTES, len};
	return 1;
}

void ipc_conn_drain(struct conn *conn)
{
	struct range in = conn_input(conn);

	if (in.len >= HEAD_BYTES)
		conn_drain(conn, HEAD_BYTES + load_u32((const uint8_t *)in.p));
}

void ipc_conn_send(struct conn *conn, struct range payload)
{
	uint8_t head[HEAD_BYTES];

	store_u32(head, (uint32_t)payload.len);
	conn_write(conn, head, sizeof(head));
	conn_write(conn, payload.p, payload.len);
}

/* Waits until the descriptor is ready or the deadline (clock_mono_ms) has come. */
static int wait_for(int fd, short events, int64_t deadline, struct err *error_r)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline - clock_mono_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n > 0)
			return 1;
		if (n == 0)
			return err_set(error_r, "no answer in time");
		if (errno != EINTR)
			return err_set(error_r, "poll: %s", strerror(errno));
	}
}

int ipc_connect(const char *address, int timeout_ms, struct err *error_r)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	struct sockaddr_any addr;
	int fd, error = 0;
	socklen_t size = sizeof(error);

	if (sockaddr_parse(address, &addr, error_r) < 0)
		return -1;
	fd = socket(addr.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(error_r, "%s: no socket: %s", address, strerror(errno));
	while (connect(fd, (struct sockaddr *)&addr.sa, addr.len) != 0) {
		error = errno;
		if (error == EINPROGRESS && wait_for(fd, POLLOUT, deadline, error_r) > 0 &&
		    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
			break;
		/* EAGAIN: the queue of a Unix listener is full, and poll cannot tell when it is not
		 */
		if (error == EAGAIN && clock_mono_ms() < deadline) {
			(void)poll(NULL, 0, 10);
			continue;
		}
		(void)close(fd);
		return err_set(error_r, "%s: %s", address,
		    error == EINPROGRESS ? "no connection in time" : strerror(error));
	}
	return fd;
}

static int send_all(int fd, const void *data, size_t len, int64_t deadline, struct err *error_r)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, deadline, error_r) < 0)
				return -1;
		} else if (errno != EINTR) {
			return err_set(error_r, "send: %s", strerror(errno));
		}
	}
	return 1;
}

int ipc_send(int fd, struct range payload, int timeout_ms, struct err *error_r)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	uint8_t head[HEAD_BYTES];

	if (payload.len > IPC_FRAME_MAX)
		return err_set(
		    error_r, "a frame of %zu bytes; the bound is %d", payload.len, IPC_FRAME_MAX);
	store_u32(head, (uint32_t)payload.len);
	if (send_all(fd, head, sizeof(head), deadline, error_r) < 0)
		return -1;
	return send_all(fd, payload.p, payload.len, deadline, error_r);
}

static int recv_all(int fd, void *data, size_t len, int64_t deadline, struct err *error_r)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			return err_set(error_r, "connection closed by peer");
		} else if (errno == EAGAIN) {
			if (wait_for(fd, POLLIN, deadline, error_r) < 0)
				return -1;
		} else if (errno != EINTR) {
			return err_set(error_r, "recv: %s", strerror(errno));
		}
	}
	return 1;
}

int ipc_recv(int fd, struct buf *payload, int timeout_ms, struct err *error_r)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	uint8_t head[HEAD_BYTES];
	uint32_t len;

	buf_reset(payload);
	if (recv_all(fd, head, sizeof(head), deadline, error_r) < 0)
		return -1;
	len = load_u32(head);
	if (len > IPC_FRAME_MAX)
		return err_set(error_r, "a frame of %u bytes; the bound is %d", len, IPC_FRAME_MAX);
	if (recv_all(fd, buf_room(payload, len), len, deadline, error_r) < 0)
		return -1;
	payload->len = len;
	payload->data[len] = '\0';
	return 1;
}
