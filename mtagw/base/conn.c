/*
 * conn: one stream connection on the loop, plain or TLS, over libevent's bufferevents. Callbacks
 * are deferred by libevent, so none runs inside a conn_ call (STYLE 31); an object destroyed in its
 * own callback is freed after the loop turn (STYLE 19). TLS starts by taking the descriptor away
 * from the plain bufferevent and giving it to a new OpenSSL one, so that nothing read before can be
 * taken for something read after (RFC 3207 section 4.2).
 *
 * Phases: CONNECTING -> OPEN -> TLS_WANTED (output is leaving) -> HANDSHAKE -> OPEN; from each to
 * CLOSING (the last output leaves) -> LINGERING (the peer reads it) -> DEAD (freed next).
 */
#include "mtagw/base/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/sockaddr.h"
#include "mtagw/base/tls.h"

/* A peer that reads nothing keeps a closing connection this long. */
#define CLOSE_WRITE_MS 10000
/* After our last byte the peer gets this long to read it and close: closing at once while it still
 * sends makes the kernel reset the connection, and the reset overtakes our reply. */
#define CLOSE_LINGER_MS 2000
#define INPUT_MAX_BYTES (64 * 1024)
/* EVBUFFER_MAX_READ of libevent 2.1 */
#define LIBEVENT_READ_BYTES 4096

enum phase { CONNECTING, OPEN, TLS_WANTED, HANDSHAKE, CLOSING, LINGERING, DEAD };

struct conn {
	struct loop *loop;
	struct bufferevent *bev; /* owns the descriptor */
	SSL *ssl;                /* owned by bev; NULL while plain */
	conn_cb *cb;
	void *ctx;
	enum phase phase;
	bool paused;
	bool unflushed; /* written since the last CONN_DRAINED */
	bool ended;     /* the peer closed or the connection broke */
	struct tls *tls_wanted;
	char *tls_name;             /* wanted in the certificate; NULL: nothing to compare */
	struct evbuffer *held;      /* written in plain this loop turn; leaves at its end */
	bool flushing;              /* flush_cb is on its way */
	bool said_last;             /* the peer will send nothing more */
	struct evbuffer *after_tls; /* written while TLS_WANTED */
	char *tls_info;
	char *error;
	char *peer, *peer_ip, *local;
	struct timer *timer; /* made by the first timeout or close */
	int64_t timeout_ms;  /* 0: none */
	int64_t progress_ms; /* last time bytes moved, clock_mono_ms */
	size_t input_max;
	struct loop_exit exit; /* registered from CLOSING on: nobody else will end it */
};

static void linger_begin(struct conn *conn);
static void tls_begin(struct conn *conn);

static void set_error(struct conn *conn, const char *text)
{
	free(conn->error);
	conn->error = mem_strdup(text);
}

static void notify(struct conn *conn, enum conn_event event)
{
	if (conn->cb != NULL)
		conn->cb(conn, event, conn->ctx);
}

/* --- what libevent tells --- */

