/* Dates of mails: forms, days that cannot be, clocks that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mtagw/mail/date.h"

static int64_t parsed(const char *text)
{
	int64_t at = -1;

	return date_parse(range_of(text), &at) == 1 ? at / 1000 : -1;
}

static void test_forms(void **state)
{
	(void)state;
	assert_int_equal(parsed("Tue, 24 Nov 2026 09:14:00 +0700"), 1795486440);
	assert_int_equal(parsed("24 Nov 2026 09:14 +0700"), 1795486440);
	assert_int_equal(parsed(" Tue, 24 Nov 2026 02:14:00 GMT"), 1795486440);
	assert_int_equal(parsed("Tue, 24 Nov 2026 02:14:00 +0000 (UTC)"), 1795486440);
	assert_int_equal(parsed("Mon, 23 Nov 2026 20:44:00 -0530"), 1795486440);
	assert_int_equal(parsed("24 Nov 26 02:14:00 GMT"), 1795486440);
}

static void test_no_dates(void **state)
{
	static const char *const bad[] = {"", "besok", "Tue, 31 Feb 2026 09:14:00 +0700",
	    "29 Feb 2026 09:14:00 +0000", "24 Nov 2026 25:14:00 +0000", "0 Nov 2026 02:14:00 +0000",
	    "24 Nov 1969 02:14:00 +0000", "24 Nov 2026"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parsed(bad[i]), -1);
}

static int64_t of(const char *block, int64_t received)
{
	struct arena *arena = arena_new();
	struct header header;
	struct range rest;
	struct err err;
	int64_t at;

	assert_int_equal(header_parse(range_of(block), arena, &header, &rest, &err), 1);
	at = date_of(&header, received);
	arena_free(&arena);
	return at;
}

static void test_of_mail(void **state)
{
	const int64_t received = INT64_C(1795486440000);

	(void)state;
	assert_int_equal(
	    of("Date: Tue, 24 Nov 2026 09:13:00 +0700\r\n\r\n", received), received - 60000);
	assert_int_equal(of("Subject: x\r\n\r\n", received), received);
	assert_int_equal(of("Date: Sat, 24 Nov 2046 09:13:00 +0700\r\n\r\n", received), received);
	assert_int_equal(of("Date: Sat, 24 Nov 1979 09:13:00 +0700\r\n\r\n", received), received);
	assert_int_equal(of("Date: Tue, 24 Nov 2026 09:13:00 +0700\r\n"
	                    "Date: Tue, 24 Nov 2026 09:12:00 +0700\r\n\r\n",
	                     received),
	    received);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_no_dates), cmocka_unit_test(test_of_mail)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
