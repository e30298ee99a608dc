/*
 * test_bounce: reports of mail systems, standard and free, and letters of people that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/bounce.h"

#define TO "To: surat.diskominfo@dumai.example\n"
#define DAEMON "From: MAILER-DAEMON@mx.lain.example\n" TO "Subject: Gagal\n"
#define REPORT DAEMON "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
#define NOTICE "--b\nContent-Type: text/plain\n\nTidak sampai.\n"
#define STATUS "--b\nContent-Type: message/delivery-status\n\n"
#define ORIGINAL                                                                      \
	"--b\nContent-Type: message/rfc822\n\n"                                       \
	"Message-ID: <surat-7@dumai.example>\nFrom: surat.diskominfo@dumai.example\n" \
	"Subject: Undangan rapat\n\nisi\n--b--\n"
#define COPY                                                                          \
	"Message-ID: <surat-7@dumai.example>\nFrom: surat.diskominfo@dumai.example\n" \
	"To: camat@lain.example\nSubject: Undangan rapat\n\nYth. camat@lain.example:\n"

/* wanted: recipients as `address action status;` */
static const struct {
	const char *label, *sender, *mail, *form, *wanted, *id;
} bounces[] = {
    {"RFC 3464", "",
        REPORT NOTICE STATUS
        "Reporting-MTA: dns; mx.lain.example\nOriginal-Envelope-Id: d41\n\n"
        "Original-Recipient: rfc822;Camat@LAIN.example\nFinal-Recipient: rfc822; x@dalam.example\n"
        "Action: failed\nStatus: 5.1.1 (tidak ada)\nDiagnostic-Code: smtp; 550 5.1.1 tidak "
        "ada\n" ORIGINAL,
        "rfc3464", "Camat@lain.example failed 5.1.1;", "<surat-7@dumai.example>"},
    {"two, one only late", "",
        REPORT NOTICE STATUS
        "Reporting-MTA: dns; mx.lain.example\n\nFinal-Recipient: rfc822; a@lain.example\n"
        "Action: delayed\nStatus: 4.4.1\n\nFinal-Recipient: rfc822; <b@lain.example>\n"
        "Action: FAILED\nDiagnostic-Code: smtp; 552 5.2.2 penuh\n" ORIGINAL,
        "rfc3464", "a@lain.example delayed 4.4.1;b@lain.example failed 5.2.2;",
        "<surat-7@dumai.example>"},
    {"a success is told as such", "",
        REPORT NOTICE STATUS "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@lain.example\n"
                             "Action: relayed\nStatus: 2.0.0\n--b--\n",
        "rfc3464", "a@lain.example relayed 2.0.0;", ""},
    {"no type, no action, no empty line between", "",
        REPORT NOTICE STATUS "Final-Recipient: a@lain.example\nStatus: 4.2.2\n"
                             "Final-Recipient: b@lain.example\nStatus: 5.1.1\n--b--\n",
        "rfc3464", "a@lain.example delayed 4.2.2;b@lain.example failed 5.1.1;", ""},
    {"only the headers of the original", "",
        REPORT NOTICE STATUS
        "Final-Recipient: rfc822; a@lain.example\nAction: failed\nStatus: 5.0.0\n"
        "--b\nContent-Type: text/rfc822-headers\nContent-Transfer-Encoding: quoted-printable\n\n"
        "Message-ID: <surat-7=40dumai.example>\nSubject: Undangan\n--b--\n",
        "rfc3464", "a@lain.example failed 5.0.0;", "<surat-7@dumai.example>"},
    {"Gmail names the original in the status", "",
        REPORT NOTICE STATUS "X-Original-Message-ID: <surat-7@dumai.example>\n\n"
                             "Final-Recipient: rfc822; a@lain.example\nAction: failed\n--b--\n",
        "rfc3464", "a@lain.example failed ;", "<surat-7@dumai.example>"},
    {"nobody is named", "", REPORT NOTICE STATUS "Reporting-MTA: dns; mx\n" ORIGINAL, "rfc3464", "",
        "<surat-7@dumai.example>"},
    {"no address in it, the text has one", "",
        REPORT "--b\n\n   ----- The following addresses had permanent fatal errors -----\n"
               "<camat@lain.example>\n    (reason: 550 5.1.1 tidak ada)\n" STATUS
               "Final-Recipient: rfc822; @mx.lain.example\nAction: failed\n" ORIGINAL,
        "sendmail", "camat@lain.example failed 5.1.1;", "<surat-7@dumai.example>"},
    {"a report whose original is a report", "",
        REPORT NOTICE STATUS
        "Final-Recipient: rfc822; a@lain.example\nAction: failed\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <dsn-1@dumai.example>\nFrom: "
        "MAILER-DAEMON@dumai.example\nContent-Type: multipart/report; boundary=c\n\n--c\n"
        "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; orang@lain.example\n"
        "Action: failed\n--c--\n--b--\n",
        "rfc3464", "a@lain.example failed ;", "<dsn-1@dumai.example>"},
    {"qmail", "",
        DAEMON
        "\nHi. This is the qmail-send program at mx.lain.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
        "<camat@lain.example>:\n198.51.100.4 does not like recipient.\nRemote host said: 550 "
        "5.1.1 <surat.diskominfo@dumai.example>: no\n\n<lurah@lain.example>:\nSorry. (#4.4.1)\n\n"
        "--- Below this line is a copy of the message.\n\n" COPY "\n<orang@lain.example>:\nx\n",
        "qmail", "camat@lain.example failed 5.1.1;lurah@lain.example failed 4.4.1;",
        "<surat-7@dumai.example>"},
    {"exim", "",
        "X-Failed-Recipients: camat@lain.example\n" DAEMON
        "\nThis message was created automatically by mail delivery software.\n\nA message that you "
        "sent could not be delivered to one or more of its\nrecipients. The following "
        "address(es)\nfailed:\n\n  camat@lain.example\n    SMTP error after MAIL "
        "FROM:\n    <surat.diskominfo@dumai.example>:\n    550 5.7.1 ditolak\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n" COPY,
        "exim", "camat@lain.example failed 5.7.1;", "<surat-7@dumai.example>"},
    {"exim, forwarded there", "",
        DAEMON "\nThe following address(es) failed:\n\n  kotak@jauh.example\n    (generated from "
               "camat@lain.example)\n    mailbox is full\n",
        "exim", "camat@lain.example failed ;", ""},
    {"exim, late", "",
        DAEMON "\nThe address to which the message has not yet been delivered is:\n\n  "
               "camat@lain.example\n    Delay reason: 450 4.2.0 nanti\n",
        "exim", "camat@lain.example delayed 4.2.0;", ""},
    {"exim in another language", "",
        "X-Failed-Recipients: camat@lain.example, lurah@lain.example\n" DAEMON
        "\nPesan ini dibuat oleh program.\n",
        "free", "camat@lain.example failed ;lurah@lain.example failed ;", ""},
    {"exchange", "MAILER-DAEMON@lain.example",
        "From: postmaster@lain.example\n" TO
        "Subject: Undeliverable: Undangan\n\nYour message\n\n  "
        "To:      camat@lain.example\n  Subject: Undangan\n\ndid not reach the following "
        "recipient(s):\n\ncamat@lain.example on Mon, 2 Feb 2026 08:00:00 +0700\n    The recipient "
        "name is not recognized\n",
        "exchange", "camat@lain.example failed ;", ""},
    {"exchange, HTML only", "",
        DAEMON "Content-Type: text/html\n\n<p>Delivery has failed to these recipients or "
               "groups:</p><p><a href=\"mailto:camat@lain.example\">camat@lain.example</a></p>"
               "<p>The address was not found.</p>",
        "exchange", "camat@lain.example failed ;", ""},
    {"postfix of old", "",
        DAEMON
        "\nThis is the Postfix program at host mx.lain.example.\n\nI'm sorry to have to inform "
        "you that the message returned\nbelow could not be delivered to one or more "
        "destinations.\n\nFor further assistance, contact <postmaster@lain.example>\n\n"
        "<camat@lain.example>: host mx[198.51.100.4] said: 550 5.1.1\n    tidak ada\n",
        "postfix", "camat@lain.example failed 5.1.1;", ""},
    {"sendmail 5", "",
        DAEMON
        "\n   ----- Transcript of session follows -----\n550 lain.example (smtp)... Host "
        "unknown\n554 <camat@lain.example>... Host unknown\n\n   ----- Unsent message follows "
        "-----\n" COPY,
        "sendmail", "camat@lain.example failed ;", "<surat-7@dumai.example>"},
    {"domino", "",
        DAEMON "\nYour message\n\n  Subject: Undangan\n\nwas not delivered to:\n\n  "
               "camat@lain.example\n\nbecause:\n\n  User camat not listed in Domino Directory\n",
        "domino", "camat@lain.example failed ;", ""},
    {"groupwise", "",
        DAEMON
        "\nThe message that you sent was undeliverable to the following:\n\tcamat@lain.example "
        "(user not found)\n",
        "groupwise", "camat@lain.example failed ;", ""},
    {"courier", "",
        DAEMON
        "\nYour message to the following recipients cannot be delivered:\n\n"
        "<camat@lain.example>:\n    mx.lain.example [198.51.100.4]:\n<<< 550 5.1.1 tidak ada\n",
        "courier", "camat@lain.example failed 5.1.1;", ""},
    {"fields in the text", "",
        DAEMON "\nAn error occurred.\n\nReporting-MTA: dns; mx\n\nAction: failed\nFinal-Recipient: "
               "rfc822; camat@lain.example\nStatus: 5.1.1\n\n" COPY,
        "free", "camat@lain.example failed 5.1.1;", "<surat-7@dumai.example>"},
    {"Indonesian", "",
        DAEMON "\nPesan Anda tidak dapat dikirim ke alamat berikut:\n\n* camat@lain.example\n",
        "free", "camat@lain.example failed ;", ""},
    {"unknown server", "", DAEMON "\nYour mail could not be delivered.\n", "free", "", ""},
    {"a reply header names the original", "",
        "In-Reply-To: <surat-7@dumai.example>\nX-Failed-Recipients: grup@lain.example\n" DAEMON
        "\nGrup itu tidak ada.\n",
        "free", "grup@lain.example failed ;", "<surat-7@dumai.example>"},
};

