/* office: tokens, the thin reply reader, addresses of the city, drafts: pure functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "mtagw/office/draft.h"
#include "mtagw/office/token.h"

static struct arena *arena;
static struct policy *policy;
static struct policy_report report;

static void tokens_are_bound_to_kind_and_key(void **state)
{
	struct token_key key = {{1}}, other = {{2}};
	char text[TOKEN_CHARS + 1], changed[TOKEN_CHARS + 1];
	int64_t id;

	(void)state;
	for (int64_t n = 1; n < INT64_MAX / 3; n *= 3) {
		token_make(&key, TOKEN_PROMPT, n, text);
		assert_int_equal(strlen(text), TOKEN_CHARS);
		assert_int_equal(token_read(&key, TOKEN_PROMPT, text, &id), 1);
		assert_true(id == n);
		assert_int_equal(token_read(&key, TOKEN_REPLY, text, &id), 0);
		assert_int_equal(token_read(&other, TOKEN_PROMPT, text, &id), 0);
		for (int i = 0; i < TOKEN_CHARS; i++) {
			memcpy(changed, text, sizeof(changed));
			changed[i] = changed[i] == '2' ? '3' : '2';
			assert_int_equal(token_read(&key, TOKEN_PROMPT, changed, &id), 0);
			changed[i] = (char)toupper((unsigned char)text[i]);
			assert_int_equal(token_read(&key, TOKEN_PROMPT, changed, &id),
			    1); /* mail programs change case */
		}
	}
	assert_int_equal(token_read(&key, TOKEN_PROMPT, "", &id), 0);
	assert_int_equal(token_read(&key, TOKEN_PROMPT, NULL, &id), 0);
}

static void verbs_are_exact(void **state)
{
	static const struct {
		const char *text;
		enum reply_verb wanted;
	} cases[] = {{"OK", REPLY_OK}, {"ok\n> quoted", REPLY_OK},
	    {"\n\n  Ok. \nterima kasih", REPLY_OK}, {"PESAN", REPLY_PESAN}, {"batal", REPLY_BATAL},
	    {"OK nanti saya baca", REPLY_NONE}, {"Okay", REPLY_NONE}, {"", REPLY_NONE},
	    {"> OK", REPLY_NONE}, {"\xc2\xa0OK\xc2\xa0", REPLY_OK}, {"OK OK", REPLY_NONE}};
	const char *first;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (reply_verb(cases[i].text, arena, &first) != cases[i].wanted)
			fail_msg("\"%s\"", cases[i].text);
}

static void heads_stand_at_the_top(void **state)
{
	struct reply_head head;

	(void)state;
	reply_head("Jenis: surat biasa\nHal : Undangan rapat\n\nDengan hormat,\n", arena, &head);
	assert_string_equal(head.type, "surat biasa");
	assert_string_equal(head.subject, "Undangan rapat");
	assert_string_equal(head.rest, "Dengan hormat,\n");
	assert_null(head.twice);
	reply_head(
	    "Hal: Satu\nSifat: biasa\nHAL : Dua\n\nIsi.\nKode: 000\nKode: 001\n", arena, &head);
	assert_string_equal(head.twice, "Hal");
	reply_head("Hal: Satu\n\nHal: di dalam isi\nSifat: x\n", arena, &head);
	assert_null(head.twice);
	reply_head("Dengan hormat,\nJenis: surat biasa\n", arena, &head);
	assert_null(head.type);
	assert_string_equal(head.rest, "Dengan hormat,\nJenis: surat biasa\n");
	reply_head("", arena, &head);
	assert_null(head.type);
}

