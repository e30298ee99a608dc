/*
 * BDAT (RFC 3030): chunks end by count alone, whatever stands in them; what is refused eats its
 * octets, so that nothing inside a chunk is ever taken for a command.
 */
#include "tests/unit/smtp/server_play.h"

#define TO "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
#define EVIL "MAIL FROM:<evil@b.example>\r\n" /* 28 octets */

static const struct {
	const char *label, *in, *codes;
	const char *stored; /* NULL: no whole message */
} cases[] = {
    {"one chunk", TO "BDAT 6 LAST\r\ntext\r\nQUIT\r\n", "220 250 250 250 250 221", "text\r\n|"},
    {"CR at the end of the last chunk",
        TO "BDAT 5\r\ntext\rBDAT 2\r\n\nmbdat 4 last\r\nore\rBDAT 1\r\n\nQUIT\r\n",
        "220 250 250 250 250 250 550 503 221", NULL},
    {"CR and LF in two chunks", TO "BDAT 5\r\ntext\rBDAT 1\r\n\nBDAT 2 LAST\r\n\r\nQUIT\r\n",
        "220 250 250 250 250 250 250 221", "text\r\n\r\n|"},
    {"an empty last chunk", TO "BDAT 6\r\ntext\r\nBDAT 0 LAST\r\nQUIT\r\n",
        "220 250 250 250 250 250 221", "text\r\n|"},
    {"empty chunks between", TO "BDAT 0\r\nBDAT 6\r\ntext\r\nBDAT 0\r\nBDAT 0 LAST\r\nQUIT\r\n",
        "220 250 250 250 250 250 250 250 221", "text\r\n|"},
    {"nothing at all", TO "BDAT 0 LAST\r\nQUIT\r\n", "220 250 250 250 250 221", "|"},
    {"the last line's end is added", TO "BDAT 4 LAST\r\ntextQUIT\r\n", "220 250 250 250 250 221",
        "text\r\n|"},
    {"dots are dots, no end of data", TO "BDAT 12 LAST\r\n.\r\n..\r\n.\r\n\r\nQUIT\r\n",
        "220 250 250 250 250 221", ".\r\n..\r\n.\r\n\r\n|"},
    {"a command in a chunk is text", TO "BDAT 31 LAST\r\n.\r\n" EVIL "QUIT\r\n",
        "220 250 250 250 250 221", ".\r\n" EVIL "|"},
    {"two messages, pipelined",
        TO "BDAT 5 LAST\r\none\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 5 LAST\r\n"
           "two\r\nQUIT\r\n",
        "220 250 250 250 250 250 250 250 221", "one\r\n|two\r\n|"},
    {"then one by DATA",
        TO "BDAT 5 LAST\r\none\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\ntwo\r\n.\r\n"
           "QUIT\r\n",
        "220 250 250 250 250 250 250 354 250 221", "one\r\n|two\r\n|"},
    /* mixed and out of order: refused, octets eaten */
    {"DATA after BDAT", TO "BDAT 5\r\none\r\nDATA\r\nBDAT 0 LAST\r\nQUIT\r\n",
        "220 250 250 250 250 503 250 221", "one\r\n|"},
    {"MAIL, RCPT, STARTTLS, AUTH after BDAT",
        TO "BDAT 5\r\none\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nSTARTTLS\r\nAUTH PLAIN\r\n"
           "NOOP\r\nBDAT 0 LAST\r\nQUIT\r\n",
        "220 250 250 250 250 503 503 503 503 250 250 221", "one\r\n|"},
    {"BDAT before MAIL", "EHLO x\r\nBDAT 28 LAST\r\n" EVIL "RCPT TO:<c@d.example>\r\nQUIT\r\n",
        "220 250 503 503 221", ""},
    {"BDAT before EHLO", "BDAT 28 LAST\r\n" EVIL "EHLO x\r\nQUIT\r\n", "220 503 250 221", ""},
    {"BDAT after HELO",
        "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 28 LAST\r\n" EVIL
        "DATA\r\nx\r\n.\r\nQUIT\r\n",
        "220 250 250 250 503 354 250 221", "x\r\n|"},
    {"no valid recipient",
        "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@d.example>\r\nBDAT 28 LAST\r\n" EVIL
        "RCPT TO:<c@d.example>\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n",
        "220 250 250 550 503 250 250 221", "x\r\n|"},
    {"after LAST there is no transaction",
        TO "BDAT 3 LAST\r\nx\r\nBDAT 28 LAST\r\n" EVIL "QUIT\r\n", "220 250 250 250 250 503 221",
        "x\r\n|"},
    {"RSET between", TO "BDAT 3\r\nx\r\nRSET\r\nBDAT 28 LAST\r\n" EVIL "QUIT\r\n",
        "220 250 250 250 250 250 503 221", NULL},
    {"EHLO between", TO "BDAT 3\r\nx\r\nEHLO y\r\nMAIL FROM:<>\r\nQUIT\r\n",
        "220 250 250 250 250 250 250 221", NULL},
    /* a failed chunk fails its message, whose end is still awaited */
    {"bare LF", TO "BDAT 4\r\na\nb\nBDAT 28\r\n" EVIL "BDAT 0 LAST\r\nNOOP\r\nQUIT\r\n",
        "220 250 250 250 550 550 550 250 221", NULL},
    {"bare CR at the very end", TO "BDAT 2 LAST\r\na\rQUIT\r\n", "220 250 250 250 550 221", NULL},
    {"bare CR before a chunk", TO "BDAT 2\r\na\rBDAT 2 LAST\r\nb\nQUIT\r\n",
        "220 250 250 250 250 550 221", NULL},
    {"RSET after a failed chunk",
        TO "BDAT 2\r\na\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 3 LAST\r\nx\r\n"
           "QUIT\r\n",
        "220 250 250 250 550 250 250 250 250 221", "x\r\n|"},
    /* no count, no session: what follows would be commands */
    {"no size", TO "BDAT\r\n" EVIL, "220 250 250 250 501", ""},
    {"no number", TO "BDAT x LAST\r\n" EVIL, "220 250 250 250 501", ""},
    {"a negative size", TO "BDAT -1 LAST\r\n" EVIL, "220 250 250 250 501", ""},
    {"another word", TO "BDAT 28 FIRST\r\n" EVIL, "220 250 250 250 501", ""},
    {"a word behind", TO "BDAT 28 LAST X\r\n" EVIL, "220 250 250 250 501", ""},
    {"a size that wraps", TO "BDAT 18446744073709551644 LAST\r\n" EVIL, "220 250 250 250 501", ""},
    {"a chunk larger than any message", TO "BDAT 100001\r\n" EVIL, "220 250 250 250 552", ""},
    {"the peer leaves within a chunk", TO "BDAT 100 LAST\r\n" EVIL, "220 250 250 250", NULL},
};

