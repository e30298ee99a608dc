/*
 * reply_day: the day in a date as people write it: relative (`besok`, `3 hari`), a weekday, or a
 * day of the calendar. What might be two days is none.
 */
#include <ctype.h>
#include <string.h>

#include "mtagw/office/reply_date_private.h"
#include "mtagw/office/reply_private.h"

#define AHEAD_DAYS_MAX 183 /* a day without a year lies within half a year */
#define AMOUNT_MAX 3650    /* of days, weeks, months */

struct name {
	const char *word;
	int value;
};
static const struct name weekdays[] = {{"minggu", 0}, {"hari minggu", 0}, {"ahad", 0},
    {"sunday", 0}, {"sun", 0}, {"senin", 1}, {"sen", 1}, {"monday", 1}, {"mon", 1}, {"selasa", 2},
    {"sel", 2}, {"tuesday", 2}, {"tue", 2}, {"rabu", 3}, {"rab", 3}, {"wednesday", 3}, {"wed", 3},
    {"kamis", 4}, {"kam", 4}, {"thursday", 4}, {"thu", 4}, {"jumat", 5}, {"jum'at", 5},
    {"jum\xe2\x80\x99\x61t", 5}, {"jum", 5}, {"friday", 5}, {"fri", 5}, {"sabtu", 6}, {"sab", 6},
    {"saturday", 6}, {"sat", 6}, {NULL, 0}};
static const struct name months[] = {{"januari", 1}, {"january", 1}, {"jan", 1}, {"februari", 2},
    {"pebruari", 2}, {"february", 2}, {"feb", 2}, {"maret", 3}, {"march", 3}, {"mar", 3},
    {"april", 4}, {"apr", 4}, {"mei", 5}, {"may", 5}, {"juni", 6}, {"june", 6}, {"jun", 6},
    {"juli", 7}, {"july", 7}, {"jul", 7}, {"agustus", 8}, {"august", 8}, {"agu", 8}, {"agt", 8},
    {"ags", 8}, {"aug", 8}, {"september", 9}, {"sept", 9}, {"sep", 9}, {"oktober", 10},
    {"october", 10}, {"okt", 10}, {"oct", 10}, {"november", 11}, {"nopember", 11}, {"nov", 11},
    {"nop", 11}, {"desember", 12}, {"december", 12}, {"des", 12}, {"dec", 12}, {NULL, 0}};
static const struct name amounts[] = {{"satu", 1}, {"dua", 2}, {"tiga", 3}, {"empat", 4},
    {"lima", 5}, {"enam", 6}, {"tujuh", 7}, {"delapan", 8}, {"sembilan", 9}, {"sepuluh", 10},
    {NULL, 0}};
static const struct name singles[] = {{"sehari", 1}, {"seminggu", 7}, {"sepekan", 7}, {NULL, 0}};
static const struct name units[] = {{"hari", 1}, {"hr", 1}, {"days", 1}, {"day", 1}, {"minggu", 7},
    {"mgg", 7}, {"pekan", 7}, {"weeks", 7}, {"week", 7}, {"bulan", 0}, {"months", 0}, {"month", 0},
    {NULL, 0}};
static const struct name relatives[] = {{"hari ini", 0}, {"today", 0}, {"besok", 1}, {"bsk", 1},
    {"besuk", 1}, {"esok", 1}, {"tomorrow", 1}, {"lusa", 2}, {"minggu depan", 7},
    {"pekan depan", 7}, {"next week", 7}, {NULL, 0}};

