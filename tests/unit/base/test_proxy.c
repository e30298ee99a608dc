/*
 * test_proxy: headers of PROXY protocol version 2, and their reading off a socket pair, whole and
 * byte by byte, with nothing behind them taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/proxy.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4 SIG "\x21\x11\0\x0c\xc0\x00\x02\x07\xcb\x00\x71\x05\x12\x34\0\x19"
#define V6_FROM "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define V6_TO "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07"

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *label, *bytes;
	size_t len;
	const char *wanted; /* peer>local; "" nothing told; NULL refused */
} cases[] = {
    {"IPv4", BYTES(V4), "192.0.2.7>203.0.113.5"},
    {"IPv6", BYTES(SIG "\x21\x21\0\x24" V6_FROM V6_TO "\x12\x34\0\x19"), "2001:db8::7>2001:db8::5"},
    {"IPv4 in IPv6", BYTES(SIG "\x21\x21\0\x24" MAPPED V6_TO "\x12\x34\0\x19"),
        "192.0.2.7>2001:db8::5"},
    {"with TLVs",
        BYTES(
            SIG "\x21\x11\0\x13\xc0\x00\x02\x07\xcb\x00\x71\x05\x12\x34\0\x19\x04\0\x01x\x04\0\0"),
        "192.0.2.7>203.0.113.5"},
    {"LOCAL", BYTES(SIG "\x20\0\0\0"), ""},
    {"LOCAL with something", BYTES(SIG "\x20\x99\0\x03xyz"), ""},
    {"UNSPEC", BYTES(SIG "\x21\0\0\0"), ""},
    {"version 1", BYTES("PROXY TCP4 192.0.2.7 203.0.113.5 4660 25\r\n"), NULL},
    {"an SMTP command", BYTES("EHLO x\r\n"), NULL},
    {"signature broken at its end", BYTES("\r\n\r\n\0\r\nQUIT\r"), NULL},
    {"version 3", BYTES(SIG "\x31\x11\0\x0c"), NULL},
    {"version 1 in binary", BYTES(SIG "\x11\x11\0\x0c"), NULL},
    {"unknown command", BYTES(SIG "\x22\x11\0\x0c"), NULL},
    {"UDP", BYTES(SIG "\x21\x12\0\x0c"), NULL},
    {"Unix", BYTES(SIG "\x21\x31\0\xd8"), NULL},
    {"no room for IPv4", BYTES(SIG "\x21\x11\0\x0b\xc0\x00\x02\x07\xcb\x00\x71\x05\x12\x34\0"),
        NULL},
    {"IPv6 with room for IPv4",
        BYTES(SIG "\x21\x21\0\x0c\xc0\x00\x02\x07\xcb\x00\x71\x05\x12\x34\0\x19"), NULL},
    {"half a TLV", BYTES(SIG "\x21\x11\0\x0e\xc0\x00\x02\x07\xcb\x00\x71\x05\x12\x34\0\x19\x04\0"),
        NULL},
    {"TLV beyond the end",
        BYTES(SIG "\x21\x11\0\x10\xc0\x00\x02\x07\xcb\x00\x71\x05\x12\x34\0\x19\x04\0\x02x"), NULL},
    {"longer than we take", BYTES(SIG "\x21\x11\x08\x01"), NULL},
};

struct run {
	struct loop *loop;
	struct proxy *proxy;
	int calls;
	char got[200];
};

static void came(int fd, const struct proxy_ends *ends, const char *why, void *ctx)
{
	struct run *run = ctx;

	(void)fd;
	run->calls++;
	if (ends == NULL)
		(void)snprintf(run->got, sizeof(run->got), "refused %s", why);
	else
		(void)snprintf(run->got, sizeof(run->got), "%s%s%s", ends->peer_ip,
		    ends->told ? ">" : "", ends->local_ip);
	proxy_free(&run->proxy);
	loop_stop(run->loop);
}

/* The client's end: writes piece bytes whenever the loop is idle. */
struct client {
	struct run *run;
	struct timer *timer;
	const char *bytes;
	size_t len, piece;
	int fd;
};

static void write_piece(void *ctx)
{
	struct client *c = ctx;
	size_t n = c->len < c->piece ? c->len : c->piece;

	assert_int_equal(write(c->fd, c->bytes, n), n);
	c->bytes += n;
	c->len -= n;
	if (c->len > 0)
		timer_start(c->timer, 0);
	else
		(void)shutdown(c->fd, SHUT_WR);
}

static void read_case(size_t i, size_t piece, const char *behind)
{
	struct run run = {.loop = loop_new()};
	char bytes[300], rest[32] = "";
	struct client c = {.run = &run, .bytes = bytes, .piece = piece};
	int fd[2];

	memcpy(bytes, cases[i].bytes, cases[i].len);
	memcpy(bytes + cases[i].len, behind, strlen(behind));
	c.len = cases[i].len + strlen(behind);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	c.fd = fd[1];
	c.timer = timer_new(run.loop, write_piece, &c);
	timer_start(c.timer, 0);
	run.proxy = proxy_new(run.loop, fd[0], came, &run);
	loop_run(run.loop);
	assert_int_equal(run.calls, 1);
	if (cases[i].wanted == NULL ? strncmp(run.got, "refused ", 8) != 0
	                            : strcmp(run.got, cases[i].wanted) != 0)
		fail_msg("%s: %s", cases[i].label, run.got);
	while (c.len > 0)
		write_piece(&c);
	if (cases[i].wanted != NULL) {
		assert_int_equal(read(fd[0], rest, sizeof(rest)), strlen(behind));
		assert_string_equal(rest, behind);
	}
	(void)close(fd[0]);
	(void)close(fd[1]);
	timer_free(&c.timer);
	loop_free(&run.loop);
}

static void headers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_case(i, 1, "EHLO x\r\n");
		read_case(i, 1000, "EHLO x\r\n");
	}
}

/* Every cut of a good header asks for more and tells nothing. */
static void cut_headers_want_more(void **state)
{
	struct proxy_ends ends;
	struct err err;
	size_t need;

	(void)state;
	for (size_t len = 0; len < sizeof(V4) - 1; len++) {
		assert_int_equal(proxy_parse((const uint8_t *)V4, len, &need, &ends, &err), 1);
		assert_true(need > len);
		assert_false(ends.told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_are_read),
	    cmocka_unit_test(cut_headers_want_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
