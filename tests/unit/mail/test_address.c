/*
 * test_address: envelope paths, bare addresses, header lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/address.h"

#define L64 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"

static const struct {
	const char *label, *input;
	int null_ok;
	const char *wanted, *rest; /* wanted NULL: refused */
} paths[] = {
    {"plain", "<kadis.diskominfo@dumai.example>", 1, "kadis.diskominfo@dumai.example", ""},
    {"parameters", "<a@b.example> SIZE=10 BODY=8BITMIME", 1, "a@b.example",
        " SIZE=10 BODY=8BITMIME"},
    {"domain lowered", "<A.b@DUMAI.Example>", 1, "A.b@dumai.example", ""},
    {"null sender", "<>", 1, "", ""},
    {"null recipient", "<>", 0, NULL, NULL},
    {"postmaster", "<Postmaster>", 0, "postmaster", ""},
    {"postmaster as sender", "<postmaster>", 1, NULL, NULL},
    {"source route", "<@x.example,@y.example:a@b.example>", 1, "a@b.example", ""},
    {"broken route", "<@x.example,:a@b.example>", 1, NULL, NULL},
    {"route alone", "<@x.example:>", 1, NULL, NULL},
    {"quoted", "<\"a b\"@c.example>", 1, "\"a b\"@c.example", ""},
    {"quoted needlessly", "<\"ab\"@c.example>", 1, "ab@c.example", ""},
    {"quoted >", "<\"a>b\"@c.example>", 1, "\"a>b\"@c.example", ""},
    {"escaped quote", "<\"a\\\"b\"@c.example>", 1, "\"a\\\"b\"@c.example", ""},
    {"IPv4", "<a@[192.0.2.1]>", 1, "a@[192.0.2.1]", ""},
    {"IPv6", "<a@[IPv6:2001:db8::1]>", 1, "a@[ipv6:2001:db8::1]", ""},
    {"bad literal", "<a@[192.0.2.300]>", 1, NULL, NULL},
    {"64 octets", "<" L64 "@b.example>", 1, L64 "@b.example", ""},
    {"65 octets", "<" L64 "x@b.example>", 1, NULL, NULL},
    {"label of 64", "<a@" L64 ".example>", 1, NULL, NULL},
    {"CRLF", "<a@b.example\r\nRCPT TO:<x@y>", 1, NULL, NULL},
    {"LF in quotes", "<\"a\nb\"@c.example>", 1, NULL, NULL},
    {"UTF-8", "<k\xc3\xa9@\xe4\xbe\x8b.Example>", 1, "k\xc3\xa9@\xe4\xbe\x8b.example", ""},
    {"UTF-8 in quotes", "<\"k\xc3\xa9 a\"@c.example>", 1, "\"k\xc3\xa9 a\"@c.example", ""},
    {"8-bit, no UTF-8", "<k\xe9@c.example>", 1, NULL, NULL},
    {"UTF-8 cut", "<k\xc3@c.example>", 1, NULL, NULL},
    {"direction override", "<k\xe2\x80\xae@c.example>", 1, NULL, NULL},
    {"C1 control", "<k\xc2\x85@c.example>", 1, NULL, NULL},
    {"no bracket", "a@b.example", 1, NULL, NULL},
    {"open", "<a@b.example", 1, NULL, NULL},
    {"blank inside", "<a@b.example >", 1, NULL, NULL},
    {"two ats", "<a@b@c.example>", 1, NULL, NULL},
    {"dots", "<a..b@c.example>", 1, NULL, NULL},
    {"dot first", "<.a@c.example>", 1, NULL, NULL},
    {"empty label", "<a@c..example>", 1, NULL, NULL},
    {"dot last", "<a@c.example.>", 1, NULL, NULL},
    {"hyphen first", "<a@-c.example>", 1, NULL, NULL},
    {"no domain", "<a>", 1, NULL, NULL},
    {"empty", "", 1, NULL, NULL},
};

static void test_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct arena *arena = arena_new();
		struct address a;
		struct range rest;
		struct err err = {{0}};
		int r = address_path(
		    range_of(paths[i].input), paths[i].null_ok, arena, &a, &rest, &err);

		if (r != (paths[i].wanted ? 1 : -1))
			fail_msg("%s: %d %s", paths[i].label, r, err.text);
		if (paths[i].wanted != NULL) {
			assert_string_equal(address_format(&a, arena), paths[i].wanted);
			assert_true(range_equal(rest, range_of(paths[i].rest)));
		} else {
			assert_true(err.text[0] != '\0');
		}
		arena_free(&arena);
	}
}

static void test_nul(void **state)
{
	struct arena *arena = arena_new();
	struct address a;
	struct range rest;

	(void)state;
	assert_int_equal(
	    address_path((struct range){"<a\0@b.example>", 14}, true, arena, &a, &rest, NULL), -1);
	assert_int_equal(address_parse((struct range){"a@b.example\0", 12}, arena, &a, NULL), -1);
	assert_int_equal(address_parse(range_of("k\xc3\xa9@b.example"), arena, &a, NULL), -1);
	assert_int_equal(address_parse_utf8(range_of("k\xc3\xa9@b.example"), arena, &a, NULL), 1);
	assert_false(address_is_ascii(&a));
	arena_free(&arena);
}

