/*
 * test_header: fields read and written; nothing a value holds leaves its field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/header.h"
#include "mtagw/mail/param.h"

static void test_parse(void **state)
{
	static const char text[] =
	    "From: a@b.example\r\nSubject: satu\r\n\tdua\r\nX-Empty:\r\nReceived: 1\r\n"
	    "received : 2\r\n\r\nbody\r\n";
	struct arena *arena = arena_new();
	struct header h;
	struct range body;

	(void)state;
	assert_int_equal(header_parse(range_of(text), arena, &h, &body, NULL), 1);
	assert_int_equal(h.count, 5);
	assert_true(range_equal(body, range_of("body\r\n")));
	assert_int_equal(h.block.len, strlen(text) - 8);
	assert_true(range_equal(
	    header_get(&h, "subject", 0)->whole, range_of("Subject: satu\r\n\tdua\r\n")));
	assert_true(range_equal(header_get(&h, "subject", 0)->value, range_of(" satu\r\n\tdua")));
	assert_string_equal(header_text(&h, "Subject", arena), "satu dua");
	assert_string_equal(header_raw(&h, "X-Empty", arena), "");
	assert_int_equal(header_count(&h, "RECEIVED"), 2);
	assert_true(range_equal(range_trim(header_get(&h, "Received", 1)->value), range_of("2")));
	assert_null(header_get(&h, "Received", 2));
	arena_free(&arena);
}

static const struct {
	const char *label, *input, *error; /* error NULL: fine */
} blocks[] = {
    {"no empty line", "A: b\r\nC: d", NULL},
    {"empty", "", NULL},
    {"only body", "\r\nA: b\r\n", NULL},
    {"bare LF", "A: b\nC: d\n\nbody", NULL},
    {"rubbish", "A: b\r\nrubbish\r\n\r\n", "header line 2 is neither a field nor a continuation"},
    {"mbox line", "From a@b Mon\r\nA: b\r\n\r\n",
        "header line 1 is neither a field nor a continuation"},
    {"continuation first", " x\r\nA: b\r\n\r\n",
        "header line 1 is neither a field nor a continuation"},
    {"blank in name", "A B: c\r\n\r\n", "header line 1 is neither a field nor a continuation"},
    {"no name", ": c\r\n\r\n", "header line 1 is neither a field nor a continuation"},
    {"8-bit name", "\xc3\xa9: c\r\n\r\n", "header line 1 is neither a field nor a continuation"},
};

static void test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct arena *arena = arena_new();
		struct header h;
		struct range body;
		struct err err = {{0}};
		int r = header_parse(range_of(blocks[i].input), arena, &h, &body, &err);

		if (r != (blocks[i].error ? -1 : 1) ||
		    (blocks[i].error && strcmp(err.text, blocks[i].error) != 0))
			fail_msg("%s: %d %s", blocks[i].label, r, err.text);
		arena_free(&arena);
	}
}

