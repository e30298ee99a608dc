/* order_mail: what people read about orders, from the templates below the working directory: the
 * text against tests/golden/disposition_*.txt (written anew with UPDATE_GOLDEN=1: then read the
 * difference), the HTML for what it must hold, the message as a mail program takes it apart. With
 * PICTURES=dir the HTML is left there to be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/mime.h"
#include "mtagw/office/order_mail.h"

/* Tuesday 24 November 2026, 09.00 in the city. */
#define NOW INT64_C(1795485600000)
#define HOUR INT64_C(3600000)

static struct arena *arena;
static struct policy *policy;
static struct render *render;

static const char *const follow_up[] = {"follow_up", "coordinate"}, *const know[] = {"know"};

static const struct disposition_row rows[] = {
    {.id = 1,
        .position = "kadis.diskominfo",
        .to_position = "kabid-ikp.diskominfo",
        .instructions = follow_up,
        .instruction_count = 2,
        .words = "TL, koordinasi dengan PT Contoh Pelabuhan",
        .note = "Siapkan bahan rapat hari Kamis, libatkan Kepala Seksi Kemitraan Media.",
        .due_at_ms = NOW + 79 * HOUR,
        .state = "passed_on",
        .state_at_ms = NOW + HOUR,
        .reason = "",
        .mime_message_id = "<1@dumai.example>",
        .created_at_ms = NOW},
    {.id = 2,
        .position = "kadis.diskominfo",
        .to_position = "kabid-infra.diskominfo",
        .instructions = follow_up,
        .instruction_count = 1,
        .words = "TL",
        .note = "",
        .due_at_ms = NOW + 79 * HOUR,
        .state = "declined",
        .state_at_ms = NOW + 2 * HOUR,
        .reason = "bukan tugas bidang infrastruktur",
        .mime_message_id = "<2@dumai.example>",
        .created_at_ms = NOW},
    {.id = 3,
        .parent = 1,
        .position = "kabid-ikp.diskominfo",
        .to_position = "kasi-media.diskominfo",
        .instructions = follow_up,
        .instruction_count = 1,
        .words = "TL",
        .note = "",
        .due_at_ms = NOW + 3 * HOUR,
        .state = "reported",
        .state_at_ms = NOW + 3 * HOUR,
        .reason = "",
        .mime_message_id = "<3@dumai.example>",
        .reminded_at_ms = NOW + 2 * HOUR,
        .created_at_ms = NOW + HOUR},
    {.id = 4,
        .position = "kadis.diskominfo",
        .to_position = "sekretaris.diskominfo",
        .instructions = know,
        .instruction_count = 1,
        .words = "UDK",
        .note = "",
        .state = "sent",
        .state_at_ms = NOW,
        .reason = "",
        .mime_message_id = "<4@dumai.example>",
        .created_at_ms = NOW},
    {.id = 5,
        .position = "kadis.diskominfo",
        .to_position = "kabid-aplikasi.diskominfo",
        .instructions = NULL,
        .instruction_count = 0,
        .words = "",
        .note = "Tolong dibantu <segera>.",
        .due_at_ms = NOW + 79 * HOUR,
        .state = "done",
        .state_at_ms = NOW + 4 * HOUR,
        .reason = "",
        .mime_message_id = "<5@dumai.example>",
        .created_at_ms = NOW + 2 * HOUR}};
static const struct disposition_report reports[] = {
    {.id = 1,
        .disposition_id = 3,
        .at_ms = NOW + 3 * HOUR,
        .position = "kasi-media.diskominfo",
        .body =
            "Rapat disepakati hari Kamis pukul 10.00 di ruang rapat lantai dua. Undangan kepada "
            "PT Contoh Pelabuhan & media sudah dikirim.",
        .enclosures = 2},
    {.id = 2,
        .disposition_id = 5,
        .at_ms = NOW + 4 * HOUR,
        .position = "kabid-aplikasi.diskominfo",
        .body = "",
        .enclosures = 0,
        .closing = true}};
static const struct trail trail = {rows, 5, reports, 2, NOW + 6 * HOUR};
static const struct incoming_row letter = {.agency = "DISKOMINFO",
    .state = "disposed",
    .sender_address = "humas@pelabuhan.example",
    .sender_name = "PT Contoh Pelabuhan",
    .letter_number = "118/CP-HMS/XI/2026",
    .letter_date = "2026-11-20",
    .subject = "Permohonan data titik akses internet publik di kawasan pelabuhan",
    .level = "proven",
    .urgency = "normal",
    .due_at_ms = NOW + 79 * HOUR,
    .received_at_ms = NOW - HOUR,
    .agenda_n = 12,
    .mime_message_id = "<118@pelabuhan.example>"};
