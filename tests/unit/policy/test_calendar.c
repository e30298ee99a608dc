/*
 * calendar: due times, reminders and escalations on the city's working calendar and on the clock:
 * breaks, Fridays, weekends, holidays, collective leave, the end of a year and of a leap February.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/policy/policy.h"

#define HOUR ((int64_t)3600 * 1000)

static struct arena *arena;
static struct policy_file *files;
static size_t file_count;
static struct policy *policy;

/* `2026-11-25 08:00` of the city (UTC+7, no summer time) in milliseconds. */
static int64_t at(const char *text)
{
	int y, mo, d, h, mi;
	int64_t days;

	assert_int_equal(sscanf(text, "%d-%d-%d %d:%d", &y, &mo, &d, &h, &mi), 5);
	y -= mo <= 2;
	days = (int64_t)y * 365 + y / 4 - y / 100 + y / 400 +
	       (153 * (mo + (mo > 2 ? -3 : 9)) + 2) / 5 + d - 1 - 719468;
	return ((days * 24 + h - 7) * 60 + mi) * 60 * 1000;
}

static const char *shown(int64_t ms)
{
	char text[32];

	clock_iso8601(ms, text);
	return arena_printf(arena, "%.10s %.5s", text, text + 11);
}

static void due_times_count_working_hours(void **state)
{
	static const struct {
		const char *label, *from;
		double hours;
		const char *due;
	} cases[] = {
	    {"within a span", "2026-11-25 08:00", 2, "2026-11-25 10:00"},
	    {"over the break", "2026-11-25 11:00", 2, "2026-11-25 14:00"},
	    {"to the end of a span", "2026-11-25 11:00", 1, "2026-11-25 12:00"},
	    {"a whole day", "2026-11-25 07:30", 7.5, "2026-11-25 16:00"},
	    {"into the next day", "2026-11-25 15:00", 2, "2026-11-26 08:30"},
	    {"before opening", "2026-11-25 05:00", 1, "2026-11-25 08:30"},
	    {"in the night", "2026-11-25 22:00", 1, "2026-11-26 08:30"},
	    {"in the break", "2026-11-25 12:20", 1, "2026-11-25 14:00"},
	    {"Friday's long break", "2026-11-27 11:00", 1, "2026-11-27 13:30"},
	    {"Friday into Monday", "2026-11-27 16:00", 1, "2026-11-30 08:00"},
	    {"on a Saturday", "2026-11-28 10:00", 1, "2026-11-30 08:30"},
	    {"five working days", "2026-11-25 10:00", 37.5, "2026-12-02 10:00"},
	    {"collective leave, holiday, weekend", "2026-12-23 15:00", 2, "2026-12-28 08:30"},
	    {"over the end of the year", "2026-12-31 15:00", 2, "2027-01-04 08:30"},
	    {"nothing, in a span", "2026-11-25 10:00", 0, "2026-11-25 10:00"},
	    {"nothing, in the night", "2026-11-25 23:00", 0, "2026-11-26 07:30"},
	    {"leap February", "2028-02-28 15:00", 2, "2028-02-29 08:30"},
	    {"less than nothing", "2026-11-25 10:00", -5, "2026-11-25 10:00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = shown(policy_due(
		    policy, at(cases[i].from), (int64_t)(cases[i].hours * (double)HOUR)));

		if (strcmp(got, cases[i].due) != 0)
			fail_msg("%s: %s + %g h: got %s, wanted %s", cases[i].label, cases[i].from,
			    cases[i].hours, got, cases[i].due);
	}
}

