/*
 * letter.xml: what is written answers to the schema, the export form keeps the house's work at
 * home, consent's hash survives numbering and storing, and mail text becomes paragraphs, points and
 * rows. Needs policies/schema/letter.rng below the working directory.
 */
#include "mtagw/office/letter_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mtagw/office/body_xml.h"
#include "tests/unit/office/letter_samples.h"

#define NS "<body xmlns=\"urn:mtagw:letter:1\">"

static char *read_file(const char *path, size_t *len_r)
{
	FILE *f = fopen(path, "rb");
	char *data = malloc(1 << 20);

	assert_non_null(data);
	if (f == NULL)
		fail_msg("%s: run from the repository root", path);
	*len_r = fread(data, 1, (1 << 20) - 1, f);
	data[*len_r] = '\0';
	fclose(f);
	return data;
}

static struct letter samples[6];
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static int setup(void **state)
{
	(void)state;
	samples[0] = sample_letter();
	samples[1] = sample_full(sample_long_body);
	samples[2] = sample_circular();
	samples[3] = sample_acting();
	samples[4] = sample_mayor();
	samples[5] = sample_behalf();
	return 0;
}

static void check_valid(struct rng *rng, struct xml *xml, const char *label)
{
	struct buf text = {0};
	struct xml *again;
	struct err err = {0};

	xml_write(xml, false, &text);
	again = xml_parse(buf_range(&text), label, &err);
	if (again == NULL || rng_check(rng, again, &err) != 1)
		fail_msg("%s: %s\n%s", label, err.text, buf_str(&text));
	xml_free(&again);
	xml_free(&xml);
	buf_free(&text);
}

static void test_valid(void **state)
{
	struct err err = {0};
	size_t len;
	char *schema = read_file("policies/schema/letter.rng", &len);
	struct rng *rng = rng_parse((struct range){schema, len}, "letter.rng", &err);

	(void)state;
	if (rng == NULL)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < SAMPLES; i++) {
		struct letter letter = samples[i];
		struct buf content = {0};
		uint8_t hash[SHA256_BYTES];

		check_valid(rng, letter_xml(&letter), "draft");
		sample_number(&letter);
		check_valid(rng, letter_xml(&letter), "whole");
		check_valid(rng, letter_xml_export(&letter), "export");
		assert_int_equal(letter_xml_canonical(&letter, hash, &content, &err), 1);
		check_valid(rng, xml_parse(buf_range(&content), "content", &err), "content");
		buf_free(&content);
	}
	rng_free(&rng);
	free(schema);
}

static void test_invalid(void **state)
{
	static const struct {
		const char *label, *find, *put;
	} cases[] = {
	    {"unknown state", "state=\"numbered\"", "state=\"kirim\""},
	    {"unknown class", "<security_class>open", "<security_class>biasa"},
	    {"date of mail", "<date>2026-11-24", "<date>24 November"},
	    {"markup outside the subset", "<p>Dengan", "<p onclick=\"x\">Dengan"},
	    {"unknown branch", "<enclosures/>", "<enclosures/><notes/>"},
	    {"no subject", "<subject>Penunjukan petugas penghubung", "<subject>"},
	};
	struct err err = {0};
	size_t len;
	char *schema = read_file("policies/schema/letter.rng", &len);
	struct rng *rng = rng_parse((struct range){schema, len}, "letter.rng", &err);
	struct letter letter = samples[0];
	struct xml *xml;
	struct buf text = {0};

	(void)state;
	assert_non_null(rng);
	sample_number(&letter);
	xml = letter_xml(&letter);
	xml_write(xml, false, &text);
	xml_free(&xml);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(text.data, cases[i].find);
		struct buf bad = {0};

		if (at == NULL)
			fail_msg("%s: sample has no %s", cases[i].label, cases[i].find);
		buf_append(&bad, text.data, (size_t)(at - text.data));
		buf_printf(&bad, "%s%s", cases[i].put, at + strlen(cases[i].find));
		xml = xml_parse(buf_range(&bad), "letter.xml", &err);
		assert_non_null(xml);
		if (rng_check(rng, xml, &err) != -1)
			fail_msg("%s was accepted", cases[i].label);
		xml_free(&xml);
		buf_free(&bad);
	}
	buf_free(&text);
	rng_free(&rng);
	free(schema);
}

