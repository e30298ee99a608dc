/* conn: a stream connection on the event loop, with TLS (the only bufferevent code, DESIGN 5). */
#ifndef BASE_CONN_H
#define BASE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/listener.h"
#include "mtagw/base/loop.h"

struct conn;
struct tls; /* server or client context, see tls.h */

enum conn_event {
	CONN_CONNECTED, /* an outgoing connection stands (before any TLS) */
	CONN_TLS,       /* the TLS handshake is done */
	CONN_DATA,      /* conn_input has new bytes */
	CONN_DRAINED,   /* everything written has left for the kernel */
	CONN_EOF,       /* the peer closed; what it sent before is still in conn_input */
	CONN_TIMEOUT,   /* nothing came (or left) for the time of conn_set_timeout */
	CONN_ERROR,     /* conn_error tells; nothing more will come */
};
/* One callback for all events; runs from the loop, never inside a conn_ call. It may call
 * conn_destroy: the memory goes after the loop turn. */
typedef void conn_cb(struct conn *conn, enum conn_event event, void *ctx);

/* Takes over a connected, non-blocking descriptor. */
struct conn *conn_accepted(struct loop *loop, int fd, conn_cb *cb, void *ctx);
/* Starts connecting. address: `unix:/path`, `127.0.0.1:25`, `[::1]:25` (numeric only; names are
 * resolved by the caller). NULL and error_r on a bad address or no descriptor; failures to connect
 * come as CONN_ERROR later. */
struct conn *conn_connect(
    struct loop *loop, const char *address, conn_cb *cb, void *ctx, struct err *error_r);
/* Closes without waiting, frees after the loop turn, clears the pointer; NULL is fine. No callback
 * runs after it. */
void conn_destroy(struct conn **conn);
/* Closes as soon as what was written has left (or after 10 s), then frees; no callback runs after
 * it. The peer gets two seconds to read our last words and close: what it still sends is thrown
 * away, else a reset would overtake them. */
void conn_destroy_when_drained(struct conn **conn);

/* STARTTLS: throws away every byte read so far (RFC 3207 section 4.2) and does the handshake;
 * implicit TLS is the same right after conn_accepted/CONN_CONNECTED. CONN_TLS or CONN_ERROR
 * follows. server_name (client, may be NULL): SNI and the name looked for in the certificate; a
 * context that verifies fails without one. What was written before leaves first. */
void conn_start_tls(struct conn *conn, struct tls *tls, const char *server_name);
bool conn_is_tls(const struct conn *conn);
/* `TLSv1.3 TLS_AES_256_GCM_SHA384`, "" without TLS; client: conn_tls_verified tells whether chain
 * and name were good. */
const char *conn_tls_info(const struct conn *conn);
bool conn_tls_verified(const struct conn *conn);

/* Queues bytes (copied). */
void conn_write(struct conn *conn, const void *data, size_t len);
__attribute__((format(printf, 2, 3))) void conn_printf(struct conn *conn, const char *format, ...);
/* What was written leaves at the end of the loop's turn; on a plain connection conn_flush gives it
 * to the kernel now, before other work that the peer need not wait for. */
void conn_flush(struct conn *conn);
/* The peer has said that it will send no more (QUIT): closing need not wait for it where nothing
 * lies unread. Under TLS it does: a peer's close_notify may still come. */
void conn_said_last(struct conn *conn);
/* Bytes written and not yet taken by the kernel: the sender stops reading bodies above a bound. */
size_t conn_output_len(const struct conn *conn);

/* Bytes received and not yet drained: pointer to contiguous memory, valid until the next conn_
 * call. */
struct range conn_input(struct conn *conn);
void conn_drain(struct conn *conn, size_t len);
/* Reading stops (the kernel's window closes) while paused; input above max bytes pauses by itself
 * until drained (default 64 KiB). Going on does not repeat CONN_DATA for bytes that are there
 * already: look at conn_input. */
void conn_pause(struct conn *conn, bool paused);
void conn_set_input_max(struct conn *conn, size_t max);
/* Milliseconds without progress in the direction waited for, then CONN_TIMEOUT; 0 = none. */
void conn_set_timeout(struct conn *conn, int64_t ms);
/* What CONN_ERROR was about, one line; "" before. */
const char *conn_error(const struct conn *conn);
/* Numeric `address:port` of the peer, `unix` for Unix sockets. */
const char *conn_peer(const struct conn *conn);
/* The peer's numeric address alone. */
const char *conn_peer_ip(const struct conn *conn);
/* Our own side, `address:port`. */
const char *conn_local(struct conn *conn);

#endif
