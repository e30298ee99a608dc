/* reply_date_private: a date being read, shared by reply_date and reply_day. */
#ifndef OFFICE_REPLY_DATE_PRIVATE_H
#define OFFICE_REPLY_DATE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "mtagw/base/clock.h"

enum date_found { DATE_NONE, DATE_YES, DATE_IMPOSSIBLE };
struct date_reading {
	const char *at;        /* read up to here */
	struct city_date mail; /* when the mail was written, in the city */
	long today;            /* its day, in days since 1970 */
	long day;              /* found */
	int minutes;           /* of the day; -1: no time was given */
	int zone_minutes;      /* how far east of the city's zone that time is meant */
};

/* Takes word (case aside) with the blanks, commas and brackets before it. */
bool date_take_word(struct date_reading *r, const char *word);
/* Digits, at most max of them: how many, 0. Blanks before them go. */
size_t date_take_digits(struct date_reading *r, size_t max, int *value_r);
/* No letter or digit follows, and no `/27`. */
bool date_at_word_end(const struct date_reading *r);
/* Days since 1970-01-01 of the Gregorian calendar. */
long date_day_number(int year, int month, int day);
/* A day in any of the forms of reply_date; the time is not looked at. */
enum date_found date_take_day(struct date_reading *r);

#endif