static void test_export(void **state)
{
	static const char *const kept_home[] = {"clearance", "disposition", "agenda_entr",
	    "evidence", "signature", "login=", "incumbency=", "state=", " id=", "note"};
	static const char *const travels[] = {
	    "<number>", "<date>", "<subject>", "reply_to=", "message_id=", "sha256=", "<nip>"};
	struct letter letter = samples[1];
	struct xml *xml;
	struct buf text = {0};

	(void)state;
	sample_number(&letter);
	xml = letter_xml_export(&letter);
	xml_write(xml, false, &text);
	for (size_t i = 0; i < sizeof(kept_home) / sizeof(kept_home[0]); i++)
		if (strstr(text.data, kept_home[i]) != NULL)
			fail_msg("export form holds %s", kept_home[i]);
	for (size_t i = 0; i < sizeof(travels) / sizeof(travels[0]); i++)
		if (strstr(text.data, travels[i]) == NULL)
			fail_msg("export form lacks %s", travels[i]);
	xml_free(&xml);
	buf_free(&text);
}

/* Before and after numbering, and after storing and reading back (twice). */
static void test_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct arena *arena = arena_new();
		struct letter letter = samples[i], stored, again;
		struct buf text = {0}, text2 = {0};
		uint8_t before[SHA256_BYTES], after[SHA256_BYTES];
		struct err err = {0};

		assert_int_equal(letter_xml_canonical(&letter, before, &text, &err), 1);
		sample_number(&letter);
		assert_int_equal(letter_xml_canonical(&letter, after, NULL, &err), 1);
		assert_memory_equal(before, after, SHA256_BYTES);
		if (letter_xml_read(buf_range(&text), arena, &stored, &err) != 1)
			fail_msg("sample %zu: %s", i, err.text);
		assert_int_equal(letter_xml_canonical(&stored, after, &text2, &err), 1);
		assert_string_equal(text.data, text2.data);
		assert_memory_equal(before, after, SHA256_BYTES);
		assert_int_equal(letter_xml_read(buf_range(&text2), arena, &again, &err), 1);
		assert_string_equal(stored.body_text, again.body_text);
		assert_int_equal(stored.recipient_count, letter.recipient_count);
		assert_string_equal(stored.recipients[0].address, letter.recipients[0].address);
		assert_int_equal(stored.enclosure_count, letter.enclosure_count);
		assert_int_equal(stored.scope, letter.scope);
		assert_null(stored.number);
		letter.subject = "Lain";
		assert_int_equal(letter_xml_canonical(&letter, after, NULL, &err), 1);
		assert_memory_not_equal(before, after, SHA256_BYTES);
		buf_free(&text);
		buf_free(&text2);
		arena_free(&arena);
	}
}

static void test_read_bad(void **state)
{
	static const char *const bad[] = {"", "<surat/>", "<letter type=\"a\" scope=\"city\"/>",
	    "<letter scope=\"outside\"/>", "<letter type=\"a\" scope=\"outside\"/>",
	    "<letter type=\"a\" scope=\"outside\" id=\"-4\"/>",
	    "<!DOCTYPE a [<!ENTITY b 'c'>]><letter>&b;</letter>"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *arena = arena_new();
		struct letter letter;
		struct err err = {0};

		assert_int_equal(letter_xml_read(range_of(bad[i]), arena, &letter, &err), -1);
		assert_true(err.text[0] != '\0');
		arena_free(&arena);
	}
}