static const char original[] = "From: PT Contoh Pelabuhan <humas@pelabuhan.example>\r\n"
                               "Subject: Permohonan data\r\nMIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: 8bit\r\n\r\nMohon \xe2\x80\x9c"
                               "data\xe2\x80\x9d.\r\n";

static struct order_mail mail_of(const char *kind, const char *reader, const int64_t *about)
{
	return (struct order_mail){.policy = policy,
	    .kind = kind,
	    .letter = &letter,
	    .verdict = "terbukti dikirim dari pelabuhan.example",
	    .trail = &trail,
	    .about = about,
	    .about_count = about ? 1 : 0,
	    .reader = reader,
	    .subject = "[LAPOR] Permohonan",
	    .from = "surat.diskominfo@dumai.example",
	    .from_name = "Kepala Dinas Komunikasi dan Informatika",
	    .to = "kabid-ikp.diskominfo@dumai.example",
	    .to_name = "Kepala Bidang Informasi dan Komunikasi Publik",
	    .reply_to = "lapor+x@dumai.example",
	    .message_id = "<1@dumai.example>",
	    .in_reply_to = "<118@pelabuhan.example>",
	    .references = "<118@pelabuhan.example>",
	    .date_ms = NOW};
}

static void leave(const char *path, const struct buf *bytes)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes->data, 1, bytes->len, f), bytes->len);
	(void)fclose(f);
}

static void check_golden(const char *name, const struct buf *text)
{
	static char wanted[1 << 16];
	const char *path = arena_printf(arena, "tests/golden/disposition_%s.txt", name);
	FILE *f;
	size_t n;

	if (getenv("UPDATE_GOLDEN") != NULL)
		leave(path, text);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s: run from the repository root", path);
	n = fread(wanted, 1, sizeof(wanted), f);
	(void)fclose(f);
	if (!range_equal((struct range){wanted, n}, buf_range(text)))
		fail_msg("%s differs from\n%s", path, buf_str(text));
}

static void apply(const struct order_mail *mail, enum render_form form, struct buf *out)
{
	struct xml *xml = order_mail_xml(mail);
	struct err err = {{0}};

	if (render_apply(render, "disposition", form, xml, NULL, out, &err) != 1)
		fail_msg("%s", err.text);
	xml_free(&xml);
}

static const int64_t ids[] = {1, 2, 3, 4, 5};
static const struct {
	const char *name, *kind, *reader, *by, *text;
	const int64_t *about;
	bool original;
	const char *has; /* in text and HTML */
} cases[] = {
    {"order", "order", "kabid-ikp.diskominfo", "kadis.diskominfo", NULL, &ids[0], true,
        "memberi Saudara disposisi"},
    {"know", "order", "staf01.diskominfo", "kadis.diskominfo", NULL, &ids[3], true,
        "tidak perlu dijawab"},
    {"given", "given", "kadis.diskominfo", NULL, NULL, &ids[0], false, "BATAL dalam lima menit"},
    {"report", "report", "kabid-ikp.diskominfo", "kasi-media.diskominfo",
        "Rapat disepakati hari Kamis.\nUndangan sudah dikirim.", &ids[2], false, "melaporkan."},
    {"declined", "declined", "kadis.diskominfo", "kabid-infra.diskominfo", NULL, &ids[1], false,
        "bukan tugas bidang infrastruktur"},
    {"recalled", "recalled", "kabid-infra.diskominfo", "kadis.diskominfo", NULL, &ids[1], false,
        "Tidak ada lagi yang perlu"},
    {"reminder", "reminder", "kasi-media.diskominfo", NULL, NULL, &ids[2], false, "SUDAH LEWAT"},
    {"escalation", "escalation", "kabid-ikp.diskominfo", NULL, NULL, &ids[2], false,
        "sudah lewat dan belum selesai"},
    {"done", "letter_done", "kasubbag-umum.diskominfo", NULL, NULL, NULL, false,
        "tidak ada lagi disposisi yang terbuka"},
    {"trace", "trace", "kadis.diskominfo", NULL, NULL, NULL, false, "TERLAMBAT"},
};