static struct mime_part *parse(const char *text, struct arena *arena)
{
	struct mime_part *root;

	assert_int_equal(mime_parse(range_of(text), arena, &root, NULL), 1);
	return root;
}

static void test_bounces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bounces) / sizeof(bounces[0]); i++) {
		struct arena *arena = arena_new();
		struct buf got = {0};
		struct bounce b;

		if (bounce_read(parse(bounces[i].mail, arena), bounces[i].sender, arena, &b) != 1)
			fail_msg("%s: not taken for a bounce", bounces[i].label);
		for (size_t k = 0; k < b.recipient_count; k++)
			buf_printf(&got, "%s %s %s;", b.recipients[k].address,
			    b.recipients[k].action, b.recipients[k].status);
		if (strcmp(buf_str(&got), bounces[i].wanted) != 0 ||
		    strcmp(b.form, bounces[i].form) != 0 ||
		    strcmp(b.message_id, bounces[i].id) != 0)
			fail_msg("%s: [%s] form %s, about %s", bounces[i].label, buf_str(&got),
			    b.form, b.message_id);
		buf_free(&got);
		arena_free(&arena);
	}
}

#define PERSON "From: Budi <budi@lain.example>\n" TO

static const struct {
	const char *label, *sender, *mail;
} letters[] = {
    {"a letter", "budi@lain.example", PERSON "Subject: Balasan undangan\n\nKami hadir.\n"},
    {"one that quotes a bounce", "budi@lain.example",
        PERSON "Subject: Surat kami kembali\n\nSurat kami kembali:\n\nThis message was created "
               "automatically by mail delivery software.\nThe following address(es) failed:\n\n  "
               "camat@lain.example\n    mailbox is full\n"},
    {"one that quotes its fields", "budi@lain.example",
        PERSON "Subject: Gagal kirim\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; "
               "camat@lain.example\nAction: failed\n"},
    {"a forwarded bounce", "budi@lain.example",
        PERSON "Subject: Fwd: failure notice\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\n"
               "Mohon dicek.\n--m\nContent-Type: message/rfc822\n\n" REPORT NOTICE STATUS
               "Final-Recipient: rfc822; a@lain.example\nAction: failed\n" ORIGINAL "--m--\n"},
    {"a bounce forwarded in its parts", "budi@lain.example",
        PERSON "Subject: Fwd: failure notice\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
               "Mohon dicek.\n" STATUS "Final-Recipient: rfc822; a@lain.example\n" ORIGINAL},
    {"a postmaster who answers", "postmaster@lain.example",
        "From: postmaster@lain.example\n" TO "Subject: Re: Undeliverable: Undangan\n\nSudah "
        "diperbaiki.\n\nDelivery has failed to these recipients or "
        "groups:\n\ncamat@lain.example\n"},
    {"a postmaster who writes", "postmaster@lain.example",
        "From: postmaster@lain.example\n" TO "Subject: Pemeliharaan\n\nServer kami mati besok.\n"},
    {"a feedback report", "fbl@lain.example",
        PERSON "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" NOTICE
               "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n"},
    {"a read receipt", "",
        PERSON "Content-Type: multipart/report; report-type=disposition-notification; "
               "boundary=b\nSubject: Dibaca\n\n--b\n\nSudah dibaca.\n--b\nContent-Type: "
               "message/disposition-notification\n\nFinal-Recipient: rfc822; budi@lain.example\n"
               "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"},
    {"an absence answer", "",
        PERSON
        "Auto-Submitted: auto-replied\nSubject: Cuti\n\nSaya cuti, hubungi wakil@lain.example\n"},
};