/* libevent reads 4 KiB a turn of the loop: what more is there is taken at once. */
static void read_rest(struct conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	size_t len = evbuffer_get_length(input);
	struct evbuffer_iovec room;
	ssize_t n;

	if (len < LIBEVENT_READ_BYTES || len >= conn->input_max || conn->paused)
		return;
	(void)evbuffer_unfreeze(input, 0);
	if (evbuffer_reserve_space(input, (ssize_t)(conn->input_max - len), &room, 1) == 1) {
		n = recv(bufferevent_getfd(conn->bev), room.iov_base, conn->input_max - len, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			bufferevent_trigger_event(conn->bev, BEV_EVENT_ERROR | BEV_EVENT_READING,
			    BEV_OPT_DEFER_CALLBACKS);
		room.iov_len = n > 0 ? (size_t)n : 0; /* an end of file comes again */
		(void)evbuffer_commit_space(input, &room, 1);
	}
	(void)evbuffer_freeze(input, 0);
}

static void read_cb(struct bufferevent *bev, void *ctx)
{
	struct conn *conn = ctx;

	conn->progress_ms = clock_mono_ms();
	if (conn->phase == OPEN && conn->ssl == NULL)
		read_rest(conn);
	if (conn->phase == LINGERING) {
		struct evbuffer *input = bufferevent_get_input(bev);

		(void)evbuffer_drain(input, evbuffer_get_length(input));
	} else if (conn->phase == OPEN) {
		notify(conn, CONN_DATA);
	}
}

static size_t held_len(const struct conn *conn)
{
	return conn->held ? evbuffer_get_length(conn->held) : 0;
}

static void write_cb(struct bufferevent *bev, void *ctx)
{
	struct conn *conn = ctx;

	if (!conn->unflushed || held_len(conn) > 0 ||
	    evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	conn->unflushed = false;
	if (conn->phase == CLOSING)
		linger_begin(conn);
	else if (conn->phase == TLS_WANTED)
		tls_begin(conn);
	else
		notify(conn, CONN_DRAINED);
}

/* What was written in plain goes to the kernel at once; libevent would watch for room first (two
 * calls of epoll_ctl and a turn of the loop for each reply). What the kernel does not take, and an
 * error, are libevent's. */
static void send_held(struct conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);

	if (held_len(conn) == 0)
		return;
	if (evbuffer_get_length(output) == 0 &&
	    evbuffer_write(conn->held, bufferevent_getfd(conn->bev)) > 0)
		conn->progress_ms = clock_mono_ms();
	if (held_len(conn) > 0)
		(void)evbuffer_add_buffer(output, conn->held);
}

static void flush_cb(void *ctx)
{
	struct conn *conn = ctx;

	conn->flushing = false;
	if (conn->phase == DEAD || conn->error != NULL)
		return;
	send_held(conn);
	write_cb(conn->bev, conn);
}

static void output_cb(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *ctx)
{
	struct conn *conn = ctx;

	(void)buffer;
	if (info->n_deleted > 0)
		conn->progress_ms = clock_mono_ms();
}

static void set_tls_error(struct conn *conn, int saved_errno)
{
	char text[300];
	unsigned long code = bufferevent_get_openssl_error(conn->bev);
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	long verify = SSL_get_verify_result(conn->ssl);

	if (conn->tls_name != NULL && verify != X509_V_OK && code != 0)
		(void)snprintf(text, sizeof(text), "TLS: certificate not proven for %s: %s",
		    conn->tls_name, X509_verify_cert_error_string(verify));
	else if (reason != NULL)
		(void)snprintf(text, sizeof(text), "TLS: %s", reason);
	else
		(void)snprintf(text, sizeof(text), "TLS: %s",
		    saved_errno ? strerror(saved_errno) : "connection closed by peer");
	while (bufferevent_get_openssl_error(conn->bev) != 0)
		continue;
	set_error(conn, text);
}

static void connected(struct conn *conn)
{
	conn->progress_ms = clock_mono_ms();
	if (conn->phase == HANDSHAKE) {
		conn->tls_info =
		    mem_printf("%s %s", SSL_get_version(conn->ssl), SSL_get_cipher_name(conn->ssl));
		conn->phase = OPEN;
		if (conn->paused)
			(void)bufferevent_disable(conn->bev, EV_READ);
		notify(conn, CONN_TLS);
	} else if (conn->phase == CONNECTING) {
		conn->phase = OPEN;
		if (!conn->paused)
			(void)bufferevent_enable(conn->bev, EV_READ);
		notify(conn, CONN_CONNECTED);
	}
}

static void event_cb(struct bufferevent *bev, short what, void *ctx)
{
	struct conn *conn = ctx;
	int saved_errno = errno; /* libevent puts the deferred one back */
	bool is_eof = (what & BEV_EVENT_EOF) != 0;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		connected(conn);
		return;
	}
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	conn->ended = true;
	if (conn->phase == CLOSING && is_eof && conn->ssl == NULL)
		return; /* half closed: our last words still leave */
	if (conn->phase == CLOSING || conn->phase == LINGERING) {
		conn_destroy(&conn);
	} else if (is_eof && conn->phase == OPEN) {
		notify(conn, CONN_EOF);
	} else {
		if (conn->ssl != NULL)
			set_tls_error(conn, is_eof ? 0 : saved_errno);
		else
			set_error(
			    conn, is_eof ? "connection closed by peer" : strerror(saved_errno));
		if (conn->timer != NULL)
			timer_stop(conn->timer);
		notify(conn, CONN_ERROR);
	}
}

