/* ipc: length-prefixed frames over a Unix stream socket, and typed reading of their payload. */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/conn.h"
#include "mtagw/base/err.h"

/* A frame: 4 bytes big-endian payload length, payload. Longer ones than this are a protocol error.
 */
#define IPC_FRAME_MAX (1024 * 1024)

/* Writing a payload into a buf. Strings and bytes carry a 4-byte length. */
void ipc_put_u8(struct buf *out, uint8_t v);
void ipc_put_u32(struct buf *out, uint32_t v);
void ipc_put_u64(struct buf *out, uint64_t v);
void ipc_put_bytes(struct buf *out, const void *data, size_t len);
void ipc_put_str(struct buf *out, const char *s);

/* Reading it back: a cursor that goes bad (and stays bad, giving zeros) at the first defect; the
 * caller checks ipc_done once at the end (true: everything read, nothing left, no defect). Ranges
 * point into the payload. */
struct ipc_reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};
struct ipc_reader ipc_reader_of(struct range payload);
uint8_t ipc_get_u8(struct ipc_reader *r);
uint32_t ipc_get_u32(struct ipc_reader *r);
uint64_t ipc_get_u64(struct ipc_reader *r);
struct range ipc_get_bytes(struct ipc_reader *r);
bool ipc_done(const struct ipc_reader *r);

/* Event side: 1 and the payload (valid until ipc_drain), 0 not yet whole, -1 too long. */
int ipc_conn_frame(struct conn *conn, struct range *payload_r);
void ipc_conn_drain(struct conn *conn);
void ipc_conn_send(struct conn *conn, struct range payload);

/* Blocking side (router, mtagwctl): connect to `unix:/path`; the descriptor or -1. timeout_ms
 * bounds each call. */
int ipc_connect(const char *address, int timeout_ms, struct err *error_r);
int ipc_send(int fd, struct range payload, int timeout_ms, struct err *error_r);
/* Replaces *payload by the next frame's. */
int ipc_recv(int fd, struct buf *payload, int timeout_ms, struct err *error_r);

#endif