static void before_is_the_mirror(void **state)
{
	static const struct {
		const char *label, *due;
		double hours;
		const char *before;
	} cases[] = {
	    {"within a span", "2026-11-25 10:00", 2, "2026-11-25 08:00"},
	    {"over the break", "2026-11-25 14:00", 2, "2026-11-25 11:00"},
	    {"to the beginning of a span", "2026-11-25 14:00", 1, "2026-11-25 13:00"},
	    {"Monday into Friday", "2026-11-30 08:00", 1, "2026-11-27 16:00"},
	    {"a due time in the night", "2026-11-25 23:59", 7.5, "2026-11-25 07:30"},
	    {"a due time on a Sunday", "2026-11-29 12:00", 1, "2026-11-27 15:30"},
	    {"over New Year", "2027-01-04 08:30", 2, "2026-12-31 15:00"},
	    {"nothing, in the night", "2026-11-25 23:00", 0, "2026-11-25 16:00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = shown(policy_before(
		    policy, at(cases[i].due), (int64_t)(cases[i].hours * (double)HOUR)));

		if (strcmp(got, cases[i].before) != 0)
			fail_msg("%s: %s - %g h: got %s, wanted %s", cases[i].label, cases[i].due,
			    cases[i].hours, got, cases[i].before);
	}
	/* Forth and back over every hour of a fortnight with weekend and holidays. */
	for (int64_t from = at("2026-12-20 00:00"); from < at("2027-01-04 00:00"); from += HOUR / 2)
		for (int64_t hours = 1; hours < 40; hours += 7) {
			int64_t due = policy_due(policy, from, hours * HOUR),
			        back = policy_before(policy, due, hours * HOUR);

			/* back may lie in the break or night before an opening: no work between */
			assert_int_equal(policy_due(policy, back, hours * HOUR), due);
			assert_true(back >= from);
		}
}

