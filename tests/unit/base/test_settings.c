/*
 * test_settings: mtagw.conf. Tables of file texts with the settings or the error wanted; every
 * error names file and line. What a program does with the settings is not tested here.
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

#include "mtagw/base/mem.h"
#include "mtagw/base/settings.h"

#define MUST "domain = dumai.example\nhostname = mail.dumai.example\n"

static const struct settings *parse(const char *text, struct err *err)
{
	err->text[0] = '\0';
	return settings_parse(range_of(text), "t.conf", err);
}

static void defaults_are_sound(void **state)
{
	struct err err;
	const struct settings *s = parse(MUST, &err);

	(void)state;
	assert_string_equal(err.text, "");
	assert_non_null(s);
	assert_string_equal(s->domain, "dumai.example");
	assert_string_equal(s->state_dir, "/var/lib/mtagw");
	assert_string_equal(s->gnupg_home, "/var/lib/mtagw/gnupg");
	assert_string_equal(s->runtime_dir, "/run/mtagw");
	assert_string_equal(s->policies_dir, "/etc/mtagw/policies");
	assert_string_equal(s->libexec_dir, "/usr/libexec/mtagw");
	assert_int_equal(s->message_size_limit, 25 * 1024 * 1024);
	assert_int_equal(s->recipient_limit, 1000);
	assert_int_equal(s->next_hop_count, 0);
	assert_string_equal(s->proxy_from, "");
	assert_false(s->debug);
	settings_free(&s);
	assert_null(s);
}

static void values_are_read(void **state)
{
	struct err err;
	const struct settings *s = parse("# head\n\n  domain=dumai.example\r\n"
	                                 "hostname = mail.dumai.example # ours\n"
	                                 "state_dir = /srv/m\ndebug = yes\nlisten_mx =\n"
	                                 "message_size_limit = 64k\nclock_offset_secs = -60\n"
	                                 "smtpd_data_in_flight_max = 2G\n"
	                                 "proxy_from = 192.0.2.1\t 2001:DB8:0:0::1\n"
	                                 "next_hop = a.example 127.0.0.1:25\n"
	                                 "next_hop = *\t[::1]:25  tls=verify name=relay.example",
	    &err);

	(void)state;
	assert_string_equal(err.text, "");
	assert_non_null(s);
	assert_string_equal(s->hostname, "mail.dumai.example");
	assert_string_equal(s->dkim_dir, "/srv/m/dkim");
	assert_string_equal(s->listen_mx, "");
	assert_true(s->debug);
	assert_int_equal(s->message_size_limit, 65536);
	assert_int_equal(s->smtpd_data_in_flight_max, INT64_C(2) << 30);
	assert_int_equal(s->clock_offset_secs, -60);
	assert_string_equal(s->proxy_from, "192.0.2.1 2001:db8::1");
	assert_int_equal(s->next_hop_count, 2);
	assert_int_equal(s->next_hops[0].tls, HOP_TLS_MAY);
	assert_null(s->next_hops[0].tls_name);
	assert_string_equal(s->next_hops[1].domain, "*");
	assert_string_equal(s->next_hops[1].address, "[::1]:25");
	assert_int_equal(s->next_hops[1].tls, HOP_TLS_VERIFY);
	assert_string_equal(s->next_hops[1].tls_name, "relay.example");
	settings_free(&s);
}

static const struct {
	const char *label, *text, *wanted;
} bad[] = {
    {"unknown key", MUST "recipient_limt = 5\n",
        "t.conf:3: unknown key \"recipient_limt\"; did you mean \"recipient_limit\"?"},
    {"unknown, nothing near", MUST "zzzzzzzzzz = 5\n", "t.conf:3: unknown key \"zzzzzzzzzz\""},
    {"plural of a list", MUST "next_hops = x\n", "did you mean \"next_hop\"?"},
    {"no domain", "hostname = m.dumai.example\n", "t.conf: domain is not set"},
    {"no hostname", "domain = dumai.example\n", "t.conf: hostname is not set"},
    {"twice", MUST "debug = no\ndebug = no\n", "t.conf:4: debug was given in line 3 already"},
    {"no equals", MUST "debug yes\n", "t.conf:3: wants key = value, not \"debug yes\""},
    {"below range", MUST "recipient_limit = 99\n",
        "t.conf:3: recipient_limit: wants 100 to 10000, not \"99\""},
    {"above range", MUST "db_port = 65536\n", "t.conf:3: db_port: wants 1 to 65535"},
    {"number out of 64 bits", MUST "message_size_limit = 99999999999999999999G\n", "wants 65536"},
    {"product out of 64 bits", MUST "message_size_limit = 9223372036854775807G\n", "wants 65536"},
    {"no digits", MUST "db_port = G\n", "wants a number, not \"G\""},
    {"unit on a plain number", MUST "db_port = 5k\n", "wants a number, not \"5k\""},
    {"unknown unit", MUST "message_size_limit = 5T\n", "wants a number (k, M or G may follow)"},
    {"hash in a value", MUST "tls_ca =#B\n", "t.conf:3: tls_ca: a value cannot hold #"},
    {"bool", MUST "debug = on\n", "t.conf:3: debug: wants yes or no, not \"on\""},
    {"relative path", MUST "state_dir = var\n", "state_dir: wants an absolute path, not \"var\""},
    {"host name to listen on", MUST "listen_mx = localhost:25\n", "t.conf:3: listen_mx: "},
    {"unix to listen on", MUST "listen_mx = unix:/x\n", "listen_mx: wants a numeric address"},
    {"single-label domain", "domain = dumai\n", "t.conf:1: domain: wants a full name"},
    {"domain with blank", "domain = du mai.example\n", "domain: may hold letters"},
    {"empty label", "domain = dumai..example\n", "domain: has an empty part"},
    {"hyphen", "domain = -a.example\n", "begins or ends with a hyphen"},
    {"balancer with a port", MUST "proxy_from = 192.0.2.1:25\n",
        "proxy_from: wants numeric addresses without port, not \"192.0.2.1:25\""},
    {"balancer by name", MUST "proxy_from = 192.0.2.1 lb.example\n", "not \"lb.example\""},
    {"hop without address", MUST "next_hop = a.example\n", "next_hop: wants a domain"},
    {"hop word", MUST "next_hop = a.example 127.0.0.1:1 port=5\n", "know the word \"port=5\""},
    {"hop tls", MUST "next_hop = a.example 127.0.0.1:1 tls=must\n", "not \"must\""},
    {"hop by name", MUST "next_hop = a.example mx.example:25\n", "t.conf:3: next_hop: "},
    {"hop twice", MUST "next_hop = a.example 127.0.0.1:1\nnext_hop = A.example 127.0.0.1:2\n",
        "t.conf:4: next_hop: A.example has a next hop already"},
    {"verify of *", MUST "next_hop = * 127.0.0.1:1 tls=verify\n", "wants name="},
    {"control", MUST "db_name = a\x01z\n", "t.conf:3: a control character (\\x01)"},
    {"user", MUST "smtpd_user = a b\n", "smtpd_user: is not the name or number"},
    {"long runtime_dir",
        MUST "runtime_dir = /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        "t.conf: runtime_dir: "},
    {"one door", MUST "listen_mx = 127.0.0.1:25\nlisten_submission = 127.0.0.1:25\n",
        "t.conf:4: listen_submission (127.0.0.1:25) and listen_mx (127.0.0.1:25, line 3) "
        "want the same port"},
    {"a door in all", MUST "listen_submissions = 127.0.0.1:587\n",
        "t.conf:3: listen_submissions (127.0.0.1:587) and listen_submission (0.0.0.0:587"},
    {"retry", MUST "retry_min_secs = 60\nretry_max_secs = 59\n", "is above retry_max_secs (59)"},
    {"in flight", MUST "smtpd_data_in_flight_max = 1M\n", "below message_size_limit"},
    {"one selector", MUST "dkim_selector_rsa = x\ndkim_selector_ed25519 = x\n", "both \"x\""},
};

static void defects_name_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err;
		const struct settings *s = parse(bad[i].text, &err);

		if (s != NULL || strstr(err.text, bad[i].wanted) == NULL)
			fail_msg("%s: wanted \"%s\", got \"%s\"", bad[i].label, bad[i].wanted,
			    s != NULL ? "(settings)" : err.text);
	}
}

static void what_is_printed_reads_back(void **state)
{
	struct buf first = {0}, second = {0}, keys = {0};
	struct err err;
	const struct settings *s =
	    parse(MUST "next_hop = a.example 127.0.0.1:25 tls=encrypt\nsmtpd_user =\n", &err);

	(void)state;
	assert_non_null(s);
	settings_print(s, &first);
	settings_free(&s);
	s = parse(buf_str(&first), &err);
	assert_string_equal(err.text, "");
	assert_non_null(s);
	settings_print(s, &second);
	settings_free(&s);
	assert_string_equal(buf_str(&first), buf_str(&second));
	settings_print_keys(&keys);
	assert_non_null(strstr(buf_str(&keys), "recipient_limit\tnumber\t1000\t100..10000\t"));
	assert_non_null(strstr(buf_str(&keys), "message_size_limit\tsize\t25M\t64k..1G\t"));
	buf_free(&first);
	buf_free(&second);
	buf_free(&keys);
}

static void secrets_are_first_lines(void **state)
{
	char dir[] = "/tmp/test_settings.XXXXXX";
	struct err err;
	const struct settings *s;
	char *text, *file, *secret;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	text = mem_printf(MUST "secrets_dir = %s\n", dir);
	s = parse(text, &err);
	assert_non_null(s);
	assert_null(settings_secret(s, "smtpd", &err));
	assert_non_null(strstr(err.text, "No such file"));
	file = mem_printf("%s/smtpd", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	(void)fputs("rahasia\nmore\n", f);
	(void)fclose(f);
	secret = settings_secret(s, "smtpd", &err);
	assert_string_equal(secret, "rahasia");
	(void)unlink(file);
	(void)rmdir(dir);
	free(secret);
	free(file);
	free(text);
	settings_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_sound),
	    cmocka_unit_test(values_are_read),
	    cmocka_unit_test(defects_name_file_and_line),
	    cmocka_unit_test(what_is_printed_reads_back),
	    cmocka_unit_test(secrets_are_first_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