static void texts_are_as_they_were_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_mail mail = mail_of(cases[i].kind, cases[i].reader, cases[i].about);
		struct buf text = {0}, html = {0};

		mail.by = cases[i].by;
		mail.text = cases[i].text;
		if (cases[i].original)
			mail.original = range_of(original);
		apply(&mail, RENDER_TEXT, &text);
		apply(&mail, RENDER_HTML, &html);
		check_golden(cases[i].name, &text);
		if (strstr(buf_str(&html), cases[i].has) == NULL)
			fail_msg("%s: \"%s\" is not in the HTML", cases[i].name, cases[i].has);
		if (getenv("PICTURES") != NULL)
			leave(arena_printf(arena, "%s/%s.html", getenv("PICTURES"), cases[i].name),
			    &html);
		buf_free(&text);
		buf_free(&html);
	}
}

static void what_people_wrote_stays_text(void **state)
{
	struct order_mail mail = mail_of("order", "kabid-aplikasi.diskominfo", &ids[4]);
	struct buf html = {0};

	(void)state;
	apply(&mail, RENDER_HTML, &html);
	assert_non_null(strstr(buf_str(&html), "&lt;segera&gt;"));
	assert_null(strstr(buf_str(&html), "<segera>"));
	buf_free(&html);
}

static void the_message_carries_the_letter_untouched(void **state)
{
	struct order_mail mail = mail_of("order", "kabid-ikp.diskominfo", &ids[0]);
	struct pieces *pieces = pieces_new(arena);
	struct mime_part *root;
	struct buf bytes = {0};
	struct err err = {{0}};
	bool stored = false;

	(void)state;
	mail.original = range_of(original);
	mail.original_body = 77;
	assert_int_equal(order_mail_compose(&mail, render, arena, pieces, &err), 1);
	for (size_t i = 0; i < pieces->count; i++)
		stored |= pieces->list[i].body_id == 77 &&
		          pieces->list[i].bytes.len == sizeof(original) - 1;
	assert_true(stored); /* by reference, not copied */
	pieces_flatten(pieces, &bytes);
	assert_int_equal(mime_parse(buf_range(&bytes), arena, &root, &err), 1);
	assert_string_equal(header_raw(&root->header, "Auto-Submitted", arena), "auto-generated");
	assert_string_equal(
	    header_raw(&root->header, "References", arena), "<118@pelabuhan.example>");
	assert_string_equal(root->subtype, "mixed");
	assert_int_equal(root->encoding, MIME_8BIT);
	assert_int_equal(root->child_count, 2);
	assert_string_equal(root->children[0].subtype, "alternative");
	assert_int_equal(root->children[0].child_count, 2);
	assert_string_equal(root->children[1].subtype, "rfc822");
	assert_non_null(root->children[1].filename);
	assert_true(range_equal(root->children[1].body, range_of(original)));
	buf_free(&bytes);
}

static void trees_say_what_is_closed(void **state)
{
	struct disposition_row list[3] = {rows[0], rows[1], rows[4]};
	struct trail t = {list, 3, NULL, 0, NOW};

	(void)state;
	assert_false(trail_closed_below(&t, policy, 0)); /* the first is passed on */
	list[0].state = "done";
	assert_true(trail_closed_below(&t, policy, 0)); /* a declined one does not hold it up */
	list[0].state = "declined";
	assert_true(trail_closed_below(&t, policy, 0)); /* one was done */
	list[2].state = "recalled";
	assert_false(trail_closed_below(&t, policy, 0)); /* nobody did anything */
	list[0] = rows[3];
	assert_false(trail_open(policy, &list[0])); /* for information */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_as_they_were_read),
	    cmocka_unit_test(what_people_wrote_stays_text),
	    cmocka_unit_test(the_message_carries_the_letter_untouched),
	    cmocka_unit_test(trees_say_what_is_closed)};
	struct policy_report report = {0};
	struct policy_file *files;
	struct err error;
	size_t count;
	int rc;

	arena = arena_new();
	if (policy_read_dir("policies", "templates", arena, &files, &count, &error) != 1) {
		print_error("%s\n", error.text);
		return 1;
	}
	policy = policy_load(files, count, 1, &report);
	if (policy == NULL) {
		print_error("%s\n", buf_str(&report.text));
		return 1;
	}
	render = render_new(policy);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	render_free(&render);
	buf_free(&report.text);
	policy_free(&policy);
	arena_free(&arena);
	return rc;
}
