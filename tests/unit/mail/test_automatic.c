/*
 * test_automatic: what programs write, by kind, and what people write, which must stay a person's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/automatic.h"

#define HEAD "From: Budi <budi@lain.example>\nTo: surat.diskominfo@dumai.example\n"
#define REPLY HEAD "In-Reply-To: <surat-7@dumai.example>\n"
#define PARTS(type) "Content-Type: multipart/" type "; boundary=b\n\n"
#define TEXT "--b\nContent-Type: text/plain\n\n"

static const struct {
	const char *label, *sender, *mail;
	enum automatic kind;
} mails[] = {
    {"a letter", "budi@lain.example", HEAD "Subject: Permohonan data\n\nDengan hormat.\n",
        AUTOMATIC_NO},
    {"Auto-Submitted: no", "budi@lain.example", REPLY "Auto-Submitted: no\n\nOK\n", AUTOMATIC_NO},
    {"Auto-Submitted: NO with a comment", "budi@lain.example",
        REPLY "Auto-Submitted: NO (typed)\n\nOK\n", AUTOMATIC_NO},
    {"a word that begins with no", "budi@lain.example",
        REPLY "Auto-Submitted: notified\nSubject: x\n\nOK\n", AUTOMATIC_OTHER},
    {"generated", "cron@lain.example", HEAD "Auto-Submitted: auto-generated\n\nLaporan\n",
        AUTOMATIC_OTHER},
    {"suppression alone", "budi@lain.example",
        REPLY
        "X-Auto-Response-Suppress: DR, OOF, AutoReply\nSubject: RE: Undangan\n\nKami hadir.\n",
        AUTOMATIC_NO},
    {"a reply that quotes an automatic subject", "budi@lain.example",
        REPLY "X-Auto-Response-Suppress: All\nSubject: RE: Automatic reply: Undangan\n\nMaaf.\n",
        AUTOMATIC_NO},
    {"a letter about leave", "budi@lain.example",
        HEAD "Subject: Cuti tahunan pegawai\n\nSaya sedang cuti sampai Jumat, out of office.\n",
        AUTOMATIC_NO},
    {"a letter about automatic replies", "budi@lain.example",
        HEAD "Subject: Jawaban otomatis: usulan kebijakan\n\nKami mengusulkan.\n", AUTOMATIC_NO},
    {"a letter with receipt wanted", "budi@lain.example",
        HEAD "Disposition-Notification-To: budi@lain.example\nReturn-Receipt-To: "
             "budi@lain.example\nX-Priority: 1\n\nMohon.\n",
        AUTOMATIC_NO},
    {"List-Unsubscribe alone", "humas@lain.example",
        HEAD "List-Unsubscribe: <mailto:u@lain.example>\nSubject: Undangan\n\nMohon hadir.\n",
        AUTOMATIC_NO},
    {"a reply that went through a group", "grup@lain.example",
        REPLY
        "Precedence: list\nList-Id: <tim.lain.example>\nList-Post: <mailto:tim@lain.example>\n\n"
        "Kami hadir.\n",
        AUTOMATIC_NO},
    {"a no-reply sender of letters", "no-reply@srikandi.example",
        "From: no-reply@srikandi.example\nTo: surat@dumai.example\nSubject: Surat masuk\n\nIsi\n",
        AUTOMATIC_NO},
    {"a mailing list", "list-bounces@lain.example",
        HEAD "Precedence: list\nList-Id: <warta.lain.example>\nSubject: Warta\n\nIsi\n",
        AUTOMATIC_LIST},
    {"a newsletter", "n@lain.example",
        HEAD "List-Id: <warta.lain.example>\nList-Unsubscribe: <https://lain.example/u>\n\nIsi\n",
        AUTOMATIC_LIST},
    {"bulk", "n@lain.example", HEAD "Precedence: bulk\n\nIsi\n", AUTOMATIC_LIST},
    {"null sender", "", HEAD "Subject: Terima kasih\n\nPesan diterima.\n", AUTOMATIC_OTHER},

    {"Exchange's absence", "",
        REPLY "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nSubject: Automatic "
              "reply: Undangan\n\nI am out.\n",
        AUTOMATIC_VACATION},
    {"Exchange's absence, stripped", "budi@lain.example",
        REPLY "X-Auto-Response-Suppress: All\nSubject: Jawaban otomatis: Undangan\n\nSaya dinas.\n",
        AUTOMATIC_VACATION},
    {"Outlook's rule", "budi@lain.example",
        REPLY "X-MS-Exchange-Inbox-Rules-Loop: budi@lain.example\nSubject: Balasan otomatis: "
              "Undangan\n\nSaya dinas.\n",
        AUTOMATIC_VACATION},
    {"Gmail's absence", "budi@gmail.example",
        REPLY "Precedence: bulk\nX-Autoreply: yes\nAuto-Submitted: auto-replied\nSubject: Di luar "
              "kantor Re: Undangan\n\nSaya kembali Senin.\n",
        AUTOMATIC_VACATION},
    {"Dovecot Sieve", "",
        REPLY "X-Sieve: Pigeonhole Sieve\nAuto-Submitted: auto-replied (vacation)\nPrecedence: "
              "bulk\nSubject: Auto: Undangan\n\nNanti.\n",
        AUTOMATIC_VACATION},
    {"words name a plain auto-reply", "",
        REPLY "Auto-Submitted: auto-replied\nSubject: Re: Undangan\n\nSaya sedang cuti.\n",
        AUTOMATIC_VACATION},
    {"a plain auto-reply", "",
        REPLY "Auto-Submitted: auto-replied\nSubject: Re: x\n\nTerima kasih.\n", AUTOMATIC_OTHER},
    {"X-Autorespond", "budi@lain.example", REPLY "X-Autorespond: Undangan\n\nNanti.\n",
        AUTOMATIC_VACATION},
    {"X-Autoreply: no", "budi@lain.example", REPLY "X-Autoreply: no\n\nOK\n", AUTOMATIC_NO},
    {"Precedence: auto_reply", "budi@lain.example", REPLY "Precedence: auto_reply\n\nNanti.\n",
        AUTOMATIC_VACATION},

    {"OTRS acknowledges", "helpdesk@lain.example",
        REPLY "X-Powered-By: OTRS\nPrecedence: bulk\nAuto-Submitted: auto-generated\nSubject: "
              "[Tiket#2026] Undangan\n\nTerima kasih.\n",
        AUTOMATIC_TICKET},
    {"a clerk answers from OTRS", "helpdesk@lain.example",
        REPLY "X-Mailer: OTRS Mail Service\nX-Powered-By: OTRS\nSubject: [Tiket#2026] "
              "Undangan\n\nKami hadir, nomor tiket di atas.\n",
        AUTOMATIC_NO},
    {"RT acknowledges", "helpdesk@lain.example",
        REPLY "RT-Ticket: lain #7\nX-RT-Loop-Prevention: lain\nPrecedence: bulk\nAuto-Submitted: "
              "auto-replied\nSubject: [lain #7] AutoReply: Undangan\n\nThis message has been.\n",
        AUTOMATIC_TICKET},
    {"a clerk answers from RT", "helpdesk@lain.example",
        REPLY "RT-Ticket: lain #7\nX-RT-Loop-Prevention: lain\nPrecedence: bulk\nAuto-Submitted: "
              "auto-generated\nSubject: [lain #7] Undangan\n\nSurat Bapak telah kami terima, kami "
              "hadir.\n\n> ticket has been created\n",
        AUTOMATIC_NO},
    {"Zendesk acknowledges", "support@lain.zendesk.example",
        REPLY "X-Mailer: Zendesk Mailer\nAuto-Submitted: auto-generated\nSubject: [Request "
              "received] Undangan\n\nYour request (7) has been received.\n",
        AUTOMATIC_TICKET},
    {"a clerk answers from Zendesk", "support@lain.zendesk.example",
        REPLY "X-Mailer: Zendesk Mailer\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: "
              "All\nSubject: [lain] Re: Undangan\n\nYth. Bapak, kami akan hadir.\n",
        AUTOMATIC_NO},
    {"Jira acknowledges", "jira@lain.example",
        REPLY "X-JIRA-FingerPrint: 2f\nPrecedence: bulk\nAuto-Submitted: auto-generated\nSubject: "
              "SD-7 Undangan\n\nJust confirming that we got your request.\n",
        AUTOMATIC_TICKET},
    {"osTicket acknowledges", "helpdesk@lain.example",
        REPLY "X-Mailer: osTicket Mailer\nAuto-Submitted: auto-replied\nSubject: Support Ticket "
              "Opened\n\nYth.\n",
        AUTOMATIC_TICKET},
    {"Freshdesk acknowledges", "",
        HEAD "Message-ID: <7@lain.freshdesk.com>\nAuto-Submitted: auto-generated\nSubject: Ticket "
             "Received - Undangan\n\nYth.\n",
        AUTOMATIC_TICKET},

    {"a read receipt", "",
        REPLY "Subject: Dibaca: Undangan\nContent-Type: multipart/report; "
              "report-type=disposition-notification; boundary=b\n\n" TEXT
              "Sudah dibaca.\n--b\nContent-Type: message/disposition-notification\n\n"
              "Final-Recipient: rfc822; budi@lain.example\n--b--\n",
        AUTOMATIC_RECEIPT},
    {"a feedback report", "fbl@lain.example",
        HEAD
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" TEXT
        "Keluhan.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n",
        AUTOMATIC_OTHER},
    {"a bounce", "",
        "From: MAILER-DAEMON@lain.example\nX-Failed-Recipients: camat@lain.example\n\nGagal.\n",
        AUTOMATIC_BOUNCE},
    {"a forwarded bounce", "budi@lain.example",
        HEAD "Subject: Fwd: failure notice\n" PARTS("mixed") TEXT
        "Mohon dicek.\n--b\nContent-Type: message/rfc822\n\nFrom: MAILER-DAEMON@lain.example\n"
        "Auto-Submitted: auto-replied\nSubject: failure notice\n\nHi. This is the qmail-send "
        "program.\n--b--\n",
        AUTOMATIC_NO},
    {"a quoted bounce", "budi@lain.example",
        REPLY "Subject: Re: failure notice\n\nMohon kirim ulang.\n\n> Hi. This is the qmail-send "
              "program at mx.\n> <camat@lain.example>:\n",
        AUTOMATIC_NO},

    {"an accepted invitation", "budi@lain.example",
        REPLY "Subject: Diterima: Rapat\n" PARTS("alternative") TEXT
        "\n--b\nContent-Type: text/calendar; charset=utf-8; method=REPLY\n\nBEGIN:VCALENDAR\n"
        "METHOD:REPLY\nEND:VCALENDAR\n--b--\n",
        AUTOMATIC_CALENDAR},
    {"an accepted invitation, nothing else", "budi@lain.example",
        REPLY "Subject: Accepted: Rapat\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\n"
              "METHOD:REPLY\nEND:VCALENDAR\n",
        AUTOMATIC_CALENDAR},
    {"an invitation", "budi@lain.example",
        HEAD "Subject: Rapat\n" PARTS("alternative") TEXT
        "Mohon hadir.\n--b\nContent-Type: text/calendar; method=REQUEST\n\n"
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n--b--\n",
        AUTOMATIC_NO},
    {"a letter with a calendar file", "budi@lain.example",
        HEAD "Subject: Rapat\n" PARTS("mixed") TEXT
        "Jadwal terlampir.\n--b\nContent-Type: text/calendar; method=REPLY; name=rapat.ics\n"
        "Content-Disposition: attachment\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\n--b--\n",
        AUTOMATIC_NO},
    {"a letter with an inline calendar", "budi@lain.example",
        HEAD "Subject: Rapat\n" PARTS("mixed") TEXT
        "Kami hadir tiga orang.\n--b\nContent-Type: text/calendar; method=REPLY\n\n"
        "BEGIN:VCALENDAR\nMETHOD:REPLY\n--b--\n",
        AUTOMATIC_NO},

    {"a reaction", "budi@lain.example",
        REPLY "Content-Type: text/plain; charset=utf-8\nContent-Disposition: "
              "reaction\n\n\xf0\x9f\x91\x8d\n",
        AUTOMATIC_REACTION},
    {"a reaction as one form", "budi@lain.example",
        REPLY PARTS("alternative") TEXT
        "Budi suka.\n--b\nContent-Disposition: reaction\n\n\xf0\x9f\x91\x8d\n--b--\n",
        AUTOMATIC_REACTION},
    {"a letter with a reaction", "budi@lain.example",
        REPLY PARTS("mixed") TEXT
        "Kami hadir.\n--b\nContent-Disposition: reaction\n\n\xf0\x9f\x91\x8d\n--b--\n",
        AUTOMATIC_NO},
    {"Gmail's reaction", "budi@gmail.example",
        REPLY PARTS("alternative") TEXT
        "Budi bereaksi.\n--b\nContent-Type: text/vnd.google.email-reaction+json\n\n"
        "{\"version\":1,\"emoji\":\"x\"}\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n",
        AUTOMATIC_REACTION},
    {"Outlook's reaction", "budi@lain.example",
        REPLY "X-MS-Has-Attach:\nSubject: Re: Undangan\n\nBudi Santoso reacted to your message:\n\n"
              "________________________________\nFrom: surat\n",
        AUTOMATIC_REACTION},
    {"x-ms-reactions is the sender's wish", "budi@lain.example",
        REPLY "x-ms-reactions: disallow\nSubject: Re: Undangan\n\nKami hadir.\n", AUTOMATIC_NO},
    {"a letter on reactions", "budi@lain.example",
        REPLY "X-MS-Has-Attach:\n\nYth. Bapak,\nBudi reacted to your message:\nmohon maaf.\n",
        AUTOMATIC_NO},
};

static struct mime_part *parse(const char *text, struct arena *arena)
{
	struct mime_part *root;

	assert_int_equal(mime_parse(range_of(text), arena, &root, NULL), 1);
	return root;
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct arena *arena = arena_new();
		const char *why;
		enum automatic kind =
		    automatic_kind(parse(mails[i].mail, arena), mails[i].sender, arena, &why);

		if (kind != mails[i].kind)
			fail_msg("%s: %s (%s), not %s", mails[i].label, automatic_name(kind), why,
			    automatic_name(mails[i].kind));
		if (kind != AUTOMATIC_NO && why[0] == '\0')
			fail_msg("%s: no sign told", mails[i].label);
		arena_free(&arena);
	}
}

/* A program's answer goes to people's letters only. */
static void test_answers(void **state)
{
	static const struct {
		const char *sender, *mail;
		bool forbids;
	} cases[] = {
	    {"budi@lain.example", HEAD "Subject: Permohonan\n\nx\n", false},
	    {"budi@lain.example", HEAD "Auto-Submitted: no\n\nx\n", false},
	    {"", HEAD "\nx\n", true},
	    {"budi@lain.example", HEAD "X-Auto-Response-Suppress: OOF, AutoReply\n\nx\n", true},
	    {"budi@lain.example", HEAD "X-Auto-Response-Suppress: DR\n\nx\n", false},
	    {"budi@lain.example", HEAD "List-Id: <x.example>\n\nx\n", true},
	    {"budi@lain.example", HEAD "Auto-Submitted: auto-generated\nX-Mailer: Zendesk\n\nx\n",
	        true},
	    {"budi@lain.example", HEAD "X-Autoreply: yes\n\nx\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new();

		if (automatic_forbids_answer(parse(cases[i].mail, arena), cases[i].sender, arena) !=
		    cases[i].forbids)
			fail_msg("case %zu: %s", i, cases[i].mail);
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds), cmocka_unit_test(test_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
