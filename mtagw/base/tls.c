/*
 * tls: makes OpenSSL contexts; conn.c runs the handshakes. TLS 1.2 or later (RFC 8996), no
 * renegotiation, buffers given back while a connection is idle (ten thousand idle sessions must
 * stay small). Certificates are read at start-up and at reload only.
 */
#include "mtagw/base/tls.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "mtagw/base/mem.h"

struct tls {
	SSL_CTX *ctx;
	bool verify;
};

/* The oldest error of OpenSSL's queue, which is the cause; empties the queue. */
static const char *first_error(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return text ? text : "unknown cause";
}

static struct tls *context_new(const SSL_METHOD *method, struct err *error_r)
{
	struct tls *tls;
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		(void)err_set(error_r, "TLS: no context: %s", first_error());
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* SMTP marks its own ends, so a peer that closes without close_notify is at its end, not in
	 * error: RFC 5321 sections 4.1.1.4 and 4.1.1.10. */
	(void)SSL_CTX_set_options(
	    ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	tls = mem_zalloc(sizeof(*tls));
	tls->ctx = ctx;
	return tls;
}

/* The key is one, of another certificate: OpenSSL says so while it takes it. */
static bool mismatch(void)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	return ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509 &&
	       (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH);
}

struct tls *tls_server_new(const char *cert_file, const char *key_file, struct err *error_r)
{
	struct tls *tls = context_new(TLS_server_method(), error_r);

	if (tls == NULL)
		return NULL;
	(void)SSL_CTX_set_options(tls->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (SSL_CTX_use_certificate_chain_file(tls->ctx, cert_file) != 1)
		(void)err_set(error_r, "tls_cert %s: %s", cert_file, first_error());
	else if (SSL_CTX_use_PrivateKey_file(tls->ctx, key_file, SSL_FILETYPE_PEM) != 1 &&
	         !mismatch())
		(void)err_set(error_r, "tls_key %s: %s", key_file, first_error());
	else if (SSL_CTX_check_private_key(tls->ctx) != 1)
		(void)err_set(
		    error_r, "tls_key %s does not belong to tls_cert %s", key_file, cert_file);
	else
		return tls;
	tls_free(&tls);
	return NULL;
}

struct tls *tls_client_new(const char *ca_file, bool verify, struct err *error_r)
{
	struct tls *tls = context_new(TLS_client_method(), error_r);

	if (tls == NULL)
		return NULL;
	if (ca_file != NULL && SSL_CTX_load_verify_locations(tls->ctx, ca_file, NULL) != 1) {
		(void)err_set(error_r, "tls_ca %s: %s", ca_file, first_error());
		tls_free(&tls);
		return NULL;
	}
	if (ca_file == NULL)
		(void)SSL_CTX_set_default_verify_paths(tls->ctx);
	ERR_clear_error(); /* a system without a store: every verification fails, and says so */
	tls->verify = verify;
	/* Without SSL_VERIFY_PEER a client still computes the result, it only goes on. */
	SSL_CTX_set_verify(tls->ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	return tls;
}

void tls_free(struct tls **tlsp)
{
	struct tls *tls = *tlsp;

	*tlsp = NULL;
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->ctx); /* connections hold their own reference */
	free(tls);
}

struct ssl_ctx_st *tls_ctx(struct tls *tls)
{
	return tls->ctx;
}

bool tls_verifies(const struct tls *tls)
{
	return tls->verify;
}
