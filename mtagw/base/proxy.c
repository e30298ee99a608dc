/*
 * proxy: the header of PROXY protocol version 2 (HAProxy's proxy-protocol.txt, 2.2): a signature of
 * 12 bytes that no line protocol begins with, version and command, family, length, addresses, and
 * TLVs, which must fit but are not used. Version 1 is text that a client could write too: it is not
 * taken. Whom to believe is the caller's affair.
 */
#include "mtagw/base/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/mem.h"

/* A balancer sends its header with the first packet; a lost one comes again within seconds. */
#define HEADER_MS 10000

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum { VERSION_2 = 2, LOCAL = 0, PROXY = 1 };
enum { UNSPEC = 0x00, TCP_IPV4 = 0x11, TCP_IPV6 = 0x21 };

/* size bytes of an address as text; an IPv4 one in IPv6 clothes is IPv4, or it would be two peers.
 */
static void format(const uint8_t *bytes, size_t size, char out[SOCKADDR_TEXT_MAX])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (size == 16 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		bytes += sizeof(mapped);
		size = 4;
	}
	(void)inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, out, SOCKADDR_TEXT_MAX);
}

/* Behind the addresses: type, length of two bytes, value. */
static bool tlvs_fit(const uint8_t *p, size_t len)
{
	while (len >= 3) {
		size_t value = (size_t)p[1] << 8 | p[2];

		if (value > len - 3)
			return false;
		p += 3 + value;
		len -= 3 + value;
	}
	return len == 0;
}

static int parse_ends(
    const uint8_t *head, size_t rest, struct proxy_ends *ends_r, struct err *error_r)
{
	const uint8_t *p = head + PROXY_HEAD_BYTES;
	size_t size = head[13] == TCP_IPV4 ? 4 : 16, used = 2 * size + 4; /* two ports */

	if (rest < used || !tlvs_fit(p + used, rest - used))
		return err_set(error_r, "a PROXY header that does not fit its length");
	ends_r->told = true;
	format(p, size, ends_r->peer_ip);
	format(p + size, size, ends_r->local_ip);
	return 1;
}

int proxy_parse(const uint8_t *bytes, size_t len, size_t *need_r, struct proxy_ends *ends_r,
    struct err *error_r)
{
	size_t begun = len < sizeof(signature) ? len : sizeof(signature), rest;
	int command;

	*need_r = PROXY_HEAD_BYTES;
	*ends_r = (struct proxy_ends){0};
	if (memcmp(bytes, signature, begun) != 0)
		return err_set(error_r, "no PROXY header of version 2");
	if (len < PROXY_HEAD_BYTES)
		return 1;
	command = bytes[12] & 15;
	if (bytes[12] >> 4 != VERSION_2 || command > PROXY)
		return err_set(error_r, "PROXY version or command 0x%02x", bytes[12]);
	rest = (size_t)bytes[14] << 8 | bytes[15];
	if (rest > PROXY_REST_MAX)
		return err_set(error_r, "a PROXY header of %zu bytes", rest);
	if (command == PROXY && bytes[13] != TCP_IPV4 && bytes[13] != TCP_IPV6 &&
	    bytes[13] != UNSPEC)
		return err_set(error_r, "PROXY for family and protocol 0x%02x", bytes[13]);
	*need_r += rest;
	if (len < *need_r || command == LOCAL || bytes[13] == UNSPEC)
		return 1;
	return parse_ends(bytes, rest, ends_r, error_r);
}

struct proxy {
	struct loop *loop;
	struct watch *watch;
	struct timer *timer;
	int fd;
	proxy_cb *cb; /* NULL: told, or nobody wants to know */
	void *ctx;
	size_t len;
	uint8_t bytes[PROXY_HEAD_BYTES + PROXY_REST_MAX];
};

/* The last thing that is done with it here: cb may free it. */
static void tell(struct proxy *p, const struct proxy_ends *ends, const char *why)
{
	proxy_cb *cb = p->cb;

	p->cb = NULL;
	watch_set(p->watch, false, false);
	timer_stop(p->timer);
	cb(p->fd, ends, why, p->ctx);
}

static void too_late(void *ctx)
{
	struct proxy *p = ctx;

	if (p->cb != NULL)
		tell(p, NULL, "no PROXY header in time");
}

static void readable(bool can_read, bool can_write, void *ctx)
{
	struct proxy *p = ctx;
	size_t need = PROXY_HEAD_BYTES;
	struct proxy_ends ends;
	struct err err;

	(void)can_read, (void)can_write;
	while (p->cb != NULL) {
		ssize_t n;

		if (p->len > 0 && proxy_parse(p->bytes, p->len, &need, &ends, &err) < 0) {
			tell(p, NULL, err.text);
			return;
		}
		if (p->len == need) {
			tell(p, &ends, "");
			return;
		}
		n = recv(p->fd, p->bytes + p->len, need - p->len, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			tell(p, NULL, n == 0 ? "closed by peer" : strerror(errno));
			return;
		}
		p->len += (size_t)n;
	}
}

struct proxy *proxy_new(struct loop *loop, int fd, proxy_cb *cb, void *ctx)
{
	struct proxy *p = mem_zalloc(sizeof(*p));

	p->loop = loop;
	p->fd = fd;
	p->cb = cb;
	p->ctx = ctx;
	p->watch = watch_new(loop, fd, readable, p);
	p->timer = timer_new(loop, too_late, p);
	watch_set(p->watch, true, false);
	timer_start(p->timer, HEADER_MS);
	return p;
}

static void free_now(void *ctx)
{
	struct proxy *p = ctx;

	timer_free(&p->timer);
	free(p);
}

void proxy_free(struct proxy **pp)
{
	struct proxy *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	p->cb = NULL;
	timer_stop(p->timer);
	watch_free(&p->watch); /* before the descriptor goes to somebody else */
	loop_defer(p->loop, free_now, p);
}
