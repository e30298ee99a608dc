/* clock: the time of the office and of waits. SQL never tells the time (DESIGN 14). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Wall clock in milliseconds since 1970 UTC, moved by the offset of clock_set_offset_ms. */
int64_t clock_now_ms(void);
/* Never goes back; only differences mean something. Milliseconds. */
int64_t clock_mono_ms(void);
/* Adds to every clock_now_ms from now on: `clock_offset_secs` of the settings, for tests of year
 * change and leap days. */
void clock_set_offset_ms(int64_t offset_ms);

/* A calendar day of the city (Asia/Jakarta, UTC+7, no summer time). */
struct city_date {
	int year, month, day; /* month 1..12, day 1..31 */
	int hour, minute, second;
	int weekday; /* 0 Sunday */
};
struct city_date clock_city_date(int64_t at_ms);

/* `Tue, 24 Nov 2026 08:00:00 +0700` (RFC 5322 section 3.3), needs 40 bytes. */
void clock_rfc5322(int64_t at_ms, char out[40]);
/* `2026-11-24T08:00:00+07:00`, needs 32 bytes. */
void clock_iso8601(int64_t at_ms, char out[32]);
/* `2026-11-24`, needs 16 bytes. */
void clock_iso_day(int64_t at_ms, char out[16]);

#endif
