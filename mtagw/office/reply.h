/* reply: what a person wrote at the top of a mail: head lines or a verb (DESIGN 7, "Reading a
 * human's reply"). Pure functions. */
#ifndef OFFICE_REPLY_H
#define OFFICE_REPLY_H

#include <stddef.h>

#include "mtagw/base/mem.h"

/* Head lines in an unbroken block at the very top; NULL where absent. Values trimmed. */
struct reply_head {
	const char *type;           /* Jenis: */
	const char *subject;        /* Hal: */
	const char *qualifier;      /* Sifat: */
	const char *classification; /* Kode: */
	const char *twice;          /* a label that stands there more than once: `Hal` */
	const char *rest; /* the text behind the block and its empty lines; the whole text where
	                     there is none */
};
/* text: UTF-8, LF. A block counts only when its first line is a head line. */
void reply_head(const char *text, struct arena *arena, struct reply_head *head_r);

enum reply_verb { REPLY_NONE, REPLY_OK, REPLY_PESAN, REPLY_BATAL };
/* The first line that is not empty, if it is exactly a verb (case, blanks and a closing full stop
 * aside). first_r: that line as written. */
enum reply_verb reply_verb(const char *text, struct arena *arena, const char **first_r);
const char *reply_verb_name(enum reply_verb verb); /* `ok` */

/* Text without the mail signature (`-- ` line and below) and without empty lines at both ends. */
const char *reply_without_signature(const char *text, struct arena *arena);

#endif