static const struct {
	const char *label, *text, *wanted; /* wanted: between <body> and </body> */
} bodies[] = {
    {"empty", "", ""},
    {"two paragraphs", "Satu.\n\nDua.\n", "<p>Satu.</p><p>Dua.</p>"},
    {"meant line break", "Satu\nDua", "<p>Satu<br/>Dua</p>"},
    {"wrapped lines",
        "Perangkat daerah yang belum melaksanakan ketentuan sebagaimana dimaksud\ndi atas agar.",
        "<p>Perangkat daerah yang belum melaksanakan ketentuan sebagaimana dimaksud di atas "
        "agar.</p>"},
    {"a marker with its words on the next line",
        "-\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "<p>-<br/>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA</p>"},
    {"points", "Isi:\n1. satu\n2. dua",
        "<p>Isi:</p><ol type=\"1\"><li><p>satu</p></li><li><p>dua</p></li></ol>"},
    {"points apart", "1. satu\n\n2. dua",
        "<ol type=\"1\"><li><p>satu</p></li><li><p>dua</p></li></ol>"},
    {"points around a paragraph", "1. satu\n\nteks\n\n2. dua",
        "<ol type=\"1\"><li><p>satu</p></li></ol><p>teks</p><ol start=\"2\" "
        "type=\"1\"><li><p>dua</p></li></ol>"},
    {"nested", "1. a:\n   a. x\n   b. y\n2. b",
        "<ol type=\"1\"><li><p>a:</p><ol "
        "type=\"a\"><li><p>x</p></li><li><p>y</p></li></ol></li><li><p>b</p></li></ol>"},
    {"dashes", "- x\n- y", "<ul><li><p>x</p></li><li><p>y</p></li></ul>"},
    {"not a point", "a.n. Wali Kota\n\n5. lima", "<p>a.n. Wali Kota</p><p>5. lima</p>"},
    {"points from five", "5. lima\n6. enam\n\nc. tiga\nd. empat",
        "<ol start=\"5\" type=\"1\"><li><p>lima</p></li><li><p>enam</p></li></ol><ol start=\"3\" "
        "type=\"a\"><li><p>tiga</p></li><li><p>empat</p></li></ol>"},
    {"points from five behind a list", "1. satu\n\n5. lima\n   - x\n6. enam",
        "<ol type=\"1\"><li><p>satu</p></li></ol><ol start=\"5\" type=\"1\"><li><p>lima</p><ul>"
        "<li><p>x</p></li></ul></li><li><p>enam</p></li></ol>"},
    {"the same kind within", "1. satu\n   1. anak\n   2. dua\n      1. cucu\n2. dua\n",
        "<ol type=\"1\"><li><p>satu</p><ol type=\"1\"><li><p>anak</p></li><li><p>dua</p><ol "
        "type=\"1\"><li><p>cucu</p></li></ol></li></ol></li><li><p>dua</p></li></ol>"},
    {"dashes within", "- a\n   - b\n - c\n\t- d\n- e",
        "<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p><ul><li><p>d</p></li></ul>"
        "</li><li><p>e</p></li></ul>"},
    {"paragraph behind points of points", "1. a\n   a. x\n\n   lagi\n2. b",
        "<ol type=\"1\"><li><p>a</p><ol type=\"a\"><li><p>x</p></li></ol><p>lagi</p></li><li><p>b"
        "</p></li></ol>"},
    {"two lists in one point", "1. a\n   a. x\n   a. y\n2. b",
        "<ol type=\"1\"><li><p>a</p><ol type=\"a\"><li><p>x</p></li></ol><ol type=\"a\"><li><p>y"
        "</p></li></ol></li><li><p>b</p></li></ol>"},
    {"year is not a point", "2026. Tahun", "<p>2026. Tahun</p>"},
    {"rows", "Hari : Kamis\nTempat : Aula\n       lantai 2",
        "<table><tr><td>Hari</td><td>Kamis</td></tr><tr><td>Tempat</td><td>Aula lantai "
        "2</td></tr></table>"},
    {"one row is a sentence", "Perihal: mohon bantuan", "<p>Perihal: mohon bantuan</p>"},
    {"row before a point", "Hari : x\nb) kedua : y", "<p>Hari : x<br/>b) kedua : y</p>"},
    {"point after rows", "1. p\n\nHari : x\nJam : y\n2. teks",
        "<ol "
        "type=\"1\"><li><p>p</p></li></ol><table><tr><td>Hari</td><td>x</td></tr><tr><td>Jam</"
        "td><td>y</td></tr></table>"
        "<ol start=\"2\" type=\"1\"><li><p>teks</p></li></ol>"},
    {"text after points", "1. satu\n2. dua\nLalu.",
        "<ol type=\"1\"><li><p>satu</p></li><li><p>dua</p></li></ol><p>Lalu.</p>"},
    {"escaped", "a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"},
    {"not XML",
        "a\x01"
        "b \xff \xed\xa0\x80",
        "<p>a\xef\xbf\xbd"
        "b \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</p>"},
    {"CRLF and blanks", "  satu \t dua \r\n", "<p>satu dua</p>"},
};

static void test_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct buf out = {0}, wanted = {0};

		body_xml_write(bodies[i].text, &out);
		buf_printf(&wanted, NS "%s</body>", bodies[i].wanted);
		if (strcmp(buf_str(&out), buf_str(&wanted)) != 0)
			fail_msg("%s:\n%s\nwanted\n%s", bodies[i].label, buf_str(&out),
			    buf_str(&wanted));
		buf_free(&out);
		buf_free(&wanted);
	}
}

