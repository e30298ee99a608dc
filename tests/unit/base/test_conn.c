/*
 * Streams over socket pairs and loopback: order of events, input bound, pause, timeouts, destroying
 * in a callback, TLS handshakes good and bad, bytes injected before STARTTLS on both sides.
 */
#include "mtagw/base/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/tls.h"
#include "tests/unit/base/certificate.h"

/* One end of a conversation: what happened to it, as text such as "C D E". */
struct end {
	struct loop *loop;
	struct conn *conn;
	struct buf events;
	struct buf got;
	bool keep_input;   /* leave the bytes in the connection */
	char stop_on;      /* the event's letter that stops the loop */
	char destroy_on;   /* destroys itself there */
	char start_tls_on; /* starts TLS there */
	struct tls *tls;
	const char *tls_name;
	const char *say_on_tls; /* written once TLS stands */
};

static const char letters[] = {[CONN_CONNECTED] = 'C',
    [CONN_TLS] = 'T',
    [CONN_DATA] = 'D',
    [CONN_DRAINED] = 'W',
    [CONN_EOF] = 'E',
    [CONN_TIMEOUT] = 'O',
    [CONN_ERROR] = 'X'};

static void end_cb(struct conn *conn, enum conn_event event, void *ctx)
{
	struct end *end = ctx;
	char letter = letters[event];

	assert_ptr_equal(conn, end->conn);
	buf_putc(&end->events, letter);
	if (event == CONN_DATA && !end->keep_input) {
		struct range in = conn_input(conn);

		buf_append(&end->got, in.p, in.len);
		conn_drain(conn, in.len);
	}
	if (letter == end->start_tls_on) {
		end->start_tls_on = 0;
		conn_start_tls(conn, end->tls, end->tls_name);
	}
	if (event == CONN_TLS && end->say_on_tls != NULL)
		conn_printf(conn, "%s", end->say_on_tls);
	if (letter == end->destroy_on)
		conn_destroy(&end->conn);
	if (letter == end->stop_on)
		loop_stop(end->loop);
}

static void end_free(struct end *end)
{
	conn_destroy(&end->conn);
	buf_free(&end->events);
	buf_free(&end->got);
}

static void stop_cb(void *ctx)
{
	loop_stop(ctx);
}

/* Runs the loop until something stops it; a guard of 5 s makes a hang a failure. */
static void run(struct loop *loop)
{
	int64_t start = clock_mono_ms();
	struct timer *guard = timer_new(loop, stop_cb, loop);

	timer_start(guard, 5000);
	loop_run(loop);
	timer_free(&guard);
	assert_true(clock_mono_ms() - start < 4900);
}

static void run_ms(struct loop *loop, int64_t ms)
{
	struct timer *timer = timer_new(loop, stop_cb, loop);

	timer_start(timer, ms);
	loop_run(loop);
	timer_free(&timer);
}

static void pair(struct loop *loop, struct end *end, int *peer_r)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	end->loop = loop;
	end->conn = conn_accepted(loop, fds[0], end_cb, end);
	*peer_r = fds[1];
}

static void feed(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_data_then_eof(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'E'};
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	assert_string_equal(conn_peer(end.conn), "unix");
	feed(peer, "hello");
	(void)close(peer);
	run(loop);
	assert_string_equal(buf_str(&end.got), "hello");
	assert_string_equal(buf_str(&end.events), "DE");
	end_free(&end);
	loop_free(&loop);
}

static void test_destroyed_in_callback(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'D', .destroy_on = 'D'};
	char byte;
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	feed(peer, "x");
	run(loop);
	assert_null(end.conn);
	assert_string_equal(buf_str(&end.events), "D");
	run_ms(loop, 1);
	assert_int_equal(read(peer, &byte, 1), 0); /* closed */
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