static void test_letters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		struct arena *arena = arena_new();
		struct bounce b;

		if (bounce_read(parse(letters[i].mail, arena), letters[i].sender, arena, &b) != 0)
			fail_msg("%s: taken for a bounce, form %s", letters[i].label, b.form);
		arena_free(&arena);
	}
}

static void test_fields(void **state)
{
	struct arena *arena = arena_new();
	struct bounce b;

	(void)state;
	assert_int_equal(bounce_read(parse(bounces[0].mail, arena), "", arena, &b), 1);
	assert_true(b.standard);
	assert_string_equal(b.reporter, "mx.lain.example");
	assert_string_equal(b.envelope_id, "d41");
	assert_string_equal(b.subject, "Undangan rapat");
	assert_string_equal(b.from, "surat.diskominfo@dumai.example");
	assert_string_equal(b.recipients[0].final, "x@dalam.example");
	assert_string_equal(b.recipients[0].diagnostic, "550 5.1.1 tidak ada");
	assert_string_equal(b.recipients[0].remote, "");
	arena_free(&arena);
}

static void test_many(void **state)
{
	struct arena *arena = arena_new();
	struct buf mail = {0};
	struct bounce b;

	(void)state;
	buf_puts(&mail, REPORT NOTICE STATUS "Reporting-MTA: dns; mx\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(
		    &mail, "\nFinal-Recipient: rfc822; n%d@lain.example\nAction: failed\n", i);
	buf_puts(&mail, "--b--\n");
	assert_int_equal(bounce_read(parse(buf_str(&mail), arena), "", arena, &b), 1);
	assert_int_equal(b.recipient_count, 1000);
	buf_free(&mail);
	arena_free(&arena);
}

