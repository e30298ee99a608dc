/* test_source: what a letter takes over from its mail, and what its writer is told instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mtagw/office/source.h"

#define MIXED(parts)                                                                    \
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" \
	"\r\nIsi.\r\n--b\r\n" parts "\r\n--b--\r\n"
#define SIGNED                                                                         \
	"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nIsi.\r\n--s\r\n" \
	"Content-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
#define TEXT(charset) "Content-Type: text/plain; charset=" charset "\r\n"

static struct arena *arena;

static const struct mime_part *parse(const char *mail)
{
	const char *copy = arena_strdup(arena, mail);
	struct mime_part *root;

	assert_int_equal(mime_parse(range_of(copy), arena, &root, NULL), 1);
	return root;
}

static void problems_are_named(void **state)
{
	static const struct {
		const char *label, *mail, *problem, *what;
	} cases[] = {
	    {"ascii", "\r\nIsi.\r\n", NULL, "-"},
	    {"utf-8 unsaid", "\r\nIsi \xc3\xa9.\r\n", NULL, "-"},
	    {"windows-1252", TEXT("windows-1252") "\r\nIsi \x93x\x94.\r\n", NULL, "windows-1252"},
	    {"latin-1 unsaid", "\r\nIsi \xe9.\r\n", "notice.unsaid-charset", "-"},
	    {"unknown", TEXT("x-tidak-ada") "\r\nIsi \xe9.\r\n", "notice.unknown-charset",
	        "x-tidak-ada"},
	    {"unknown, seven bits", TEXT("hz-gb-2312") "\r\nIsi ~{<:Ky~}.\r\n",
	        "notice.unknown-charset", "hz-gb-2312"},
	    {"not the charset it says", TEXT("utf-8") "\r\nIsi \xe9.\r\n", "notice.broken-text",
	        "utf-8"},
	    {"replaced before", TEXT("utf-8") "\r\nIsi \xef\xbf\xbd.\r\n", "notice.broken-text",
	        "utf-8"},
	    {"base64 damaged",
	        TEXT("utf-8") "Content-Transfer-Encoding: base64\r\n\r\nSX!!!NpLg\r\n",
	        "notice.broken-text", "utf-8"},
	    {"alternative damaged, text good",
	        "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
	        "--b\r\n\r\nIsi.\r\n--b\r\nContent-Type: text/html; charset=x-aneh\r\n\r\n"
	        "<p>Isi\r\n--b--\r\n",
	        NULL, "-"},
	    {"enclosure damaged",
	        MIXED("Content-Type: application/pdf; name=a.pdf\r\n"
	              "Content-Transfer-Encoding: base64\r\n\r\nAAA!"),
	        "notice.broken-enclosure", "a.pdf"},
	    {"enclosure damaged, nameless",
	        MIXED("Content-Type: application/pdf\r\n"
	              "Content-Transfer-Encoding: base64\r\n\r\nAAA!"),
	        "notice.broken-enclosure", "1"},
	    {"winmail by type", MIXED("Content-Type: application/ms-tnef\r\n\r\nx"),
	        "notice.winmail", "winmail.dat"},
	    {"winmail by name",
	        MIXED("Content-Type: application/octet-stream; name=WinMail.dat\r\n\r\nx"),
	        "notice.winmail", "WinMail.dat"},
	    {"winmail in a forwarded mail",
	        MIXED("Content-Type: message/rfc822\r\n\r\nContent-Type: "
	              "application/ms-tnef\r\n\r\nx"),
	        NULL, "-"},
	    {"PGP/MIME encrypted",
	        "MIME-Version: 1.0\r\nContent-Type: multipart/encrypted; boundary=b\r\n\r\n"
	        "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
	        "--b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n",
	        "notice.encrypted", "-"},
	    {"PGP/MIME taken apart by a server",
	        MIXED("Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1"),
	        "notice.encrypted", "-"},
	    {"inline encrypted", "\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n",
	        "notice.encrypted", "-"},
	    {"quoted, not encrypted", "\r\n> -----BEGIN PGP MESSAGE-----\r\nIsi.\r\n", NULL, "-"},
	    {"S/MIME enveloped",
	        "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; "
	        "smime-type=enveloped-data; name=smime.p7m\r\n\r\nx",
	        "notice.encrypted", "-"},
	    {"S/MIME without a word",
	        "MIME-Version: 1.0\r\nContent-Type: application/x-pkcs7-mime\r\n\r\nx",
	        "notice.encrypted", "-"},
	    {"S/MIME closed signature",
	        "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; "
	        "smime-type=signed-data\r\n\r\nx",
	        "notice.closed-signature", "-"},
	    {"signed file as an enclosure",
	        MIXED("Content-Type: application/pkcs7-mime; name=akta.pdf.p7m\r\n\r\nx"), NULL,
	        "-"},
	    {"inline signature cut off", "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nIsi.\r\n",
	        "notice.broken-text", "-"},
	    {"signed", "MIME-Version: 1.0\r\n" SIGNED, NULL, "-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *what, *problem = source_problem(parse(cases[i].mail), arena, &what);

		if ((problem == NULL) != (cases[i].problem == NULL) ||
		    (problem != NULL && strcmp(problem, cases[i].problem) != 0) ||
		    strcmp(what, cases[i].what) != 0)
			fail_msg("%s: %s %s", cases[i].label, problem ? problem : "good", what);
	}
}

static void signatures_are_seen(void **state)
{
	static const struct {
		const char *label, *mail;
		bool is;
	} cases[] = {
	    {"plain", "\r\nIsi.\r\n", false},
	    {"PGP/MIME", "MIME-Version: 1.0\r\n" SIGNED, true},
	    {"under a list's footer", MIXED(SIGNED), true},
	    {"inline", "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nIsi.\r\n",
	        true},
	    {"of a forwarded mail", MIXED("Content-Type: message/rfc822\r\n\r\n" SIGNED), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (source_signed(parse(cases[i].mail), arena) != cases[i].is)
			fail_msg("%s", cases[i].label);
}

static void inline_armor_is_taken_off(void **state)
{
	static const struct {
		const char *label, *mail, *text;
	} cases[] = {
	    {"whole",
	        "\r\nSalam,\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n"
	        "Isi satu.\r\n- -- dua\r\n- - tiga\r\n\r\nempat\r\n"
	        "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ\r\n"
	        "-----END PGP SIGNATURE-----\r\nkaki\r\n",
	        "Salam,\nIsi satu.\n-- dua\n- tiga\n\nempat\nkaki\n"},
	    {"nothing behind",
	        "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nIsi.\r\n"
	        "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ\r\n-----END PGP SIGNATURE-----",
	        "Isi.\n"},
	    {"cut off", "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nIsi.\r\n",
	        "-----BEGIN PGP SIGNED MESSAGE-----\n\nIsi.\n"},
	    {"no armor", "\r\nIsi. -----BEGIN PGP SIGNED MESSAGE-----\r\n",
	        "Isi. -----BEGIN PGP SIGNED MESSAGE-----\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(source_text(parse(cases[i].mail), arena), cases[i].text) != 0)
			fail_msg(
			    "%s: [%s]", cases[i].label, source_text(parse(cases[i].mail), arena));
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(problems_are_named),
	    cmocka_unit_test(signatures_are_seen),
	    cmocka_unit_test(inline_armor_is_taken_off),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
