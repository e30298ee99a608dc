/*
 * test_compose: what is composed is 7-bit, and reads back as it went in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/compose.h"

static void check_lines(const struct buf *b)
{
	size_t column = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		assert_true(c < 127 && (c >= 32 || c == '\r' || c == '\n' || c == '\t'));
		if (c == '\n') {
			assert_true(i > 0 && b->data[i - 1] == '\r');
			assert_false(i > 1 && (b->data[i - 2] == ' ' || b->data[i - 2] == '\t'));
		}
		column = c == '\n' ? 0 : column + (c != '\r');
		assert_true(column <= 76);
		if (column == 1 && c == 'F')
			assert_true(strncmp(b->data + i, "From ", 5) != 0);
		if (column == 1 && c == '.')
			fail_msg("dot at a line's start");
	}
}

static const char *const texts[] = {
    "",
    "Halo\n",
    "Halo",
    "satu\n\ndua \n\ttiga\t\nFrom saya\n.\n..\n-- \nnama\n",
    "K\xc3\xa9"
    "dua = \xe2\x80\x93 1=1\n",
    "Dengan hormat, bersama ini kami sampaikan bahwa rapat koordinasi akan dilaksanakan pada hari "
    "Senin tanggal 30\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.From b\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \n",
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena *arena = arena_new();
		struct pieces *pieces = pieces_new(arena);
		struct buf b = {0}, text = {0};
		struct mime_part *root;
		size_t len = strlen(texts[i]);

		compose_text_part(pieces, "plain", texts[i], "Content-Language: id\r\n");
		pieces_flatten(pieces, &b);
		check_lines(&b);
		assert_int_equal(mime_parse(buf_range(&b), arena, &root, NULL), 1);
		assert_string_equal(root->charset, "utf-8");
		assert_int_equal(mime_text(root, &text, NULL), 1);
		/* a last line without its end gets one */
		assert_int_equal(text.len, len + (len > 0 && texts[i][len - 1] != '\n'));
		assert_memory_equal(buf_str(&text), texts[i], len);
		buf_free(&b);
		buf_free(&text);
		arena_free(&arena);
	}
}

static void test_file(void **state)
{
	struct arena *arena = arena_new();
	struct pieces *pieces = pieces_new(arena);
	struct buf b = {0}, data = {0}, back = {0};
	struct mime_part *root;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_putc(&data, (char)(i * 7));
	compose_file_part(pieces, "application/pdf",
	    "Surat K\xc3\xa9"
	    "dua.pdf",
	    buf_range(&data));
	pieces_flatten(pieces, &b);
	check_lines(&b);
	assert_int_equal(mime_parse(buf_range(&b), arena, &root, NULL), 1);
	assert_string_equal(root->filename, "Surat K\xc3\xa9"
	                                    "dua.pdf");
	assert_true(root->attachment);
	assert_int_equal(mime_decode(root, &back, NULL), 1);
	assert_true(range_equal(buf_range(&data), buf_range(&back)));
	buf_free(&b);
	buf_free(&data);
	buf_free(&back);
	arena_free(&arena);
}

static const struct {
	const char *label, *head, *body, *type, *name;
	int stored; /* the body travels by reference */
	const char *decoded;
} enclosures[] = {
    {"reference",
        "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SGFs\r\nbw==\r\n", "application/pdf", "a.pdf", 1, "Halo"},
    {"no last line end", "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SGFsbw==", "application/pdf", NULL, 1, "Halo"},
    {"bare LF", "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SGFs\nbw==\n", "application/pdf", NULL, 0, "Halo"},
    {"long line", "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SGFsb0hhbG8hSGFsb0hhbG8hSGFsb0hhbG8hSGFsb0hhbG8hSGFsb0hhbG8hSGFsb0hhbG8hSGFsb0hhbG8h\r\n",
        "application/pdf", NULL, 0,
        "HaloHalo!HaloHalo!HaloHalo!HaloHalo!HaloHalo!HaloHalo!HaloHalo!"},
    {"blank inside", "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SGFs bw==\r\n", "application/pdf", NULL, 0, "Halo"},
    {"smuggled line", "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SGFsbw==\r\nContent-Type: text/html\r\n", "application/octet-stream", NULL, 0,
        "SGFsbw==\r\nContent-Type: text/html\r\n"},
    {"damaged",
        "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n",
        "SG!\r\n", "application/octet-stream", "a.pdf", 0, "SG!\r\n"},
    {"qp",
        "Content-Type: text/csv; charset=utf-8; name=a.csv\r\nContent-Transfer-Encoding: "
        "quoted-printable\r\n",
        "a=3Db\r\n", "text/csv", "a.csv", 0, "a=b\r\n"},
    {"message", "Content-Type: message/rfc822\r\n", "Subject: x\r\n\r\ny\r\n",
        "application/octet-stream", NULL, 0, "Subject: x\r\n\r\ny\r\n"},
    {"type with a trap", "Content-Type: application/pdf\"; name=a.pdf\r\n", "x", "text/plain",
        "a.pdf", 0, "x"},
    {"name with a trap", "Content-Type: a/b; name*=utf-8''x%0D%0AContent-Type:%20text%2Fhtml\r\n",
        "x", "a/b", "html", 0, "x"},
    {"empty", "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n", "", "a/b", NULL, 0, ""},
};