static const struct {
	const char *label, *input, *wanted;
} texts[] = {
    {"plain", "Undangan Rapat", "Undangan Rapat"},
    {"Q", "=?UTF-8?Q?Undangan_Rapat_=E2=80=93_Segera?=", "Undangan Rapat \xe2\x80\x93 Segera"},
    {"B", "=?utf-8?B?U3VyYXQgRWRhcmFu?=", "Surat Edaran"},
    {"B without padding", "=?utf-8?B?U3VyYXQgRWRhcg?=", "Surat Edar"},
    {"two words", "=?UTF-8?Q?Surat_?=\r\n =?UTF-8?Q?Edaran?=", "Surat Edaran"},
    {"word and text", "Hal: =?UTF-8?Q?Rapat?= besok", "Hal: Rapat besok"},
    {"split character", "=?UTF-8?Q?K=C3?= =?UTF-8?Q?=A9dua?=",
        "K\xc3\xa9"
        "dua"},
    {"windows-1252", "=?windows-1252?Q?=93Segera=94?=", "\xe2\x80\x9cSegera\xe2\x80\x9d"},
    {"latin1", "=?ISO-8859-1?Q?caf=E9?=", "caf\xc3\xa9"},
    {"language tag", "=?UTF-8*id?Q?Rapat?=", "Rapat"},
    {"unknown charset", "=?x-tidak-ada?Q?a=E9b?=",
        "a\xef\xbf\xbd"
        "b"},
    {"raw UTF-8",
        "K\xc3\xa9"
        "dua",
        "K\xc3\xa9"
        "dua"},
    {"raw latin1", "caf\xe9", "caf\xef\xbf\xbd"},
    {"broken frame", "=?UTF-8?X?abc?= =?UTF-8?Q?", "=?UTF-8?X?abc?= =?UTF-8?Q?"},
    {"encoded line end", "=?UTF-8?Q?a=0D=0ABcc:_x@y?=", "a  Bcc: x@y"},
    {"encoded NUL", "=?UTF-8?B?YQBi?=", "a b"},
    {"direction override",
        "a\xe2\x80\xae"
        "b",
        "a b"},
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena *arena = arena_new();
		struct buf b = {0};
		struct header h;
		struct range body;

		buf_printf(&b, "Subject: %s\r\n\r\n", texts[i].input);
		assert_int_equal(header_parse(buf_range(&b), arena, &h, &body, NULL), 1);
		if (strcmp(header_text(&h, "Subject", arena), texts[i].wanted) != 0)
			fail_msg("%s: [%s]", texts[i].label, header_text(&h, "Subject", arena));
		buf_free(&b);
		arena_free(&arena);
	}
}

/* Every line at most 76 columns, ASCII, CRLF; exactly one field. */
static void check_field(const char *label, const struct buf *b, const char *name)
{
	struct arena *arena = arena_new();
	struct header h;
	struct range body;
	size_t column = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		if (c > 126 || (c < 32 && c != '\r' && c != '\n'))
			fail_msg("%s: byte %02x", label, c);
		if (c == '\n' && (i == 0 || b->data[i - 1] != '\r'))
			fail_msg("%s: bare LF", label);
		column = c == '\n' ? 0 : column + (c != '\r');
		if (column > 76)
			fail_msg("%s: long line in %s", label, b->data);
	}
	assert_int_equal(header_parse(buf_range(b), arena, &h, &body, NULL), 1);
	if (h.count != 1 || body.len != 0 || !range_equal_case(h.fields[0].name, name))
		fail_msg("%s: not one field: %s", label, b->data);
	arena_free(&arena);
}

static const struct {
	const char *label, *input, *wanted; /* wanted NULL: as the input */
} written[] = {
    {"short", "Undangan Rapat", NULL},
    {"empty", "", NULL},
    {"long ASCII",
        "Undangan Rapat Koordinasi Penyelenggaraan Sistem Pemerintahan Berbasis Elektronik Kota "
        "Dumai Tahun Anggaran 2026",
        NULL},
    {"long UTF-8",
        "Undangan \xe2\x80\x93 Rapat Koordinasi Penyelenggaraan Sistem Pemerintahan Berbasis "
        "\xe2\x80\x9c"
        "Elektronik\xe2\x80\x9d Kota Dumai",
        NULL},
    {"only UTF-8",
        "\xd8\xa7\xd9\x84\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85\xd8\xb9\xd9\x84\xd9\x8a\xd9\x83\xd9\x85"
        "\xd8\xa7\xd9\x84\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85\xd8\xb9\xd9\x84\xd9\x8a\xd9\x83\xd9\x85",
        NULL},
    {"one long word",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaa",
        NULL},
    {"many blanks",
        "a                                                                                         "
        " b",
        NULL},
    {"looks encoded", "=?UTF-8?Q?bukan?=", NULL},
    {"CRLF", "Rapat\r\nBcc: jahat@x.example", "Rapat  Bcc: jahat@x.example"},
    {"bare LF", "Rapat\n\nisi", "Rapat  isi"},
    {"bare CR", "Rapat\rBcc: x", "Rapat Bcc: x"},
    {"controls", "a\x01\x7f\x1b[b", "a   [b"},
    {"broken UTF-8", "a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd"},
    {"NEL",
        "a\xc2\x85"
        "b",
        "a b"},
};

