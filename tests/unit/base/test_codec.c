/*
 * test_codec: xtext (RFC 3461 section 4), the encoding that is only read.
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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(xtext_is_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
