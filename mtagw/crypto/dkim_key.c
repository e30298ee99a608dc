/*
 * dkim_key: DKIM private keys: made, kept as PKCS#8 PEM files that only their owner reads, loaded
 * once into OpenSSL's form, used to sign hashes, and shown as the DNS record of their public part
 * (RFC 6376 3.6.1; RFC 8463 section 4 for Ed25519). Knows nothing of messages.
 */
#include "mtagw/crypto/dkim_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "mtagw/base/mem.h"

/* RFC 8301 section 3.2: at least 1024, should be 2048; verifiers need not take more than 4096. */
#define DKIM_RSA_BITS_MIN 2048
#define DKIM_RSA_BITS_MAX 4096
/* A PEM file of an RSA-4096 key is 3.3 KiB; more than this is no key. */
#define DKIM_PEM_MAX 16384

struct dkim_key {
	EVP_PKEY *pkey;
	char *selector, *domain;
};

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return reason ? reason : "unknown reason";
}

/* Never asks on a terminal: a locked key is an error. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

/* The file's bytes, or -1: only its owner may be able to read it. */
static int pem_read(const char *file, struct buf *pem, struct err *error_r)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return err_set(error_r, "%s: %s", file, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > DKIM_PEM_MAX) {
		close(fd);
		return err_set(error_r, "%s: not a key file", file);
	}
	if (st.st_mode & 077) {
		close(fd);
		return err_set(error_r, "%s: mode %03o lets other users at the key; want 0400",
		    file, (unsigned)st.st_mode & 0777);
	}
	while ((got = read(fd, buf_room(pem, DKIM_PEM_MAX), DKIM_PEM_MAX)) > 0 &&
	       pem->len + (size_t)got <= DKIM_PEM_MAX)
		pem->len += (size_t)got;
	close(fd);
	if (got != 0)
		return err_set(error_r, "%s: cannot be read", file);
	return 1;
}

static void pem_drop(struct buf *pem)
{
	if (pem->data)
		mem_wipe(pem->data, pem->size);
	buf_free(pem);
}

static int pkey_check(EVP_PKEY *pkey, const char *file, struct err *error_r)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return 1;
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return err_set(error_r, "%s: neither an RSA nor an Ed25519 key", file);
	if (bits < DKIM_RSA_BITS_MIN || bits > DKIM_RSA_BITS_MAX)
		return err_set(error_r, "%s: RSA key of %d bits; %d to %d are allowed", file, bits,
		    DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_MAX);
	return 1;
}

struct dkim_key *dkim_key_load(
    const char *pem_file, const char *selector, const char *domain, struct err *error_r)
{
	struct dkim_key *key;
	struct buf pem = {0};
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	if (pem_read(pem_file, &pem, error_r) < 0) {
		pem_drop(&pem);
		return NULL;
	}
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	pem_drop(&pem);
	if (!pkey) {
		err_set(error_r, "%s: no usable private key: %s", pem_file, openssl_reason());
		return NULL;
	}
	if (pkey_check(pkey, pem_file, error_r) < 0) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	key = mem_zalloc(sizeof(*key));
	key->pkey = pkey;
	key->selector = mem_strdup(selector);
	key->domain = mem_strdup(domain);
	return key;
}

void dkim_key_free(struct dkim_key **keyp)
{
	struct dkim_key *key = *keyp;

	if (!key)
		return;
	EVP_PKEY_free(key->pkey); /* OpenSSL wipes the private numbers */
	free(key->selector);
	free(key->domain);
	free(key);
	*keyp = NULL;
}

/* Written under another name and linked into place: the key's name never shows half a file. */
static int pem_write(const char *file, const char *pem, size_t len, struct err *error_r)
{
	char *tmp = mem_printf("%s.%ld.new", file, (long)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400), rc = -1;

	if (fd < 0) {
		err_set(error_r, "%s: %s", tmp, strerror(errno));
		free(tmp);
		return -1;
	}
	if (write(fd, pem, len) != (ssize_t)len || fsync(fd) < 0)
		err_set(error_r, "%s: %s", tmp, strerror(errno));
	else if (link(tmp, file) < 0)
		err_set(error_r, "%s: %s", file,
		    errno == EEXIST ? "a key of this name exists already" : strerror(errno));
	else
		rc = 1;
	close(fd);
	unlink(tmp);
	free(tmp);
	return rc;
}

int dkim_key_create(const char *pem_file, const char *kind, struct err *error_r)
{
	EVP_PKEY *pkey;
	BIO *bio;
	char *pem;
	long len;
	int rc;

	if (access(pem_file, F_OK) == 0)
		return err_set(error_r, "%s: a key of this name exists already", pem_file);
	if (strcmp(kind, "rsa") == 0)
		pkey = EVP_RSA_gen(DKIM_RSA_BITS_MIN);
	else if (strcmp(kind, "ed25519") == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		return err_set(error_r, "unknown kind of key: %s (rsa or ed25519)", kind);
	bio = BIO_new(BIO_s_secmem());
	if (!pkey || !bio || !PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)) {
		rc = err_set(error_r, "%s: key not made: %s", pem_file, openssl_reason());
	} else {
		len = BIO_get_mem_data(bio, &pem);
		rc = pem_write(pem_file, pem, (size_t)len, error_r);
	}
	BIO_free(bio); /* a memory BIO of the secure kind is wiped */
	EVP_PKEY_free(pkey);
	return rc;
}

const char *dkim_key_selector(const struct dkim_key *key)
{
	return key->selector;
}

const char *dkim_key_domain(const struct dkim_key *key)
{
	return key->domain;
}

const char *dkim_key_kind(const struct dkim_key *key)
{
	return EVP_PKEY_is_a(key->pkey, "RSA") ? "rsa" : "ed25519";
}

void dkim_key_record(const struct dkim_key *key, struct buf *out)
{
	unsigned char raw[SHA256_BYTES], *der = NULL;
	size_t raw_len = sizeof(raw);
	int len;

	buf_printf(out, "v=DKIM1; k=%s; p=", dkim_key_kind(key));
	if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) == 1) {
		codec_base64(out, raw, raw_len, 0); /* RFC 8463 section 4: the bare 32 bytes */
		return;
	}
	len = i2d_PUBKEY(key->pkey, &der);
	if (len > 0)
		codec_base64(out, der, (size_t)len, 0);
	OPENSSL_free(der);
	ERR_clear_error();
}

int dkim_key_sign_hash(const struct dkim_key *key, const uint8_t hash[SHA256_BYTES],
    struct buf *value, struct err *error_r)
{
	size_t len = (size_t)EVP_PKEY_get_size(key->pkey);
	unsigned char *room = (unsigned char *)buf_room(value, len);
	bool ok;

	if (EVP_PKEY_is_a(key->pkey, "RSA")) {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);

		ok = ctx && EVP_PKEY_sign_init(ctx) > 0 &&
		     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		     EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
		     EVP_PKEY_sign(ctx, room, &len, hash, SHA256_BYTES) > 0;
		EVP_PKEY_CTX_free(ctx);
	} else {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) > 0 &&
		     EVP_DigestSign(ctx, room, &len, hash, SHA256_BYTES) > 0;
		EVP_MD_CTX_free(ctx);
	}
	if (!ok)
		return err_set(
		    error_r, "DKIM key %s: not signed: %s", key->selector, openssl_reason());
	value->len += len;
	return 1;
}
