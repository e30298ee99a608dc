/*
 * test_mime: structure, exact ranges, decoding, and the choice of text and enclosures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/mime.h"

static struct mime_part *parse(const char *text, struct arena *arena)
{
	struct mime_part *root;

	assert_int_equal(mime_parse(range_of(text), arena, &root, NULL), 1);
	return root;
}

static const char signed_mail[] =
    "From: a@b.example\r\n"
    "Content-Type: multipart/signed; boundary=\"s\"; micalg=pgp-sha256\r\n\r\n"
    "preamble\r\n--s\r\n"
    "Content-Type: multipart/mixed; boundary=\"s1\"\r\n\r\n"
    "--s1\r\n\r\nHal: bukan kepala\r\n\r\nisi\r\n"
    "--s1 \t\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nSGFsbw==\r\n--s1--\r\nepilog --s1\r\n"
    "--s1\r\nnot a part\r\n"
    "--s\r\nContent-Type: application/pgp-signature\r\n\r\nSIG\r\n--s--\r\nend\r\n--s\r\n";

static void test_ranges(void **state)
{
	struct arena *arena = arena_new();
	struct mime_part *root = parse(signed_mail, arena), *mixed, *text;
	const char *first = strstr(signed_mail, "Content-Type: multipart/mixed");
	const char *end = strstr(signed_mail, "\r\n--s\r\nContent-Type: application/pgp");

	(void)state;
	assert_string_equal(root->boundary, "s");
	assert_int_equal(root->child_count, 2);
	assert_int_equal(root->whole.len, strlen(signed_mail));
	mixed = &root->children[0];
	/* what is signed: headers included, the line end before the delimiter not (RFC 3156 5) */
	assert_true(range_equal(mixed->whole, (struct range){first, (size_t)(end - first)}));
	assert_int_equal(mixed->child_count, 2);
	text = &mixed->children[0];
	/* a part without headers keeps its empty line, and its text is no header */
	assert_true(range_equal(text->whole, range_of("\r\nHal: bukan kepala\r\n\r\nisi")));
	assert_true(range_equal(text->body, range_of("Hal: bukan kepala\r\n\r\nisi")));
	assert_int_equal(text->headers.len, 0);
	assert_string_equal(text->type, "text");
	assert_string_equal(mixed->children[1].filename, "a.pdf");
	assert_true(range_equal(mixed->children[1].body, range_of("SGFsbw==")));
	assert_ptr_equal(mixed->children[1].parent, mixed);
	assert_true(range_equal(root->children[1].body, range_of("SIG")));
	arena_free(&arena);
}

static void put_tree(const struct mime_part *part, struct buf *out)
{
	buf_printf(out, "%s/%s", part->type, part->subtype);
	for (size_t i = 0; i < part->child_count; i++) {
		buf_puts(out, i == 0 ? "(" : " ");
		put_tree(&part->children[i], out);
	}
	if (part->child_count > 0)
		buf_putc(out, ')');
}

#define MIXED "Content-Type: multipart/mixed; boundary=x\r\n\r\n"