static const struct {
	const char *label, *input;
	int result;
	const char *wanted; /* name|address; ... */
} lists[] = {
    {"bare", "a@b.example", 1, "|a@b.example;"},
    {"two", "Kepala Dinas <a@b.example>,\r\n c@d.example", 1,
        "Kepala Dinas|a@b.example;|c@d.example;"},
    {"quoted comma", "\"Sudirman, S.T.\" <a@b.example>", 1, "Sudirman, S.T.|a@b.example;"},
    {"encoded", "=?UTF-8?Q?Dinas_K=C3=A9dua?= <a@b.example>", 1,
        "Dinas K\xc3\xa9"
        "dua|a@b.example;"},
    {"encoded in quotes", "\"=?utf-8?B?RGluYXM=?=\" <a@b.example>", 1, "Dinas|a@b.example;"},
    {"encoded line end", "=?utf-8?Q?A=0D=0ABcc:_x?= <a@b.example>", 1, "A  Bcc: x|a@b.example;"},
    {"group", "Semua: a@b.example, C <c@d.example>;", 1, "|a@b.example;C|c@d.example;"},
    {"empty group", "undisclosed-recipients:;", 0, ""},
    {"comment", "a@b.example (ruang 2)", 1, "|a@b.example;"},
    {"empty", "  ", 0, ""},
    {"rubbish", "a@b.example <<>>", -1, ""},
    {"no domain", "root", -1, ""},
    {"blank in local part", "X <\"a b\"@c.example>", -1, ""},
    {"quoted local part", "X <\"a\"@c.example>", 1, "X|a@c.example;"},
    {"only brackets", "<>", -1, ""},
    {"UTF-8 address", "X <k\xc3\xa9@\xe4\xbe\x8b.example>", 1, "X|k\xc3\xa9@\xe4\xbe\x8b.example;"},
    {"8-bit address, no UTF-8", "X <k\xe9@c.example>", -1, ""},
};

static void test_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct arena *arena = arena_new();
		struct mailbox *list;
		struct buf got = {0};
		struct err err = {{0}};
		size_t n;
		int r = address_list(range_of(lists[i].input), arena, &list, &n, &err);

		for (size_t k = 0; k < n; k++)
			buf_printf(
			    &got, "%s|%s;", list[k].name, address_format(&list[k].address, arena));
		if (r != lists[i].result || strcmp(buf_str(&got), lists[i].wanted) != 0)
			fail_msg("%s: %d [%s] %s", lists[i].label, r, buf_str(&got), err.text);
		buf_free(&got);
		arena_free(&arena);
	}
}

/* What crashes or stops other parsers: 100,000 groups in groups, mailboxes, comments, routes,
 * quoted pairs. Each is read or refused, soon. */
static void test_bombs(void **state)
{
	static const char *const units[] = {"a:", "a@b.example,", "(x)", "@a.example,", "\\\"", "<",
	    "\"", "=?x?q?y?= ", "a:;", ","};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct arena *arena = arena_new();
		struct mailbox *list;
		struct address a;
		struct range rest;
		struct buf b = {0};
		size_t n = 0;

		for (int k = 0; k < 100000; k++)
			buf_puts(&b, units[i]);
		if (address_list(buf_range(&b), arena, &list, &n, NULL) == 1)
			assert_in_range(n, 0, 100000);
		(void)address_path(buf_range(&b), false, arena, &a, &rest, NULL);
		buf_free(&b);
		arena_free(&arena);
	}
}

static void test_deep_comments(void **state)
{
	struct arena *arena = arena_new();
	struct buf b = {0};
	struct mailbox *list;
	size_t n;

	(void)state;
	for (int i = 0; i < 60000; i++)
		buf_putc(&b, '(');
	for (int i = 0; i < 60000; i++)
		buf_putc(&b, ')');
	buf_puts(&b, " a@b.example");
	assert_int_equal(address_list(buf_range(&b), arena, &list, &n, NULL), -1);
	buf_free(&b);
	arena_free(&arena);
}

static void test_base(void **state)
{
	struct arena *arena = arena_new();
	struct address a = {"surat.diskominfo+abc+d", "dumai.example"},
	               b = {"SURAT.x", "Dumai.EXAMPLE"}, c = {"surat.X", "dumai.example"};
	const char *detail;

	(void)state;
	assert_string_equal(address_base(&a, arena, &detail), "surat.diskominfo");
	assert_string_equal(detail, "abc+d");
	assert_string_equal(address_base(&b, arena, &detail), "SURAT.x");
	assert_null(detail);
	assert_true(address_equal(&b, &c));
	assert_false(address_equal(&a, &c));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_path),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_deep_comments),
	    cmocka_unit_test(test_bombs),
	    cmocka_unit_test(test_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