static void addresses_resolve(void **state)
{
	static const struct {
		const char *address;
		enum addressee_kind kind;
		const char *position;
	} cases[] = {{"kadis.diskominfo@dumai.example", ADDRESSEE_POSITION, "kadis.diskominfo"},
	    {"KADIS.Diskominfo@DUMAI.example", ADDRESSEE_POSITION, "kadis.diskominfo"},
	    {"surat.dinkes@dumai.example", ADDRESSEE_REGISTRY, "kasubbag-umum.dinkes"},
	    {"surat.dinkes+abc@dumai.example", ADDRESSEE_REGISTRY, "kasubbag-umum.dinkes"},
	    {"surat-biasa@dumai.example", ADDRESSEE_TYPE, NULL},
	    {"ttd+x@dumai.example", ADDRESSEE_PROMPT, NULL},
	    {"kembali+x@dumai.example", ADDRESSEE_RETURN, NULL},
	    {"postmaster@dumai.example", ADDRESSEE_ROLE, "kasi-eoffice.diskominfo"},
	    {"nobody@dumai.example", ADDRESSEE_UNKNOWN, NULL},
	    {"a@pelabuhan.example", ADDRESSEE_OUTSIDE, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addressee a;

		addressing_resolve(policy, "dumai.example", cases[i].address, arena, &a);
		if (a.kind != cases[i].kind ||
		    (cases[i].position && strcmp(a.position, cases[i].position) != 0))
			fail_msg("%s: kind %d position %s", cases[i].address, a.kind,
			    a.position ? a.position : "-");
	}
}

static void drafts_say_what_they_want(void **state)
{
	static const struct {
		const char *label, *rcpts, *body;
		enum draft_kind kind;
		const char *problem;
		enum letter_scope scope;
	} cases[] = {
	    {"typed by address", "surat-biasa@dumai.example a@pelabuhan.example", "Isi.",
	        DRAFT_LETTER, NULL, SCOPE_OUTSIDE},
	    {"typed by head line", "kadis.dinkes@dumai.example", "Jenis: surat biasa\n\nIsi.",
	        DRAFT_LETTER, NULL, SCOPE_INTER_AGENCY},
	    {"own agency", "surat-biasa@dumai.example kabid-ikp.diskominfo@dumai.example", "Isi.",
	        DRAFT_LETTER, NULL, SCOPE_INTERNAL},
	    {"untyped outside", "a@pelabuhan.example kadis.dinkes@dumai.example", "Isi.",
	        DRAFT_PREVIEW, NULL, SCOPE_OUTSIDE},
	    {"untyped inside", "kabid-ikp.diskominfo@dumai.example", "Isi.", DRAFT_PESAN, NULL, 0},
	    {"pesan with odd head", "kabid-ikp.diskominfo@dumai.example", "Sifat: aneh\n\nIsi.",
	        DRAFT_PESAN, NULL, 0},
	    {"type alone", "surat-biasa@dumai.example", "Isi.", DRAFT_INVALID,
	        "notice.no-recipient", 0},
	    {"unknown type", "a@pelabuhan.example", "Jenis: surat cinta\n\nIsi.", DRAFT_INVALID,
	        "notice.unknown-type", 0},
	    {"unknown recipient", "nobody@dumai.example", "Isi.", DRAFT_INVALID,
	        "notice.unknown-recipient", 0},
	    {"no text", "surat-biasa@dumai.example a@pelabuhan.example", "", DRAFT_INVALID,
	        "notice.no-text", 0},
	    {"odd qualifier", "surat-biasa@dumai.example a@pelabuhan.example",
	        "Sifat: aneh\n\nIsi.", DRAFT_INVALID, "notice.unknown-qualifier", 0},
	    {"two subjects", "surat-biasa@dumai.example a@pelabuhan.example",
	        "Hal: Satu\nHal: Dua\n\nIsi.", DRAFT_INVALID, "notice.line-twice", 0},
	    {"two types in lines", "kadis.dinkes@dumai.example",
	        "Jenis: surat biasa\nJenis: surat biasa\n\nIsi.", DRAFT_INVALID,
	        "notice.line-twice", 0},
	    {"pesan with two subjects", "kabid-ikp.diskominfo@dumai.example",
	        "Hal: Satu\nHal: Dua\n\nIsi.", DRAFT_PESAN, NULL, 0},
	    {"blind", "surat-biasa@dumai.example a@pelabuhan.example b@pelabuhan.example", "Isi.",
	        DRAFT_INVALID, "notice.blind-recipient", 0},
	    {"prompt", "ttd+abc@dumai.example", "OK", DRAFT_PROMPT, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rcpts[4];
		size_t n = 0;
		char *copy = arena_strdup(arena, cases[i].rcpts), *save = NULL;
		struct draft draft;
		struct err err;

		for (char *r = strtok_r(copy, " ", &save); r != NULL;
		     r = strtok_r(NULL, " ", &save))
			rcpts[n++] = r;
		struct buf mail = {0};
		buf_printf(&mail, "From: kadis.diskominfo@dumai.example\r\nTo: ");
		for (size_t k = 0; k < n; k++)
			if (strcmp(cases[i].label, "blind") != 0 || k < 2)
				buf_printf(&mail, "%s%s", k ? ", " : "", rcpts[k]);
		buf_puts(&mail, "\r\nSubject: Hal contoh\r\n\r\n");
		for (const char *p = cases[i].body; *p; p++)
			buf_puts(&mail, *p == '\n' ? "\r\n" : (char[]){*p, 0});
		buf_puts(&mail, "\r\n");
		struct draft_source source = {policy, "dumai.example",
		    "kadis.diskominfo@dumai.example", "kadis.diskominfo", rcpts, n,
		    buf_range(&mail)};
		assert_int_equal(draft_read(&source, arena, &draft, &err), 1);
		if (draft.kind != cases[i].kind ||
		    (cases[i].problem && strcmp(draft.problem, cases[i].problem) != 0))
			fail_msg("%s: %s %s", cases[i].label, draft_kind_names[draft.kind],
			    draft.problem ? draft.problem : "");
		if (draft.kind == DRAFT_LETTER || draft.kind == DRAFT_PREVIEW)
			assert_int_equal(draft.letter.scope, cases[i].scope);
		buf_free(&mail);
	}
}

/* Reads a whole mail of the head of Diskominfo to an outsider as a typed letter. */
static struct draft read_mail(const char *mail)
{
	static const char *const rcpts[] = {"surat-biasa@dumai.example", "a@pelabuhan.example"};
	char *copy = arena_strdup(arena, mail);
	struct draft_source source = {policy, "dumai.example", "kadis.diskominfo@dumai.example",
	    "kadis.diskominfo", rcpts, 2, {copy, strlen(copy)}};
	struct draft draft;
	struct err err;

	assert_int_equal(draft_read(&source, arena, &draft, &err), 1);
	return draft;
}
#define MAIL_HEAD                                                             \
	"From: kadis.diskominfo@dumai.example\r\nTo: a@pelabuhan.example\r\n" \
	"Subject: Hal contoh\r\nMIME-Version: 1.0\r\n"
#define MIXED_HEAD                                                               \
	MAIL_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" \
	          "Isi.\r\n--b\r\n"

static void enclosures_have_one_name(void **state)
{
	static const struct {
		const char *part, *name;
	} cases[] = {
	    {"Content-Type: application/pdf; name=a.pdf\r\n\r\nx", "a.pdf"},
	    {"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny", "pesan-1.eml"},
	    {"Content-Type: message/rfc822; name=Laporan\r\n\r\nSubject: x\r\n\r\ny",
	        "Laporan.eml"},
	    {"Content-Type: message/rfc822; name=L.EML\r\n\r\nSubject: x\r\n\r\ny", "L.EML"},
	    {"Content-Type: image/png\r\n\r\nx", "lampiran-1.png"},
	    {"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx",
	        "lampiran-1.txt"},
	    {"Content-Type: application/octet-stream\r\n\r\nx", "lampiran-1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft draft =
		    read_mail(arena_printf(arena, "%s%s\r\n--b--\r\n", MIXED_HEAD, cases[i].part));

		assert_int_equal(draft.kind, DRAFT_LETTER);
		assert_int_equal(draft.letter.enclosure_count, 1);
		assert_string_equal(draft.letter.enclosures[0].filename, cases[i].name);
	}
}

/* Nobody can save two files of one name side by side, nor say which one he means. */
static void enclosures_of_one_name_are_told_apart(void **state)
{
	static const char *const given[] = {"a.pdf", "a.pdf", "a (2).pdf", "A.PDF", "tanpa",
	    "tanpa", ".profil", ".profil", "a.tar.gz", "a.pdf"};
	static const char *const wanted[] = {"a.pdf", "a (2).pdf", "a (2) (2).pdf", "A (3).PDF",
	    "tanpa", "tanpa (2)", ".profil", ".profil (2)", "a.tar.gz", "a (4).pdf"};
	const size_t count = sizeof(given) / sizeof(given[0]);
	struct buf mail = {0};
	struct draft draft;

	(void)state;
	buf_puts(&mail, MIXED_HEAD);
	for (size_t i = 0; i < count; i++)
		buf_printf(&mail,
		    "Content-Type: application/pdf; name=\"%s\"\r\n\r\nx\r\n--b%s\r\n", given[i],
		    i + 1 == count ? "--" : "");
	draft = read_mail(buf_str(&mail));
	assert_int_equal(draft.letter.enclosure_count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(draft.letter.enclosures[i].filename, wanted[i]);
	buf_free(&mail);
}

static int set_up(void **state)
{
	struct policy_file *files;
	size_t count;
	struct err err;

	(void)state;
	arena = arena_new();
	if (policy_read_dir("policies", "templates", arena, &files, &count, &err) < 0)
		return -1;
	policy = policy_load(files, count, 1, &report);
	return policy ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	policy_free(&policy);
	buf_free(&report.text);
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens_are_bound_to_kind_and_key),
	    cmocka_unit_test(verbs_are_exact),
	    cmocka_unit_test(heads_stand_at_the_top),
	    cmocka_unit_test(addresses_resolve),
	    cmocka_unit_test(drafts_say_what_they_want),
	    cmocka_unit_test(enclosures_have_one_name),
	    cmocka_unit_test(enclosures_of_one_name_are_told_apart),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
