/* verify_signed: which parts of a message are signed, by its structure alone. */
#ifndef CRYPTO_VERIFY_SIGNED_H
#define CRYPTO_VERIFY_SIGNED_H

#include "mtagw/crypto/verdict.h"
#include "mtagw/mail/mime.h"

struct signed_part {
	bool smime;
	const char *defect;   /* what is wrong with the structure; "" when it can be looked at */
	bool detached;        /* false: the signature holds its content (application/pkcs7-mime) */
	struct range content; /* the exact signed bytes of a detached one */
	const struct mime_part *signature; /* its body is the signature, encoded */
	const char
	    *missing; /* what the reader sees and the signature does not cover; "": nothing */
};
/* Finds multipart/signed (RFC 1847, 3156, 8551) and opaque S/MIME, at most VERDICT_SIGNATURES_MAX
 * of them, outermost first. A forwarded message is its sender's business and not looked into. The
 * list lives in the arena. */
size_t signed_parts_find(
    const struct mime_part *root, struct arena *arena, const struct signed_part **list_r);

#endif
