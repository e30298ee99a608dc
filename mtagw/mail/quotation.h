/* quotation: what a person wrote in a mail, without what the mail program put around it (DESIGN 7,
 * "Reading a human's reply"). Pure functions. */
#ifndef MAIL_QUOTATION_H
#define MAIL_QUOTATION_H

#include <stdbool.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"

struct quotation {
	const char *above; /* written above the quotation (all where there is none); "" */
	const char *below; /* written below or between quoted lines; "". Where a program quotes
	                      badly, lines of the quoted mail stand here */
	bool quoted;       /* a quotation was cut */
	bool forwarded;    /* it is a client's inline forward */
};
/* Cuts text (UTF-8, LF): quotation, mail signature (`-- `), phone footers, banners of gateways,
 * disclaimers. No-break and other odd blanks become spaces, invisible characters go, blanks at line
 * ends and empty lines at both ends are cut, several empty
 * lines are made one; else the words are as written. In the arena; linear in
 * the length. */
void quotation_cut(const char *text, struct arena *arena, struct quotation *cut_r);
/* The same for a mail: its main text, HTML quotations marked first. A forward is seen by the
 * subject, too: Outlook quotes both alike. */
void quotation_cut_mail(const struct mime_part *root, struct arena *arena, struct quotation *cut_r);

#endif