static void test_enclosure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(enclosures) / sizeof(enclosures[0]); i++) {
		struct arena *arena = arena_new();
		struct pieces *pieces = pieces_new(arena);
		struct buf mail = {0}, b = {0}, data = {0};
		struct mime_part *part, *root;
		int stored = 0;

		buf_printf(&mail, "%s\r\n%s", enclosures[i].head, enclosures[i].body);
		assert_int_equal(mime_parse(buf_range(&mail), arena, &part, NULL), 1);
		compose_enclosure(pieces, part, part->filename, buf_range(&mail), 42);
		for (size_t k = 0; k < pieces->count; k++) {
			if (pieces->list[k].body_id == 0)
				continue;
			stored++;
			assert_int_equal(pieces->list[k].body_id, 42);
			assert_ptr_equal(
			    pieces->list[k].bytes.p, mail.data + pieces->list[k].offset);
		}
		pieces_flatten(pieces, &b);
		assert_int_equal(pieces_len(pieces), b.len);
		check_lines(&b);
		assert_int_equal(mime_parse(buf_range(&b), arena, &root, NULL), 1);
		assert_int_equal(mime_decode(root, &data, NULL), 1);
		if (stored != enclosures[i].stored ||
		    strcmp(buf_str(&data), enclosures[i].decoded) != 0 ||
		    strcmp(arena_printf(arena, "%s/%s", root->type, root->subtype),
		        enclosures[i].type) != 0 ||
		    (enclosures[i].name ? root->filename == NULL ||
		                              strcmp(root->filename, enclosures[i].name) != 0
		                        : root->filename != NULL))
			fail_msg("%s: %d %s", enclosures[i].label, stored, buf_str(&b));
		assert_int_equal(root->header.count, 3);
		buf_free(&mail);
		buf_free(&b);
		buf_free(&data);
		arena_free(&arena);
	}
}

static void test_names(void **state)
{
	struct arena *arena = arena_new();
	const char *b = compose_boundary(arena, "1234"),
	           *id = compose_message_id(arena, 7, "dumai.example");

	(void)state;
	assert_non_null(strstr(b, "=_"));
	assert_true(strlen(b) <= 70);
	assert_string_equal(b, compose_boundary(arena, "1234"));
	assert_string_not_equal(b, compose_boundary(arena, "1235"));
	assert_string_equal(id, "<0000000000007@dumai.example>");
	arena_free(&arena);
}

static void test_pieces(void **state)
{
	struct arena *arena = arena_new(), *other = arena_new();
	struct pieces *a = pieces_new(arena), *b = pieces_new(other);
	struct buf flat = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		pieces_printf(b, "%d,", i % 10);
	pieces_add_stored(b, range_of("xyz"), 9, 1);
	pieces_add(b, "", 0);
	pieces_add_all(a, b);
	arena_free(&other);
	assert_int_equal(a->count, 101);
	assert_int_equal(pieces_len(a), 203);
	pieces_flatten(a, &flat);
	assert_memory_equal(flat.data, "0,1,2,3", 7);
	assert_string_equal(flat.data + 200, "xyz");
	buf_free(&flat);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_enclosure),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
