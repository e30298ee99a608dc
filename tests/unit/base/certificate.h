/* certificate: a key and a certificate of its own for mx.example and 127.0.0.1, made for one test
 * program. */
#ifndef TESTS_CERTIFICATE_H
#define TESTS_CERTIFICATE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char cert_dir[] = "/tmp/mtagw-tls-XXXXXX";
static char cert_file[64], key_file[64], other_key_file[64];

static EVP_PKEY *write_key(const char *file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = fopen(file, "w");

	if (f == NULL || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1)
		abort();
	(void)fclose(f);
	return key;
}

static int make_certificate(void **state)
{
	X509 *cert = X509_new();
	X509V3_CTX v3;
	EVP_PKEY *key;
	X509_EXTENSION *names;
	FILE *f;

	(void)state;
	if (mkdtemp(cert_dir) == NULL)
		return -1;
	(void)snprintf(cert_file, sizeof(cert_file), "%s/cert.pem", cert_dir);
	(void)snprintf(key_file, sizeof(key_file), "%s/key.pem", cert_dir);
	(void)snprintf(other_key_file, sizeof(other_key_file), "%s/other.pem", cert_dir);
	EVP_PKEY_free(write_key(other_key_file));
	key = write_key(key_file);
	(void)X509_set_version(cert, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)"mx.example", -1, -1, 0);
	(void)X509_set_issuer_name(cert, X509_get_subject_name(cert));
	(void)X509_set_pubkey(cert, key);
	X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
	names = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, "DNS:mx.example,IP:127.0.0.1");
	(void)X509_add_ext(cert, names, -1);
	X509_EXTENSION_free(names);
	(void)X509_sign(cert, key, EVP_sha256());
	f = fopen(cert_file, "w");
	(void)PEM_write_X509(f, cert);
	(void)fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

static int remove_certificate(void **state)
{
	(void)state;
	(void)unlink(cert_file);
	(void)unlink(key_file);
	(void)unlink(other_key_file);
	return rmdir(cert_dir);
}

#endif
