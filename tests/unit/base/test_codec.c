/*
 * test_codec: xtext (RFC 3461 section 4), the encoding that is only read; JSON strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/base/codec.h"

static const struct {
	const char *in, *out; /* NULL: none */
} xtexts[] = {
    {"", ""},
    {"a@b.example", "a@b.example"},
    {"a+2Bb+3D+20c", "a+b= c"},
    {"+0D+0A", "\r\n"},
    {"+E9", "\xe9"},
    {"a+2", NULL},
    {"a+", NULL},
    {"+2b", NULL},
    {"+GG", NULL},
    {"a=b", NULL},
    {"a b", NULL},
    {"k\xc3\xa9", NULL},
};

static void xtext_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(xtexts) / sizeof(xtexts[0]); i++) {
		struct buf out = {0};
		int rc = codec_unxtext(&out, xtexts[i].in, strlen(xtexts[i].in));

		if (rc != (xtexts[i].out ? 1 : -1) ||
		    (xtexts[i].out && strcmp(buf_str(&out), xtexts[i].out) != 0))
			fail_msg("%s: %d \"%s\"", xtexts[i].in, rc, buf_str(&out));
		buf_free(&out);
	}
}

static const struct {
	const char *in, *out;
} jsons[] = {
    {"", "\"\""},
    {"Undangan rapat", "\"Undangan rapat\""},
    {"\"a\\b\"", "\"\\\"a\\\\b\\\"\""},
    {"satu\tdua\r\n\x01", "\"satu\\u0009dua\\u000d\\u000a\\u0001\""},
    {"caf\xc3\xa9 \x7f", "\"caf\xc3\xa9 \x7f\""},
};

static void json_is_quoted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(jsons) / sizeof(jsons[0]); i++) {
		struct buf out = {0};

		codec_json_string(&out, jsons[i].in);
		assert_string_equal(buf_str(&out), jsons[i].out);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(xtext_is_read), cmocka_unit_test(json_is_quoted)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