static void test_put_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct arena *arena = arena_new();
		struct buf b = {0};
		struct header h;
		struct range body;
		const char *wanted = written[i].wanted ? written[i].wanted : written[i].input;

		header_put_text(&b, "Subject", written[i].input);
		if (strcmp(written[i].label, "many blanks") != 0)
			check_field(written[i].label, &b, "Subject");
		assert_int_equal(header_parse(buf_range(&b), arena, &h, &body, NULL), 1);
		if (strcmp(header_text(&h, "Subject", arena), wanted) != 0)
			fail_msg("%s: [%s]", written[i].label, header_text(&h, "Subject", arena));
		buf_free(&b);
		arena_free(&arena);
	}
}

static void test_put_raw(void **state)
{
	struct buf b = {0};

	(void)state;
	header_put_raw(&b, "References",
	    "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.example> <cccccccccccccccccccccccccccccc@d.example>"
	    "\r\nBcc: x \xc3\xa9");
	check_field("raw", &b, "References");
	buf_reset(&b);
	header_put_raw(&b, "X\r\nBcc", "a");
	assert_string_equal(buf_str(&b), "XBcc: a\r\n");
	buf_free(&b);
}

static void test_put_mailboxes(void **state)
{
	static const struct mailbox in[] = {
	    {"Kepala Dinas Komunikasi, Informatika, Statistik dan Persandian",
	        {"kadis.diskominfo", "dumai.example"}},
	    {"", {"surat.setda", "dumai.example"}},
	    {"Ir. H. Sudirman, M.T.", {"a..b", "c.example"}},
	    {"K\xc3\xa9"
	     "dua \"Bidang\" <x@y>",
	        {"d", "e.example"}},
	    {"jahat\r\nBcc: z@z.example", {"f", "g.example"}},
	    {"jahat", {"f\r\nBcc", "g.example\r\nX: y"}},
	    {"Lurah", {"lurah", "dumai.example"}},
	};
	static const struct mailbox beyond[] = {
	    {"", {"b\xc3\xbcro", "m\xc3\xbcnchen.example"}},
	    {"A", {"a", "b.example"}},
	    {"PT Kantor", {"b\xc3\xbcro", "c.example"}},
	    {"", {"d", "e.example"}},
	};
	struct arena *arena = arena_new();
	struct mailbox *list;
	struct buf b = {0};
	size_t n, count = sizeof(in) / sizeof(in[0]);

	(void)state;
	header_put_mailboxes(&b, "To", in, count);
	check_field("mailboxes", &b, "To");
	buf_reset(&b);
	header_put_mailboxes(&b, "To", in, 4);
	assert_int_equal(
	    address_list((struct range){b.data + 3, b.len - 3}, arena, &list, &n, NULL), 1);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(list[i].name, in[i].name);
		assert_true(address_equal(&list[i].address, &in[i].address));
	}
	buf_reset(&b);
	/* beyond ASCII: no mailbox of it, its text for people, the others as ever */
	header_put_mailboxes(&b, "To", beyond, 4);
	check_field("mailboxes beyond ASCII", &b, "To");
	assert_string_equal(buf_str(&b),
	    "To: =?UTF-8?B?YsO8cm9AbcO8bmNoZW4uZXhhbXBsZQ==?= :;, A <a@b.example>,\r\n"
	    " =?UTF-8?B?UFQgS2FudG9yIDxiw7xyb0BjLmV4YW1wbGU+?= :;, d@e.example\r\n");
	assert_int_equal(
	    address_list((struct range){b.data + 3, b.len - 3}, arena, &list, &n, NULL), 1);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].address.local, "a");
	assert_string_equal(list[1].address.local, "d");
	buf_reset(&b);
	header_put_mailboxes(&b, "Cc", in, 0);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	arena_free(&arena);
}

