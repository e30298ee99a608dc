/* A mail from outside read as a letter: numbers people quote, dates they write, forwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "mtagw/office/arrival.h"

static void numbers_are(const char *text, const char *const *wanted)
{
	struct arena *arena = arena_new();
	const char *const *list;
	size_t n = arrival_numbers(text, ARRIVAL_NUMBERS_MAX, arena, &list), i;

	for (i = 0; wanted[i] != NULL; i++) {
		assert_true(i < n);
		assert_string_equal(list[i], wanted[i]);
	}
	assert_int_equal(i, n);
	arena_free(&arena);
}

static void test_numbers(void **state)
{
	(void)state;
	numbers_are("Menunjuk surat nomor 000/12/DISKOMINFO/2026, kami setuju.",
	    (const char *const[]){"000/12/DISKOMINFO/2026", NULL});
	numbers_are("Re: 045.2/7/X/2026. Lihat 045.2/7/X/2026 (lagi)",
	    (const char *const[]){"045.2/7/X/2026", NULL});
	numbers_are("https://contoh.example/a/1 dan 24/11/2026 dan a/b dan /x/1/y/",
	    (const char *const[]){"24/11/2026", NULL});
	numbers_are("", (const char *const[]){NULL});
}

static void date_is(const char *text, const char *wanted)
{
	struct arena *arena = arena_new();
	const char *got = arrival_date(text, arena);

	if (wanted == NULL)
		assert_null(got);
	else
		assert_string_equal(got, wanted);
	arena_free(&arena);
}

static void test_dates(void **state)
{
	(void)state;
	date_is("24-11-2026", "2026-11-24");
	date_is("24/11/2026", "2026-11-24");
	date_is("Dumai, 24 November 2026", "2026-11-24");
	date_is("1 Mei 2026", "2026-05-01");
	date_is("3 Agustus 2026", "2026-08-03");
	date_is("24 Nopember 2026", "2026-11-24");
	date_is("24 November, 2026", "2026-11-24");
	date_is("24-11-26", "2026-11-24");
	date_is("31 April 2026", NULL);
	date_is("29 Februari 2027", NULL);
	date_is("29 Februari 2028", "2028-02-29");
	date_is("besok", NULL);
	date_is("0-1-2026", NULL);
}

static int forwarded(const char *mail, struct arrival_forward *out, struct arena *arena)
{
	struct mime_part *root;
	struct err err;

	assert_int_equal(mime_parse(range_of(mail), arena, &root, &err), 1);
	return arrival_forwarded(root, arena, out);
}

static void test_forwards(void **state)
{
	static const char attached[] =
	    "Subject: Fwd\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\n\r\nMohon dicatat.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
	    "From: Siti <siti@warga.example>\r\nSubject: Aduan\r\n\r\nIsi.\r\n--b--\r\n";
	static const char inlined[] =
	    "Subject: Fwd\r\n\r\nMohon dicatat.\r\n\r\n-------- Pesan Terusan --------\r\n"
	    "Perihal: Aduan\r\nDari: Siti <siti@warga.example>\r\n\r\nIsi.\r\n";
	static const char none[] = "Subject: x\r\n\r\nDari: Siti <siti@warga.example>\r\n";
	struct arena *arena = arena_new();
	struct arrival_forward f;

	(void)state;
	assert_int_equal(forwarded(attached, &f, arena), 1);
	assert_string_equal(header_raw(&f.part->header, "Subject", arena), "Aduan");
	assert_int_equal(forwarded(inlined, &f, arena), 1);
	assert_null(f.part);
	assert_string_equal(f.address, "siti@warga.example");
	assert_string_equal(f.name, "Siti");
	assert_int_equal(forwarded(none, &f, arena), 0);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_dates), cmocka_unit_test(test_forwards)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
