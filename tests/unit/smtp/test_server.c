/*
 * The receiving side of the SMTP engine: bytes in, reply codes and stored messages wanted. Every
 * form of a false end of data is here.
 */
#include "tests/unit/smtp/server_play.h"

#define HEAD "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"

static void sessions(void **state)
{
	static const struct {
		const char *label, *in, *codes, *stored;
	} cases[] = {
	    {"a message", HEAD "S: x\r\n\r\ntext\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221",
	        "S: x\r\n\r\ntext\r\n|"},
	    {"two messages, pipelined",
	        HEAD
	        "one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 250 250 250 354 250 221", "one\r\n|two\r\n|"},
	    {"stuffed dots", HEAD "..\r\n...x\r\n.y\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 250 221", ".\r\n..x\r\ny\r\n|"},
	    {"empty message", HEAD ".\r\nQUIT\r\n", "220 250 250 250 354 250 221", "|"},
	    /* smuggling: nothing but CRLF . CRLF ends, and the message is refused */
	    {"LF . LF", HEAD "x\n.\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x"},
	    {"LF . CRLF", HEAD "x\n.\r\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x"},
	    {"CR . CR", HEAD "x\r.\rMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x"},
	    {"CRLF . LF", HEAD "x\r\n.\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x\r\n"},
	    {"CRLF . CR", HEAD "x\r\n.\rMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n",
	        "220 250 250 250 354 550 221", "x\r\n"},
	    {"CR CR LF", HEAD "x\r\r\n.\r\nQUIT\r\n", "220 250 250 250 354 550 221", "x"},
	    {"bare LF in data", HEAD "a\nb\r\n.\r\nQUIT\r\n", "220 250 250 250 354 550 221", "a"},
	    /* commands */
	    {"bare LF in command", "EHLO x\nQUIT\r\n", "220 500 221", ""},
	    {"bare CR in command", "EHLO x\ry\r\nQUIT\r\n", "220 500 221", ""},
	    {"order", "MAIL FROM:<a@b>\r\nEHLO x\r\nRCPT TO:<a@b>\r\nDATA\r\nQUIT\r\n",
	        "220 503 250 503 503 221", ""},
	    {"unknown", "EHLO x\r\nXYZZY\r\nVRFY a\r\nHELP\r\nNOOP\r\nRSET\r\nQUIT\r\n",
	        "220 250 500 252 214 250 250 221", ""},
	    {"bad HELO", "EHLO\r\nEHLO a\tb\r\nQUIT\r\n", "220 501 501 221", ""},
	    {"bad path",
	        "EHLO x\r\nMAIL FROM:a@b\r\nMAIL FROM:<a@b\r\nMAIL FROM:<a@b.example> "
	        "X=1\r\nQUIT\r\n",
	        "220 250 501 501 555 221", ""},
	    {"size",
	        "EHLO x\r\nMAIL FROM:<a@b.example> SIZE=100001\r\nMAIL FROM:<a@b.example> SIZE=10 "
	        "BODY=8BITMIME\r\nQUIT\r\n",
	        "220 250 552 250 221", ""},
	    {"refused recipient",
	        "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@d.example>\r\nDATA\r\nQUIT\r\n",
	        "220 250 250 550 503 221", ""},
	    {"no TLS here", "EHLO x\r\nSTARTTLS\r\nAUTH PLAIN x\r\nQUIT\r\n", "220 250 503 502 221",
	        ""},
	    {"peer leaves", "EHLO x\r\nMAIL FROM:<a@b.example>\r\n", "220 250 250", ""},
	};

	(void)state;
	for (int late = 0; late < 2; late++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct run run = {.late = late == 1};
			struct buf codes = {0};

			play(&run, cases[i].in, strlen(cases[i].in), false, &codes);
			if (strcmp(buf_str(&codes), cases[i].codes) != 0)
				fail_msg("%s: got \"%s\"", cases[i].label, buf_str(&codes));
			if (strstr(cases[i].codes, "354 550") == NULL &&
			    strcmp(buf_str(&run.stored), cases[i].stored) != 0)
				fail_msg("%s: stored \"%s\"", cases[i].label, buf_str(&run.stored));
			buf_free(&codes);
			buf_free(&run.stored);
		}
}

static void limits_hold(void **state)
{
	struct buf in = {0}, codes = {0};
	struct run run = {0};

	(void)state;
	/* NUL and an over-long line in data */
	buf_puts(&in, HEAD "a");
	buf_append(&in, "\0", 1);
	buf_puts(&in, "b\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n");
	for (int i = 0; i < 60000; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\r\n.\r\nNOOP ");
	for (int i = 0; i < 60000; i++)
		buf_putc(&in, 'y');
	buf_puts(&in, "\r\nQUIT\r\n");
	play(&run, in.data, in.len, false, &codes);
	assert_string_equal(buf_str(&codes), "220 250 250 250 354 550 250 250 354 550 500 221");
	buf_free(&run.stored);
	/* recipients beyond the limit, then errors beyond theirs */
	buf_reset(&in);
	buf_reset(&codes);
	run = (struct run){0};
	buf_puts(&in, "EHLO x\r\nMAIL FROM:<>\r\n");
	for (int i = 0; i < 101; i++)
		buf_printf(&in, "RCPT TO:<u%d@d.example>\r\n", i);
	for (int i = 0; i < 12; i++)
		buf_puts(&in, "BOGUS\r\n");
	play(&run, in.data, in.len, false, &codes);
	assert_non_null(strstr(buf_str(&codes), " 250 452 500 "));
	assert_string_equal(run.reason, "too many errors");
	assert_string_equal(buf_str(&codes) + codes.len - 7, "500 421");
	buf_free(&in);
	buf_free(&codes);
}

static void submission_wants_auth(void **state)
{
	static const char in[] =
	    "EHLO x\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n";
	struct buf codes = {0};
	struct run run = {0};

	(void)state;
	play(&run, in, sizeof(in) - 1, true, &codes);
	assert_string_equal(buf_str(&codes), "220 250 538 530 221");
	buf_free(&codes);
}

/* Commands that bring no message nearer: a hundred for each message, then each is an error. */
static void junk_is_bounded(void **state)
{
	static const char message[] = "MAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n.\r\n";
	static const char *const junk[] = {
	    "NOOP\r\n", "RSET\r\n", "VRFY a\r\n", "HELP\r\n", "EHLO x\r\n"};
	struct buf in = {0}, codes = {0};
	struct run run = {0};

	(void)state;
	buf_puts(&in, "EHLO x\r\n");
	for (int i = 0; i < 99; i++)
		buf_puts(&in, junk[i % 5]);
	buf_puts(&in, message);
	for (int i = 0; i < 200; i++)
		buf_puts(&in, junk[i % 5]);
	play(&run, in.data, in.len, false, &codes);
	assert_string_equal(buf_str(&run.stored), "x\r\n|");
	assert_string_equal(run.reason, "too many errors");
	/* greeting, EHLO, 99, four of the message, then 100 and the errors up to their limit */
	assert_int_equal(codes.len + 1, 4 * (1 + 1 + 99 + 4 + 100 + 10 + 1));
	assert_string_equal(buf_str(&codes) + codes.len - 3, "421");
	buf_free(&in);
	buf_free(&codes);
	buf_free(&run.stored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(junk_is_bounded),
	    cmocka_unit_test(submission_wants_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
