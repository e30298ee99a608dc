/*
 * client: sessions that submit. MAIL, RCPT and DATA leave in one write (RFC 2920), a message of
 * usual size with its final dot in one more. Certificates are not looked at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "tests/load/load.h"

#define INPUT_MAX 8192
#define JOINED_MAX 65536 /* up to this size a message leaves as one piece */
#define OPENING_MAX 64   /* sessions that connect at one time */

enum state {
	CLOSED,
	BANNER,
	EHLO,
	STARTTLS,
	HANDSHAKE,
	EHLO_TLS,
	AUTH,
	IDLE,
	ENVELOPE, /* answers to MAIL, RCPT, DATA are due */
	DOT,
	QUIT
};
struct client {
	struct source source;
	size_t number;
	SSL *ssl;
	enum state state;
	bool wants_out;
	long index;       /* message in flight, -1 none */
	size_t due, sent; /* replies of the envelope; messages on this connection */
	size_t in_len;
	char in[INPUT_MAX];
	/* output: what stands in out, then tail bytes of the body that many share, then the dot */
	char *out;
	size_t out_len, out_at, out_size;
	const char *tail;
	size_t tail_len, tail_at;
	const char *dot;
};
static struct client *clients;
static size_t client_count;
static SSL_CTX *tls;

static void client_ready(struct source *s, uint32_t what);

/* --- bytes out -------------------------------------------------------------------------------- */

static void put(struct client *c, const void *bytes, size_t n)
{
	if (c->out_len + n > c->out_size) {
		c->out_size = 2 * (c->out_len + n);
		c->out = need(realloc(c->out, c->out_size));
	}
	memcpy(c->out + c->out_len, bytes, n);
	c->out_len += n;
}

static void say(struct client *c, const char *line)
{
	put(c, line, strlen(line));
}

static void watch(struct client *c, bool out)
{
	if (out == c->wants_out)
		return;
	c->wants_out = out;
	loop_watch(&c->source, EPOLL_CTL_MOD, out ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Bytes taken; 0: later; -1: broken. */
static ssize_t give(struct client *c, const char *bytes, size_t n)
{
	ssize_t done;

	if (c->ssl != NULL) {
		done = SSL_write(c->ssl, bytes, n > 1 << 20 ? 1 << 20 : (int)n);
		if (done > 0)
			return done;
		switch (SSL_get_error(c->ssl, (int)done)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return 0;
		default:
			ERR_clear_error();
			return -1;
		}
	}
	done = send(c->source.fd, bytes, n, 0);
	return done < 0 && errno == EAGAIN ? 0 : done;
}

static void broken(struct client *c, const char *text);

static void flush(struct client *c)
{
	ssize_t n = 1;

	while (n > 0 && (c->out_at < c->out_len || c->tail_at < c->tail_len || c->dot != NULL)) {
		if (c->out_at < c->out_len) {
			n = give(c, c->out + c->out_at, c->out_len - c->out_at);
			c->out_at += n > 0 ? (size_t)n : 0;
		} else if (c->tail_at < c->tail_len) {
			n = give(c, c->tail + c->tail_at, c->tail_len - c->tail_at);
			c->tail_at += n > 0 ? (size_t)n : 0;
		} else {
			put(c, c->dot, strlen(c->dot));
			c->dot = NULL;
		}
	}
	if (n < 0) {
		broken(c, "the server closed the connection while it was written to");
		return;
	}
	watch(c, n == 0);
	if (n == 0)
		return;
	c->out_at = c->out_len = c->tail_at = c->tail_len = 0;
	if (c->state == DOT && c->index >= 0 && the_round.times[c->index].dot == 0)
		the_round.times[c->index].dot = now_ns();
}

/* --- begin and end ---------------------------------------------------------------------------- */

static void shut(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	loop_close(&c->source);
	c->state = CLOSED;
	c->in_len = c->out_at = c->out_len = c->tail_at = c->tail_len = c->sent = 0;
	c->dot = NULL;
	c->wants_out = false;
	c->index = -1;
}

static void broken(struct client *c, const char *text)
{
	round_fault(c->index, text);
	shut(c);
}

static void open_one(struct client *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)the_round.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		broken(c, strerror(errno));
		return;
	}
	c->source = (struct source){.fd = fd, .ready = client_ready};
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (the_round.ips > 0) {
		/* servers bound the sessions of one address */
		from.sin_addr.s_addr = htonl(0x7f010001U + (uint32_t)(c->number % the_round.ips));
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0) {
			broken(c, strerror(errno));
			return;
		}
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
		broken(c, strerror(errno));
		return;
	}
	the_round.connections++;
	c->state = BANNER; /* a connection that fails is readable too */
	c->wants_out = false;
	loop_watch(&c->source, EPOLL_CTL_ADD, EPOLLIN);
}

