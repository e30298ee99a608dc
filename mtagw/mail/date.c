/*
 * date: dates of mails by libetpan's parser, with the checks that it leaves out.
 */
#include "mtagw/mail/date.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libetpan/mailimf.h>

#define DAY_MS INT64_C(86400000)
#define OLDEST (10 * 366 * DAY_MS)

/* The day exists; a short year becomes a whole one. */
static int real(struct mailimf_date_time *d)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap;

	/* RFC 5322 4.3: two and three digits */
	if (d->dt_year >= 0 && d->dt_year < 50)
		d->dt_year += 2000;
	else if (d->dt_year >= 50 && d->dt_year < 1000)
		d->dt_year += 1900;
	leap = (d->dt_year % 4 == 0 && d->dt_year % 100 != 0) || d->dt_year % 400 == 0;
	if (d->dt_year < 1970 || d->dt_year > 9999 || d->dt_month < 1 || d->dt_month > 12)
		return 0;
	if (d->dt_day < 1 || d->dt_day > days[d->dt_month - 1] ||
	    (d->dt_month == 2 && d->dt_day == 29 && !leap))
		return 0;
	return d->dt_hour >= 0 && d->dt_hour < 24 && d->dt_min >= 0 && d->dt_min < 60 &&
	       d->dt_sec >= 0 && d->dt_sec <= 60 && d->dt_zone > -2400 && d->dt_zone < 2400;
}

int date_parse(struct range value, int64_t *at_ms_r)
{
	char *text = mem_strndup(value.p, value.len);
	struct mailimf_date_time *d = NULL;
	size_t at = 0;
	int rc = 0;

	if (mailimf_date_time_parse(text, strlen(text), &at, &d) == MAILIMF_NO_ERROR) {
		if (real(d)) {
			struct tm tm = {.tm_year = d->dt_year - 1900,
			    .tm_mon = d->dt_month - 1,
			    .tm_mday = d->dt_day,
			    .tm_hour = d->dt_hour,
			    .tm_min = d->dt_min,
			    .tm_sec = d->dt_sec};
			int64_t zone = (int64_t)(d->dt_zone / 100) * 3600 + (d->dt_zone % 100) * 60;

			*at_ms_r = ((int64_t)timegm(&tm) - zone) * 1000;
			rc = 1;
		}
		mailimf_date_time_free(d);
	}
	free(text);
	return rc;
}

int64_t date_of(const struct header *header, int64_t received_ms)
{
	const struct header_field *field = header_get(header, "Date", 0);
	int64_t at;

	if (field == NULL || header_count(header, "Date") != 1 ||
	    date_parse(field->value, &at) != 1 || at > received_ms + DAY_MS ||
	    at < received_ms - OLDEST)
		return received_ms;
	return at;
}
