/*
 * test_guard: each limit at its edge and one over it, in every cut, and in linear time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mtagw/mail/guard.h"
#include "mtagw/mail/mime.h"

static const struct guard_limits limits = {.message_max = 64 << 20};

static void fill(struct buf *b, char c, size_t n)
{
	memset(buf_room(b, n), c, n);
	b->len += n;
	b->data[b->len] = '\0';
}

static void nested_multiparts(struct buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_printf(b, "%sContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n",
		    i ? "" : "A: b\r\n", i, i);
	buf_puts(b, "\r\nisi\r\n");
}

static void nested_messages(struct buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_puts(b, "Content-Type: message/rfc822\r\n\r\n");
	buf_puts(b, "A: b\r\n\r\nisi\r\n");
}

static void parts(struct buf *b, int n)
{
	buf_puts(b, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < n; i++)
		buf_puts(b, "--x\r\n\r\na\r\n");
	buf_puts(b, "--x--\r\n");
}

/* Parts spread over multiparts that follow each other. */
static void parts_spread(struct buf *b, int n)
{
	buf_puts(b, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < n; i += 2)
		buf_puts(b, "--x\r\nContent-Type: multipart/mixed; "
		            "boundary=y\r\n\r\n--y\r\n\r\na\r\n--y--\r\n");
	buf_puts(b, "--x--\r\n");
}

static void header_of(struct buf *b, int bytes)
{
	while (b->len + 100 < (size_t)bytes) {
		buf_puts(b, "X-A: ");
		fill(b, 'a', 70);
		buf_puts(b, "\r\n");
	}
	buf_puts(b, "X-B: ");
	fill(b, 'b', (size_t)bytes - b->len - 2);
	buf_puts(b, "\r\n\r\nisi\r\n");
}

static void field_of(struct buf *b, int bytes)
{
	buf_puts(b, "X-A: ");
	while (b->len + 80 < (size_t)bytes) {
		fill(b, 'a', 70);
		buf_puts(b, "\r\n ");
	}
	fill(b, 'a', (size_t)bytes - b->len - 2);
	buf_puts(b, "\r\n\r\nisi\r\n");
}

static void one_line_field(struct buf *b, int bytes)
{
	buf_puts(b, "X-A: ");
	fill(b, 'a', (size_t)bytes - 5); /* and it never ends */
}

static void fields(struct buf *b, int n)
{
	for (int i = 0; i < n; i++)
		buf_puts(b, "a:b\r\n");
	buf_puts(b, "\r\nisi\r\n");
}

static void nul_at(struct buf *b, int where)
{
	buf_puts(b, where ? "A: b\r\n\r\nsatu\r\ndu" : "A: ");
	fill(b, '\0', 1);
	buf_puts(b, "x\r\n");
}

static void part_header_of(struct buf *b, int bytes)
{
	buf_puts(b, "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n");
	for (int n = 0; n < bytes; n += 100) {
		fill(b, 'a', 1);
		buf_puts(b, ":");
		fill(b, 'b', 96);
		buf_puts(b, "\r\n");
	}
	buf_puts(b, "\r\n--x--\r\n");
}

