/*
 * Text, HTML and page of letters from the templates below the working directory, the text against
 * tests/golden/letter_*.txt (written anew with UPDATE_GOLDEN=1: then read the difference). The
 * policy is the sample city's.
 */
#include "mtagw/office/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mtagw/office/letter_xml.h"
#include "mtagw/office/text_wrap.h"
#include "tests/unit/office/letter_samples.h"

/* An innocent-looking template that reads a file. */
static const char thief[] =
    "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
    "<xsl:template match='/'>[<xsl:value-of select='document(\"policies/index.xml\")'/>]"
    "</xsl:template></xsl:stylesheet>";

static struct arena *files;
static struct policy *policy;

static bool read_file(const char *path, struct range *bytes_r)
{
	FILE *f = fopen(path, "rb");
	char *data;

	if (f == NULL)
		return false;
	data = arena_alloc(files, 1 << 18);
	*bytes_r = (struct range){data, fread(data, 1, (1 << 18) - 1, f)};
	fclose(f);
	return true;
}

static int setup(void **state)
{
	struct policy_file *list, *more;
	struct policy_report report = {0};
	struct err err = {0};
	size_t count;

	(void)state;
	files = arena_new();
	if (policy_read_dir("policies", "templates", files, &list, &count, &err) != 1)
		fail_msg("%s (run from the repository root)", err.text);
	more = arena_alloc(files, (count + 1) * sizeof(*more));
	memcpy(more, list, count * sizeof(*more));
	more[count] = (struct policy_file){"templates/thief.text.xsl", range_of(thief)};
	policy = policy_load(more, count + 1, 7, &report);
	if (policy == NULL)
		fail_msg("%s", buf_str(&report.text));
	buf_free(&report.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	policy_free(&policy);
	arena_free(&files);
	return 0;
}

static void apply(struct letter letter, enum render_form form, bool outside, struct buf *out)
{
	const char *const params[] = {"form", outside ? "outside" : "inside", NULL};
	struct render *render = render_new(policy);
	struct xml *xml;
	struct err err = {0};

	sample_number(&letter);
	xml = letter_xml(&letter);
	if (render_apply(render, "ordinary_letter", form, xml, params, out, &err) != 1)
		fail_msg("%s", err.text);
	xml_free(&xml);
	render_free(&render);
	assert_null(render);
}

static void check_golden(const char *name, const struct buf *text)
{
	char path[128];
	struct range wanted;

	(void)snprintf(path, sizeof(path), "tests/golden/letter_%s.txt", name);
	if (getenv("UPDATE_GOLDEN") != NULL) {
		FILE *f = fopen(path, "wb");

		assert_non_null(f);
		assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
		fclose(f);
	}
	if (!read_file(path, &wanted))
		fail_msg("%s: run from the repository root", path);
	if (!range_equal(wanted, buf_range(text)))
		fail_msg("%s differs from\n%s", path, text->data);
}

static void test_golden(void **state)
{
	const struct {
		const char *name;
		struct letter letter;
		bool outside;
	} cases[] = {
	    {"short", sample_letter(), true},
	    {"full", sample_full(sample_long_body), true},
	    {"circular", sample_circular(), false},
	    {"acting", sample_acting(), false},
	    {"behalf", sample_behalf(), true},
	    {"mayor", sample_mayor(), true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = {0};

		apply(cases[i].letter, RENDER_TEXT, cases[i].outside, &text);
		check_golden(cases[i].name, &text);
		buf_free(&text);
	}
}

static void test_words_in_forms(void **state)
{
	const struct {
		const char *label;
		struct letter letter;
		enum render_form form;
		const char *has, *lacks;
	} cases[] = {
	    {"number", sample_letter(), RENDER_PAGE, "500.12/17/DISKOMINFO/2026", NULL},
	    {"date", sample_letter(), RENDER_HTML, "Dumai, 24 November 2026", NULL},
	    {"no certificate is claimed", sample_letter(), RENDER_PAGE, "segel surel OpenPGP",
	        "BSrE"},
	    {"class code", sample_full("Isi."), RENDER_PAGE, "<div class=\"class\">R</div>", NULL},
	    {"no class code", sample_letter(), RENDER_PAGE, NULL, "<div class=\"class\">"},
	    {"escaped", sample_full("a <script>x</script>"), RENDER_HTML, "&lt;script&gt;",
	        "<script"},
	    {"nothing fetched", sample_full(sample_long_body), RENDER_HTML, NULL, "<img"},
	    {"no place beyond the mail", sample_full(sample_long_body), RENDER_HTML, NULL, "://"},
	    {"three enclosures", sample_full("Isi."), RENDER_PAGE, "3 (tiga) berkas", NULL},
	    {"list of addressees", sample_circular(), RENDER_PAGE, "DAFTAR PENERIMA SURAT", NULL},
	    {"no list", sample_acting(), RENDER_PAGE, NULL, "DAFTAR PENERIMA SURAT"},
	    {"acting", sample_acting(), RENDER_PAGE, "Plh.", NULL},
	    {"on behalf", sample_behalf(), RENDER_PAGE, "a.n.", NULL},
	    {"acting on behalf", sample_behalf(), RENDER_PAGE, "Plt. ASISTEN ADMINISTRASI UMUM,",
	        NULL},
	    {"acting on behalf", sample_behalf(), RENDER_HTML,
	        "a.n. SEKRETARIS DAERAH<br>Plt. ASISTEN ADMINISTRASI UMUM,", NULL},
	    {"place in capitals", sample_letter(), RENDER_PAGE, "TEMPAT", NULL},
	    {"no rank of a mayor", sample_mayor(), RENDER_PAGE, NULL, "NIP."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = {0};

		apply(cases[i].letter, cases[i].form, true, &out);
		if (cases[i].has && strstr(out.data, cases[i].has) == NULL)
			fail_msg("%s: no %s in\n%s", cases[i].label, cases[i].has, out.data);
		if (cases[i].lacks && strstr(out.data, cases[i].lacks) != NULL)
			fail_msg("%s: %s found in\n%s", cases[i].label, cases[i].lacks, out.data);
		buf_free(&out);
	}
}

/* Words about the seal stand only where there is one. */
static void test_unsealed(void **state)
{
	static const char *const claims[] = {"segel", "signature.asc", "OpenPGP"};
	const char *const params[] = {"form", "outside", "seal", "no", NULL};
	struct letter letter = sample_letter();
	struct render *render = render_new(policy);
	struct err err = {0};
	struct xml *xml;

	(void)state;
	sample_number(&letter);
	xml = letter_xml(&letter);
	for (int form = RENDER_TEXT; form <= RENDER_PAGE; form++) {
		struct buf out = {0};

		assert_int_equal(
		    render_apply(render, "ordinary_letter", form, xml, params, &out, &err), 1);
		for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
			if (strcasestr(out.data, claims[i]) != NULL)
				fail_msg("form %d claims %s:\n%s", form, claims[i], out.data);
		buf_free(&out);
	}
	xml_free(&xml);
	render_free(&render);
}

/* Lampiran in words: 0 to 1,234. */
static void test_counted(void **state)
{
	static const struct {
		size_t n;
		const char *wanted;
	} cases[] = {{0, "Lampiran : -\n"}, {1, "1 (satu) berkas\n"}, {10, "10 (sepuluh) berkas\n"},
	    {11, "11 (sebelas) berkas\n"}, {17, "17 (tujuh belas) berkas\n"},
	    {20, "20 (dua puluh) berkas\n"}, {99, "99 (sembilan puluh sembilan) berkas\n"},
	    {100, "100 (seratus) berkas\n"}, {215, "215 (dua ratus lima belas) berkas\n"},
	    {1000, "1000 (seribu) berkas\n"},
	    {1234, "1234 (seribu dua ratus tiga puluh empat) berkas\n"}};
	struct letter_enclosure *list = calloc(1300, sizeof(*list));

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < 1300; i++)
		list[i] = sample_enclosures[1];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct letter letter = sample_letter();
		struct buf out = {0};

		letter.enclosures = list;
		letter.enclosure_count = cases[i].n;
		apply(letter, RENDER_TEXT, false, &out);
		if (strstr(out.data, cases[i].wanted) == NULL)
			fail_msg("no %s in\n%.600s", cases[i].wanted, out.data);
		buf_free(&out);
	}
	free(list);
}

static void test_columns(void **state)
{
	struct buf out = {0};

	(void)state;
	apply(sample_full(sample_long_body), RENDER_TEXT, true, &out);
	for (const char *p = out.data; *p != '\0';) {
		size_t len = strcspn(p, "\n");

		if (len > TEXT_WRAP_COLUMNS)
			fail_msg("line of %zu: %.*s", len, (int)len, p);
		if (memchr(p, '\t', len) != NULL || (len > 0 && p[len - 1] == ' '))
			fail_msg("tab or blank at the end: %.*s", (int)len, p);
		p += len + 1;
	}
	buf_free(&out);
}

static void test_wrap(void **state)
{
	static const struct {
		const char *label, *text, *wanted;
	} cases[] = {
	    {"empty", "", ""},
	    {"empty lines at the ends", "\n\na\n\nb\n\n", "a\n\nb\n"},
	    {"hanging",
	        "1. \tPerangkat daerah yang belum melaksanakan ketentuan sebagaimana dimaksud agar "
	        "lapor",
	        "1. Perangkat daerah yang belum melaksanakan ketentuan sebagaimana dimaksud\n   "
	        "agar lapor\n"},
	    {"break in a point",
	        "a. \tsatu\xe2\x80\xa8"
	        "dua",
	        "a. satu\n   dua\n"},
	    {"long word",
	        "lihat "
	        "https://contoh.example/"
	        "alamat-yang-sangat-panjang-sekali-sehingga-tidak-muat-dalam-satu-baris ya",
	        "lihat\nhttps://contoh.example/"
	        "alamat-yang-sangat-panjang-sekali-sehingga-tidak-muat-dalam-satu-baris\nya\n"},
	    {"blanks kept", "Nomor    : x   ", "Nomor    : x\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = {0};

		text_wrap(range_of(cases[i].text), &out);
		if (strcmp(buf_str(&out), cases[i].wanted) != 0)
			fail_msg(
			    "%s:\n%s\nwanted\n%s", cases[i].label, buf_str(&out), cases[i].wanted);
		buf_free(&out);
	}
}

static void test_errors(void **state)
{
	struct letter letter = sample_circular();
	struct render *render = render_new(policy);
	struct xml *xml;
	struct buf out = {0};
	struct err err = {0};

	(void)state;
	letter.delegator_block = NULL; /* on behalf of nobody */
	xml = letter_xml(&letter);
	assert_int_equal(
	    render_apply(render, "ordinary_letter", RENDER_TEXT, xml, NULL, &out, &err), -1);
	assert_non_null(strstr(err.text, "delegator_block"));
	assert_int_equal(
	    render_apply(render, "no_such_type", RENDER_PAGE, xml, NULL, &out, &err), -1);
	assert_non_null(
	    strstr(err.text, "templates/no_such_type.page.xsl is not in policy version 7"));
	buf_reset(&out);
	if (render_apply(render, "thief", RENDER_TEXT, xml, NULL, &out, &err) == 1)
		assert_string_equal(buf_str(&out), "[]\n");
	xml_free(&xml);
	render_free(&render);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_words_in_forms),
	    cmocka_unit_test(test_unsealed),
	    cmocka_unit_test(test_counted),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_wrap),
	    cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