static void chunks(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct run run = {.late = late == 1};
			struct buf codes = {0};

			play(&run, cases[i].in, strlen(cases[i].in), false, &codes);
			if (strcmp(buf_str(&codes), cases[i].codes) != 0)
				fail_msg("%s: got \"%s\"", cases[i].label, buf_str(&codes));
			if (cases[i].stored == NULL ? strchr(buf_str(&run.stored), '|') != NULL
			                            : strcmp(buf_str(&run.stored), cases[i].stored))
				fail_msg("%s: stored \"%s\"", cases[i].label, buf_str(&run.stored));
			buf_free(&codes);
			buf_free(&run.stored);
		}
}

/* The limit is of the message, however it is cut; the chunk that passes it is eaten and refused. */
static void size_limit(void **state)
{
	struct buf in = {0}, codes = {0};
	struct run run = {0};

	(void)state;
	buf_puts(&in, TO);
	for (int chunk = 0; chunk < 3; chunk++) {
		buf_puts(&in, "BDAT 40000\r\n");
		for (int i = 0; i < 500; i++)
			buf_printf(&in, "%078d\r\n", i);
	}
	buf_puts(&in, "BDAT 28 LAST\r\n" EVIL "RSET\r\nQUIT\r\n");
	play(&run, in.data, in.len, false, &codes);
	assert_string_equal(buf_str(&codes), "220 250 250 250 250 250 552 552 250 221");
	assert_null(strchr(buf_str(&run.stored), '|'));
	buf_free(&in);
	buf_free(&codes);
	buf_free(&run.stored);
}

/* Refused chunks count as errors; they end the session between chunks, never within one. */
static void errors_count(void **state)
{
	struct buf in = {0}, codes = {0};
	struct run run = {0};

	(void)state;
	buf_puts(&in, "EHLO x\r\n");
	for (int i = 0; i < 15; i++)
		buf_puts(&in, "BDAT 28 LAST\r\n" EVIL);
	play(&run, in.data, in.len, false, &codes);
	assert_string_equal(buf_str(&codes), "220 250 503 503 503 503 503 503 503 503 503 503 421");
	buf_free(&in);
	buf_free(&codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chunks),
	    cmocka_unit_test(size_limit),
	    cmocka_unit_test(errors_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
