/* Where mail of a domain goes: order of servers, domains without records, null MX, loops, address
 * literals, names nobody knows now; and lookups that are called off. From a zone file alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mtagw/base/buf.h"
#include "mtagw/smtp/mx.h"

static const char zone[] = "one.example. MX 10 mx.one.example.\n"
                           "mx.one.example. A 192.0.2.1\n"
                           "mx.one.example. AAAA 2001:db8::1\n"
                           "order.example. MX 30 c.order.example.\n"
                           "order.example. MX 10 a.order.example.\n"
                           "order.example. MX 20 b.order.example.\n"
                           "a.order.example. A 192.0.2.11\n"
                           "b.order.example. A 192.0.2.12\n"
                           "b.order.example. A 192.0.2.13\n"
                           "c.order.example. A 192.0.2.14\n"
                           "bare.example. A 192.0.2.21\n"
                           "bare6.example. AAAA 2001:db8::21\n"
                           "null.example. MX 0 .\n"
                           "null.example. A 192.0.2.31\n"
                           "text.example. TXT \"no mail\"\n"
                           "lost.example. MX 10 mx.nowhere.example.\n"
                           "half.example. MX 10 mx.nowhere.example.\n"
                           "half.example. MX 20 mx.one.example.\n"
                           "backup.example. MX 10 mx.one.example.\n"
                           "backup.example. MX 20 KAMI.Example.\n"
                           "backup.example. MX 20 c.order.example.\n"
                           "backup.example. MX 30 a.order.example.\n"
                           "loop.example. MX 10 kami.example.\n"
                           "loop.example. MX 20 mx.one.example.\n"
                           "kami.example. A 192.0.2.99\n";

static const struct {
	const char *domain, *wanted;
} cases[] = {
    {"one.example", "mx.one.example=192.0.2.1:25 mx.one.example=[2001:db8::1]:25"},
    {"ONE.example.", "mx.one.example=192.0.2.1:25 mx.one.example=[2001:db8::1]:25"},
    {"order.example", "a.order.example=192.0.2.11:25 b.order.example=192.0.2.1*:25 "
                      "b.order.example=192.0.2.1*:25 c.order.example=192.0.2.14:25"},
    {"bare.example", "bare.example=192.0.2.21:25"},
    {"bare6.example", "bare6.example=[2001:db8::21]:25"},
    {"null.example", "never 556 5.1.10 null.example takes no mail (null MX)"},
    {"text.example", "never 0 5.4.4 text.example has no mail server with an address"},
    {"lost.example", "never 0 5.4.4 lost.example has no mail server with an address"},
    {"half.example", "mx.one.example=192.0.2.1:25 mx.one.example=[2001:db8::1]:25"},
    {"absent.example", "never 0 5.1.2 absent.example does not exist"},
    {"a..example", "never 0 5.1.2 a..example does not exist"},
    {"b\xc3\xbcro.example", "never 0 5.1.2 b\xc3\xbcro.example does not exist"},
    {"backup.example", "mx.one.example=192.0.2.1:25 mx.one.example=[2001:db8::1]:25"},
    {"loop.example", "never 0 5.4.6 loop.example sends its mail to this host: a loop"},
    {"kami.example", "never 0 5.4.6 kami.example sends its mail to this host: a loop"},
    {"[192.0.2.5]", "[192.0.2.5]=192.0.2.5:25"},
    {"[IPv6:2001:db8::5]", "[IPv6:2001:db8::5]=[2001:db8::5]:25"},
    {"[192.0.2.500]", "never 0 5.1.2 [192.0.2.500] is not an address"},
    {"[2001:db8::5]", "never 0 5.1.2 [2001:db8::5] is not an address"},
};

static char dir[] = "/tmp/mtagw-mx-XXXXXX";
static struct loop *loop;
static struct dns *dns;
static struct timer *limit;
static struct buf seen;
static int waiting;

static void limit_cb(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "test_mx: no answer, seen \"%s\"\n", buf_str(&seen));
	abort();
}

static void done(const struct mx_answer *answer, void *ctx)
{
	(void)ctx;
	if (answer->status == MX_FOUND) {
		for (size_t i = 0; i < answer->count; i++)
			buf_printf(&seen, "%s%s=%s", i > 0 ? " " : "", answer->targets[i].host,
			    answer->targets[i].address);
	} else {
		buf_printf(&seen, "%s %d %s %s", answer->status == MX_NEVER ? "never" : "later",
		    answer->code, answer->enhanced, answer->why);
	}
	if (--waiting == 0)
		loop_stop(loop);
}

static struct mx_lookup *start(const char *domain)
{
	struct mx_params params = {
	    .loop = loop, .dns = dns, .hostname = "kami.example", .port = 25};

	waiting++;
	return mx_lookup_start(&params, domain, done, NULL);
}

static void run(void)
{
	timer_start(limit, 10000);
	loop_run(loop);
	timer_stop(limit);
}

/* `*` stands for one character. */
static bool matches(const char *wanted, const char *got)
{
	for (; *wanted != '\0' && (*wanted == *got || *wanted == '*'); wanted++, got++)
		;
	return *wanted == *got;
}

static void test_domains(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&seen);
		(void)start(cases[i].domain);
		run();
		if (matches(cases[i].wanted, buf_str(&seen)))
			continue;
		print_error("%s:\n  wanted %s\n  got    %s\n", cases[i].domain, cases[i].wanted,
		    buf_str(&seen));
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* Many at once, every second one called off, some after their first answer. */
static void test_called_off(void **state)
{
	struct mx_lookup *off[40];

	(void)state;
	buf_reset(&seen);
	for (size_t i = 0; i < 40; i++) {
		(void)start("order.example");
		off[i] = start("order.example");
	}
	for (size_t i = 0; i < 40; i++) {
		mx_lookup_cancel(&off[i]);
		waiting--;
		assert_null(off[i]);
	}
	run();
	assert_int_equal(waiting, 0);
	mx_lookup_cancel(&off[0]);
}

/* No answer in time: nobody knows, and it is to be tried again. */
static void test_no_answer(void **state)
{
	struct dns *good = dns;
	struct err error = {""};
	char *file = mem_printf("%s/zone", dir);

	(void)state;
	dns = dns_open(file, 0, &error);
	assert_non_null(dns);
	dns_attach(dns, loop);
	buf_reset(&seen);
	(void)start("one.example");
	run();
	assert_string_equal(buf_str(&seen), "later 0 4.4.3 DNS: one.example: no answer in time");
	dns_close(&dns);
	dns = good;
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_domains),
	    cmocka_unit_test(test_called_off), cmocka_unit_test(test_no_answer)};
	struct err error = {""};
	char *file;
	FILE *f;
	int rc;

	if (mkdtemp(dir) == NULL)
		return 1;
	file = mem_printf("%s/zone", dir);
	f = fopen(file, "w");
	if (f == NULL)
		return 1;
	fputs(zone, f);
	fclose(f);
	loop = loop_new();
	limit = timer_new(loop, limit_cb, NULL);
	dns = dns_open(file, 5000, &error);
	if (dns == NULL) {
		fprintf(stderr, "test_mx: %s\n", error.text);
		return 1;
	}
	dns_attach(dns, loop);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	dns_close(&dns);
	timer_free(&limit);
	loop_free(&loop);
	buf_free(&seen);
	unlink(file);
	free(file);
	rmdir(dir);
	return rc;
}
