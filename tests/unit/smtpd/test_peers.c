/*
 * What an address has of smtpd: sessions and connections up to their limits, failed AUTH, IPv6 by
 * /64, memory that many addresses do not fill, and one line a minute of each in the log.
 */
#include "mtagw/smtpd/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct settings settings;
static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	settings = (struct settings){.smtpd_sessions_per_peer = 3,
	    .smtpd_connection_rate_limit = 10,
	    .auth_failures_max = 5};
	loop = loop_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(&loop);
	return 0;
}

static void sessions_are_counted_by_address(void **state)
{
	struct peers *peers = peers_new(loop, &settings);
	struct peer *mine[3], *other;
	const char *why = NULL;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_non_null(mine[i] = peers_enter(peers, "192.0.2.1", &why));
	assert_null(peers_enter(peers, "192.0.2.1", &why));
	assert_string_equal(why, "too many sessions");
	assert_non_null(other = peers_enter(peers, "192.0.2.2", &why));
	peers_leave(peers, &mine[1]);
	assert_null(mine[1]);
	assert_non_null(mine[1] = peers_enter(peers, "192.0.2.1", &why));
	for (int i = 0; i < 3; i++)
		peers_leave(peers, &mine[i]);
	peers_leave(peers, &other);
	peers_free(&peers);
}

static void connections_are_counted_by_the_minute(void **state)
{
	struct peers *peers = peers_new(loop, &settings);
	const char *why = NULL;
	struct peer *p;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_non_null(p = peers_enter(peers, "192.0.2.1", &why));
		peers_leave(peers, &p);
	}
	assert_null(peers_enter(peers, "192.0.2.1", &why));
	assert_string_equal(why, "too many connections");
	assert_non_null(p = peers_enter(peers, "192.0.2.2", &why));
	peers_leave(peers, &p);
	settings.smtpd_connection_rate_limit = 0;
	assert_non_null(p = peers_enter(peers, "192.0.2.1", &why));
	peers_leave(peers, &p);
	peers_free(&peers);
}

static void a_network_of_ipv6_is_one_peer(void **state)
{
	struct peers *peers = peers_new(loop, &settings);
	const char *why;
	struct peer *a = peers_enter(peers, "2001:db8:0:1::1", &why),
	            *b = peers_enter(peers, "2001:db8:0:1:ffff::2", &why),
	            *c = peers_enter(peers, "2001:db8:0:2::1", &why),
	            *v4 = peers_enter(peers, "::ffff:192.0.2.1", &why),
	            *v4b = peers_enter(peers, "::ffff:192.0.2.2", &why);

	(void)state;
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_ptr_not_equal(v4, v4b);
	peers_leave(peers, &a);
	peers_leave(peers, &b);
	peers_leave(peers, &c);
	peers_leave(peers, &v4);
	peers_leave(peers, &v4b);
	peers_free(&peers);
}

static void failed_auth_outlives_the_session(void **state)
{
	struct peers *peers = peers_new(loop, &settings);
	const char *why;
	struct peer *p = peers_enter(peers, "192.0.2.1", &why);

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_true(peers_may_auth(peers, p));
		peers_auth_failed(p);
	}
	assert_false(peers_may_auth(peers, p));
	peers_leave(peers, &p);
	assert_non_null(p = peers_enter(peers, "192.0.2.1", &why));
	assert_false(peers_may_auth(peers, p));
	peers_leave(peers, &p);
	peers_free(&peers);
}

static void many_addresses_make_the_oldest_go(void **state)
{
	struct peers *peers = peers_new(loop, &settings);
	const char *why;
	struct peer *held = peers_enter(peers, "192.0.2.1", &why), *p;
	char ip[40];

	(void)state;
	peers_auth_failed(held);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(ip, sizeof(ip), "2001:db8:%x::1", i);
		assert_non_null(p = peers_enter(peers, ip, &why));
		for (int n = 0; n < 50 && (i == 0 || i == 19999); n++)
			peers_auth_failed(p);
		peers_leave(peers, &p);
	}
	assert_non_null(p = peers_enter(peers, "2001:db8:0::1", &why)); /* forgotten */
	assert_true(peers_may_auth(peers, p));
	peers_leave(peers, &p);
	assert_non_null(p = peers_enter(peers, ip, &why));
	assert_false(peers_may_auth(peers, p));
	peers_leave(peers, &p);
	assert_ptr_equal(p = peers_enter(peers, "192.0.2.1", &why), held); /* never: it is here */
	peers_leave(peers, &p);
	peers_leave(peers, &held);
	peers_free(&peers);
}

static void one_line_of_an_address_and_kind(void **state)
{
	struct peers *peers = peers_new(loop, &settings);
	char text[2000] = "";
	int fd[2], old = dup(STDERR_FILENO);
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	(void)dup2(fd[1], STDERR_FILENO);
	for (int i = 0; i < 5000; i++) {
		peers_log(peers, "session-refused", "192.0.2.1", "too many sessions");
		peers_log(peers, "auth-throttled", "192.0.2.1", "too many failed AUTH commands");
	}
	peers_log(peers, "session-refused", "192.0.2.2", "too many connections");
	peers_free(&peers); /* as at the minute's end */
	(void)dup2(old, STDERR_FILENO);
	(void)close(old);
	(void)close(fd[1]);
	n = read(fd[0], text, sizeof(text) - 1);
	(void)close(fd[0]);
	assert_in_range(n, 1, sizeof(text) - 1);
	assert_non_null(
	    strstr(text, "session-refused peer=192.0.2.1 reason=\"too many sessions\"\n"));
	assert_non_null(
	    strstr(text, "session-refused peer=192.0.2.2 reason=\"too many connections\"\n"));
	assert_non_null(
	    strstr(text, "peer-held-back peer=192.0.2.1 lines=4999 first=session-refused\n"));
	assert_non_null(
	    strstr(text, "peer-held-back peer=192.0.2.1 lines=4999 first=auth-throttled\n"));
	n = 0;
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_int_equal(n, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(sessions_are_counted_by_address, setup, teardown),
	    cmocka_unit_test_setup_teardown(connections_are_counted_by_the_minute, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_network_of_ipv6_is_one_peer, setup, teardown),
	    cmocka_unit_test_setup_teardown(failed_auth_outlives_the_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_addresses_make_the_oldest_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_line_of_an_address_and_kind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
