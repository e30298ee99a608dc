/*
 * clock: wall and monotonic time, and the city's calendar. The office's time is a parameter of the
 * functions that need it; only roles read clock_now_ms. The city keeps UTC+7 all year (WIB).
 */
#include "mtagw/base/clock.h"

#include <stdio.h>
#include <time.h>

#define CITY_OFFSET_SECS (7 * 3600)

static int64_t offset_ms;

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME) + offset_ms;
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

void clock_set_offset_ms(int64_t offset)
{
	offset_ms = offset;
}

struct city_date clock_city_date(int64_t at_ms)
{
	time_t t = (time_t)(at_ms / 1000 + CITY_OFFSET_SECS);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	return (struct city_date){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, tm.tm_wday};
}

void clock_rfc5322(int64_t at_ms, char out[40])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct city_date d = clock_city_date(at_ms);

	(void)snprintf(out, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0700", days + 3 * d.weekday,
	    d.day, months + 3 * (d.month - 1), d.year, d.hour, d.minute, d.second);
}

void clock_iso8601(int64_t at_ms, char out[32])
{
	struct city_date d = clock_city_date(at_ms);

	(void)snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d+07:00", d.year, d.month, d.day,
	    d.hour, d.minute, d.second);
}

void clock_iso_day(int64_t at_ms, char out[16])
{
	struct city_date d = clock_city_date(at_ms);

	(void)snprintf(out, 16, "%04d-%02d-%02d", d.year, d.month, d.day);
}
