/* order: what heads and divisions write from a phone becomes orders, or a list of what is wrong
 * with it and nothing at all. The sample city's organisation and instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/office/order.h"

/* Tuesday 24 November 2026, 09.00 in the city. */
#define NOW INT64_C(1795485600000)

static struct arena *arena;
static struct policy *policy;
static struct reply_words words;

static const char *verb_argument(const char *text)
{
	return text ? text : "none";
}

static void load_words(void)
{
	size_t n;
	const struct policy_word *list = policy_verbs(policy, &n);
	struct reply_word *verbs = arena_alloc(arena, (n + 1) * sizeof(*verbs)), *labels;

	for (size_t i = 0; i < n; i++)
		verbs[i] = (struct reply_word){list[i].word, list[i].id,
		    strcmp(verb_argument(list[i].argument), "none") == 0 ? REPLY_ARGUMENT_NONE
		                                                         : REPLY_ARGUMENT_OPTIONAL};
	words.verbs = verbs;
	words.verb_count = n;
	list = policy_labels(policy, &n);
	labels = arena_alloc(arena, (n + 1) * sizeof(*labels));
	for (size_t i = 0; i < n; i++)
		labels[i] = (struct reply_word){.word = list[i].word, .id = list[i].id};
	words.labels = labels;
	words.label_count = n;
}

static struct order_source source_of(const char *actor, struct reply_reading *reading)
{
	return (struct order_source){.policy = policy,
	    .domain = "dumai.example",
	    .actor = policy_position(policy, actor),
	    .reading = reading,
	    .mail_ms = NOW,
	    .now_ms = NOW,
	    .urgency = policy_urgency(policy, "normal")};
}

static void read_text(const char *actor, const char *text, struct order_list *list)
{
	struct reply_reading *reading = arena_alloc(arena, sizeof(*reading));
	struct order_source source;

	reply_read_text(text, &words, arena, reading);
	source = source_of(actor, reading);
	if (!order_shaped(&source))
		fail_msg("not shaped like an order: %s", text);
	order_read(&source, arena, list);
}

/* `kabid-ikp follow_up,coordinate 2026-11-25 | ...` */
static const char *told(const struct order_list *list)
{
	struct buf out = {0};
	const char *text;
	char day[16];

	for (size_t i = 0; i < list->problem_count; i++) {
		const struct order_problem *p = &list->problems[i];

		buf_printf(
		    &out, "%s!%s(%s)", out.len ? " | " : "", order_problem_name(p->kind), p->what);
		for (size_t k = 0; k < p->suggestion_count; k++)
			buf_printf(&out, "?%s", p->suggestions[k]->id);
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct order *o = &list->orders[i];

		buf_printf(
		    &out, "%s%.*s", out.len ? " | " : "", (int)strcspn(o->to->id, "."), o->to->id);
		for (size_t k = 0; k < o->instruction_count; k++)
			buf_printf(&out, "%s%s", k ? "," : " ", o->instructions[k]->id);
		if (o->due_written) {
			clock_iso_day(o->due_ms, day);
			buf_printf(&out, " %s", day);
		}
		if (o->note[0] != '\0')
			buf_printf(&out, " \"%s\"", o->note);
	}
	text = arena_strdup(arena, buf_str(&out));
	buf_free(&out);
	return text;
}