static void test_matches(void **state)
{
	static const struct bounce_recipient camat = {.address = "Camat@lain.example",
	    .final = "kotak@jauh.example",
	    .action = "failed",
	    .status = "",
	    .diagnostic = "",
	    .remote = ""};
	struct bounce b = {
	    .recipients = &camat, .recipient_count = 1, .message_id = "<7@d.example>"};

	(void)state;
	assert_int_equal(bounce_matches(&b, "7@d.example", "camat@LAIN.example"), BOUNCE_SURE);
	assert_int_equal(bounce_matches(&b, "<7@d.example>", "kotak@jauh.example"), BOUNCE_SURE);
	/* the same letter to another; another letter to him */
	assert_int_equal(bounce_matches(&b, "<7@d.example>", "lurah@lain.example"), BOUNCE_OTHER);
	assert_int_equal(bounce_matches(&b, "<8@d.example>", "camat@lain.example"), BOUNCE_OTHER);
	b.message_id = "";
	assert_int_equal(bounce_matches(&b, "<8@d.example>", "camat@lain.example"), BOUNCE_LIKELY);
	assert_int_equal(bounce_matches(&b, "<8@d.example>", "lurah@lain.example"), BOUNCE_OTHER);
	b.recipient_count = 0;
	assert_int_equal(bounce_matches(&b, "<8@d.example>", "camat@lain.example"), BOUNCE_OTHER);
	b.message_id = "<8@d.example>";
	assert_int_equal(bounce_matches(&b, "<8@d.example>", "camat@lain.example"), BOUNCE_LIKELY);
	assert_null(bounce_recipient(&b, "camat@lain.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounces),
	    cmocka_unit_test(test_letters), cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_many), cmocka_unit_test(test_matches)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