static const struct {
	const char *label, *input, *tree, *main,
	    *enclosures; /* enclosures: types, a blank behind each */
} mails[] = {
    {"plain", "A: b\r\n\r\nHalo\r\n", "text/plain", "Halo\n", ""},
    {"no body", "A: b\r\n", "text/plain", "", ""},
    {"no header", "\r\nHalo", "text/plain", "Halo", ""},
    {"bad type", "Content-Type: text\r\n\r\nx", "text/plain", "x", ""},
    {"scanner", "Content-Type: application/pdf\r\n\r\nx", "application/pdf", "",
        "application/pdf "},
    {"html", "Content-Type: text/html\r\n\r\n<p>Halo<p>dunia", "text/html", "Halo\n\ndunia\n", ""},
    {"alternative",
        "Content-Type: multipart/alternative; "
        "boundary=x\r\n\r\n--x\r\n\r\npolos\r\n--x\r\nContent-Type: "
        "text/html\r\n\r\n<b>kaya</b>\r\n--x--\r\n",
        "multipart/alternative(text/plain text/html)", "polos", ""},
    {"blank alternative",
        "Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\n "
        "\r\n--x\r\nContent-Type: text/html\r\n\r\n<b>kaya</b>\r\n--x--\r\n",
        "multipart/alternative(text/plain text/html)", "kaya\n", ""},
    {"html with pdf in alternative",
        "Content-Type: multipart/alternative; "
        "boundary=x\r\n\r\n--x\r\n\r\npolos\r\n--x\r\nContent-Type: multipart/mixed; "
        "boundary=y\r\n\r\n"
        "--y\r\nContent-Type: text/html\r\n\r\n<b>kaya</b>\r\n--y\r\nContent-Type: "
        "application/pdf\r\nContent-Disposition: inline\r\n\r\nP\r\n--y--\r\n--x--\r\n",
        "multipart/alternative(text/plain multipart/mixed(text/html application/pdf))", "polos",
        "application/pdf "},
    {"inline pdf, text behind",
        MIXED "--x\r\n\r\nsatu\r\n--x\r\nContent-Type: application/pdf\r\nContent-Disposition: "
              "inline\r\n\r\nP\r\n--x\r\n\r\ndua\r\n--x--\r\n",
        "multipart/mixed(text/plain application/pdf text/plain)", "satu",
        "application/pdf text/plain "},
    {"attached text first",
        MIXED
        "--x\r\nContent-Disposition: attachment\r\n\r\nlampiran\r\n--x\r\n\r\nsurat\r\n--x--\r\n",
        "multipart/mixed(text/plain text/plain)", "surat", "text/plain "},
    {"forward",
        MIXED "--x\r\n\r\nlihat\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
              "dalam\r\nContent-Type: text/html\r\n\r\n<i>isi</i>\r\n--x--\r\n",
        "multipart/mixed(text/plain message/rfc822(text/html))", "lihat", "message/rfc822 "},
    {"encoded forward",
        MIXED "--x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
              "base64\r\n\r\nU3ViamVjdDogeA0KDQp5\r\n--x--\r\n",
        "multipart/mixed(message/rfc822)", "", "message/rfc822 "},
    {"digest",
        "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: "
        "a\r\n\r\nb\r\n--x--\r\n",
        "multipart/digest(message/rfc822(text/plain))", "", "message/rfc822 "},
    {"no close", MIXED "--x\r\n\r\nsatu\r\n--x\r\n\r\ndua",
        "multipart/mixed(text/plain text/plain)", "satu", "text/plain "},
    {"outer ends inner",
        MIXED "--x\r\nContent-Type: multipart/mixed; "
              "boundary=y\r\n\r\n--y\r\n\r\nsatu\r\n--x\r\n\r\ndua\r\n--y\r\n\r\ntiga\r\n--x--",
        "multipart/mixed(multipart/mixed(text/plain) text/plain)", "satu", "text/plain "},
    {"prefix is no boundary", MIXED "--x\r\n\r\nsatu\r\n--xy\r\n--x-\r\n --x\r\n--x--\r\n",
        "multipart/mixed(text/plain)", "satu\n--xy\n--x-\n --x", ""},
    {"same boundary inside",
        MIXED
        "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsatu\r\n--x--\r\n",
        "multipart/mixed(multipart/mixed text/plain)", "satu", ""},
    {"boundary is a quote",
        "Content-Type: multipart/mixed; boundary=\"\\\"\"\r\n\r\n--\"\r\n\r\nsatu\r\n--\"--\r\n",
        "multipart/mixed(text/plain)", "satu", ""},
    {"no boundary", "Content-Type: multipart/mixed\r\n\r\nsatu", "multipart/mixed", "",
        "multipart/mixed "},
    {"header not ended",
        MIXED "--x\r\nContent-Type: text/html\r\nSatu kalimat tanpa titik dua\r\n--x--\r\n",
        "multipart/mixed(text/html)", "Satu kalimat tanpa titik dua\n", ""},
};

static void test_mails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct arena *arena = arena_new();
		struct mime_part *root = parse(mails[i].input, arena);
		const struct mime_part **list;
		struct buf tree = {0}, types = {0};
		size_t n = mime_enclosures(root, arena, &list);

		put_tree(root, &tree);
		for (size_t k = 0; k < n; k++)
			buf_printf(&types, "%s/%s ", list[k]->type, list[k]->subtype);
		if (strcmp(buf_str(&tree), mails[i].tree) != 0)
			fail_msg("%s: %s", mails[i].label, buf_str(&tree));
		if (strcmp(mime_main_text(root, arena), mails[i].main) != 0)
			fail_msg("%s: text [%s]", mails[i].label, mime_main_text(root, arena));
		if (strcmp(buf_str(&types), mails[i].enclosures) != 0)
			fail_msg("%s: enclosures %s", mails[i].label, buf_str(&types));
		buf_free(&tree);
		buf_free(&types);
		arena_free(&arena);
	}
}

