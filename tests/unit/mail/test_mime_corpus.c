/*
 * test_mime_corpus: the structure of the corpus' messages against the one that its XML files tell.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/guard.h"
#include "mtagw/mail/mime.h"

/* Where we differ on purpose. */
static const struct {
	const char *file, *reason;
} differing[] = {
    {"base64encoded-rfc822message", "an encoded message/rfc822 is a leaf (RFC 2046 5.2.1)"},
    {"base64encoded-rfc822message-nested", "the same"},
    {"bad-newlines-multiple-parts-base64", "the same"},
    {"multi-2gifs-base64", "the same"},
    {"ending-boundaries",
        "a line that goes on behind the boundary is no delimiter: one boundary may begin another"},
};

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		return false;
	do {
		n = fread(buf_room(out, 65536), 1, 65536, f);
		out->len += n;
		out->data[out->len] = '\0';
	} while (n > 0);
	(void)fclose(f);
	return true;
}

/* message [..], multipart (..), leaf b */
static void wanted_shape(const char *xml, struct buf *out)
{
	static const struct {
		const char *tag, *sign;
	} tags[] = {{"<message>", "["}, {"</message>", "]"}, {"<multipart>", "("},
	    {"</multipart>", ")"}, {"<body>", "b"}};

	for (const char *p = strchr(xml, '<'); p != NULL; p = strchr(p + 1, '<')) {
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
			if (strncmp(p, tags[i].tag, strlen(tags[i].tag)) == 0)
				buf_puts(out, tags[i].sign);
		}
	}
}

static void put_shape(const struct mime_part *part, struct buf *out)
{
	bool message = strcmp(part->type, "message") == 0 && part->child_count > 0;

	if (strcmp(part->type, "multipart") != 0 || part->boundary == NULL) {
		if (message)
			buf_putc(out, '[');
		else
			buf_putc(out, 'b');
		if (!message)
			return;
	} else {
		buf_putc(out, '(');
	}
	for (size_t i = 0; i < part->child_count; i++)
		put_shape(&part->children[i], out);
	buf_putc(out, message ? ']' : ')');
}

static void decode_all(const struct mime_part *part, int depth, void *ctx)
{
	struct buf out = {0};

	(void)ctx;
	assert_in_range(depth, 0, 2 * GUARD_NESTING_MAX);
	if (part->child_count == 0)
		(void)mime_text(part, &out, NULL);
	buf_free(&out);
}

static const char *reason_for(const char *file)
{
	for (size_t i = 0; i < sizeof(differing) / sizeof(differing[0]); i++) {
		if (strncmp(file, differing[i].file, strlen(differing[i].file)) == 0 &&
		    file[strlen(differing[i].file)] == '.')
			return differing[i].reason;
	}
	return NULL;
}

static int check(const char *dir, const char *file)
{
	static const struct guard_limits limits = {.message_max = 1 << 20};
	struct buf mail = {0}, xml = {0}, wanted = {0}, got = {0};
	struct arena *arena = arena_new();
	char path[1024];
	struct mime_part *root;
	int bad = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	assert_true(read_file(path, &mail));
	memcpy(path + strlen(path) - 3, "xml", 3);
	assert_int_equal(guard_check(buf_range(&mail), &limits, NULL), 1);
	assert_int_equal(mime_parse(buf_range(&mail), arena, &root, NULL), 1);
	mime_walk(root, decode_all, NULL);
	buf_putc(&got, '[');
	put_shape(root, &got);
	buf_putc(&got, ']');
	if (read_file(path, &xml)) {
		wanted_shape(buf_str(&xml), &wanted);
		bad = strcmp(buf_str(&wanted), buf_str(&got)) != 0 && reason_for(file) == NULL;
		if (bad)
			print_message(
			    "%s: wanted %s, got %s\n", file, buf_str(&wanted), buf_str(&got));
	}
	buf_free(&mail);
	buf_free(&xml);
	buf_free(&wanted);
	buf_free(&got);
	arena_free(&arena);
	return bad;
}

static void test_corpus(void **state)
{
	static const char *const dirs[] = {"testmsgs", "mimetools-testmsgs"};
	const char *corpus = getenv("MTAGW_CORPUS");
	int bad = 0, count = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[512];
		struct dirent *e;
		DIR *dir;

		(void)snprintf(path, sizeof(path), "%s/mime/%s",
		    corpus ? corpus : "../shared/corpus", dirs[i]);
		dir = opendir(path);
		if (dir == NULL) {
			print_message("no corpus at %s\n", path);
			skip();
		}
		while ((e = readdir(dir)) != NULL) {
			size_t len = strlen(e->d_name);

			if (len > 4 && strcmp(e->d_name + len - 4, ".msg") == 0) {
				bad += check(path, e->d_name);
				count++;
			}
		}
		(void)closedir(dir);
	}
	print_message("%d messages\n", count);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