static void encoded_message(struct buf *b, int lines)
{
	buf_puts(b, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	for (int i = 0; i < lines; i++)
		buf_puts(b, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
		            "FBQUFBQUFB\r\n");
}

static const struct {
	const char *label;
	void (*make)(struct buf *b, int n);
	int n;
	const char *error; /* NULL: passes */
} cases[] = {
    {"20 multiparts", nested_multiparts, 20, NULL},
    {"21 multiparts", nested_multiparts, 21, "parts nested too deep (limit 20)"},
    {"100,000 multiparts", nested_multiparts, 100000, "parts nested too deep (limit 20)"},
    {"20 messages", nested_messages, 20, NULL},
    {"21 messages", nested_messages, 21, "parts nested too deep (limit 20)"},
    {"100,000 messages", nested_messages, 100000, "parts nested too deep (limit 20)"},
    {"1,000 parts", parts, 1000, NULL},
    {"1,001 parts", parts, 1001, "too many parts (limit 1000)"},
    {"1,000 parts, spread", parts_spread, 1000, NULL},
    {"1,002 parts, spread", parts_spread, 1002, "too many parts (limit 1000)"},
    {"header of 256 KiB", header_of, 256 * 1024, NULL},
    {"header one over", header_of, 256 * 1024 + 1, "header too large (limit 262144)"},
    {"header of 300 KB", header_of, 300000, "header too large (limit 262144)"},
    {"header of a part", part_header_of, 300000, "header too large (limit 262144)"},
    {"field of 64 KiB", field_of, 64 * 1024, NULL},
    {"field one over", field_of, 64 * 1024 + 1, "header field too large (limit 65536)"},
    {"field that never ends", one_line_field, 70000, "header field too large (limit 65536)"},
    {"20,000 fields", fields, 20000, NULL},
    {"20,001 fields", fields, 20001, "too many header fields (limit 20000)"},
    {"NUL in the header", nul_at, 0, "NUL byte at line 1"},
    {"NUL in the body", nul_at, 1, "NUL byte at line 4"},
    {"encoded message of 800 KB", encoded_message, 10000, NULL},
};

static int feed_cut(const struct buf *b, size_t cut, struct err *error_r)
{
	struct guard *guard = guard_new(&limits);
	int result = 1;

	for (size_t i = 0; i < b->len && result > 0; i += cut)
		result =
		    guard_feed(guard, b->data + i, b->len - i < cut ? b->len - i : cut, error_r);
	if (result < 0)
		assert_int_equal(guard_feed(guard, "x", 1, NULL), -1);
	guard_free(&guard);
	return result;
}

static void test_limits(void **state)
{
	static const size_t cuts[] = {1, 7, 4096, 1 << 30};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};

		cases[i].make(&b, cases[i].n);
		for (size_t k = 0; k < sizeof(cuts) / sizeof(cuts[0]); k++) {
			struct err err = {{0}};
			int r = feed_cut(&b, cuts[k], &err);

			if (r != (cases[i].error ? -1 : 1) ||
			    (cases[i].error &&
			        strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0))
				fail_msg("%s by %zu: %d %s", cases[i].label, cuts[k], r, err.text);
		}
		if (cases[i].error == NULL) { /* what passed can be parsed */
			struct arena *arena = arena_new();
			struct mime_part *root;

			assert_int_equal(mime_parse(buf_range(&b), arena, &root, NULL), 1);
			arena_free(&arena);
		}
		buf_free(&b);
	}
}

static void test_size(void **state)
{
	static const struct guard_limits small = {.message_max = 10};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(guard_check(range_of("A: b\r\n\r\nxx"), &small, NULL), 1);
	assert_int_equal(guard_check(range_of("A: b\r\n\r\nxxx"), &small, &err), -1);
	assert_string_equal(err.text, "message larger than 10 bytes");
	assert_int_equal(guard_check(range_of(""), &small, NULL), 1);
}

/* 32 MB of delimiter look-alikes under 20 open boundaries that share a beginning, and 10 MB without
 * a line end. */
static void test_time(void **state)
{
	struct buf b = {0};
	clock_t start = clock();

	(void)state;
	nested_multiparts(&b, 20);
	while (b.len < 32u << 20)
		buf_puts(&b, "--b\r\n--b1x\r\n");
	assert_int_equal(guard_check(buf_range(&b), &limits, NULL), 1);
	buf_reset(&b);
	buf_puts(&b, "A: b\r\n\r\n");
	fill(&b, 'x', 10 << 20);
	assert_int_equal(feed_cut(&b, 4096, NULL), 1);
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC); /* seen: 0.4 s without sanitizers */
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
