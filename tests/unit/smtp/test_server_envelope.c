/*
 * Parameters of MAIL and RCPT: what each port offers, what is taken and handed to the role, and
 * that whatever is malformed, unknown or said twice is refused.
 */
#include "tests/unit/smtp/server_play.h"

#define KATO "k\xc3\xa9 \xe5\xad\x97@\xe4\xbe\x8b.example"
#define KE "k\xc3\xa9@b.example"
#define MAIL_A "EHLO x\r\nMAIL FROM:<a@b.example>"
#define RCPT_C "\r\nRCPT TO:<c@d.example>"
#define X20 "xxxxxxxxxxxxxxxxxxxx"
#define X100 X20 X20 X20 X20 X20
#define X500 X100 X100 X100 X100 X100

static const struct {
	const char *label, *in, *codes;
	const char *asked; /* NULL: no message came to its data */
} dsn[] = {
    {"nothing asked", MAIL_A RCPT_C, "250 250 250", " ;c@d.example  ;"},
    {"all of it",
        MAIL_A " RET=hdrs ENVID=QQ+2B314" RCPT_C " NOTIFY=delay,SUCCESS,Failure "
               "ORCPT=rfc822;c+2Bd@d.example",
        "250 250 250", "HDRS QQ+2B314;c@d.example SUCCESS,FAILURE,DELAY rfc822;c+2Bd@d.example;"},
    {"never", MAIL_A " RET=FULL SIZE=10" RCPT_C " NOTIFY=NEVER", "250 250 250",
        "FULL ;c@d.example NEVER ;"},
    {"a second recipient begins afresh", MAIL_A RCPT_C " NOTIFY=NEVER\r\nRCPT TO:<e@d.example>",
        "250 250 250 250", " ;c@d.example NEVER ;e@d.example  ;"},
    {"UTF-8 address type", MAIL_A RCPT_C " ORCPT=utf-8;\\x{E9}@d.example", "250 250 250",
        " ;c@d.example  utf-8;\\x{E9}@d.example;"},
    {"RET of another word", MAIL_A " RET=BODY", "250 501", NULL},
    {"RET without", MAIL_A " RET=", "250 501", NULL},
    {"RET twice", MAIL_A " RET=FULL RET=FULL", "250 501", NULL},
    {"RET without =", MAIL_A " RET", "250 555", NULL},
    {"ENVID empty", MAIL_A " ENVID=", "250 501", NULL},
    {"ENVID of 100", MAIL_A " ENVID=" X100 RCPT_C, "250 250 250", " " X100 ";c@d.example  ;"},
    {"ENVID of 101", MAIL_A " ENVID=" X100 "x", "250 501", NULL},
    {"ENVID no xtext: =", MAIL_A " ENVID=a=b", "250 501", NULL},
    {"ENVID no xtext: half a code", MAIL_A " ENVID=a+2", "250 501", NULL},
    {"ENVID no xtext: lower case", MAIL_A " ENVID=a+2b", "250 501", NULL},
    {"ENVID 8-bit", MAIL_A " ENVID=k\xc3\xa9", "250 501", NULL},
    {"ENVID with a line end in it", MAIL_A " ENVID=a+0D+0AX:b", "250 501", NULL},
    {"NOTIFY empty", MAIL_A RCPT_C " NOTIFY=", "250 250 501", NULL},
    {"NOTIFY with NEVER in a list", MAIL_A RCPT_C " NOTIFY=NEVER,FAILURE", "250 250 501", NULL},
    {"NOTIFY with a word twice", MAIL_A RCPT_C " NOTIFY=DELAY,DELAY", "250 250 501", NULL},
    {"NOTIFY with a comma at the end", MAIL_A RCPT_C " NOTIFY=DELAY,", "250 250 501", NULL},
    {"NOTIFY of another word", MAIL_A RCPT_C " NOTIFY=ALWAYS", "250 250 501", NULL},
    {"NOTIFY twice", MAIL_A RCPT_C " NOTIFY=DELAY NOTIFY=NEVER", "250 250 501", NULL},
    {"ORCPT without a type", MAIL_A RCPT_C " ORCPT=c@d.example", "250 250 501", NULL},
    {"ORCPT without an address", MAIL_A RCPT_C " ORCPT=rfc822;", "250 250 501", NULL},
    {"ORCPT with a line end in it", MAIL_A RCPT_C " ORCPT=rfc822;a+0Ab@c", "250 250 501", NULL},
    {"ORCPT too long", MAIL_A RCPT_C " ORCPT=rfc822;" X500, "250 250 501", NULL},
    {"parameters of the other command", MAIL_A " NOTIFY=NEVER", "250 555", NULL},
    {"and the other way round", MAIL_A RCPT_C " RET=FULL", "250 250 555", NULL},
    {"unknown", MAIL_A RCPT_C " X=1", "250 250 555", NULL},
};

/* Plays with DATA and QUIT behind it: codes without 220 and those of what was added. */
static void run_case(const char *in, struct run *run, bool submission, struct buf *codes)
{
	struct buf all = {0};

	buf_printf(&all, "%s\r\nDATA\r\n.\r\nQUIT\r\n", in);
	run->logged_in = submission;
	play(run, all.data, all.len, submission, codes);
	buf_free(&all);
}