static void test_input_is_bounded(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.keep_input = true};
	static char block[40000];
	int peer;
	size_t first;

	(void)state;
	pair(loop, &end, &peer);
	conn_set_input_max(end.conn, 10000);
	memset(block, 'a', sizeof(block));
	assert_int_equal(write(peer, block, sizeof(block)), (ssize_t)sizeof(block));
	run_ms(loop, 30);
	first = conn_input(end.conn).len;
	assert_in_range(first, 10000, 10000 + 4096);
	end.keep_input = false;
	conn_drain(end.conn, first);
	run_ms(loop, 30);
	assert_int_equal(first + end.got.len, sizeof(block));
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

static void test_pause(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'D'};
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	conn_pause(end.conn, true);
	conn_set_timeout(end.conn, 20); /* nothing is waited for, so nothing times out */
	feed(peer, "later");
	run_ms(loop, 60);
	assert_string_equal(buf_str(&end.events), "");
	conn_pause(end.conn, false);
	run(loop);
	assert_string_equal(buf_str(&end.got), "later");
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

static void test_timeout(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'O'};
	int64_t start = clock_mono_ms();
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	conn_set_timeout(end.conn, 50);
	run(loop);
	assert_true(clock_mono_ms() - start >= 50);
	assert_string_equal(buf_str(&end.events), "O");
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

static void test_write_timeout_when_peer_does_not_read(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'O'};
	char *block = mem_zalloc(4 * 1024 * 1024);
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	conn_pause(end.conn, true);
	conn_write(end.conn, block, 4 * 1024 * 1024);
	conn_set_timeout(end.conn, 50);
	run(loop);
	assert_true(conn_output_len(end.conn) > 0);
	assert_string_equal(buf_str(&end.events), "O");
	free(block);
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

/* Small writes leave with the turn of the loop that made them; what the kernel does not take waits,
 * and nothing that is written meanwhile goes before it. */
static void test_writes_keep_order(void **state)
{
	enum { BIG = 600 * 1000 };
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'W'};
	char *block = mem_zalloc(BIG), *got = mem_zalloc(BIG + 200);
	size_t len = 0;
	int peer;

	(void)state;
	memset(block, 'm', BIG);
	pair(loop, &end, &peer);
	conn_printf(end.conn, "first ");
	conn_printf(end.conn, "%s", "words");
	run(loop);
	assert_string_equal(buf_str(&end.events), "W");
	assert_int_equal(read(peer, got, BIG), 11);
	conn_write(end.conn, block, BIG);
	run_ms(loop, 5);
	assert_true(conn_output_len(end.conn) > 0);
	conn_printf(end.conn, "last");
	while (conn_output_len(end.conn) > 0 || len < BIG + 4) {
		ssize_t n = read(peer, got + len, BIG + 200 - len);

		len += n > 0 ? (size_t)n : 0;
		run_ms(loop, 1);
	}
	assert_int_equal(len, BIG + 4);
	assert_memory_equal(got, block, BIG);
	assert_memory_equal(got + BIG, "last", 4);
	assert_string_equal(buf_str(&end.events), "WW");
	free(block);
	free(got);
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

/* What came at once is told at once, up to the bound. */
static void test_much_in_one_event(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'D'};
	static char block[50000];
	int peer;

	(void)state;
	memset(block, 'a', sizeof(block));
	pair(loop, &end, &peer);
	assert_int_equal(write(peer, block, sizeof(block)), (ssize_t)sizeof(block));
	run(loop);
	assert_int_equal(end.got.len, sizeof(block));
	assert_string_equal(buf_str(&end.events), "D");
	(void)close(peer);
	end_free(&end);
	loop_free(&loop);
}

/* The last words arrive although the peer is still sending when we close. */
static void test_last_words(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {.stop_on = 'D', .keep_input = true};
	char text[100] = "";
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	feed(peer, "much more than will ever be read");
	run(loop);
	conn_printf(end.conn, "%d bye\r\n", 421);
	conn_destroy_when_drained(&end.conn);
	assert_null(end.conn);
	run_ms(loop, 10);
	feed(peer, "still talking");
	run_ms(loop, 10);
	assert_int_equal(read(peer, text, sizeof(text) - 1), 9);
	assert_string_equal(text, "421 bye\r\n");
	assert_int_equal(read(peer, text, sizeof(text)), 0);
	(void)close(peer);
	run_ms(loop, 10);
	end_free(&end);
	loop_free(&loop);
}

