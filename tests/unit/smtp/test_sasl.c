/*
 * AUTH against a Dovecot of our own script on a Unix socket: handshake, answers out of order, SCRAM
 * in four steps, escaping, lost connections, lines that are no protocol.
 */
#include "mtagw/smtp/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/conn.h"
#include "mtagw/base/mem.h"

#define HELLO                                                                 \
	"VERSION\t1\t2\nMECH\tCRAM-MD5\tdictionary\nMECH\tPLAIN\tplaintext\n" \
	"MECH\tSCRAM-SHA-256\tmutual-auth\nSPID\t1\nCUID\t1\nCOOKIE\tabc\nDONE\n"

/* The other side: says hello, then answers each line by the table. */
struct step {
	const char *expect; /* part of the line */
	const char *say;    /* "" nothing, "CLOSE" ends the connection; %u is the request's id */
};
struct dovecot {
	struct loop *loop;
	struct conn *conn;
	struct listener *listener;
	const char *hello;
	const struct step *steps;
	int connections, fd;
	char dir[40], address[80];
	struct buf lines; /* all it heard */
};

static void take(struct dovecot *d, const char *line)
{
	unsigned id = 0;

	buf_printf(&d->lines, "%s\n", line);
	if (d->steps == NULL || d->steps->expect == NULL || strstr(line, d->steps->expect) == NULL)
		return;
	(void)sscanf(line, "%*s %u", &id);
	if (strcmp(d->steps->say, "CLOSE") == 0) {
		conn_destroy_when_drained(&d->conn);
	} else {
		const char *at = strstr(d->steps->say, "%u");

		if (at != NULL)
			conn_printf(d->conn, "%.*s%u%s", (int)(at - d->steps->say), d->steps->say,
			    id, at + 2);
		else
			conn_printf(d->conn, "%s", d->steps->say);
	}
	d->steps++;
}

static void dovecot_event(struct conn *conn, enum conn_event event, void *ctx)
{
	struct dovecot *d = ctx;

	if (event == CONN_EOF || event == CONN_ERROR)
		conn_destroy(&d->conn);
	while (event == CONN_DATA && d->conn == conn) {
		struct range in = conn_input(conn);
		const char *lf = in.len ? memchr(in.p, '\n', in.len) : NULL;
		char *line;

		if (lf == NULL)
			return;
		line = mem_strndup(in.p, (size_t)(lf - in.p));
		conn_drain(conn, (size_t)(lf - in.p) + 1);
		take(d, line);
		free(line);
	}
}

static void accepted(int fd, void *ctx)
{
	struct dovecot *d = ctx;

	d->connections++;
	conn_destroy(&d->conn);
	d->conn = conn_accepted(d->loop, fd, dovecot_event, d);
	conn_printf(d->conn, "%s", d->hello);
}