/* --- the dialogue ----------------------------------------------------------------------------- */

static const struct identity *who(const struct client *c)
{
	const struct round *r = &the_round;

	/* a login belongs to its session; without one the senders take turns */
	if (r->identities[0].login[0] != '\0' || c->index < 0)
		return &r->identities[c->number % r->identity_count];
	return &r->identities[(size_t)c->index % r->identity_count];
}

static void send_envelope(struct client *c)
{
	const struct identity *w = who(c);
	int64_t *due = &the_round.times[c->index].due;

	say(c, "MAIL FROM:<");
	say(c, w->sender);
	say(c, ">\r\n");
	for (size_t i = 0; i < w->rcpt_count; i++) {
		say(c, "RCPT TO:<");
		say(c, w->rcpts[i]);
		say(c, ">\r\n");
	}
	say(c, "DATA\r\n");
	c->due = w->rcpt_count + 2;
	c->state = ENVELOPE;
	if (*due == 0)
		*due = now_ns();
	flush(c);
}

static void send_message(struct client *c)
{
	static char head[MESSAGE_HEAD_MAX];
	const struct round *r = &the_round;

	put(c, head, message_head(r, who(c), (size_t)c->index, head, sizeof(head)));
	if (r->body_len <= JOINED_MAX) {
		put(c, r->body, r->body_len);
		say(c, ".\r\n");
	} else {
		c->tail = r->body;
		c->tail_len = r->body_len;
		c->dot = ".\r\n";
	}
	c->state = DOT;
	flush(c);
}

static void send_auth(struct client *c)
{
	const struct identity *w = who(c);
	unsigned char plain[512], line[1024] = "AUTH PLAIN ";
	int n = snprintf((char *)plain, sizeof(plain), "%c%s%c%s", 0, w->login, 0, w->password);

	EVP_EncodeBlock(line + 11, plain, n);
	say(c, (char *)line);
	say(c, "\r\n");
	c->state = AUTH;
	flush(c);
}

static void begin_tls(struct client *c)
{
	c->ssl = need(SSL_new(tls));
	SSL_set_fd(c->ssl, c->source.fd);
	SSL_set_connect_state(c->ssl);
	c->state = HANDSHAKE;
}

static void next(struct client *c)
{
	if (the_round.per_connection > 0 && c->sent == the_round.per_connection) {
		say(c, "QUIT\r\n");
		c->state = QUIT;
		flush(c);
		return;
	}
	c->state = IDLE;
	if (c->index < 0)
		c->index = round_take();
	if (c->index >= 0)
		send_envelope(c);
}

static void greeted(struct client *c)
{
	if (the_round.tls && c->ssl == NULL) {
		say(c, "STARTTLS\r\n");
		c->state = STARTTLS;
		flush(c);
	} else if (who(c)->login[0] != '\0' && the_round.total > 0) {
		send_auth(c);
	} else {
		next(c);
	}
}

/* One whole reply (its last line). */
static void reply(struct client *c, const char *line)
{
	static const char *const wanted[] = {[BANNER] = "220",
	    [EHLO] = "250",
	    [STARTTLS] = "220",
	    [EHLO_TLS] = "250",
	    [AUTH] = "235",
	    [ENVELOPE] = "250",
	    [DOT] = "250",
	    [QUIT] = "221"};
	const char *code = c->state == ENVELOPE && c->due == 1 ? "354" : wanted[c->state];
	char text[320];

	if (c->state == IDLE || code == NULL || strncmp(line, code, 3) != 0) {
		snprintf(text, sizeof(text), "wanted %s, the server said %s",
		    code != NULL ? code : "nothing", line);
		broken(c, text);
		return;
	}
	switch (c->state) {
	case BANNER:
		say(c, "EHLO client.example\r\n");
		c->state = EHLO;
		flush(c);
		break;
	case EHLO:
	case EHLO_TLS:
		greeted(c);
		break;
	case STARTTLS:
		begin_tls(c);
		break;
	case AUTH:
		next(c);
		break;
	case ENVELOPE:
		if (--c->due == 0)
			send_message(c);
		break;
	case DOT:
		round_answered((size_t)c->index);
		c->index = -1;
		c->sent++;
		next(c);
		break;
	default: /* QUIT */
		shut(c);
	}
}

