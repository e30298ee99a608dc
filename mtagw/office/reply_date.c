/*
 * reply_date: dates as people write them, counted from the day of their mail. Nothing is guessed:
 * what might be two days (`sebelum jumat`, `3 hari kerja`, `jam 1 malam`) is no date, and the
 * caller echoes what was understood as an absolute one.
 */
#include <ctype.h>
#include <string.h>

#include "mtagw/base/buf.h"
#include "mtagw/office/reply_date_private.h"
#include "mtagw/office/reply_private.h"

#define CITY_OFFSET_SECS (7 * 3600) /* as base/clock.c: no summer time */
#define FILLERS_MAX 4               /* `paling lambat pada ...`; more is no date */
#define DAY_MINUTES (24 * 60)
#define FUTURE_DAYS_MAX 3653 /* ten years: a later one is a slip of the finger */

static void skip(struct date_reading *r)
{
	r->at += strspn(r->at, " \t\n,(");
}

bool date_take_word(struct date_reading *r, const char *word)
{
	const char *start = r->at;
	size_t n;

	skip(r);
	n = reply_word_len(r->at, word);
	r->at = n > 0 ? r->at + n : start;
	return n > 0;
}

size_t date_take_digits(struct date_reading *r, size_t max, int *value_r)
{
	const char *p = r->at + strspn(r->at, " \t\n,(");
	size_t n = strspn(p, "0123456789");

	if (n == 0 || n > max)
		return 0;
	*value_r = 0;
	for (size_t i = 0; i < n; i++)
		*value_r = *value_r * 10 + (p[i] - '0');
	r->at = p + n;
	return n;
}

bool date_at_word_end(const struct date_reading *r)
{
	if (*r->at != '\0' && strchr("/-", *r->at) != NULL)
		return !isdigit((unsigned char)r->at[1]);
	return !isalnum((unsigned char)*r->at);
}

/* Words that say only that a date follows; `sebelum` is none, it takes a day away. */
static void skip_fillers(struct date_reading *r)
{
	static const char *const fillers[] = {"paling lambat", "paling lama", "selambat-lambatnya",
	    "selambatnya", "maksimal", "maks", "sampai dengan", "sampai", "s.d.", "s/d", "sd",
	    "pada", "by", "on", "until", "till"};

	for (size_t i = 0, n = 0; i < sizeof(fillers) / sizeof(fillers[0]) && n < FILLERS_MAX; i++)
		if (date_take_word(r, fillers[i])) {
			i = (size_t)-1; /* another may follow */
			n++;
		}
	skip(r);
	if (reply_word_len(r->at, "hari ini") == 0 && reply_word_len(r->at, "hari minggu") == 0)
		(void)date_take_word(r, "hari");
}

static bool take_any(struct date_reading *r, const char *const *words, int *which_r)
{
	for (int i = 0; words[i] != NULL; i++)
		if (date_take_word(r, words[i])) {
			*which_r = i;
			return true;
		}
	return false;
}

/* `pagi` leaves the hour, `siang`, `sore`, `malam` make it one of the afternoon; 1: cannot be. */
static enum date_found in_day_part(int part, int *hour)
{
	static const struct {
		int first, last; /* hours of the twelve that belong to it */
		bool afternoon;
	} parts[] = {{1, 11, false}, {1, 4, true}, {1, 6, true}, {6, 11, true}, {1, 12, false},
	    {1, 12, true}};
	bool twelve = *hour == 12;

	if (*hour > 12)
		return DATE_YES;      /* `pukul 14.00 siang` */
	if (part == 1 && *hour >= 10) /* `jam 11 siang` */
		return DATE_YES;
	if (part == 3 && twelve) {
		*hour = 24;
		return DATE_YES;
	}
	if (*hour < parts[part].first || *hour > parts[part].last)
		return DATE_IMPOSSIBLE;
	if (parts[part].afternoon && !twelve)
		*hour += 12;
	else if (part == 4 && twelve)
		*hour = 0;
	return DATE_YES;
}

/* The city's zone or its eastern neighbours'. */
static void take_zone(struct date_reading *r)
{
	if (date_take_word(r, "WITA"))
		r->zone_minutes = 60;
	else if (date_take_word(r, "WIT"))
		r->zone_minutes = 120;
	else
		(void)date_take_word(r, "WIB");
}

/* `jam 10`, `pukul 14.30 WIB`, `14:30`, `sore pukul 3`; a bare hour is none.
 */
static enum date_found take_time(struct date_reading *r)
{
	static const char *const before[] = {"jam", "pukul", "pkl.", "pkl", "at", NULL};
	static const char *const parts[] = {"pagi", "siang", "sore", "malam", "am", "pm", NULL};
	const char *start = r->at;
	int hour, minute = 0, part = -1, word;
	bool named;

