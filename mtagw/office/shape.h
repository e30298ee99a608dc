/* shape: the bytes of a letter's forms (DESIGN 7, 8): seal over exactly what travels, headers,
 * DKIM, nothing after it. */
#ifndef OFFICE_SHAPE_H
#define OFFICE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/crypto/signer.h"
#include "mtagw/mail/mime.h"
#include "mtagw/mail/pieces.h"
#include "mtagw/office/letter.h"

struct shape {
	const struct letter *letter; /* numbered, with reply_to and message_id */
	bool outside;                /* which form */
	bool seal,
	    dkim; /* as policy says; a letter without seal is not a letter: policy check warns */
	const char *text;                    /* rendered, UTF-8, LF */
	const char *html;                    /* inside only; NULL: no alternative */
	struct range pdf;                    /* len 0: none */
	const struct mime_part **enclosures; /* of the writer's mail, as many as letter's, which
	                                        names them */
	size_t enclosure_count;
	struct range source; /* that mail's bytes and its stored body */
	int64_t source_body;
	int64_t date_ms; /* for Date: and signatures */
};
/* Appends the whole message. fingerprint_r (41 bytes): the key of the seal, "" without. 1; 0:
 * signer says wait (error_r); -1: refused. Blocks on signd. */
int shape_letter(const struct shape *shape, struct signer *signer, struct arena *arena,
    struct pieces *out, char fingerprint_r[41], struct err *error_r);

/* DKIM fields before a message that is stored already (plain mail to the outside, released by
 * PESAN). */
int shape_plain(struct range source, int64_t source_body, const char *from_address,
    struct signer *signer, int64_t date_ms, struct pieces *out, struct err *error_r);

/* True when a byte above 127 occurs. */
bool shape_eight_bit(const struct pieces *pieces);

#endif