/* --- making and ending --- */

/* Under TLS the bound must hold two records (RFC 8446 5.1: 16 KiB each): what OpenSSL has decrypted
 * beyond a smaller one would stay inside it without any event of the socket telling that it is
 * there. */
static size_t watermark(const struct conn *conn)
{
	size_t least = 2 * 16 * 1024;

	return conn->ssl != NULL && conn->input_max < least ? least : conn->input_max;
}

static void attach(struct conn *conn)
{
	bufferevent_setcb(conn->bev, read_cb, write_cb, event_cb, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, watermark(conn));
	if (evbuffer_add_cb(bufferevent_get_output(conn->bev), output_cb, conn) == NULL)
		log_fatal("connection: no memory");
}

static struct conn *conn_new(struct loop *loop, int fd, conn_cb *cb, void *ctx)
{
	struct conn *conn = mem_zalloc(sizeof(*conn));

	conn->loop = loop;
	conn->cb = cb;
	conn->ctx = ctx;
	conn->input_max = INPUT_MAX_BYTES;
	conn->progress_ms = clock_mono_ms();
	conn->bev = bufferevent_socket_new(
	    loop_base(loop), fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (conn->bev == NULL)
		log_fatal("connection: no memory");
	attach(conn);
	return conn;
}

static void set_peer(struct conn *conn, const struct sockaddr_any *addr)
{
	char text[SOCKADDR_TEXT_MAX];
	int on = 1;

	sockaddr_format(addr, true, text);
	conn->peer = mem_strdup(text);
	sockaddr_format(addr, false, text);
	conn->peer_ip = mem_strdup(text);
	/* Replies are gathered by us and leave once a loop turn: the kernel need not wait for more.
	 */
	if (addr->sa.ss_family != AF_UNIX)
		(void)setsockopt(
		    bufferevent_getfd(conn->bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

struct conn *conn_accepted(struct loop *loop, int fd, conn_cb *cb, void *ctx)
{
	struct conn *conn = conn_new(loop, fd, cb, ctx);
	struct sockaddr_any addr = {.len = sizeof(addr.sa)};

	if (getpeername(fd, (struct sockaddr *)&addr.sa, &addr.len) != 0)
		addr.sa.ss_family = AF_UNIX; /* gone already: the first read tells */
	set_peer(conn, &addr);
	conn->phase = OPEN;
	(void)bufferevent_enable(conn->bev, EV_READ); /* writing is enabled from the start */
	return conn;
}

struct conn *conn_connect(
    struct loop *loop, const char *address, conn_cb *cb, void *ctx, struct err *error_r)
{
	struct sockaddr_any addr;
	struct conn *conn;
	int fd;

	if (sockaddr_parse(address, &addr, error_r) < 0)
		return NULL;
	fd = socket(addr.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		(void)err_set(error_r, "%s: no socket: %s", address, strerror(errno));
		return NULL;
	}
	conn = conn_new(loop, fd, cb, ctx);
	set_peer(conn, &addr);
	conn->phase = CONNECTING;
	/* An error at once (no such socket file) is told by return value alone: event_cb hears of
	 * it later, like of any other. */
	if (bufferevent_socket_connect(conn->bev, (struct sockaddr *)&addr.sa, (int)addr.len) < 0)
		bufferevent_trigger_event(conn->bev, BEV_EVENT_ERROR, BEV_OPT_DEFER_CALLBACKS);
	return conn;
}

static void free_now(void *ctx)
{
	struct conn *conn = ctx;

	/* close_notify where it fits into the kernel's buffer; never waits */
	if (conn->ssl != NULL && conn->tls_info != NULL && !conn->ended)
		(void)SSL_shutdown(conn->ssl);
	ERR_clear_error();
	bufferevent_free(conn->bev);
	if (conn->held != NULL)
		evbuffer_free(conn->held);
	if (conn->after_tls != NULL)
		evbuffer_free(conn->after_tls);
	timer_free(&conn->timer);
	free(conn->tls_name);
	free(conn->tls_info);
	free(conn->error);
	free(conn->peer);
	free(conn->peer_ip);
	free(conn->local);
	free(conn);
}

void conn_destroy(struct conn **connp)
{
	struct conn *conn = *connp;

	*connp = NULL;
	if (conn == NULL || conn->phase == DEAD)
		return;
	conn->phase = DEAD;
	conn->cb = NULL;
	bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
	(void)bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
	if (conn->timer != NULL)
		timer_stop(conn->timer);
	loop_not_at_free(conn->loop, &conn->exit);
	loop_defer(conn->loop, free_now, conn);
}

static void end_with_loop(void *ctx)
{
	struct conn *conn = ctx;

	conn_destroy(&conn);
}

/* Nothing lies unread that would make the kernel reset the connection when it is closed. */
static bool all_read(struct conn *conn)
{
	char byte;

	return evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0 &&
	       recv(bufferevent_getfd(conn->bev), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static void linger_begin(struct conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	if (conn->ended || (conn->said_last && conn->ssl == NULL && all_read(conn))) {
		conn_destroy(&conn);
		return;
	}
	conn->phase = LINGERING;
	if (conn->ssl != NULL)
		(void)SSL_shutdown(conn->ssl);
	ERR_clear_error();
	(void)shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	(void)bufferevent_enable(conn->bev, EV_READ);
	timer_start(conn->timer, CLOSE_LINGER_MS);
}

static void timer_cb(void *ctx)
{
	struct conn *conn = ctx;
	int64_t now = clock_mono_ms();
	bool waits_for_write = conn_output_len(conn) > 0;
	bool waits_for_read =
	    conn->phase != OPEN || (!conn->paused && evbuffer_get_length(bufferevent_get_input(
	                                                 conn->bev)) < conn->input_max);

	if (conn->phase == CLOSING || conn->phase == LINGERING) {
		conn_destroy(&conn);
		return;
	}
	if (!waits_for_write && !waits_for_read)
		conn->progress_ms = now;
	if (now < conn->progress_ms + conn->timeout_ms) {
		timer_start(conn->timer, conn->progress_ms + conn->timeout_ms - now);
		return;
	}
	conn->progress_ms = now;
	timer_start(conn->timer, conn->timeout_ms);
	notify(conn, CONN_TIMEOUT);
}

static void need_timer(struct conn *conn)
{
	if (conn->timer == NULL)
		conn->timer = timer_new(conn->loop, timer_cb, conn);
}

void conn_destroy_when_drained(struct conn **connp)
{
	struct conn *conn = *connp;

	*connp = NULL;
	if (conn == NULL || conn->phase >= CLOSING)
		return;
	if (conn->phase == CONNECTING || conn->phase == HANDSHAKE || conn->error != NULL) {
		conn_destroy(&conn);
		return;
	}
	conn->phase = CLOSING;
	conn->cb = NULL;
	conn->exit = (struct loop_exit){.cb = end_with_loop, .ctx = conn};
	loop_at_free(conn->loop, &conn->exit);
	need_timer(conn);
	send_held(conn);
	if (conn_output_len(conn) == 0) {
		linger_begin(conn);
		return;
	}
	(void)bufferevent_disable(conn->bev, EV_READ);
	timer_start(conn->timer, CLOSE_WRITE_MS);
}

/* --- TLS --- */

static void fail_later_cb(void *ctx)
{
	struct conn *conn = ctx;

	if (conn->phase != DEAD)
		notify(conn, CONN_ERROR);
}

static void fail_later(struct conn *conn, const char *text)
{
	set_error(conn, text);
	conn->ended = true;
	(void)bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
	loop_defer(conn->loop, fail_later_cb, conn);
}

/* What the client wants to find in the certificate. Numeric addresses are compared with the
 * certificate's addresses and never sent as SNI (RFC 6066 section 3). */
static bool set_server_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* Hands the descriptor over; what the plain side had read is gone with it (RFC 3207 section 4.2).
 */
static void tls_begin(struct conn *conn)
{
	SSL *ssl = SSL_new(tls_ctx(conn->tls_wanted));
	bool is_server = SSL_CTX_get_ssl_method(tls_ctx(conn->tls_wanted)) == TLS_server_method();
	struct bufferevent *bev = NULL;
	int fd = bufferevent_getfd(conn->bev);

	if (ssl != NULL && (conn->tls_name == NULL || set_server_name(ssl, conn->tls_name)))
		bev = bufferevent_openssl_socket_new(loop_base(conn->loop), fd, ssl,
		    is_server ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING,
		    BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	ERR_clear_error();
	if (bev == NULL) {
		SSL_free(ssl);
		fail_later(conn, "TLS: the handshake cannot be started");
		return;
	}
	bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
	(void)bufferevent_setfd(conn->bev, -1);
	bufferevent_free(conn->bev);
	conn->bev = bev;
	conn->ssl = ssl;
	conn->phase = HANDSHAKE;
	conn->progress_ms = clock_mono_ms();
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	attach(conn);
	if (conn->after_tls != NULL) {
		(void)evbuffer_add_buffer(bufferevent_get_output(bev), conn->after_tls);
		evbuffer_free(conn->after_tls);
		conn->after_tls = NULL;
		conn->unflushed = true;
	}
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
}

void conn_start_tls(struct conn *conn, struct tls *tls, const char *server_name)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	if (conn->phase != OPEN || conn->ssl != NULL || conn->error != NULL)
		return;
	conn->phase = TLS_WANTED;
	conn->tls_wanted = tls;
	conn->tls_name = server_name ? mem_strdup(server_name) : NULL;
	(void)bufferevent_disable(conn->bev, EV_READ);
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	if (tls_verifies(tls) && server_name == NULL)
		fail_later(conn, "TLS: no name to look for in the certificate");
	else if (conn_output_len(conn) == 0)
		tls_begin(conn);
}

bool conn_is_tls(const struct conn *conn)
{
	return conn->tls_info != NULL;
}

const char *conn_tls_info(const struct conn *conn)
{
	return conn->tls_info ? conn->tls_info : "";
}

bool conn_tls_verified(const struct conn *conn)
{
	return conn->tls_info != NULL && conn->tls_name != NULL &&
	       SSL_get0_peer_certificate(conn->ssl) != NULL &&
	       SSL_get_verify_result(conn->ssl) == X509_V_OK;
}

/* --- bytes --- */

/* Where bytes of now belong. */
static struct evbuffer *write_buffer(struct conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);
	bool libevents =
	    conn->phase != OPEN || conn->ssl != NULL || evbuffer_get_length(output) > 0;

	if (conn->phase == TLS_WANTED) {
		if (conn->after_tls == NULL)
			conn->after_tls = evbuffer_new();
		return conn->after_tls;
	}
	if (libevents && held_len(conn) == 0)
		return output;
	if (conn->held == NULL)
		conn->held = evbuffer_new();
	if (!conn->flushing)
		loop_defer(conn->loop, flush_cb, conn);
	conn->flushing = true;
	return conn->held;
}

void conn_write(struct conn *conn, const void *data, size_t len)
{
	struct evbuffer *buffer;

	if (len == 0 || conn->phase >= CLOSING || conn->error != NULL)
		return;
	if (conn->phase != TLS_WANTED && conn_output_len(conn) == 0)
		conn->progress_ms = clock_mono_ms();
	buffer = write_buffer(conn);
	if (buffer == NULL || evbuffer_add(buffer, data, len) != 0)
		log_fatal("connection: no memory for %zu bytes", len);
	conn->unflushed = true;
}

void conn_printf(struct conn *conn, const char *format, ...)
{
	char line[512], *text = line;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n >= (int)sizeof(line)) {
		va_start(ap, format);
		n = vasprintf(&text, format, ap);
		va_end(ap);
	}
	if (n < 0)
		log_fatal("connection: no memory");
	conn_write(conn, text, (size_t)n);
	if (text != line)
		free(text);
}

void conn_flush(struct conn *conn)
{
	if (conn->phase == OPEN && conn->error == NULL)
		send_held(conn);
}

void conn_said_last(struct conn *conn)
{
	conn->said_last = true;
}

size_t conn_output_len(const struct conn *conn)
{
	size_t len = evbuffer_get_length(bufferevent_get_output(conn->bev));

	return len + held_len(conn) + (conn->after_tls ? evbuffer_get_length(conn->after_tls) : 0);
}

struct range conn_input(struct conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	size_t len = evbuffer_get_length(input);

	if (len == 0)
		return (struct range){NULL, 0};
	return (struct range){(const char *)evbuffer_pullup(input, -1), len};
}

void conn_drain(struct conn *conn, size_t len)
{
	(void)evbuffer_drain(bufferevent_get_input(conn->bev), len);
}

void conn_pause(struct conn *conn, bool paused)
{
	if (conn->paused == paused)
		return;
	conn->paused = paused;
	conn->progress_ms = clock_mono_ms();
	if (conn->phase != OPEN)
		return; /* done when it opens */
	if (paused)
		(void)bufferevent_disable(conn->bev, EV_READ);
	else if (!conn->ended)
		(void)bufferevent_enable(conn->bev, EV_READ);
}

void conn_set_input_max(struct conn *conn, size_t max)
{
	conn->input_max = max;
	bufferevent_setwatermark(conn->bev, EV_READ, 0, watermark(conn));
}

void conn_set_timeout(struct conn *conn, int64_t ms)
{
	conn->timeout_ms = ms;
	conn->progress_ms = clock_mono_ms();
	if (conn->phase >= CLOSING)
		return;
	if (ms > 0) {
		need_timer(conn);
		timer_start(conn->timer, ms);
	} else if (conn->timer != NULL) {
		timer_stop(conn->timer);
	}
}

/* --- questions --- */

const char *conn_error(const struct conn *conn)
{
	return conn->error ? conn->error : "";
}

const char *conn_peer(const struct conn *conn)
{
	return conn->peer;
}

const char *conn_peer_ip(const struct conn *conn)
{
	return conn->peer_ip;
}

const char *conn_local(struct conn *conn)
{
	struct sockaddr_any addr = {.len = sizeof(addr.sa)};
	char text[SOCKADDR_TEXT_MAX];

	if (conn->local != NULL)
		return conn->local;
	if (getsockname(bufferevent_getfd(conn->bev), (struct sockaddr *)&addr.sa, &addr.len) != 0)
		addr.sa.ss_family = AF_UNIX;
	sockaddr_format(&addr, true, text);
	conn->local = mem_strdup(text);
	return conn->local;
}
