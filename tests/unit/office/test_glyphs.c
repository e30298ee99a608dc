/*
 * Characters without a glyph are named, each once; what has no look is none of them. The last
 * characters of Unicode's private planes stand for those that no font has.
 */
#include "mtagw/office/glyphs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_missing(void **state)
{
	static const struct {
		const char *label, *text, *wanted;
	} cases[] = {
	    {"ASCII", "Yth. Kepala Dinas <p>\n\t1. a", NULL},
	    {"Latin and signs",
	        "caf\xc3\xa9 \xe2\x80\x93 \xe2\x80\x9ckutip\xe2\x80\x9d \xe2\x82\xac", NULL},
	    {"without a look",
	        "\xc2\xa0\xc2\xad\xe2\x80\x8b\xe2\x80\x8d\xe2\x80\xa8\xe2\x80\xaf\xe3\x80\x80"
	        "\xef\xb8\x8f\xef\xbb\xbf",
	        NULL},
	    {"hyphen that does not break", "e\xe2\x80\x91office", NULL},
	    {"two, each once", "a\xf4\x8f\xbf\xb0 b\xf4\x8f\xbf\xb1\xf4\x8f\xbf\xb0",
	        "\xf4\x8f\xbf\xb0 (U+10FFF0), \xf4\x8f\xbf\xb1 (U+10FFF1)"},
	    {"not UTF-8", "\xff\xc3", NULL},
	};
	struct glyphs *glyphs = glyphs_new();

	(void)state;
	if (glyphs == NULL) {
		print_message("no font is installed: skipped\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new();
		const char *got = glyphs_missing(glyphs, range_of(cases[i].text), arena);

		if (cases[i].wanted == NULL ? got != NULL
		                            : got == NULL || strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: %s", cases[i].label, got ? got : "none");
		arena_free(&arena);
	}
	glyphs_free(&glyphs);
	assert_null(glyphs);
}

/* A long list ends with a sign that it does. */
static void test_many(void **state)
{
	struct glyphs *glyphs = glyphs_new();
	struct arena *arena = arena_new();
	struct buf text = {0};
	const char *got;

	(void)state;
	if (glyphs == NULL)
		skip();
	for (int i = 0; i < 40; i++)
		buf_printf(&text, "\xf4\x8f\xbe%c", 0x80 + i);
	got = glyphs_missing(glyphs, buf_range(&text), arena);
	assert_non_null(got);
	assert_non_null(strstr(got, "(U+10FF89), \xe2\x80\xa6"));
	assert_null(strstr(got, "U+10FF8A"));
	buf_free(&text);
	arena_free(&arena);
	glyphs_free(&glyphs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