static void check_codes(const char *label, const struct buf *codes, const char *wanted, bool whole)
{
	struct buf all = {0};

	/* without a recipient DATA is out of order, and so is the dot */
	buf_printf(&all, "220 %s%s", wanted, whole ? " 354 250 221" : " 503 500 221");
	if (strcmp(buf_str(codes), buf_str(&all)) != 0)
		fail_msg("%s: got \"%s\"", label, buf_str(codes));
	buf_free(&all);
}

static void reports_on_submission(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dsn) / sizeof(dsn[0]); i++) {
		struct run run = {0};
		struct buf codes = {0};

		run_case(dsn[i].in, &run, true, &codes);
		check_codes(dsn[i].label, &codes, dsn[i].codes, dsn[i].asked != NULL);
		if (strcmp(buf_str(&run.asked), dsn[i].asked ? dsn[i].asked : "") != 0)
			fail_msg("%s: asked \"%s\"", dsn[i].label, buf_str(&run.asked));
		buf_free(&codes);
		buf_free(&run.asked);
		buf_free(&run.stored);
	}
}

static void no_reports_on_the_mx(void **state)
{
	struct run run = {0};
	struct buf codes = {0};

	(void)state;
	run_case("EHLO x\r\nMAIL FROM:<a@b.example> RET=FULL\r\nMAIL FROM:<a@b.example>" RCPT_C
	         " NOTIFY=NEVER" RCPT_C,
	    &run, false, &codes);
	check_codes("MX", &codes, "250 555 250 555 250", true);
	assert_string_equal(buf_str(&run.asked), " ;c@d.example  ;");
	buf_free(&codes);
	buf_free(&run.asked);
	buf_free(&run.stored);
}

static const struct {
	const char *label, *in, *codes, *protocol;
	const char *asked; /* NULL: no message came to its data */
} utf8[] = {
    {"asked for and used", "EHLO x\r\nMAIL FROM:<" KE "> SMTPUTF8\r\nRCPT TO:<" KE ">",
        "250 250 250", "UTF8SMTP", " ;" KE "  ;"},
    {"asked for and not used", MAIL_A " smtputf8 BODY=8BITMIME" RCPT_C, "250 250 250", "UTF8SMTP",
        " ;c@d.example  ;"},
    {"domain in UTF-8", MAIL_A " SMTPUTF8\r\nRCPT TO:<c@\xe4\xbe\x8b.example>", "250 250 250",
        "UTF8SMTP", " ;c@\xe4\xbe\x8b.example  ;"},
    {"not asked for, sender", "EHLO x\r\nMAIL FROM:<" KE ">", "250 553", "", NULL},
    {"not asked for, recipient", MAIL_A "\r\nRCPT TO:<" KE ">", "250 250 553", "ESMTP", NULL},
    {"with a value", MAIL_A " SMTPUTF8=1", "250 555", "", NULL},
    {"twice", MAIL_A " SMTPUTF8 SMTPUTF8", "250 501", "", NULL},
    {"behind RCPT", MAIL_A RCPT_C " SMTPUTF8", "250 250 555", "ESMTP", NULL},
    {"not UTF-8", "EHLO x\r\nMAIL FROM:<k\xe9@b.example> SMTPUTF8", "250 501", "", NULL},
    {"overlong form", "EHLO x\r\nMAIL FROM:<k\xc0\xaf@b.example> SMTPUTF8", "250 501", "", NULL},
    {"surrogate", "EHLO x\r\nMAIL FROM:<k\xed\xa0\x80@b.example> SMTPUTF8", "250 501", "", NULL},
    {"right-to-left override", "EHLO x\r\nMAIL FROM:<k\xe2\x80\xae@b.example> SMTPUTF8", "250 501",
        "", NULL},
    {"C1 control", "EHLO x\r\nMAIL FROM:<k\xc2\x85@b.example> SMTPUTF8", "250 501", "", NULL},
    {"blank in it", "EHLO x\r\nMAIL FROM:<" KATO "> SMTPUTF8", "250 501", "", NULL},
    {"8-bit HELO name", "EHLO k\xc3\xa9\r\n" MAIL_A RCPT_C, "501 250 250 250", "ESMTP",
        " ;c@d.example  ;"},
};

static void addresses_beyond_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
		struct run run = {0};
		struct buf codes = {0};

		run_case(utf8[i].in, &run, false, &codes);
		check_codes(utf8[i].label, &codes, utf8[i].codes, utf8[i].asked != NULL);
		if (strcmp(buf_str(&run.asked), utf8[i].asked ? utf8[i].asked : "") != 0 ||
		    strcmp(run.protocol, utf8[i].protocol) != 0)
			fail_msg(
			    "%s: \"%s\" by %s", utf8[i].label, buf_str(&run.asked), run.protocol);
		buf_free(&codes);
		buf_free(&run.asked);
		buf_free(&run.stored);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reports_on_submission),
	    cmocka_unit_test(no_reports_on_the_mx),
	    cmocka_unit_test(addresses_beyond_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
