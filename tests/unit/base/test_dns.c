/*
 * DNS from a zone file: every type, names that are absent or cannot be, no question to the outside,
 * files that are wrong, and the bounds on time. Record data that lies about its length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mtagw/base/dns.h"

#include "mtagw/base/clock.h"
#include "mtagw/base/mem.h"

static char dir[] = "/tmp/mtagw-XXXXXX";
static struct arena *arena;

static char *zone_file(const char *text)
{
	char *file = mem_printf("%s/zone", dir);
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return file;
}

static struct dns *open_zone(const char *text, struct err *err)
{
	char *file = zone_file(text);
	struct dns *dns = dns_open(file, 2000, err);

	free(file);
	return dns;
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char *file = mem_printf("%s/zone", dir);

	(void)state;
	unlink(file);
	rmdir(dir);
	free(file);
	arena_free(&arena);
	return 0;
}

static void test_types(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
		const char *text; /* of the first record */
	} cases[] = {
	    {"a.example", DNS_A, DNS_FOUND, "192.0.2.1"},
	    {"A.Example.", DNS_A, DNS_FOUND, "192.0.2.1"},
	    {"a.example", DNS_AAAA, DNS_FOUND, "2001:db8::1"},
	    {"a.example", DNS_TXT, DNS_FOUND, "one two"},
	    {"a.example", DNS_MX, DNS_FOUND, "mx.a.example"},
	    {"null.example", DNS_MX, DNS_FOUND, ""},
	    {"1.2.0.192.in-addr.arpa", DNS_PTR, DNS_FOUND, "a.example"},
	    {"mx.a.example", DNS_TXT, DNS_EMPTY, NULL},
	    {"b.example", DNS_A, DNS_NO_NAME, NULL},
	    {"wikipedia.org", DNS_A, DNS_NO_NAME, NULL},
	    {"", DNS_A, DNS_NO_NAME, NULL},
	    {"a..example", DNS_A, DNS_NO_NAME, NULL},
	    {"a b.example", DNS_A, DNS_NO_NAME, NULL},
	    {"a\\046b.example", DNS_A, DNS_NO_NAME, NULL},
	};
	struct err err = {""};
	struct dns *dns = open_zone("# a zone\n\n"
	                            "a.example. 300 IN A 192.0.2.1\n"
	                            "a.example. AAAA 2001:DB8::1\n"
	                            "a.example. TXT \"one\" \" two\"\n"
	                            "; the mail\n"
	                            "a.example. MX 10 MX.a.example.\n"
	                            "mx.a.example. A 192.0.2.2\n"
	                            "null.example. MX 0 .\n"
	                            "1.2.0.192.in-addr.arpa. PTR a.example.\n",
	    &err);

	(void)state;
	assert_string_equal(err.text, "");
	assert_non_null(dns);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dns_answer a = dns_ask(dns, cases[i].name, cases[i].type, arena);

		if (a.status != cases[i].status ||
		    (cases[i].text && strcmp(a.records[0].text.p, cases[i].text) != 0))
			fail_msg("%s %d: %d", cases[i].name, cases[i].type, a.status);
		assert_int_equal(a.count, cases[i].text ? 1 : 0);
	}
	assert_int_equal(dns_ask(dns, "a.example", DNS_MX, arena).records[0].preference, 10);
	dns_close(&dns);
	assert_null(dns);
}

static void test_wrong_files(void **state)
{
	struct err err = {""};
	char *file = mem_printf("%s/absent", dir);

	(void)state;
	assert_null(open_zone("a.example. A 192.0.2.1\na.example. A 192.0.2\n", &err));
	assert_non_null(strstr(err.text, "/zone:2: not a resource record"));
	assert_null(dns_open(file, 1000, &err));
	assert_non_null(strstr(err.text, "/absent: No such file"));
	free(file);
}

/* A used-up budget answers at once, and a new one lets questions through again. */
static void test_budget(void **state)
{
	struct err err = {""};
	struct dns *dns = open_zone("a.example. A 192.0.2.1\n", &err);
	int64_t began = clock_mono_ms();
	struct dns_answer a;

	(void)state;
	dns_budget(dns, 0);
	a = dns_ask(dns, "a.example", DNS_A, arena);
	assert_int_equal(a.status, DNS_FAILED);
	assert_string_equal(a.why, "a.example: the time for questions is used up");
	assert_true(clock_mono_ms() - began < 1000);
	dns_budget(dns, 5000);
	assert_int_equal(dns_ask(dns, "a.example", DNS_A, arena).status, DNS_FOUND);
	dns_close(&dns);
}

static void test_records(void **state)
{
#define BAD(type, bytes)  \
	assert_int_equal( \
	    dns_record_read(type, (struct range){bytes, sizeof(bytes) - 1}, arena, &record), 0)
	struct dns_record record;

	(void)state;
	BAD(DNS_A, "\x01\x02\x03");
	BAD(DNS_AAAA, "\x01\x02\x03\x04");
	BAD(DNS_TXT, "\x05"
	             "abc");
	BAD(DNS_MX, "\x00\x0a");
	BAD(DNS_MX, "\x00\x0a\x03"
	            "abc");
	BAD(DNS_PTR, "\x03"
	             "abc\x00"
	             "x");
	BAD(DNS_PTR, "\x03"
	             "a.b\x00");
	BAD(DNS_PTR, "\xc0\x0c");
	BAD(DNS_PTR, "\x01\x07\x00");
	BAD(DNS_PTR, "");
	assert_int_equal(dns_record_read(DNS_TXT, (struct range){"", 0}, arena, &record), 1);
	assert_int_equal(record.text.len, 0);
#undef BAD
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_wrong_files),
	    cmocka_unit_test(test_budget),
	    cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
