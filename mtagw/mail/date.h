/* date: the Date field of a mail (RFC 5322 section 3.3 and its obsolete forms). */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

#include "mtagw/mail/header.h"

/* 1 and milliseconds since 1970 UTC; 0 where the text is no date, or one that cannot be (31
 * February, year before 1970 or after 9999). By libetpan's mailimf. */
int date_parse(struct range value, int64_t *at_ms_r);
/* The message's own Date, when it has exactly one that is a date and does not lie more than a day
 * after received_ms or ten years before it; else received_ms: a clock that is wrong must not move
 * deadlines. */
int64_t date_of(const struct header *header, int64_t received_ms);

#endif