static void dovecot_start(struct dovecot *d)
{
	struct err error;

	d->loop = loop_new();
	(void)snprintf(d->dir, sizeof(d->dir), "/tmp/mtagw-sasl-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	(void)snprintf(d->address, sizeof(d->address), "unix:%s/auth", d->dir);
	d->fd = listener_bind(d->address, &error);
	assert_true(d->fd >= 0);
	d->listener = listener_new(d->loop, d->fd, accepted, d);
}

static void dovecot_stop(struct dovecot *d)
{
	conn_destroy(&d->conn);
	listener_free(&d->listener);
	loop_free(&d->loop);
	(void)close(d->fd);
	(void)unlink(d->address + 5);
	(void)rmdir(d->dir);
	buf_free(&d->lines);
}

/* Our side: what each exchange came to, as text. */
struct asker {
	struct loop *loop;
	struct buf said;
	const char *const *responses; /* to challenges, in turn */
	struct sasl_request *request;
	int left; /* exchanges not yet done */
};

static void answered(struct sasl_request *request, const struct sasl_result *result, void *ctx)
{
	struct asker *a = ctx;

	switch (result->kind) {
	case SASL_OK:
		buf_printf(&a->said, "OK %s;", result->login);
		break;
	case SASL_FAIL:
		buf_printf(&a->said, "FAIL %s;", result->reason);
		break;
	case SASL_TEMPFAIL:
		buf_printf(&a->said, "TEMP %s;", result->reason);
		break;
	case SASL_CHALLENGE:
		buf_printf(&a->said, "? %.*s;", (int)result->challenge.len, result->challenge.p);
		sasl_continue(request, range_of(*a->responses++));
		return;
	}
	if (--a->left == 0)
		loop_stop(a->loop);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void run(struct loop *loop, int64_t at_most_ms)
{
	struct timer *timer = timer_new(loop, stop, loop);

	timer_start(timer, at_most_ms);
	loop_run(loop);
	timer_free(&timer);
}

static void wait_ready(struct dovecot *d, struct sasl *sasl)
{
	for (int i = 0; i < 100 && sasl_mechanisms(sasl)[0] == '\0'; i++)
		run(d->loop, 10);
	assert_string_equal(sasl_mechanisms(sasl), "PLAIN SCRAM-SHA-256");
}

static struct sasl_request *ask(
    struct sasl *sasl, const char *mechanism, const char *initial, struct asker *a)
{
	a->left++;
	return sasl_start(sasl, mechanism, range_of(initial), initial != NULL, "192.0.2.1",
	    "192.0.2.9", "s\t1", answered, a);
}

static void test_exchanges(void **state)
{
	static const char *const scram[] = {"client-final", ""};
	static const struct {
		const char *label, *mechanism, *initial;
		const char *const *responses;
		struct step steps[5];
		const char *said;
	} table[] = {
	    {"plain, case folded", "PLAIN", "x", NULL,
	        {{"resp=eA==", "OK\t%u\tuser=Kadis@Dumai.Example\tjabatan=staf\n"}},
	        "OK kadis@dumai.example;"},
	    {"escaped user", "PLAIN", "x", NULL, {{"AUTH", "OK\t%u\tuser=a\001tb\0011\n"}},
	        "OK a\tb\001;"},
	    {"empty initial", "PLAIN", "", NULL, {{"resp=", "FAIL\t%u\tuser=x\n"}}, "FAIL ;"},
	    {"temporary", "PLAIN", "x", NULL, {{"AUTH", "FAIL\t%u\ttemp\treason=db\n"}},
	        "TEMP db;"},
	    {"OK without a user", "PLAIN", "x", NULL, {{"AUTH", "OK\t%u\n"}}, "TEMP ;"},
	    {"scram", "SCRAM-SHA-256", "client-first", scram,
	        {{"resp=Y2xpZW50LWZpcnN0", "CONT\t%u\tc2VydmVyLWZpcnN0\n"},
	            {"Y2xpZW50LWZpbmFs", "CONT\t%u\tdj1zZXJ2ZXItZmluYWw=\n"},
	            {"CONT\t1\t", "OK\t%u\tuser=u\n"}},
	        "? server-first;? v=server-final;OK u;"},
	    {"challenge that is no base64", "PLAIN", "x", NULL, {{"AUTH", "CONT\t%u\t???\n"}},
	        "TEMP ;"},
	    {"somebody else's answer first", "PLAIN", "x", NULL,
	        {{"AUTH", "OK\t77\tuser=evil\nFAIL\t%u\n"}}, "FAIL ;"},
	    {"closed", "PLAIN", "x", NULL, {{"AUTH", "CLOSE"}}, "TEMP closed by Dovecot;"},
	    {"another protocol", "PLAIN", "x", NULL, {{"AUTH", "VERSION\t2\t0\n"}},
	        "TEMP not the protocol of Dovecot's auth client socket, version 1;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct dovecot d = {.hello = HELLO, .steps = table[i].steps};
		struct asker a = {.responses = table[i].responses};
		struct sasl *sasl;

		dovecot_start(&d);
		a.loop = d.loop;
		sasl = sasl_new(d.loop, d.address);
		wait_ready(&d, sasl);
		(void)ask(sasl, table[i].mechanism, table[i].initial, &a);
		assert_int_equal(a.said.len, 0); /* never before the call returns */
		run(d.loop, 3000);
		if (strcmp(buf_str(&a.said), table[i].said) != 0)
			fail_msg("%s: %s", table[i].label, buf_str(&a.said));
		assert_non_null(strstr(buf_str(&d.lines), "VERSION\t1\t2\nCPID\t"));
		assert_non_null(strstr(buf_str(&d.lines),
		    "\tservice=smtp\tsecured=tls\tlip=192.0.2.1\trip=192.0.2.9\tsession=s\001t1"));
		sasl_free(&sasl);
		buf_free(&a.said);
		dovecot_stop(&d);
	}
}

static void test_out_of_order(void **state)
{
	static const struct step steps[] = {{"AUTH\t1", ""}, {"AUTH\t2", ""},
	    {"AUTH\t3", "OK\t%u\tuser=third\nOK\t1\tuser=first\nFAIL\t2\treason=second\n"}};
	struct dovecot d = {.hello = HELLO, .steps = steps};
	struct asker a = {0};
	struct sasl *sasl;

	(void)state;
	dovecot_start(&d);
	a.loop = d.loop;
	sasl = sasl_new(d.loop, d.address);
	wait_ready(&d, sasl);
	for (int i = 0; i < 3; i++)
		(void)ask(sasl, "PLAIN", "x", &a);
	run(d.loop, 3000);
	assert_string_equal(buf_str(&a.said), "OK third;OK first;FAIL second;");
	sasl_free(&sasl);
	buf_free(&a.said);
	dovecot_stop(&d);
}

/* Before the connection stands, after it broke, and once it is there again. */
static void test_connection_comes_and_goes(void **state)
{
	static const struct step steps[] = {{"AUTH", "CLOSE"}, {"AUTH", "OK\t%u\tuser=u\n"}, {0}};
	struct dovecot d = {.hello = HELLO, .steps = steps};
	struct asker a = {0};
	struct sasl *sasl;

	(void)state;
	dovecot_start(&d);
	a.loop = d.loop;
	sasl = sasl_new(d.loop, d.address);
	assert_string_equal(sasl_mechanisms(sasl), "");
	(void)ask(sasl, "PLAIN", "x", &a);
	run(d.loop, 3000);
	assert_string_equal(buf_str(&a.said), "TEMP no connection to Dovecot;");
	wait_ready(&d, sasl);
	buf_reset(&a.said);
	(void)ask(sasl, "PLAIN", "x", &a);
	run(d.loop, 3000);
	assert_string_equal(buf_str(&a.said), "TEMP closed by Dovecot;");
	for (int i = 0; i < 200 && d.connections < 2; i++)
		run(d.loop, 10);
	run(d.loop, 20);
	buf_reset(&a.said);
	(void)ask(sasl, "PLAIN", "x", &a);
	run(d.loop, 3000);
	assert_string_equal(buf_str(&a.said), "OK u;");
	assert_int_equal(d.connections, 2);
	sasl_free(&sasl);
	buf_free(&a.said);
	dovecot_stop(&d);
}

static void test_cancelled_and_freed(void **state)
{
	static const struct step steps[] = {{"AUTH", "OK\t%u\tuser=u\n"}, {0}};
	struct dovecot d = {.hello = HELLO, .steps = steps};
	struct asker a = {0};
	struct sasl *sasl;
	struct sasl_request *request;

	(void)state;
	dovecot_start(&d);
	a.loop = d.loop;
	sasl = sasl_new(d.loop, d.address);
	(void)ask(sasl, "PLAIN", "x", &a); /* not ready, freed before its answer */
	sasl_free(&sasl);
	run(d.loop, 20);
	sasl = sasl_new(d.loop, d.address);
	wait_ready(&d, sasl);
	request = ask(sasl, "PLAIN", "x", &a);
	sasl_cancel(&request);
	assert_null(request);
	run(d.loop, 50);
	assert_int_equal(a.said.len, 0);
	(void)ask(sasl, "PLAIN", "x", &a); /* open when all ends */
	sasl_free(&sasl);
	dovecot_stop(&d);
}

static void test_a_line_without_end(void **state)
{
	struct dovecot d = {0};
	struct asker a = {0};
	struct sasl *sasl;
	char *flood = mem_zalloc(40000);

	(void)state;
	memset(flood, 'x', 39999);
	d.hello = flood;
	dovecot_start(&d);
	sasl = sasl_new(d.loop, d.address);
	for (int i = 0; i < 200 && d.connections < 2; i++) /* dropped and tried again */
		run(d.loop, 10);
	assert_true(d.connections >= 2);
	assert_string_equal(sasl_mechanisms(sasl), "");
	sasl_free(&sasl);
	free(flood);
	buf_free(&a.said);
	dovecot_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exchanges),
	    cmocka_unit_test(test_out_of_order),
	    cmocka_unit_test(test_connection_comes_and_goes),
	    cmocka_unit_test(test_cancelled_and_freed),
	    cmocka_unit_test(test_a_line_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