static const struct {
	const char *label, *headers, *body, *text;
	int result;
} texts[] = {
    {"qp",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
        "quoted-printable\r\n",
        "K=C3=A9dua =\r\nbaris  \r\nx=20\r\n",
        "K\xc3\xa9"
        "dua baris\nx \n",
        1},
    {"broken qp", "Content-Transfer-Encoding: quoted-printable\r\n", "100=XX a=", "100=XX a", 0},
    {"base64", "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: BASE64\r\n",
        "SGFs\r\nbw==\r\n", "Halo", 1},
    {"base64, rubbish", "Content-Transfer-Encoding: base64\r\n", "SG!Fs\r\nbw==\r\n", "Halo", 0},
    {"base64, no padding", "Content-Transfer-Encoding: base64\r\n", "SGFsbw", "Halo", 0},
    {"base64, cut", "Content-Transfer-Encoding: base64\r\n", "SGFsb", "Hal", 0},
    {"base64, more behind", "Content-Transfer-Encoding: base64\r\n", "SGFsbw==SGFs", "Halo", 0},
    {"unknown encoding", "Content-Transfer-Encoding: x-uuencode\r\n", "abc", "abc", 0},
    {"unknown charset", "Content-Type: text/plain; charset=x-tidak-ada\r\n",
        "a\xe9"
        "b",
        "a\xef\xbf\xbd"
        "b",
        0},
    {"charset is a path", "Content-Type: text/plain; charset=\"../../x\"\r\n", "a", "a", 0},
    {"latin1", "Content-Type: text/plain; charset=ISO-8859-1\r\n", "caf\xe9 \x93x\x94",
        "caf\xc3\xa9 \xe2\x80\x9cx\xe2\x80\x9d", 1},
    {"utf-16",
        "Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n",
        "SABhAGwAbwA=", "Halo", 1},
    {"broken utf-8", "Content-Type: text/plain; charset=utf-8\r\n", "a\xff", "a\xef\xbf\xbd", 0},
    {"no charset, utf-8", "", "K\xc3\xa9", "K\xc3\xa9", 1},
    {"no charset, bytes", "", "a\xe9", "a\xef\xbf\xbd", 0},
    {"controls", "",
        "a\x1b[1m\x07"
        "b\x7f\tc\rd",
        "a[1mb\tc\nd", 1},
    {"flowed", "Content-Type: text/plain; format=flowed\r\n",
        "satu \r\ndua\r\n\r\n From x\r\n>q \r\n>r\r\n>>s \r\nt\r\n-- \r\nnama\r\n",
        "satu dua\n\nFrom x\n> q r\n>> s \nt\n-- \nnama\n", 1},
    {"flowed delsp", "Content-Type: text/plain; format=flowed; delsp=yes\r\n",
        "satu  \r\ndu \r\na\r\n", "satu dua\n", 1},
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena *arena = arena_new();
		struct buf mail = {0}, text = {0};
		struct err err = {{0}};
		struct mime_part *root;
		int r;

		buf_printf(&mail, "A: b\r\n%s\r\n%s", texts[i].headers, texts[i].body);
		root = parse(buf_str(&mail), arena);
		r = mime_text(root, &text, &err);
		if (r != texts[i].result || strcmp(buf_str(&text), texts[i].text) != 0)
			fail_msg("%s: %d [%s] %s", texts[i].label, r, buf_str(&text), err.text);
		assert_true(r == 1 || err.text[0] != '\0');
		buf_free(&mail);
		buf_free(&text);
		arena_free(&arena);
	}
}

static const struct {
	const char *label, *field, *wanted; /* wanted NULL: none */
} names[] = {
    {"name", "Content-Type: application/pdf; name=\"a b.pdf\"", "a b.pdf"},
    {"filename wins", "Content-Type: a/b; name=x\r\nContent-Disposition: attachment; filename=y",
        "y"},
    {"path", "Content-Disposition: attachment; filename=\"../../etc/passwd\"", "passwd"},
    {"windows path", "Content-Disposition: attachment; filename*=utf-8''C%3A%5CUsers%5Ca.doc",
        "a.doc"},
    {"2231",
        "Content-Disposition: attachment;\r\n filename*0*=UTF-8''Undangan%20;\r\n "
        "filename*1*=K%C3%A9dua.pdf",
        "Undangan K\xc3\xa9"
        "dua.pdf"},
    {"2047", "Content-Disposition: attachment; filename=\"=?UTF-8?B?U3VyYXQucGRm?=\"", "Surat.pdf"},
    {"slash alone", "Content-Disposition: attachment; filename=\"/\"", "/"},
    {"empty", "Content-Disposition: attachment; filename=\"\"", NULL},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct arena *arena = arena_new();
		struct mime_part *root =
		    parse(arena_printf(arena, "%s\r\n\r\nx", names[i].field), arena);

		if (names[i].wanted == NULL
		        ? root->filename != NULL
		        : root->filename == NULL || strcmp(root->filename, names[i].wanted) != 0)
			fail_msg(
			    "%s: %s", names[i].label, root->filename ? root->filename : "none");
		arena_free(&arena);
	}
}