static const struct {
	const char *label, *value;
} params[] = {
    {"ASCII", "Surat Edaran.pdf"},
    {"quotes", "a\"b\\c.pdf"},
    {"UTF-8", "Undangan \xe2\x80\x93 Rapat K\xc3\xa9"
              "dua.pdf"},
    {"long", "Laporan Penyelenggaraan Sistem Pemerintahan Berbasis Elektronik Kota Dumai Tahun "
             "Anggaran 2026 final.pdf"},
    {"percent", "100% jadi \xe2\x9c\x93.pdf"},
    {"semicolon", "a; b=c.pdf"},
};

static void test_params(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		struct arena *arena = arena_new();
		struct buf b = {0};
		const struct params *p;

		buf_puts(&b, "Content-Disposition: attachment");
		header_put_param(&b, "filename", params[i].value);
		buf_puts(&b, "\r\n");
		check_field(params[i].label, &b, "Content-Disposition");
		p = param_parse((struct range){b.data + 20, b.len - 20}, arena);
		assert_string_equal(p->first, "attachment");
		assert_string_equal(param_text(p, "filename", arena), params[i].value);
		buf_free(&b);
		arena_free(&arena);
	}
}

static const struct {
	const char *label, *input, *first, *name, *wanted; /* wanted NULL: absent */
} read_params[] = {
    {"plain", " text/plain; charset=UTF-8", "text/plain", "charset", "UTF-8"},
    {"comments", " TEXT (x;y) / (z) Plain (a\\)b); CharSet (q) = \"a\"", "text/plain", "charset",
        NULL},
    {"comment after =", "text/plain; charset= (q) \"a\"", "text/plain", "charset", "a"},
    {"two semicolons", "text/plain;; ; charset=a;", "text/plain", "charset", "a"},
    {"rubbish", "text/plain; foo; =x; charset=a", "text/plain", "charset", "a"},
    {"RFC 2231", "a/b; name*=UTF-8'id'Surat%20K%C3%A9dua.pdf", "a/b", "name",
        "Surat K\xc3\xa9"
        "dua.pdf"},
    {"sections", "a/b; name*1=bar.pdf; name*0=foo", "a/b", "name", "foobar.pdf"},
    {"mixed sections", "a/b; name*0*=utf-8''K%C3; name*1*=%A9; name*2=x", "a/b", "name",
        "K\xc3\xa9x"},
    {"2231 wins", "a/b; name=x; name*=utf-8''y", "a/b", "name", "y"},
    {"2047", "a/b; name=\"=?utf-8?Q?K=C3=A9?=\"", "a/b", "name", "K\xc3\xa9"},
    {"encoded CRLF", "a/b; name*=utf-8''a%0D%0Ab", "a/b", "name", "a  b"},
    {"open quote", "a/b; name=\"abc", "a/b", "name", "abc"},
    {"folded", "a/b;\r\n\tname=\"a\r\n b\"", "a/b", "name", "a b"},
    {"empty", "", "", "name", NULL},
};

static void test_read_params(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(read_params) / sizeof(read_params[0]); i++) {
		struct arena *arena = arena_new();
		const struct params *p = param_parse(range_of(read_params[i].input), arena);
		const char *got = param_text(p, read_params[i].name, arena);

		assert_string_equal(p->first, read_params[i].first);
		if (read_params[i].wanted == NULL
		        ? got != NULL && i != 1
		        : got == NULL || strcmp(got, read_params[i].wanted) != 0)
			fail_msg("%s: [%s]", read_params[i].label, got ? got : "none");
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_put_text),
	    cmocka_unit_test(test_put_raw),
	    cmocka_unit_test(test_put_mailboxes),
	    cmocka_unit_test(test_params),
	    cmocka_unit_test(test_read_params),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