static const struct {
	const char *actor, *text, *wanted;
} cases[] = {
    /* head blocks */
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: tindak lanjuti\n", "kabid-ikp follow_up"},
    {"kadis.diskominfo",
        "Kepada: kabid-aplikasi, kabid-ikp\nHarap: tindak lanjuti, koordinasi\nBatas: 27-11-2026\n"
        "Catatan: siapkan bahan rapat Kamis.\n",
        "kabid-aplikasi follow_up,coordinate 2026-11-27 \"siapkan bahan rapat Kamis.\" |"
        " kabid-ikp follow_up,coordinate 2026-11-27 \"siapkan bahan rapat Kamis.\""},
    {"kadis.diskominfo", "Kepada: Kepala Bidang Informasi dan Komunikasi Publik\nHarap: TL\n",
        "kabid-ikp follow_up"},
    {"kadis.diskominfo", "Kepada: kabid ikp dan kabid aplikasi\nHarap: TL dan koordinasi\n",
        "kabid-ikp follow_up,coordinate | kabid-aplikasi follow_up,coordinate"},
    {"kadis.diskominfo", "Kepada: kabid-ikp.diskominfo@dumai.example\nHarap: 1, 8\n",
        "kabid-ikp follow_up,coordinate"},
    {"kadis.diskominfo", "Kepada: 2, 4\nHarap: TL\n",
        "kabid-ikp follow_up | kabid-aplikasi follow_up"},
    {"kadis.diskominfo", "Kepada: 2 dan 4\nHarap: TL\n",
        "kabid-ikp follow_up | kabid-aplikasi follow_up"},
    {"kadis.diskominfo", "Kepada: 2-3\nHarap: UDK\n", "kabid-ikp know | kabid-infra know"},
    {"kadis.diskominfo", "Kepada: kabid ikp, 2\nHarap: TL\n", "kabid-ikp follow_up"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nCatatan: tolong dibantu\n",
        "kabid-ikp \"tolong dibantu\""},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: TL\nKepada: kabid aplikasi\nHarap: UDK\n",
        "kabid-ikp follow_up | kabid-aplikasi know"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: siapkan bahan rapat Kamis\n",
        "kabid-ikp prepare"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: TL, hubungi camat\n", "kabid-ikp follow_up"},
    {"kabid-ikp.diskominfo", "Kepada: kasi media\nHarap: TL\nBatas: besok\n",
        "kasi-media follow_up 2026-11-25"},
    /* numbers */
    {"kadis.diskominfo", "2,4 TL besok",
        "kabid-ikp follow_up 2026-11-25 | kabid-aplikasi follow_up 2026-11-25"},
    {"kadis.diskominfo", "2 TL besok\n3 UDK\n",
        "kabid-ikp follow_up 2026-11-25 | kabid-infra know"},
    {"kadis.diskominfo", "2 tindak lanjuti, koordinasi 27/11 siapkan bahan",
        "kabid-ikp follow_up,coordinate,prepare 2026-11-27"},
    {"kadis.diskominfo", "2 TL Jumat hubungi camat dulu",
        "kabid-ikp follow_up 2026-11-27 \"hubungi camat dulu\""},
    {"kabid-ikp.diskominfo", "1 TL", "kasi-informasi follow_up"},
    {"kadis.diskominfo", "2 TL batas Jumat", "kabid-ikp follow_up 2026-11-27"},
    {"kadis.diskominfo", "2 TL paling lambat Jumat", "kabid-ikp follow_up 2026-11-27"},
    {"kadis.diskominfo", "2 dan 4 mohon ditindaklanjuti",
        "kabid-ikp follow_up | kabid-aplikasi follow_up"},
    {"kadis.diskominfo", "Kpd: kabid ikp\nTL\n", "kabid-ikp follow_up \"TL\""},
    {"kadis.diskominfo", "2 UDK, 4 TL lusa",
        "kabid-ikp know | kabid-aplikasi follow_up 2026-11-26"},
    {"kadis.diskominfo", "2 UDK; 3,4 besok TL hubungi camat",
        "kabid-ikp know | kabid-infra follow_up 2026-11-25 \"hubungi camat\" |"
        " kabid-aplikasi follow_up 2026-11-25 \"hubungi camat\""},
    {"kadis.diskominfo", "2 TL catatan: rapat jumat, 4 TL",
        "kabid-ikp follow_up \"rapat jumat, 4 TL\""},
    {"kadis.diskominfo", "2 TL hubungi nomor 12/5/BKD/2026",
        "kabid-ikp follow_up \"hubungi nomor 12/5/BKD/2026\""},
    {"kadis.diskominfo", "kpd: kabid ikp / harp: TL / bts: jumat",
        "kabid-ikp follow_up 2026-11-27"},
    {"kadis.diskominfo", "Kpd: kabid ikp | Harap: TL; Batas: jumat | Cat: a / b: c",
        "kabid-ikp follow_up 2026-11-27 \"a / b: c\""},
    /* what is wrong, and then nothing at all */
    {"kadis.diskominfo", "2 TL 31/02", "!bad-date(31/02)"},
    {"kadis.diskominfo", "2 TL kemarin", "!bad-date(kemarin)"},
    {"kadis.diskominfo", "2,4 TL sebelum jumat jam 10", "!unread-date(sebelum jumat jam 10)"},
    {"kadis.diskominfo", "2 TL besok jam 26", "!bad-date(besok jam 26)"},
    {"kadis.diskominfo", "2 UDK untuk arsip, 4 TL lusa", "!unread-date(untuk arsip, 4 TL lusa)"},
    {"kadis.diskominfo", "2 UDK untuk arsip, 4 TL", "!unread(4 TL)"},
    {"kadis.diskominfo", "2 UDK, 4 kerjakan", "!unread(4 kerjakan)"},
    {"kadis.diskominfo", "2 UDK, 9 TL", "!no-such-number(9)"},
    {"kadis.diskominfo", "Kpd: kabid ikp / harap: TL / tgt: jumat", "!unread(TL / tgt: jumat)"},
    {"kadis.diskominfo", "Kepada: kabid ikq\nHarap: TL\n",
        "!unknown-name(kabid ikq)?kabid-ikp.diskominfo*"},
    {"kadis.diskominfo", "Kepada: kabid ikp, kabid aplikas\nHarap: TL\n",
        "!unknown-name(kabid aplikas)?kabid-aplikasi.diskominfo*"},
    {"kadis.diskominfo", "Kepada: Budi\nHarap: TL\n", "!unknown-name(Budi)"},
    {"kadis.diskominfo", "Kepada: kabid-ikp@gmail.example\nHarap: TL\n",
        "!unknown-name(kabid-ikp@gmail.example)*"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: abrakadabra\n",
        "!unknown-instruction(abrakadabra)"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: TL\nBatas: kemarin\n", "!bad-date(kemarin)"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: TL\nBatas: 31 Februari\n",
        "!bad-date(31 Februari)"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: TL\nBatas: 20-11-2026\n",
        "!bad-date(20-11-2026)"},
    {"kadis.diskominfo", "Kepada: kabid ikp\nHarap: TL\nKepada: kabid ikp\nHarap: UDK\n",
        "!named-twice(Kepala Bidang Informasi dan Komunikasi Publik)"},
    {"kadis.diskominfo", "Kepada: kabid ikp\n", "!nothing-to-do()"},
    {"kadis.diskominfo", "Harap: TL\n", "!nobody()"},
    {"kadis.diskominfo", "9 TL besok", "!no-such-number(9)"},
    {"kadis.diskominfo", "Kepada: 9\nHarap: TL\n", "!no-such-number(9)"},
    {"staf01.diskominfo", "1 TL", "!no-such-number(1)"},
};