static void days_of_work_are_known(void **state)
{
	static const struct {
		const char *at;
		bool works;
	} cases[] = {{"2026-11-25 00:00", true}, {"2026-11-25 23:59", true},
	    {"2026-11-27 12:00", true}, {"2026-11-28 12:00", false}, {"2026-11-29 12:00", false},
	    {"2026-12-24 08:00", false}, {"2026-12-25 08:00", false}, {"2026-12-26 00:00", false},
	    {"2026-12-28 00:00", true}, {"2027-01-01 08:00", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (policy_working_day(policy, at(cases[i].at)) != cases[i].works)
			fail_msg("%s", cases[i].at);
	assert_string_equal(policy_holiday(policy, at("2026-12-25 23:59")), "Hari Raya Natal");
	assert_null(policy_holiday(policy, at("2026-12-26 00:00")));
}

static void urgencies_have_words_and_times(void **state)
{
	static const struct {
		const char *word, *id;
	} cases[] = {{"biasa", "normal"}, {"Segera", "urgent"}, {"sangat  segera", "immediate"},
	    {"SANGAT\xc2\xa0SEGERA", "immediate"}, {"Kilat", "immediate"},
	    {"penting.", "important"}, {"segera sekali", "-"}, {"", "-"}};
	static const struct {
		const char *id, *from, *due, *remind, *escalate;
	} times[] = {
	    {"normal", "2026-11-25 10:00", "2026-12-02 10:00", "2026-12-01 10:00",
	        "2026-12-03 10:00"},
	    {"immediate", "2026-11-27 16:00", "2026-11-28 16:00", "2026-11-28 04:00",
	        "2026-11-28 17:00"},
	    {"urgent", "2026-12-31 20:00", "2027-01-02 20:00", "2027-01-01 20:00",
	        "2027-01-03 00:00"},
	    {"important", "2026-11-25 10:00", "2026-11-28 10:00", "2026-11-27 10:00",
	        "2026-11-28 22:00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_urgency *u = policy_urgency_by_word(policy, cases[i].word);

		if (strcmp(u ? u->id : "-", cases[i].id) != 0)
			fail_msg("\"%s\": %s", cases[i].word, u ? u->id : "-");
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct policy_urgency *u = policy_urgency(policy, times[i].id);
		int64_t due = policy_due_of(policy, u, at(times[i].from));

		assert_string_equal(shown(due), times[i].due);
		assert_string_equal(shown(policy_remind_of(policy, u, due)), times[i].remind);
		assert_string_equal(shown(policy_escalate_of(policy, u, due)), times[i].escalate);
	}
	assert_null(policy_urgency(policy, "biasa"));
	assert_null(policy_urgency(policy, NULL));
}

/* A calendar that was misspelt is refused; one without Fridays counts without them. */
static void calendars_are_checked(void **state)
{
	static const struct {
		const char *label, *from, *to, *wanted;
	} cases[] = {
	    {"no such weekday", "days=\"fri\" from=\"7:30\"", "days=\"jum\" from=\"7:30\"",
	        "days=: write mon-thu"},
	    {"weekdays backwards", "days=\"mon-thu\" from=\"7:30\"",
	        "days=\"thu-mon\" from=\"7:30\"", "days=: write mon-thu"},
	    {"no such time", "from=\"7:30\" to=\"12:00\"", "from=\"7.30\" to=\"12:00\"",
	        "from=\"7.30\": write hours and minutes as 7:30"},
	    {"sixty-one minutes", "from=\"7:30\" to=\"12:00\"", "from=\"7:61\" to=\"12:00\"",
	        "from=\"7:61\""},
	    {"past midnight", "to=\"16:30\"", "to=\"24:30\"", "to=\"24:30\""},
	    {"ends before it begins", "to=\"16:30\"", "to=\"12:30\"", "ends before it begins"},
	    {"spans overlap", "from=\"13:00\" to=\"16:00\"", "from=\"11:00\" to=\"16:00\"",
	        "lie in those of another"},
	    {"no such day", "2026-12-25", "2026-02-30", "date=\"2026-02-30\" is no date"},
	    {"twice", "2026-12-25", "2026-12-24", "the holiday 2026-12-24 stands twice"},
	    {"an urgency is missing",
	        "<urgency id=\"urgent\" word=\"segera\" clock=\"yes\" "
	        "hours=\"48:00\" remind=\"24:00\" escalate=\"4:00\"/>",
	        "", "<urgency id=\"urgent\">"},
	    {"unknown urgency", "id=\"urgent\"", "id=\"quick\"", "known words are normal"},
	    {"word of another", "word=\"penting\"", "word=\"kilat\"", "\"kilat\" is the urgency"},
	    {"reminder too early", "hours=\"48:00\" remind=\"24:00\"",
	        "hours=\"48:00\" remind=\"49:00\"", "the reminder would come before the letter"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_file *copy = arena_alloc(arena, file_count * sizeof(*copy));
		struct policy_report report = {0};
		struct policy *changed;

		for (size_t k = 0; k < file_count; k++) {
			const char *text =
			               arena_strndup(arena, files[k].bytes.p, files[k].bytes.len),
			           *where = strstr(text, cases[i].from);

			copy[k] = files[k];
			if (strcmp(files[k].path, "policies/urgency.xml") != 0)
				continue;
			assert_non_null(where);
			copy[k].bytes = range_of(arena_printf(arena, "%.*s%s%s",
			    (int)(where - text), text, cases[i].to, where + strlen(cases[i].from)));
		}
		changed = policy_load(copy, file_count, 1, &report);
		if (changed != NULL || strstr(buf_str(&report.text), cases[i].wanted) == NULL)
			fail_msg("%s: got \"%s\"", cases[i].label, buf_str(&report.text));
		buf_free(&report.text);
	}
}

static int set_up(void **state)
{
	struct policy_report report = {0};
	struct err err;

	(void)state;
	arena = arena_new();
	if (policy_read_dir("policies", "templates", arena, &files, &file_count, &err) < 0) {
		print_message("%s\n", err.text);
		return -1;
	}
	policy = policy_load(files, file_count, 1, &report);
	if (policy == NULL)
		print_message("%s", buf_str(&report.text));
	buf_free(&report.text);
	return policy ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	policy_free(&policy);
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(due_times_count_working_hours),
	    cmocka_unit_test(before_is_the_mirror),
	    cmocka_unit_test(days_of_work_are_known),
	    cmocka_unit_test(urgencies_have_words_and_times),
	    cmocka_unit_test(calendars_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
