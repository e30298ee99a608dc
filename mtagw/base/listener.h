/* listener: listening sockets. */
#ifndef BASE_LISTENER_H
#define BASE_LISTENER_H

#include <stdbool.h>

#include "mtagw/base/err.h"
#include "mtagw/base/loop.h"

/* Listening: cb gets each accepted non-blocking descriptor (close-on-exec) and owns it. fd (made
 * non-blocking here) stays the caller's. Out of descriptors or memory: logs once, pauses for a
 * second. cb may pause or free the listener. */
struct listener;
struct listener *listener_new(struct loop *loop, int fd, void (*cb)(int fd, void *ctx), void *ctx);
void listener_pause(struct listener *listener, bool paused);
void listener_free(struct listener **listener);
/* Binds and listens on `unix:/path` or a numeric address:port; the descriptor (non-blocking,
 * close-on-exec) or -1 and error_r. A socket file that nobody listens on is replaced; one in use is
 * an error. An IPv6 address means IPv6 only. The file of a Unix socket gets its mode from the
 * umask. Never blocks. */
int listener_bind(const char *address, struct err *error_r);

#endif