static void orders_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct order_list list;
		size_t n = strlen(cases[i].wanted);
		bool open = n > 0 && cases[i].wanted[n - 1] == '*';
		const char *got;

		read_text(cases[i].actor, cases[i].text, &list);
		got = told(&list);
		if (open ? strncmp(got, cases[i].wanted, n - 1) != 0
		         : strcmp(got, cases[i].wanted) != 0)
			fail_msg(
			    "%s\n  gave   %s\n  wanted %s", cases[i].text, got, cases[i].wanted);
		if (list.problem_count > 0)
			assert_int_equal(list.count, 0);
	}
}

/* A day in free words is not overruled by one that nobody wrote. */
static void no_due_time_beside_a_day_that_was_not_read(void **state)
{
	static const char *const texts[] = {"Kepada: 2\nHarap: TL sebelum jumat\n",
	    "2 TL\n\nMohon sebelum 27/11 sudah ada.\n", "Kpd: kabid ikp\nTL sebelum jumat\n"};
	struct order_list list;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_text("kadis.diskominfo", texts[i], &list);
		assert_int_equal(list.count, 1);
		assert_true(list.orders[0].due_ms == 0);
	}
	read_text("kadis.diskominfo", "Kpd: kabid ikp\nTL besok\n", &list);
	assert_true(list.orders[0].due_written);
}

static void who_is_above_or_elsewhere_is_found_for_the_rule(void **state)
{
	static const char *const names[] = {"kadis", "sekda", "kadis.dinkes"};
	struct order_list list;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		read_text("kabid-ikp.diskominfo",
		    arena_printf(arena, "Kepada: %s\nHarap: TL\n", names[i]), &list);
		assert_int_equal(list.count, 1);
		assert_string_equal(
		    policy_relation(policy, "kabid-ikp.diskominfo", list.orders[0].to->id),
		    i == 2 ? "other_agency" : "superior");
	}
}