static const struct {
	const char *label, *html, *text;
} htmls[] = {
    {"paragraphs", "<p>Satu</p><p>Dua<br>Tiga</p>", "Satu\n\nDua\nTiga\n"},
    {"blanks", "  Satu \n  <b>dua</b>  tiga  ", "Satu dua tiga\n"},
    {"list", "<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc\n"},
    {"numbers", "<ol><li>a</li><li>b</li></ol>c", "1. a\n2. b\n\nc\n"},
    {"points of points",
        "<p>Dengan ini:</p><ol><li>pertama</li><li>kedua<ol type=\"a\"><li>anak</li><li>dua<ul>"
        "<li>cucu</ul></li></ol></li><li>ketiga</li></ol><ol start=\"5\"><li>lima</ol>",
        "Dengan ini:\n\n1. pertama\n2. kedua\n   a. anak\n   b. dua\n      - cucu\n3. ketiga\n"
        "\n5. lima\n"},
    {"paragraphs in points", "<ol><li><p>a</p><p>b<br>c</p></li><li><p>d</p></li></ol>",
        "1. a\n\n   b\n   c\n\n2. d\n"},
    {"kinds of numbers",
        "<ol type=A start=26><li>a<li>b</ol><ol type=i start=3><li>a<li>b</ol><ol type=I "
        "start=1999><li>a</ol><ol style='list-style-type: lower-alpha'><li>a<li value=4>b<li>c"
        "</ol><ol reversed><li>a<li>b</ol><ol start=-1><li>a</ol><ol start=x><li>a</ol>",
        "Z. a\nAA. b\n\niii. a\niv. b\n\nMCMXCIX. a\n\na. a\nd. b\ne. c\n\n2. a\n1. b\n\n-1. a\n\n"
        "1. a\n"},
    {"a point without text", "<ol><li>a<li><br></li><li><ol type=a><li>x</ol></ol>",
        "1. a\n2.\n3.\n   a. x\n"},
    {"a list right in a list, as Outlook has it",
        "<ol type=1><li>a</li><ol type=a><li>x</li></ol><li>b</li></ol>", "1. a\n   a. x\n2. b\n"},
    {"an indent without a point", "<ul><li style='list-style-type:none'><ul><li>a</ul></ul>",
        "   - a\n"},
    {"a point without a list", "<li>a</li>", "- a\n"},
    {"link", "<a href=\"https://x.example/a\">klik</a> ya", "klik <https://x.example/a> ya\n"},
    {"link says itself", "<a href='https://x.example'>https://x.example</a>",
        "https://x.example\n"},
    {"script link", "<a href='javascript:x()'>klik</a>", "klik\n"},
    {"script", "a<script>b</script><style>c</style><title>d</title>e", "ae\n"},
    {"table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
    {"pre", "<pre>a\n  b</pre>", "a\n  b\n"},
    {"entities", "a&lt;b&gt; &eacute;&nbsp;c &#0; &#x202e;d", "a<b> \xc3\xa9 c \xef\xbf\xbd d\n"},
    {"not closed", "<div><p>a<div>b", "a\n\nb\n"},
    {"empty", "", ""},
};

static void test_html(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(htmls) / sizeof(htmls[0]); i++) {
		struct buf out = {0};

		html_text(range_of(htmls[i].html), &out);
		if (strcmp(buf_str(&out), htmls[i].text) != 0)
			fail_msg("%s: [%s]", htmls[i].label, buf_str(&out));
		buf_free(&out);
	}
}

/* Deep and many: ends soon, says that it was cut. */
static void test_html_bounds(void **state)
{
	static const char *const tags[] = {
	    "<div>", "<b>", "<p><table>", "<a>", "</p>", "<ol><li>x", "<li>x"};
	struct buf in = {0}, out = {0};

	(void)state;
	for (size_t t = 0; t < sizeof(tags) / sizeof(tags[0]); t++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_puts(&in, "halo");
		for (int i = 0; i < 100000; i++)
			buf_puts(&in, tags[t]);
		html_text(buf_range(&in), &out);
		assert_non_null(strstr(buf_str(&out), "halo"));
		assert_non_null(strstr(buf_str(&out), "[...]"));
	}
	buf_free(&in);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_mails),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_html),
	    cmocka_unit_test(test_html_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