static void take_lines(struct client *c)
{
	char *at = c->in, *end;

	while (c->state != CLOSED && c->state != HANDSHAKE &&
	       (end = memchr(at, '\n', c->in_len - (size_t)(at - c->in))) != NULL) {
		char *line = at;

		at = end + 1;
		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (strlen(line) < 4 || line[3] != '-')
			reply(c, line);
	}
	if (c->state == CLOSED)
		return;
	c->in_len -= (size_t)(at - c->in);
	memmove(c->in, at, c->in_len);
	if (c->in_len == sizeof(c->in))
		broken(c, "a reply without end");
}

/* Bytes read; 0: later; -1: the connection is gone. */
static ssize_t take(struct client *c, char *at, size_t size)
{
	ssize_t n;

	if (c->ssl != NULL) {
		n = SSL_read(c->ssl, at, (int)size);
		if (n > 0)
			return n;
		switch (SSL_get_error(c->ssl, (int)n)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return 0;
		default:
			ERR_clear_error();
			return -1;
		}
	}
	n = recv(c->source.fd, at, size, 0);
	if (n == 0)
		return -1;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static void handshake(struct client *c)
{
	int n = SSL_do_handshake(c->ssl);

	if (n == 1) {
		watch(c, false);
		say(c, "EHLO client.example\r\n");
		c->state = EHLO_TLS;
		flush(c);
		return;
	}
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		watch(c, false);
		break;
	case SSL_ERROR_WANT_WRITE:
		watch(c, true);
		break;
	default:
		ERR_clear_error();
		broken(c, "the TLS handshake failed");
	}
}

static void client_ready(struct source *s, uint32_t what)
{
	struct client *c = (struct client *)s;
	ssize_t n;

	if (c->state == HANDSHAKE) {
		handshake(c);
		return;
	}
	if (what & EPOLLOUT)
		flush(c);
	if (c->state == CLOSED || !(what & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	for (;;) {
		n = take(c, c->in + c->in_len, sizeof(c->in) - c->in_len);
		if (n <= 0)
			break;
		c->in_len += (size_t)n;
		take_lines(c);
		/* TLS may hold bytes that the kernel does not tell of */
		if (c->state == CLOSED || c->state == HANDSHAKE || c->ssl == NULL)
			break;
	}
	if (c->state == HANDSHAKE && n > 0)
		handshake(c);
	else if (n < 0 && c->state == QUIT)
		shut(c);
	else if (n < 0 && c->state != CLOSED)
		broken(c, "the server closed the connection");
}

/* --- all of them ------------------------------------------------------------------------------ */

void clients_begin(void)
{
	if (tls == NULL) {
		tls = need(SSL_CTX_new(TLS_client_method()));
		SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
		                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		                          SSL_MODE_RELEASE_BUFFERS);
	}
	client_count = the_round.sessions;
	clients = need(calloc(client_count, sizeof(*clients)));
	for (size_t i = 0; i < client_count; i++) {
		clients[i].source.fd = -1;
		clients[i].number = i;
		clients[i].index = -1;
	}
}

bool clients_ready(void)
{
	size_t opening = 0, done = 0;

	for (size_t i = 0; i < client_count; i++) {
		opening += clients[i].state != CLOSED && clients[i].state != IDLE;
		done += clients[i].state == IDLE;
	}
	if (the_round.faults > 0)
		return opening == 0;
	for (size_t i = done + opening; i < client_count && opening < OPENING_MAX; i++, opening++)
		open_one(&clients[i]);
	return done == client_count;
}

void clients_feed(void)
{
	for (size_t i = 0; i < client_count; i++) {
		struct client *c = &clients[i];

		if (c->state == IDLE) {
			next(c);
			if (c->state == IDLE)
				return; /* nothing is due */
		} else if (c->state == CLOSED && the_round.per_connection > 0) {
			c->index = round_take();
			if (c->index < 0)
				return;
			open_one(c);
		}
	}
}

void clients_end(void)
{
	for (size_t i = 0; i < client_count; i++) {
		shut(&clients[i]);
		free(clients[i].out);
	}
	free(clients);
	clients = NULL;
	client_count = 0;
}

size_t clients_alive(void)
{
	size_t n = 0;

	for (size_t i = 0; i < client_count; i++)
		n += clients[i].state != CLOSED;
	return n;
}