static void due_comes_from_above_or_from_urgency(void **state)
{
	struct reply_reading reading;
	struct order_list list;
	struct order_source source;

	(void)state;
	reply_read_text("2 TL\n3 UDK\n", &words, arena, &reading);
	source = source_of("kadis.diskominfo", &reading);
	source.due_ms = NOW + 3600000;
	order_read(&source, arena, &list);
	assert_int_equal(list.count, 2);
	assert_true(list.orders[0].due_ms == NOW + 3600000 && !list.orders[0].due_written);
	assert_true(list.orders[1].due_ms == 0); /* nothing is reported on it */
	source.due_ms = NOW - 1;                 /* passed already */
	order_read(&source, arena, &list);
	assert_true(
	    list.orders[0].due_ms == policy_due_of(policy, policy_urgency(policy, "normal"), NOW));
	reply_read_text("Kepada: 2\nHarap: TL\nSifat: segera\n", &words, arena, &reading);
	order_read(&source, arena, &list);
	assert_int_equal(list.count, 1);
	assert_true(list.orders[0].due_ms == NOW + INT64_C(48) * 3600000);
}

static void a_forward_orders_its_envelope_alone(void **state)
{
	const struct policy_position *to[] = {
	    policy_position(policy, "kabid-ikp.diskominfo"), NULL};
	const char *const addresses[] = {"kabid-ikp.diskominfo@dumai.example", "x@luar.example"};
	struct reply_reading reading;
	struct order_list list;
	struct order_source source;

	(void)state;
	reply_read_text("TL ya, laporkan Jumat\n", &words, arena, &reading);
	reading.forwarded = true;
	source = source_of("kadis.diskominfo", &reading);
	assert_false(order_shaped(&source)); /* to nobody else */
	source.envelope = to;
	source.envelope_addresses = addresses;
	source.envelope_count = 1;
	assert_true(order_shaped(&source));
	order_read(&source, arena, &list);
	assert_string_equal(told(&list), "kabid-ikp follow_up \"TL ya, laporkan Jumat\"");
	source.envelope_count = 2; /* somebody outside: nothing goes to anybody */
	order_read(&source, arena, &list);
	assert_int_equal(list.count, 0);
	reply_read_text("", &words, arena, &reading); /* an empty one */
	reading.forwarded = true;
	source.envelope_count = 1;
	order_read(&source, arena, &list);
	assert_string_equal(told(&list), "!nothing-to-do()");
}

static void a_reply_to_all_is_no_order(void **state)
{
	const struct policy_position *to[40];
	const char *addresses[40];
	struct reply_reading reading;
	struct order_list list;
	struct order_source source;

	(void)state;
	for (int i = 0; i < 40; i++) {
		to[i] = policy_position(policy, "kabid-infra.diskominfo");
		addresses[i] = "kabid-infra.diskominfo@dumai.example";
	}
	reply_read_text("2 TL besok", &words, arena, &reading);
	source = source_of("kadis.diskominfo", &reading);
	source.envelope = to;
	source.envelope_addresses = addresses;
	source.envelope_count = 40;
	order_read(&source, arena, &list);
	assert_int_equal(list.count, 0);
	assert_string_equal(told(&list), "!other-recipients(kabid-infra.diskominfo@dumai.example)");
	reply_read_text("3 TL besok", &words, arena, &reading); /* who is ordered may be in Cc */
	order_read(&source, arena, &list);
	assert_int_equal(list.count, 1);
}

static void information_wants_no_report(void **state)
{
	static const char *const know[] = {"know", "file"}, *const mixed[] = {"know", "follow_up"};

	(void)state;
	assert_false(order_ids_want_report(policy, know, 2));
	assert_true(order_ids_want_report(policy, mixed, 2));
	assert_true(order_ids_want_report(policy, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(orders_are_read),
	    cmocka_unit_test(no_due_time_beside_a_day_that_was_not_read),
	    cmocka_unit_test(who_is_above_or_elsewhere_is_found_for_the_rule),
	    cmocka_unit_test(due_comes_from_above_or_from_urgency),
	    cmocka_unit_test(a_forward_orders_its_envelope_alone),
	    cmocka_unit_test(a_reply_to_all_is_no_order),
	    cmocka_unit_test(information_wants_no_report)};
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
	load_words();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&report.text);
	policy_free(&policy);
	arena_free(&arena);
	return rc;
}
