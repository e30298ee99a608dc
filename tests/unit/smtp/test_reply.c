/* Replies: grammar, limits, pieces; stuffing of dots over pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/base/buf.h"
#include "mtagw/smtp/dot_stuff.h"
#include "mtagw/smtp/reply.h"

static const struct {
	const char *label, *input;
	int rc, code;
	const char *enhanced, *text;
	size_t used;
} cases[] = {
    {"plain", "250 OK\r\n", 1, 250, "", "OK", 8},
    {"no text", "250\r\n", 1, 250, "", "", 5},
    {"blank only", "250 \r\n", 1, 250, "", "", 6},
    {"enhanced", "550 5.1.1 no such user\r\n", 1, 550, "5.1.1", "no such user", 24},
    {"enhanced alone", "250 2.0.0\r\n", 1, 250, "2.0.0", "", 11},
    {"enhanced of another class", "550 2.0.0 x\r\n", 1, 550, "", "2.0.0 x", 13},
    {"enhanced with four digits", "550 5.1234.1 x\r\n", 1, 550, "", "5.1234.1 x", 16},
    {"enhanced cut", "550 5.1. x\r\n", 1, 550, "", "5.1. x", 12},
    {"two lines", "250-a\r\n250 b\r\n", 1, 250, "", "a b", 14},
    {"codes on each line", "550-5.7.1 a\r\n550 5.7.1 b\r\n", 1, 550, "5.7.1", "a b", 26},
    {"next reply stays", "250 a\r\n354 b\r\n", 1, 250, "", "a", 7},
    {"bare LF", "250 a\n", 1, 250, "", "a", 6},
    {"control", "250 a\tb\x01\x7f\r\n", 1, 250, "", "a b??", 11},
    {"CR inside", "250 a\rb\r\n", 1, 250, "", "a?b", 9},
    {"half", "250 a", 0, 0, "", "", 0},
    {"half second line", "250-a\r\n250", 0, 250, "", "a", 7},
    {"empty", "", 0, 0, "", "", 0},
    {"two codes", "250-a\r\n251 b\r\n", -1, 250, "", "", 14},
    {"no digits", "abc d\r\n", -1, 0, "", "", 7},
    {"first digit 1", "150 x\r\n", -1, 0, "", "", 7},
    {"first digit 6", "650 x\r\n", -1, 0, "", "", 7},
    {"second digit 6", "260 x\r\n", -1, 0, "", "", 7},
    {"four digits", "2500 x\r\n", -1, 0, "", "", 8},
    {"empty line", "\r\n", -1, 0, "", "", 2},
};

static void check(const char *label, int rc, const struct smtp_reply *r, size_t i)
{
	char text[SMTP_REPLY_TEXT_MAX];

	if (rc != cases[i].rc)
		fail_msg("%s: rc %d", label, rc);
	if (rc < 0)
		return;
	smtp_reply_text(r, text);
	if (r->code != cases[i].code || strcmp(r->enhanced, cases[i].enhanced) != 0 ||
	    strcmp(text, cases[i].text) != 0)
		fail_msg("%s: %d \"%s\" \"%s\"", label, r->code, r->enhanced, text);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_reply r = {0};
		size_t used;
		int rc = smtp_reply_read(&r, range_of(cases[i].input), &used, NULL);

		check(cases[i].label, rc, &r, i);
		if (used != cases[i].used)
			fail_msg("%s: used %zu", cases[i].label, used);
		smtp_reply_free(&r);
	}
}

/* The same, a byte more at each call. */
static void test_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_reply r = {0};
		size_t at = 0, used;
		int rc = 0;

		for (size_t len = 0; rc == 0 && at + len <= strlen(cases[i].input); len++) {
			rc = smtp_reply_read(
			    &r, (struct range){cases[i].input + at, len}, &used, NULL);
			if (used > 0) {
				at += used;
				len = (size_t)-1;
			}
		}
		check(cases[i].label, rc, &r, i);
		smtp_reply_free(&r);
	}
}

static void test_limits(void **state)
{
	struct smtp_reply r = {0};
	struct buf b = {0};
	char text[SMTP_REPLY_TEXT_MAX];
	size_t used;

	(void)state;
	for (int i = 0; i < SMTP_REPLY_LINE_MAX + 1; i++)
		buf_putc(&b, '2');
	assert_int_equal(smtp_reply_read(&r, buf_range(&b), &used, NULL), -1);
	buf_reset(&b);
	smtp_reply_reset(&r);
	for (int i = 0; i <= SMTP_REPLY_LINES_MAX; i++)
		buf_puts(&b, "250-x\r\n");
	assert_int_equal(smtp_reply_read(&r, buf_range(&b), &used, NULL), -1);
	buf_reset(&b);
	smtp_reply_reset(&r);
	buf_puts(&b, "550 ");
	for (int i = 0; i < 200; i++)
		buf_puts(&b, "\xc3\xa9");
	buf_puts(&b, "\r\n");
	assert_int_equal(smtp_reply_read(&r, buf_range(&b), &used, NULL), 1);
	smtp_reply_text(&r, text);
	assert_int_equal(strlen(text), 254); /* whole characters */
	smtp_reply_free(&r);
	buf_free(&b);
}

static void test_stuffing(void **state)
{
	static const struct {
		const char *label, *input, *wanted;
	} table[] = {
	    {"empty", "", ""},
	    {"plain", "a\r\nb\r\n", "a\r\nb\r\n"},
	    {"dot first", ".a\r\n", "..a\r\n"},
	    {"dot alone", "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n"},
	    {"dots", "...\r\n..\r\n", "....\r\n...\r\n"},
	    {"dot inside", "a.b\r\n", "a.b\r\n"},
	    {"no line end", "a", "a\r\n"},
	    {"CR at the end", "a\r", "a\r\n"},
	    {"dot without line end", ".", "..\r\n"},
	    {"bare LF is no line end", "a\n.b\r\n", "a\n.b\r\n"},
	    {"bare CR is no line end", "a\r.b\r\n", "a\r.b\r\n"},
	    {"empty lines", "\r\n\r\n.\r\n", "\r\n\r\n..\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (size_t step = 1; step < 9; step++) {
			struct dot_stuff s = {DOT_LINE_START};
			struct buf out = {0};
			size_t len = strlen(table[i].input);

			for (size_t at = 0; at < len; at += step)
				dot_stuff_add(&s, table[i].input + at,
				    len - at < step ? len - at : step, &out);
			dot_stuff_end(&s, &out);
			if (strcmp(buf_str(&out), table[i].wanted) != 0)
				fail_msg(
				    "%s, pieces of %zu: %s", table[i].label, step, buf_str(&out));
			buf_free(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_pieces), cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_stuffing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
