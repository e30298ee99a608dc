/*
 * test_dsn: a notification reads back as RFC 3464 says, whatever the other side answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/mail/dsn.h"
#include "mtagw/mail/mime.h"

static const struct dsn_recipient recipients[] = {
    {"a@b.example", "failed", "5.1.1", "mx.b.example", "smtp",
        "550 5.1.1 tidak ada\r\nAction: delivered \xc3\xa9 aaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
        "bbbbbbbbbbbbbbbbbbbbbbb cccccccc",
        1795482000000, 0, "rfc822;A@b.example"},
    {"c@d.example", "delayed", "4.4.1", NULL, "x-mtagw", "no connection", 0, 1795482000000, NULL},
};

static void test_compose(void **state)
{
	static const char headers[] = "From: a@b.example\r\nSubject: K\xc3\xa9\r\n";
	const struct dsn dsn = {.reporting_mta = "mx.dumai.example",
	    .arrival_ms = 1795482000000,
	    .recipients = recipients,
	    .recipient_count = 2,
	    .text = "Surat tidak sampai.\n",
	    .original_headers = range_of(headers)};
	struct arena *arena = arena_new();
	struct pieces *pieces = pieces_new(arena);
	struct buf b = {0}, back = {0};
	struct mime_part *root;

	(void)state;
	dsn_compose(pieces, &dsn, "=_x");
	pieces_flatten(pieces, &b);
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.data[i] < 127);
	assert_int_equal(mime_parse(buf_range(&b), arena, &root, NULL), 1);
	assert_string_equal(root->subtype, "report");
	assert_int_equal(root->child_count, 3);
	assert_string_equal(mime_main_text(root, arena), "Surat tidak sampai.\n");
	assert_string_equal(root->children[1].subtype, "delivery-status");
	assert_true(range_equal(root->children[1].body,
	    range_of("Reporting-MTA: dns; mx.dumai.example\r\n"
	             "Arrival-Date: Tue, 24 Nov 2026 08:00:00 +0700\r\n"
	             "\r\n"
	             "Original-Recipient: rfc822;A@b.example\r\n"
	             "Final-Recipient: rfc822; a@b.example\r\n"
	             "Action: failed\r\n"
	             "Status: 5.1.1\r\n"
	             "Remote-MTA: dns; mx.b.example\r\n"
	             "Diagnostic-Code: smtp; 550 5.1.1 tidak ada  Action: delivered ??\r\n"
	             " aaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbb cccccccc\r\n"
	             "Last-Attempt-Date: Tue, 24 Nov 2026 08:00:00 +0700\r\n"
	             "\r\n"
	             "Final-Recipient: rfc822; c@d.example\r\n"
	             "Action: delayed\r\n"
	             "Status: 4.4.1\r\n"
	             "Diagnostic-Code: x-mtagw; no connection\r\n"
	             "Will-Retry-Until: Tue, 24 Nov 2026 08:00:00 +0700\r\n")));
	assert_string_equal(root->children[2].subtype, "rfc822-headers");
	assert_int_equal(mime_decode(&root->children[2], &back, NULL), 1);
	assert_string_equal(buf_str(&back), headers);
	buf_free(&b);
	buf_free(&back);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_compose)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