/* Reads the body back from text and writes it again: the same body. */
static void check_round_trip(const char *label, const char *text)
{
	struct arena *arena = arena_new();
	struct letter letter = samples[0], stored;
	struct buf first = {0}, second = {0};
	uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
	struct err err = {0};

	letter.body_text = text;
	assert_int_equal(letter_xml_canonical(&letter, a, &first, &err), 1);
	if (letter_xml_read(buf_range(&first), arena, &stored, &err) != 1)
		fail_msg("%s: %s", label, err.text);
	assert_int_equal(letter_xml_canonical(&stored, b, &second, &err), 1);
	if (memcmp(a, b, SHA256_BYTES) != 0)
		fail_msg("%s: text\n%s\nfirst\n%s\nsecond\n%s", label, text,
		    strstr(buf_str(&first), "<body"), strstr(buf_str(&second), "<body"));
	buf_free(&first);
	buf_free(&second);
	arena_free(&arena);
}

/* Lines of pieces at random, from a fixed seed: layouts nobody thought of. */
static void test_round_trip(void **state)
{
	static const char *const pieces[] = {"1. satu", "2. dua", "3. tiga", "a. huruf", "b. huruf",
	    "1) angka", "2) angka", "a) huruf", "- garis", "* bintang", "Hari : Kamis",
	    "Tempat/lokasi : Aula : dua", "c) baris : x", "", "", "", "teks",
	    "kalimat yang cukup panjang untuk dipotong oleh klien surel biasa pada", "   lanjutan",
	    "   1. menjorok", "\xe2\x80\xa2 butir", "\xe2\x80\xa8", "sisa \xe2\x80\xa8 baris",
	    "<b>&amp;", "\xff : \x01", "-", "1.", " Jam : 9", "   - garis", " - garis",
	    "      - jauh", "      1. jauh", "   2. dua", "5. lima", "6. enam", "      lanjut",
	    " pendek", "   a. huruf", "\t1) tab"};
	unsigned seed = 20261124;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		check_round_trip(bodies[i].label, bodies[i].text);
	check_round_trip("long", sample_long_body);
	for (int round = 0; round < 8000; round++) {
		struct buf text = {0};

		for (int lines = 0; lines < 9; lines++) {
			seed = seed * 1103515245u + 12345u;
			buf_printf(&text, "%s\n",
			    pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		check_round_trip("random", buf_str(&text));
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_export),
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_read_bad),
	    cmocka_unit_test(test_body),
	    cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