/* A peer that has said its last word is not waited for, unless something of it lies unread. */
static void test_said_last(void **state)
{
	(void)state;
	for (int unread = 0; unread < 2; unread++) {
		struct loop *loop = loop_new();
		struct end end = {.stop_on = 'D'};
		char text[100] = "";
		int peer;

		pair(loop, &end, &peer);
		feed(peer, "QUIT");
		run(loop);
		if (unread)
			feed(peer, "and more");
		conn_printf(end.conn, "bye");
		conn_said_last(end.conn);
		conn_flush(end.conn);
		assert_int_equal(
		    read(peer, text, sizeof(text) - 1), 3); /* before the loop goes on */
		conn_destroy_when_drained(&end.conn);
		run_ms(loop, 5);
		assert_int_equal(read(peer, text, sizeof(text)), 0);
		/* nobody is there any more, or somebody who throws it away */
		assert_int_equal(send(peer, "x", 1, MSG_NOSIGNAL), unread ? 1 : -1);
		(void)close(peer);
		end_free(&end);
		loop_free(&loop);
	}
}

/* A connection that still waits for its peer ends with the loop (leak checkers watch). */
static void test_closing_ends_with_loop(void **state)
{
	struct loop *loop = loop_new();
	struct end end = {0};
	int peer;

	(void)state;
	pair(loop, &end, &peer);
	conn_printf(end.conn, "bye");
	conn_destroy_when_drained(&end.conn);
	loop_free(&loop);
	(void)close(peer);
	end_free(&end);
}

/* --- connecting and listening --- */

struct server {
	struct loop *loop;
	int accepted;
	struct end end;
};

static void accepted_cb(int fd, void *ctx)
{
	struct server *server = ctx;

	server->accepted++;
	server->end.loop = server->loop;
	server->end.conn = conn_accepted(server->loop, fd, end_cb, &server->end);
	if (server->end.say_on_tls == NULL)
		conn_printf(server->end.conn, "220 hello\r\n");
}

static int tcp_listen(char address_r[72])
{
	struct err error = {""};
	int fd = listener_bind("127.0.0.1:0", &error);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	const uint8_t *p = (const uint8_t *)&sa;

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	(void)snprintf(address_r, 72, "127.0.0.1:%d", p[2] << 8 | p[3]);
	return fd;
}

static void test_connect_tcp(void **state)
{
	struct loop *loop = loop_new();
	struct server server = {.loop = loop};
	struct end client = {.loop = loop, .stop_on = 'D'};
	struct listener *listener;
	struct err error = {""};
	char address[72];
	int fd = tcp_listen(address);

	(void)state;
	listener = listener_new(loop, fd, accepted_cb, &server);
	client.conn = conn_connect(loop, address, end_cb, &client, &error);
	assert_non_null(client.conn);
	run(loop);
	assert_int_equal(server.accepted, 1);
	assert_string_equal(buf_str(&client.events), "CD");
	assert_string_equal(buf_str(&client.got), "220 hello\r\n");
	assert_string_equal(conn_peer(client.conn), address);
	assert_string_equal(conn_peer_ip(server.end.conn), "127.0.0.1");
	assert_string_equal(conn_local(server.end.conn), address);
	end_free(&client);
	end_free(&server.end);
	listener_free(&listener);
	(void)close(fd);
	loop_free(&loop);
}

static void test_connect_refused(void **state)
{
	static const struct {
		const char *label, *address, *wanted;
	} table[] = {
	    {"no file", "unix:/tmp/mtagw-no-such-socket", "No such file or directory"},
	    {"no listener", "", "Connection refused"},
	};
	char address[72];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct loop *loop = loop_new();
		struct end client = {.loop = loop, .stop_on = 'X'};
		struct err error = {""};

		(void)close(tcp_listen(address)); /* a port that was free a moment ago */
		client.conn = conn_connect(loop, table[i].address[0] ? table[i].address : address,
		    end_cb, &client, &error);
		assert_non_null(client.conn);
		run(loop);
		assert_string_equal(buf_str(&client.events), "X");
		assert_string_equal(conn_error(client.conn), table[i].wanted);
		end_free(&client);
		loop_free(&loop);
	}
}

