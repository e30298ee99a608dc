/* Frames and payloads between roles: round trips, short and long ones, both sides of a socket pair.
 */
#include "mtagw/base/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/mem.h"

static void test_payload_round_trip(void **state)
{
	struct buf out = {0};
	struct ipc_reader r;

	(void)state;
	ipc_put_u8(&out, 200);
	ipc_put_u32(&out, 0xfedcba98);
	ipc_put_u64(&out, 0x0123456789abcdef);
	ipc_put_bytes(&out, "a\0b", 3);
	ipc_put_str(&out, "");
	r = ipc_reader_of(buf_range(&out));
	assert_int_equal(ipc_get_u8(&r), 200);
	assert_int_equal(ipc_get_u32(&r), 0xfedcba98);
	assert_true(ipc_get_u64(&r) == 0x0123456789abcdef);
	assert_true(range_equal(ipc_get_bytes(&r), (struct range){"a\0b", 3}));
	assert_false(ipc_done(&r));
	assert_int_equal(ipc_get_bytes(&r).len, 0);
	assert_true(ipc_done(&r));
	assert_int_equal(ipc_get_u8(&r), 0); /* one too many: bad for good */
	assert_false(ipc_done(&r));
	buf_free(&out);
}

static void test_payload_cut_anywhere(void **state)
{
	struct buf out = {0};

	(void)state;
	ipc_put_u32(&out, 7);
	ipc_put_str(&out, "hello");
	ipc_put_u64(&out, 1);
	for (size_t len = 0; len < out.len; len++) {
		struct ipc_reader r = ipc_reader_of((struct range){out.data, len});

		(void)ipc_get_u32(&r);
		(void)ipc_get_bytes(&r);
		(void)ipc_get_u64(&r);
		assert_false(ipc_done(&r));
	}
	buf_free(&out);
	ipc_put_u32(&out, 0xffffffff); /* a string of four gigabytes */
	struct ipc_reader r = ipc_reader_of(buf_range(&out));
	assert_int_equal(ipc_get_bytes(&r).len, 0);
	assert_true(r.bad);
	buf_free(&out);
}

static void pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
}

static void test_blocking(void **state)
{
	struct buf got = {0};
	struct err error = {""};
	int fd[2];

	(void)state;
	pair(fd);
	assert_int_equal(ipc_send(fd[0], range_of("one"), 1000, &error), 1);
	assert_int_equal(ipc_send(fd[0], (struct range){NULL, 0}, 1000, &error), 1);
	assert_int_equal(ipc_recv(fd[1], &got, 1000, &error), 1);
	assert_string_equal(buf_str(&got), "one");
	assert_int_equal(ipc_recv(fd[1], &got, 1000, &error), 1);
	assert_int_equal(got.len, 0);
	assert_int_equal(ipc_recv(fd[1], &got, 20, &error), -1);
	assert_string_equal(error.text, "no answer in time");
	assert_int_equal(write(fd[0], "\0\0\0\5ab", 6), 6); /* cut off */
	(void)close(fd[0]);
	assert_int_equal(ipc_recv(fd[1], &got, 1000, &error), -1);
	assert_string_equal(error.text, "connection closed by peer");
	(void)close(fd[1]);
	pair(fd);
	assert_int_equal(write(fd[0], "\1\0\0\0", 4), 4); /* 16 MiB announced */
	assert_int_equal(ipc_recv(fd[1], &got, 1000, &error), -1);
	assert_non_null(strstr(error.text, "the bound is"));
	assert_int_equal(ipc_send(fd[0], (struct range){"x", IPC_FRAME_MAX + 1}, 1000, &error), -1);
	(void)close(fd[0]);
	(void)close(fd[1]);
	assert_int_equal(ipc_connect("unix:/tmp/mtagw-no-such-socket", 100, &error), -1);
	assert_non_null(strstr(error.text, "No such file"));
	buf_free(&got);
}

/* The event side echoes each frame back; a frame of the greatest length goes through. */
struct echo {
	struct loop *loop;
	struct conn *conn;
	int frames, refused;
};

static void echo_cb(struct conn *conn, enum conn_event event, void *ctx)
{
	struct echo *echo = ctx;
	struct range payload;
	int rc;

	if (event == CONN_EOF || event == CONN_ERROR)
		loop_stop(echo->loop);
	if (event != CONN_DATA)
		return;
	while ((rc = ipc_conn_frame(conn, &payload)) > 0) {
		echo->frames++;
		ipc_conn_send(conn, payload);
		ipc_conn_drain(conn);
	}
	if (rc < 0) {
		echo->refused++;
		conn_destroy(&echo->conn);
		loop_stop(echo->loop);
	}
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void turn(struct loop *loop)
{
	struct timer *timer = timer_new(loop, stop, loop);

	timer_start(timer, 5);
	loop_run(loop);
	timer_free(&timer);
}

static void test_event_side(void **state)
{
	struct echo echo = {.loop = loop_new()};
	struct buf got = {0}, big = {0};
	struct err error;
	int fd[2];

	(void)state;
	pair(fd);
	echo.conn = conn_accepted(echo.loop, fd[0], echo_cb, &echo);
	assert_int_equal(ipc_send(fd[1], range_of("a"), 100, &error), 1);
	assert_int_equal(ipc_send(fd[1], range_of("bc"), 100, &error), 1);
	turn(echo.loop);
	assert_int_equal(echo.frames, 2);
	assert_int_equal(ipc_recv(fd[1], &got, 100, &error), 1);
	assert_int_equal(ipc_recv(fd[1], &got, 100, &error), 1);
	assert_string_equal(buf_str(&got), "bc");
	/* the greatest frame, sent and read in turns: no socket buffer holds it */
	memset(buf_room(&big, IPC_FRAME_MAX), 'x', IPC_FRAME_MAX);
	big.len = IPC_FRAME_MAX;
	static const char head[] = {0, 0x10, 0, 0};
	assert_int_equal(write(fd[1], head, 4), 4);
	for (size_t at = 0; at < big.len;) {
		ssize_t n = write(fd[1], big.data + at, big.len - at);

		at += n > 0 ? (size_t)n : 0;
		turn(echo.loop);
	}
	while (echo.frames < 3)
		turn(echo.loop);
	for (size_t left = big.len + 4; left > 0;) {
		ssize_t n = read(fd[1], big.data, big.len);

		left -= n > 0 ? (size_t)n : 0;
		turn(echo.loop);
	}
	assert_int_equal(write(fd[1], "\0\x10\0\1", 4), 4); /* one byte more than allowed */
	loop_run(echo.loop);
	assert_int_equal(echo.refused, 1);
	loop_free(&echo.loop);
	(void)close(fd[1]);
	buf_free(&got);
	buf_free(&big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_payload_round_trip),
	    cmocka_unit_test(test_payload_cut_anywhere),
	    cmocka_unit_test(test_blocking),
	    cmocka_unit_test(test_event_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