	(void)take_any(r, parts, &part);
	named = take_any(r, before, &word);
	if (date_take_digits(r, 2, &hour) == 0)
		goto none;
	if ((*r->at == '.' || *r->at == ':') && strspn(r->at + 1, "0123456789") == 2) {
		minute = (r->at[1] - '0') * 10 + r->at[2] - '0';
		r->at += 3;
		named = true;
	}
	if (part < 0)
		(void)take_any(r, parts, &part);
	if (!named && part < 0) /* `besok 3` */
		goto none;
	if (!date_at_word_end(r) || hour > 24 || minute > 59 || (hour == 24 && minute > 0) ||
	    (part >= 0 && in_day_part(part, &hour) == DATE_IMPOSSIBLE))
		return DATE_IMPOSSIBLE;
	r->minutes = hour == 24 ? DAY_MINUTES - 1 : hour * 60 + minute;
	take_zone(r);
	return DATE_YES;
none:
	r->at = start;
	return DATE_NONE;
}

/* A day with or without a time, or the other way round. A time alone is today's. */
static enum date_found take_moment(struct date_reading *r)
{
	enum date_found found, day;

	skip_fillers(r);
	day = date_take_day(r);
	if (day == DATE_IMPOSSIBLE)
		return day;
	found = take_time(r);
	if (found == DATE_IMPOSSIBLE || day == DATE_YES)
		return found == DATE_IMPOSSIBLE ? found : day;
	if (found == DATE_NONE)
		return found;
	r->day = r->today;
	skip_fillers(r);
	day = date_take_day(r);
	return day == DATE_IMPOSSIBLE ? day : DATE_YES;
}

static enum date_found read_at(
    const char *text, int64_t mail_ms, int64_t *due_ms_r, bool *has_time_r, const char **rest_r)
{
	struct date_reading r = {.at = text, .mail = clock_city_date(mail_ms), .minutes = -1};
	enum date_found found;

	r.today = date_day_number(r.mail.year, r.mail.month, r.mail.day);
	found = take_moment(&r);
	if (found != DATE_YES)
		return found;
	if (!date_at_word_end(&r) || r.day - r.today > FUTURE_DAYS_MAX)
		return DATE_IMPOSSIBLE;
	*has_time_r = r.minutes >= 0;
	*due_ms_r = ((int64_t)r.day * DAY_MINUTES - r.zone_minutes +
	                (r.minutes >= 0 ? r.minutes : DAY_MINUTES - 1)) *
	                60000 -
	            CITY_OFFSET_SECS * 1000LL;
	*rest_r = r.at + strspn(r.at, " \t\n,.;:)-");
	return *due_ms_r >= mail_ms ? DATE_YES : DATE_IMPOSSIBLE;
}

int reply_date(const char *text, int64_t mail_ms, struct arena *arena, int64_t *due_ms_r,
    bool *has_time_r, const char **rest_r)
{
	const char *rest;

	if (read_at(text, mail_ms, due_ms_r, has_time_r, &rest) != DATE_YES)
		return 0;
	if (rest_r != NULL)
		*rest_r = reply_trimmed(rest, arena);
	return 1;
}

int reply_date_in(const char *text, int64_t mail_ms, struct arena *arena, const char **before_r,
    int64_t *due_ms_r, bool *has_time_r, const char **rest_r)
{
	const char *p = text, *rest;

	while (*p != '\0') {
		enum date_found found = read_at(p, mail_ms, due_ms_r, has_time_r, &rest);

		if (found == DATE_IMPOSSIBLE)
			return 0;
		if (found == DATE_YES) {
			size_t n = (size_t)(p - text);

			while (n > 0 && strchr(" \t\n,;:(-", text[n - 1]) != NULL)
				n--;
			*before_r = arena_strndup(arena, text, n);
			if (rest_r != NULL)
				*rest_r = reply_trimmed(rest, arena);
			return 1;
		}
		p += strcspn(p, " \t\n");
		p += strspn(p, " \t\n");
	}
	return 0;
}

/* A letter's number (`12/5/BKD/2026`) is no date. */
static bool is_reference(const char *text)
{
	size_t n = strcspn(text, " \t\n,;");

	for (size_t i = 1; isdigit((unsigned char)text[0]) && i + 1 < n; i++)
		if (text[i] == '/' && isalpha((unsigned char)text[i + 1]))
			return true;
	return false;
}

bool reply_date_like(const char *text, int64_t mail_ms, const char **what_r)
{
	/* days that people write and that are no due time */
	static const char *const days[] = {"kemarin", "kemaren", "kmrn", "yesterday", "bulan depan",
	    "bulan ini", "tahun depan", "tahun ini", "minggu ini", "pekan ini", "akhir tahun",
	    "akhir pekan", "akhir minggu", "pagi ini", "siang ini", "sore ini", "malam ini",
	    "nanti siang", "nanti sore", "nanti malam"};
	const char *p = text + strspn(text, " \t\n,;:("), *rest;
	bool has_time, found = false;
	int64_t due;

	while (*p != '\0') {
		for (size_t i = 0; !found && i < sizeof(days) / sizeof(days[0]); i++)
			found = reply_word_len(p, days[i]) > 0;
		found = found || (!is_reference(p) &&
		                     read_at(p, mail_ms, &due, &has_time, &rest) != DATE_NONE);
		if (found) {
			if (what_r != NULL)
				*what_r = p;
			return true;
		}
		p += strcspn(p, " \t\n,;:(");
		p += strspn(p, " \t\n,;:(");
	}
	return false;
}