static void test_bad_addresses(void **state)
{
	static const struct {
		const char *address, *wanted;
	} table[] = {
	    {"", "not an address:port"},
	    {"localhost:25", "not a numeric address"},
	    {"127.0.0.1", "not an address:port"},
	    {"127.0.0.1:", "not a port"},
	    {"127.0.0.1:65536", "not a port"},
	    {"127.0.0.1:-1", "not a port"},
	    {"127.0.0.1:25x", "not a port"},
	    {"::1:25", "not a numeric address"},
	    {"[::1]", "not an address:port"},
	    {"[::1]25", "not an address:port"},
	    {"[", "not an address:port"},
	    {"[:25", "not an address:port"},
	    {"unix:relative", "starts with /"},
	    {"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	        "the system takes 107"},
	};
	struct loop *loop = loop_new();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct err error = {""};

		assert_null(conn_connect(loop, table[i].address, end_cb, NULL, &error));
		if (strstr(error.text, table[i].wanted) == NULL)
			fail_msg("\"%s\": %s", table[i].address, error.text);
		assert_int_equal(listener_bind(table[i].address, &error), -1);
	}
	loop_free(&loop);
}

static void test_unix_socket_file(void **state)
{
	char dir[] = "/tmp/mtagw-test-XXXXXX", address[80];
	struct err error = {""};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(address, sizeof(address), "unix:%s/s", dir);
	fd = listener_bind(address, &error);
	assert_true(fd >= 0);
	assert_int_equal(listener_bind(address, &error), -1);
	assert_non_null(strstr(error.text, "Address already in use"));
	(void)close(fd);
	fd = listener_bind(address, &error); /* left over: replaced */
	assert_true(fd >= 0);
	(void)close(fd);
	(void)unlink(address + 5);
	(void)rmdir(dir);
}

/* --- TLS --- */

static void test_tls_files(void **state)
{
	struct err error = {""};

	(void)state;
	assert_null(tls_server_new("/no/cert.pem", key_file, &error));
	assert_non_null(strstr(error.text, "/no/cert.pem"));
	assert_null(tls_server_new(cert_file, "/no/key.pem", &error));
	assert_non_null(strstr(error.text, "/no/key.pem"));
	assert_null(tls_server_new(cert_file, other_key_file, &error));
	assert_non_null(strstr(error.text, other_key_file));
	assert_null(tls_client_new("/no/ca.pem", true, &error));
	assert_non_null(strstr(error.text, "/no/ca.pem"));
}

