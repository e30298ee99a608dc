/* tls: OpenSSL contexts for conn. TLS 1.2 or later (RFC 8996). */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include <stdbool.h>

#include "mtagw/base/err.h"

struct tls;

/* Certificate chain and key, PEM. NULL and error_r naming the file on failure. Blocks (start-up
 * only). */
struct tls *tls_server_new(const char *cert_file, const char *key_file, struct err *error_r);
/* verify: a handshake with an unproven certificate fails (CONN_ERROR); without it conn_tls_verified
 * still tells. ca_file NULL: the system's store. */
struct tls *tls_client_new(const char *ca_file, bool verify, struct err *error_r);
void tls_free(struct tls **tls);
/* For conn.c alone. */
struct ssl_ctx_st *tls_ctx(struct tls *tls);
bool tls_verifies(const struct tls *tls);

#endif