/* Takes one of the names; false: none stands there. */
static bool take_name(struct date_reading *r, const struct name *names, int *value_r)
{
	for (; names->word != NULL; names++)
		if (date_take_word(r, names->word)) {
			*value_r = names->value;
			return true;
		}
	return false;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

long date_day_number(int year, int month, int day)
{
	long y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
	long of_year = (153L * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool exists(int year, int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= month_days(year, month);
}

/* year 0: the next such day. */
static enum date_found set_day(struct date_reading *r, int year, int month, int day)
{
	if (year > 0 && year < 100)
		year += 2000;
	if (year > 0) {
		if (!exists(year, month, day))
			return DATE_IMPOSSIBLE;
		r->day = date_day_number(year, month, day);
		return DATE_YES;
	}
	for (year = r->mail.year; year <= r->mail.year + 1; year++) {
		if (!exists(year, month, day))
			continue;
		r->day = date_day_number(year, month, day);
		if (r->day >= r->today)
			return r->day - r->today <= AHEAD_DAYS_MAX ? DATE_YES : DATE_IMPOSSIBLE;
	}
	return DATE_IMPOSSIBLE;
}

/* A year behind a month's name: four digits, or `'26`; 0 where there is none. */
static int take_year(struct date_reading *r)
{
	const char *start = r->at;
	int year;

	if (date_take_digits(r, 4, &year) == 4 && date_at_word_end(r))
		return year;
	r->at = start;
	return 0;
}

/* `27/11`, `27-11-2026`, `27.11.26`, `2026-11-27`. */
static enum date_found take_numeric(struct date_reading *r)
{
	const char *start = r->at;
	int a, b, c = 0, unit;
	size_t n = date_take_digits(r, 4, &a);
	char sign = *r->at;

	if (n == 0 || n == 3 || sign == '\0' || strchr("/-.", sign) == NULL ||
	    !isdigit((unsigned char)r->at[1]))
		goto none;
	r->at++;
	if (date_take_digits(r, 2, &b) == 0)
		goto none;
	if (*r->at == sign && isdigit((unsigned char)r->at[1])) {
		r->at++;
		if (date_take_digits(r, 4, &c) == 0 || !date_at_word_end(r))
			goto none;
		return n == 4 ? set_day(r, a, b, c) : set_day(r, c, b, a);
	}
	/* two numbers: `14.30` is a time, `5-6 hari` an amount */
	if (n == 4 || sign == '.' || !date_at_word_end(r))
		goto none;
	start = r->at;
	if (take_name(r, units, &unit))
		return DATE_IMPOSSIBLE;
	r->at = start;
	return set_day(r, 0, b, a);
none:
	r->at = start;
	return DATE_NONE;
}

/* `27 November 2026`, `November 27, 2026`. */
static enum date_found take_named(struct date_reading *r)
{
	const char *start = r->at;
	int day, month;

	if (date_take_digits(r, 2, &day) > 0) {
		(void)(*r->at == '-' && r->at++); /* `27-Nov-2026` */
		if (take_name(r, months, &month)) {
			r->at += *r->at == '.' || *r->at == '-';
			return set_day(r, take_year(r), month, day);
		}
	} else if (take_name(r, months, &month) && date_take_digits(r, 2, &day) > 0 &&
	           date_at_word_end(r)) {
		return set_day(r, take_year(r), month, day);
	}
	r->at = start;
	return DATE_NONE;
}

/* `tanggal 27`: of this month or, where that has gone, of the next. */
static enum date_found take_month_day(struct date_reading *r)
{
	int day, year = r->mail.year, month = r->mail.month;

	if (date_take_digits(r, 2, &day) == 0 || !date_at_word_end(r))
		return DATE_NONE;
	if (day < r->mail.day) {
		month = month % 12 + 1;
		year += month == 1;
	}
	return set_day(r, year, month, day);
}

static enum date_found take_calendar(struct date_reading *r)
{
	static const struct name labels[] = {{"tanggal", 0}, {"tgl.", 0}, {"tgl", 0}, {NULL, 0}};
	const char *start = r->at;
	int unused;
	bool labelled = take_name(r, labels, &unused);
	enum date_found found = take_numeric(r);

	if (found == DATE_NONE)
		found = take_named(r);
	if (found == DATE_NONE && labelled)
		found = take_month_day(r);
	if (found == DATE_NONE)
		r->at = start;
	return found;
}

/* `jumat`, `Jumat depan`, `Jumat, 27 November`. */
static enum date_found take_weekday(struct date_reading *r)
{
	bool next = date_take_word(r, "next");
	int weekday, monday_first = (r->mail.weekday + 6) % 7; /* days since Monday */
	enum date_found found;

	if (!take_name(r, weekdays, &weekday))
		return DATE_NONE;
	r->at += *r->at == '.';
	if (next || date_take_word(r, "depan")) {
		r->day = r->today - monday_first + 7 + (weekday + 6) % 7;
		return DATE_YES;
	}
	if (date_take_word(r, "ini")) {
		r->day = r->today - monday_first + (weekday + 6) % 7;
		return r->day >= r->today ? DATE_YES : DATE_IMPOSSIBLE;
	}
	found = take_calendar(r);
	if (found == DATE_NONE) {
		r->day = r->today + (weekday - r->mail.weekday + 6) % 7 + 1;
		return DATE_YES;
	}
	/* 1970-01-01 was a Thursday */
	return found == DATE_YES && (r->day + 4) % 7 == weekday ? DATE_YES : DATE_IMPOSSIBLE;
}

/* n months on; the last day of a shorter month. */
static void add_months(struct date_reading *r, int n)
{
	int at = r->mail.year * 12 + r->mail.month - 1 + n, year = at / 12, month = at % 12 + 1;
	int last = month_days(year, month);

	r->day = date_day_number(year, month, r->mail.day < last ? r->mail.day : last);
}

/* `3 hari`, `dua minggu lagi`. Working days need a calendar: no date. */
static enum date_found take_amount(struct date_reading *r)
{
	static const struct name before[] = {
	    {"dalam waktu", 0}, {"dalam", 0}, {"within", 0}, {"in", 0}, {NULL, 0}};
	static const struct name behind[] = {
	    {"lagi", 0}, {"ke depan", 0}, {"kedepan", 0}, {"from now", 0}, {NULL, 0}};
	const char *start = r->at;
	int n, days;

	(void)take_name(r, before, &n);
	if (take_name(r, singles, &days)) {
		n = 1;
	} else if ((date_take_digits(r, 4, &n) == 0 && !take_name(r, amounts, &n)) ||
	           !take_name(r, units, &days)) {
		r->at = start;
		return DATE_NONE;
	}
	if (n == 0 || n > AMOUNT_MAX || date_take_word(r, "kerja") || date_take_word(r, "working"))
		return DATE_IMPOSSIBLE;
	if (days > 0)
		r->day = r->today + (long)n * days;
	else
		add_months(r, n);
	(void)take_name(r, behind, &n);
	return DATE_YES;
}

enum date_found date_take_day(struct date_reading *r)
{
	enum date_found found;
	int days;

	if (take_name(r, relatives, &days)) {
		r->day = r->today + days;
		return DATE_YES;
	}
	if (date_take_word(r, "akhir bulan")) {
		(void)date_take_word(r, "ini");
		return set_day(
		    r, r->mail.year, r->mail.month, month_days(r->mail.year, r->mail.month));
	}
	found = take_amount(r);
	if (found == DATE_NONE)
		found = take_calendar(r);
	return found == DATE_NONE ? take_weekday(r) : found;
}