/* Implicit TLS over a socket pair: what the client sees, by name wanted and by context. */
static void test_tls_verification(void **state)
{
	static const struct {
		const char *label, *name;
		bool with_ca, verify;
		const char *events; /* of the client */
		bool verified;
		const char *error;
	} table[] = {
	    {"proven", "mx.example", true, true, "TD", true, ""},
	    {"proven by address", "127.0.0.1", true, true, "TD", true, ""},
	    {"wrong name", "mx.other", true, true, "X", false, "hostname mismatch"},
	    {"wrong address", "127.0.0.2", true, true, "X", false, "IP address mismatch"},
	    {"unknown issuer", "mx.example", false, true, "X", false, "self-signed certificate"},
	    {"verify without a name", NULL, true, true, "X", false, "no name to look for"},
	    {"opportunistic, unknown", "mx.example", false, false, "TD", false, ""},
	    {"opportunistic, wrong name", "mx.other", true, false, "TD", false, ""},
	    {"opportunistic, proven", "mx.example", true, false, "TD", true, ""},
	    {"opportunistic, no name", NULL, true, false, "TD", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct loop *loop = loop_new();
		struct err error = {""};
		struct tls *s = tls_server_new(cert_file, key_file, &error);
		struct tls *c =
		    tls_client_new(table[i].with_ca ? cert_file : NULL, table[i].verify, &error);
		struct end server = {.say_on_tls = "over tls"};
		struct end client = {.loop = loop, .stop_on = table[i].events[1] ? 'D' : 'X'};
		int fd;

		assert_non_null(s);
		assert_non_null(c);
		pair(loop, &server, &fd);
		client.conn = conn_accepted(loop, fd, end_cb, &client);
		conn_start_tls(server.conn, s, NULL);
		conn_start_tls(client.conn, c, table[i].name);
		run(loop);
		if (strcmp(buf_str(&client.events), table[i].events) != 0)
			fail_msg("%s: %s %s", table[i].label, buf_str(&client.events),
			    conn_error(client.conn));
		if (strstr(conn_error(client.conn), table[i].error) == NULL)
			fail_msg("%s: %s", table[i].label, conn_error(client.conn));
		assert_int_equal(conn_tls_verified(client.conn), table[i].verified);
		assert_int_equal(conn_is_tls(client.conn), client.got.len > 0);
		if (conn_is_tls(client.conn))
			assert_string_equal(
			    conn_tls_info(client.conn), "TLSv1.3 TLS_AES_256_GCM_SHA384");
		end_free(&client);
		end_free(&server);
		tls_free(&s);
		tls_free(&c);
		loop_free(&loop);
	}
}

/* The server stops at "STARTTLS" with more plain text behind it in the same segment: it must not
 * come out of the connection once TLS stands (RFC 3207 section 4.2). */
static void test_injection_before_tls(void **state)
{
	struct loop *loop = loop_new();
	struct err error = {""};
	struct tls *s = tls_server_new(cert_file, key_file, &error);
	struct tls *c = tls_client_new(cert_file, true, &error);
	struct end server = {.keep_input = true, .start_tls_on = 'D', .tls = s};
	struct end client = {.loop = loop,
	    .start_tls_on = 'D',
	    .tls = c,
	    .tls_name = "mx.example",
	    .say_on_tls = "inside",
	    .keep_input = true};
	int fd;

	(void)state;
	pair(loop, &server, &fd);
	client.conn = conn_accepted(loop, fd, end_cb, &client);
	conn_printf(client.conn, "STARTTLS\r\nMAIL FROM:<x@evil.example>\r\n");
	conn_printf(server.conn, "220 go\r\n250 injected\r\n");
	server.stop_on = 0;
	client.stop_on = 'T';
	run(loop);
	assert_int_equal(conn_input(server.conn).len, 0);
	assert_int_equal(conn_input(client.conn).len, 0);
	server.keep_input = false;
	server.stop_on = 'D';
	run(loop);
	assert_string_equal(buf_str(&server.got), "inside");
	end_free(&client);
	end_free(&server);
	tls_free(&s);
	tls_free(&c);
	loop_free(&loop);
}

/* The reply to STARTTLS leaves in plain text, what is written behind it under TLS. */
static void test_write_around_tls(void **state)
{
	struct loop *loop = loop_new();
	struct err error = {""};
	struct tls *s = tls_server_new(cert_file, key_file, &error);
	struct tls *c = tls_client_new(cert_file, true, &error);
	struct end server = {0};
	struct end client = {.loop = loop, .start_tls_on = 'D', .tls = c, .tls_name = "mx.example"};
	int fd;

	(void)state;
	pair(loop, &server, &fd);
	client.conn = conn_accepted(loop, fd, end_cb, &client);
	conn_printf(server.conn, "220 go\r\n");
	conn_start_tls(server.conn, s, NULL);
	conn_printf(server.conn, "secret");
	client.stop_on = 'T';
	run(loop);
	client.stop_on = 'D';
	if (strchr(buf_str(&client.events), 'T')[1] == '\0')
		run(loop);
	assert_string_equal(buf_str(&client.got), "220 go\r\nsecret");
	/* a TLS peer that ends politely is an EOF */
	conn_destroy_when_drained(&server.conn);
	client.stop_on = 'E';
	run(loop);
	end_free(&client);
	end_free(&server);
	tls_free(&s);
	tls_free(&c);
	loop_free(&loop);
}

/* Ends that are not TLS: garbage, silence, a peer that goes, a peer that goes without a word. */
static void test_bad_handshakes(void **state)
{
	static const struct {
		const char *label, *bytes;
		bool close;
		const char *events, *error;
	} table[] = {
	    {"garbage", "EHLO there\r\nMAIL FROM:<>\r\n", false, "X", "TLS: "},
	    {"closed", "", true, "X", "closed by peer"},
	    {"silence", "", false, "O", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct loop *loop = loop_new();
		struct err error = {""};
		struct tls *s = tls_server_new(cert_file, key_file, &error);
		struct end server = {.stop_on = table[i].events[0]};
		int fd;

		pair(loop, &server, &fd);
		conn_set_timeout(server.conn, 50);
		conn_start_tls(server.conn, s, NULL);
		feed(fd, table[i].bytes);
		if (table[i].close)
			(void)close(fd);
		run(loop);
		if (strcmp(buf_str(&server.events), table[i].events) != 0 ||
		    strstr(conn_error(server.conn), table[i].error) == NULL)
			fail_msg("%s: %s %s", table[i].label, buf_str(&server.events),
			    conn_error(server.conn));
		if (!table[i].close)
			(void)close(fd);
		end_free(&server);
		tls_free(&s);
		loop_free(&loop);
	}
}

/* Two megabytes each way under TLS with a small input bound. */
static void test_tls_bulk(void **state)
{
	struct loop *loop = loop_new();
	struct err error = {""};
	struct tls *s = tls_server_new(cert_file, key_file, &error);
	struct tls *c = tls_client_new(cert_file, true, &error);
	struct end server = {0}, client = {.loop = loop, .stop_on = 'E'};
	size_t len = 2 * 1024 * 1024;
	char *block = mem_alloc(len);
	int fd;

	(void)state;
	for (size_t i = 0; i < len; i++)
		block[i] = (char)(i * 7 + i / 251);
	pair(loop, &server, &fd);
	client.conn = conn_accepted(loop, fd, end_cb, &client);
	conn_start_tls(server.conn, s, NULL);
	conn_start_tls(client.conn, c, "mx.example");
	conn_set_input_max(client.conn, 3000);
	conn_set_input_max(server.conn, 3000);
	conn_write(server.conn, block, len);
	conn_write(client.conn, block, len);
	while (server.got.len < len)
		run_ms(loop, 20);
	conn_destroy_when_drained(&server.conn);
	run(loop);
	assert_int_equal(client.got.len, len);
	assert_memory_equal(client.got.data, block, len);
	assert_memory_equal(server.got.data, block, len);
	free(block);
	end_free(&client);
	end_free(&server);
	tls_free(&s);
	tls_free(&c);
	loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_data_then_eof),
	    cmocka_unit_test(test_destroyed_in_callback),
	    cmocka_unit_test(test_input_is_bounded),
	    cmocka_unit_test(test_pause),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_write_timeout_when_peer_does_not_read),
	    cmocka_unit_test(test_writes_keep_order),
	    cmocka_unit_test(test_much_in_one_event),
	    cmocka_unit_test(test_last_words),
	    cmocka_unit_test(test_said_last),
	    cmocka_unit_test(test_closing_ends_with_loop),
	    cmocka_unit_test(test_connect_tcp),
	    cmocka_unit_test(test_connect_refused),
	    cmocka_unit_test(test_bad_addresses),
	    cmocka_unit_test(test_unix_socket_file),
	    cmocka_unit_test(test_tls_files),
	    cmocka_unit_test(test_tls_verification),
	    cmocka_unit_test(test_injection_before_tls),
	    cmocka_unit_test(test_write_around_tls),
	    cmocka_unit_test(test_bad_handshakes),
	    cmocka_unit_test(test_tls_bulk),
	};

	return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
