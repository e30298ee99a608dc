/* proxy: what a balancer says in front of a connection (PROXY protocol, version 2 only). */
#ifndef BASE_PROXY_H
#define BASE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/sockaddr.h"

#define PROXY_HEAD_BYTES 16
/* Addresses and what else a balancer tells; HAProxy with all of it stays below 1 KiB. */
#define PROXY_REST_MAX 2048

struct proxy_ends {
	bool told; /* false: the balancer speaks for itself (LOCAL, UNSPEC) */
	char peer_ip[SOCKADDR_TEXT_MAX], local_ip[SOCKADDR_TEXT_MAX];
};

/* The first len bytes of a connection: 1 and need_r, how many bytes the header has as far as can be
 * told (more than len: read on); with all of them ends_r is filled. -1: no header of version 2, or
 * one that we do not take; error_r tells. Never blocks. */
int proxy_parse(const uint8_t *bytes, size_t len, size_t *need_r, struct proxy_ends *ends_r,
    struct err *error_r);

/* Reads the header off a fresh, non-blocking descriptor and not one byte more, so that a TLS
 * handshake can follow. cb comes once from the loop: ends, or NULL and why (not a header, too slow,
 * closed). The descriptor stays the caller's. */
struct proxy;
typedef void proxy_cb(int fd, const struct proxy_ends *ends, const char *why, void *ctx);
struct proxy *proxy_new(struct loop *loop, int fd, proxy_cb *cb, void *ctx);
/* No callback any more; frees after the loop turn. cb may call it. */
void proxy_free(struct proxy **proxy);

#endif
