/*
 * orders: names of positions as people write them, who is above whom, instructions, and what the
 * sample law says of incoming mail, orders and replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "mtagw/policy/policy.h"

static struct arena *arena;
static struct policy *policy;

static const char *id_of(const struct policy_position *p)
{
	return p ? p->id : "-";
}

static void names_are_found_exactly_or_not(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {{"kabid-ikp.diskominfo", "kabid-ikp.diskominfo"},
	    {"kabid-ikp", "kabid-ikp.diskominfo"}, {"Kabid IKP", "kabid-ikp.diskominfo"},
	    {"kabid\xc2\xa0ikp.", "kabid-ikp.diskominfo"}, {"ikp", "kabid-ikp.diskominfo"},
	    {"KEPALA BIDANG INFORMASI DAN KOMUNIKASI PUBLIK", "kabid-ikp.diskominfo"},
	    {"Yth. Bpk Kabid IKP", "kabid-ikp.diskominfo"}, {"sdr sekdis", "sekretaris.diskominfo"},
	    {"sekretaris", "sekretaris.diskominfo"}, {"kadis.dinkes", "kadis.dinkes"},
	    {"Kepala Dinas Kesehatan", "kadis.dinkes"}, {"sekda", "sekda"},
	    {"Sekretaris Daerah Kota Dumai", "sekda"},
	    /* an alias counts in its own agency only, a title of many means nobody */
	    {"kabag umum", "-"}, {"kabid ikpp", "-"}, {"kabid", "-"}, {"", "-"}, {"...", "-"},
	    {"yth", "-"}, {"pak", "-"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_position *found =
		    policy_position_by_name(policy, "DISKOMINFO", cases[i].text);

		if (strcmp(id_of(found), cases[i].wanted) != 0)
			fail_msg("\"%s\": got %s", cases[i].text, id_of(found));
	}
	assert_null(policy_position_by_name(policy, NULL, "Kepala Subbagian Umum dan Kepegawaian"));
	assert_string_equal(id_of(policy_position_by_name(
	                        policy, "DISKOMINFO", "Kepala Subbagian Umum dan Kepegawaian")),
	    "kasubbag-umum.diskominfo");
}

static void suggestions_are_near(void **state)
{
	static const struct {
		const char *text, *first;
	} cases[] = {{"kabid ikpp", "kabid-ikp.diskominfo"},
	    {"kabid aplkasi", "kabid-aplikasi.diskominfo"},
	    {"bid infrastruktur", "kabid-infra.diskominfo"}, {"sekretris", "sekretaris.diskominfo"},
	    {"persandian", "kabid-statsandi.diskominfo"}, {"zzzzqqqq", "-"}, {"", "-"}};
	const struct policy_position *list[3];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = policy_position_suggest(policy, "DISKOMINFO", cases[i].text, list, 3);

		if (strcmp(n ? list[0]->id : "-", cases[i].first) != 0)
			fail_msg("\"%s\": got %s", cases[i].text, n ? list[0]->id : "-");
		assert_true(n <= 3);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(list[k]->agency, "DISKOMINFO");
	}
}

static void relations_follow_the_organisation(void **state)
{
	static const struct {
		const char *actor, *target, *wanted;
	} cases[] = {{"kadis.diskominfo", "kabid-ikp.diskominfo", "subordinate"},
	    {"kadis.diskominfo", "kasi-media.diskominfo", "indirect"},
	    {"kabid-ikp.diskominfo", "kadis.diskominfo", "superior"},
	    {"kabid-ikp.diskominfo", "walikota", "superior"},
	    {"kabid-ikp.diskominfo", "kabid-infra.diskominfo", "peer"},
	    {"kabid-ikp.diskominfo", "kasi-jaringan.diskominfo", "peer"},
	    {"kabid-ikp.diskominfo", "kabid-ikp.diskominfo", "self"},
	    {"kadis.diskominfo", "kadis.dinkes", "other_agency"},
	    {"sekda", "kadis.dinkes", "other_agency"}, {"kadis.diskominfo", "nobody", "unknown"}};
	const struct policy_position *list[20];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(policy_relation(policy, cases[i].actor, cases[i].target),
		        cases[i].wanted) != 0)
			fail_msg("%s to %s: %s", cases[i].actor, cases[i].target,
			    policy_relation(policy, cases[i].actor, cases[i].target));
	n = policy_subordinates(policy, "kadis.diskominfo", list, 20);
	assert_int_equal(n, 5);
	assert_string_equal(list[0]->id, "sekretaris.diskominfo");
	assert_string_equal(list[4]->id, "kabid-statsandi.diskominfo");
	assert_int_equal(policy_subordinates(policy, "kadis.diskominfo", list, 2), 5);
	assert_int_equal(policy_subordinates(policy, "staf01.diskominfo", list, 20), 0);
	n = policy_subordinates(policy, "sekda", list, 20);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(list[i]->agency, "SETDA");
}

static void instructions_are_read_as_written(void **state)
{
	static const struct {
		const char *text, *wanted, *rest;
	} cases[] = {{"TL besok", "follow_up", "besok"}, {"tl.", "follow_up", ""},
	    {"T.L", "follow_up", ""}, {"Tindak  lanjuti, koordinasi", "follow_up", ", koordinasi"},
	    {"hadiri dan laporkan hasilnya Jumat", "attend", "Jumat"},
	    {"Hadiri Jumat", "attend", "Jumat"}, {"u.d.k", "know", ""},
	    {"selesaikan sesuai ketentuan", "finish", ""}, {"tidak setuju", "reject", ""},
	    {"setuju", "approve", ""}, {"siapkan jawaban", "reply_draft", ""},
	    {"siapkan bahan rapat", "prepare", "rapat"}, {"tlusan", "-", "tlusan"},
	    {"besok TL", "-", "besok TL"}, {"", "-", ""}};
	size_t count;
	const struct policy_instruction *list = policy_instructions(policy, &count);

	(void)state;
	assert_int_equal(count, 20);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(policy_instruction_by_number(policy, list[i].number), &list[i]);
	assert_null(policy_instruction_by_number(policy, 0));
	assert_null(policy_instruction_by_number(policy, 21));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rest;
		const struct policy_instruction *at =
		    policy_instruction_by_word(policy, cases[i].text, &rest);

		if (strcmp(at ? at->id : "-", cases[i].wanted) != 0 ||
		    strcmp(rest, cases[i].rest) != 0)
			fail_msg(
			    "\"%s\": got %s, rest \"%s\"", cases[i].text, at ? at->id : "-", rest);
	}
	assert_true(policy_instruction_by_word(policy, "TL", NULL)->report);
	assert_false(policy_instruction_by_word(policy, "UDK", NULL)->report);
}

static void correspondents_are_known_by_their_domain(void **state)
{
	static const struct {
		const char *address, *wanted;
	} cases[] = {{"humas@pelabuhan.example", "PT Contoh Pelabuhan"},
	    {"Humas@PELABUHAN.example", "PT Contoh Pelabuhan"}, {"a@jahat-pelabuhan.example", "-"},
	    {"a@sub.pelabuhan.example", "-"}, {"pelabuhan.example", "-"},
	    {"a@pelabuhan.example.jahat.example", "-"}, {"", "-"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_correspondent *at =
		    policy_correspondent(policy, cases[i].address);

		if (strcmp(at ? at->name : "-", cases[i].wanted) != 0)
			fail_msg("%s: got %s", cases[i].address, at ? at->name : "-");
	}
	assert_null(policy_correspondent(policy, NULL));
}

static void commands_have_their_words(void **state)
{
	size_t verbs, labels;
	const struct policy_word *verb = policy_verbs(policy, &verbs),
	                         *label = policy_labels(policy, &labels);
	bool setuju = false, kpd = false;

	(void)state;
	for (size_t i = 0; i < verbs; i++)
		setuju = setuju ||
		         (strcmp(verb[i].word, "SETUJU") == 0 && strcmp(verb[i].id, "ok") == 0 &&
		             strcmp(verb[i].argument, "none") == 0);
	for (size_t i = 0; i < labels; i++)
		kpd = kpd || (strcmp(label[i].word, "Kpd") == 0 && strcmp(label[i].id, "to") == 0);
	assert_true(setuju);
	assert_true(kpd);
}

static void ask(
    enum policy_kind kind, const struct policy_facts *facts, struct policy_decision *decision_r)
{
	struct err err;

	assert_int_equal(policy_decide(policy, kind, facts, arena, decision_r, NULL, &err), 1);
}

static void intake_numbers_no_noise(void **state)
{
	static const struct {
		const char *label, *automatic, *thread, *correspondent, *verdict, *number, *rule;
		bool present;
	} cases[] = {
	    {"vacation with a token", "vacation", "token", "known", "proven", "never",
	        "masuk-otomatis", false},
	    {"answer by token", "no", "token", "unknown", "unproven", "now", "masuk-balasan", true},
	    {"stranger with a token", "no", "stranger", "unknown", "unproven", "ask", "masuk-tanya",
	        false},
	    {"token of a closed letter", "no", "closed", "unknown", "proven", "ask", "masuk-tanya",
	        false},
	    {"known and proven", "no", "none", "known", "proven", "now", "masuk-mitra", true},
	    {"known and signed", "no", "none", "known", "signed", "now", "masuk-mitra", true},
	    {"known, only the path", "no", "none", "known", "spf", "ask", "masuk-tanya", false},
	    {"forged", "no", "none", "known", "failed", "ask", "masuk-palsu", false},
	    {"citizen", "no", "none", "unknown", "proven", "ask", "masuk-tanya", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_facts facts = {.direction = "incoming",
		    .agency = "DISKOMINFO",
		    .channel = "mx",
		    .automatic = cases[i].automatic,
		    .thread = cases[i].thread,
		    .correspondent = cases[i].correspondent,
		    .verdict = cases[i].verdict,
		    .date = "2026-11-25"};
		struct policy_decision d;

		ask(POLICY_INTAKE, &facts, &d);
		if (strcmp(d.number, cases[i].number) != 0 ||
		    strcmp(d.rule_id, cases[i].rule) != 0 || d.present != cases[i].present)
			fail_msg("%s: %s by %s", cases[i].label, d.number, d.rule_id);
		ask(POLICY_ACKNOWLEDGE, &facts, &d);
		assert_int_equal(d.allowed, strcmp(cases[i].automatic, "no") == 0 &&
		                                strcmp(cases[i].verdict, "failed") != 0);
	}
}

static void orders_go_down_only(void **state)
{
	static const struct {
		const char *actor, *target, *action, *class, *code;
		bool allowed;
	} cases[] = {
	    {"kadis.diskominfo", "kabid-ikp.diskominfo", "dispose", "open", "DSP-01", true},
	    {"kadis.diskominfo", "kabid-ikp.diskominfo", "dispose", "secret", "DSP-01", true},
	    {"kabid-ikp.diskominfo", "kasi-media.diskominfo", "pass_on", "open", "DSP-01", true},
	    {"kabid-ikp.diskominfo", "kasi-media.diskominfo", "pass_on", "secret", "DSP-08", false},
	    {"kadis.diskominfo", "kasi-media.diskominfo", "dispose", "open", "DSP-06", false},
	    {"kabid-ikp.diskominfo", "kadis.diskominfo", "pass_on", "open", "DSP-02", false},
	    {"kadis.diskominfo", "sekda", "dispose", "open", "DSP-02", false},
	    {"kadis.diskominfo", "kadis.dinkes", "dispose", "open", "DSP-04", false},
	    {"kabid-ikp.diskominfo", "kabid-infra.diskominfo", "pass_on", "open", "DSP-10", false},
	    {"kadis.diskominfo", "kadis.diskominfo", "dispose", "open", "DSP-03", false},
	    {"walikota", "sekda", "dispose", "open", "DSP-05", true},
	    {"walikota", "kadis.dinkes", "dispose", "open", "DSP-04", false},
	    {"kadis.diskominfo", "kabid-ikp.diskominfo", "dispose", "top_secret", "DSP-09", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_facts facts = {.position = cases[i].actor,
		    .recipient = cases[i].target,
		    .relation = policy_relation(policy, cases[i].actor, cases[i].target),
		    .action = cases[i].action,
		    .security_class = cases[i].class,
		    .date = "2026-11-25"};
		struct policy_decision d;

		ask(POLICY_DISPOSE, &facts, &d);
		if (d.allowed != cases[i].allowed || strcmp(d.code, cases[i].code) != 0)
			fail_msg("%s to %s: %s", cases[i].actor, cases[i].target, d.code);
	}
}

static void refusals_name_both_positions(void **state)
{
	struct policy_facts facts = {.position = "kabid-ikp.diskominfo",
	    .recipient = "kadis.diskominfo",
	    .relation = "superior",
	    .action = "dispose",
	    .security_class = "open"};
	struct policy_decision d;

	(void)state;
	ask(POLICY_DISPOSE, &facts, &d);
	assert_string_equal(d.sentence,
	    "Disposisi tidak dapat diberikan ke atas: Kepala Dinas Komunikasi dan Informatika "
	    "adalah atasan Kepala Bidang Informasi dan Komunikasi Publik. Kirimlah nota dinas.");
}

static void replies_do_what_is_proven(void **state)
{
	static const struct {
		const char *label, *action, *channel, *automatic, *thread, *verdict, *rule;
		bool allowed;
	} cases[] = {
	    {"login", "dispose", "submission", "no", NULL, "internal", "wenang-akun", true},
	    {"vacation of a login", "ok", "submission", "vacation", NULL, "internal",
	        "wenang-otomatis", false},
	    {"order from outside", "dispose", "mx", "no", "token", "signed", "wenang-luar", false},
	    {"token, not proven", "answer", "mx", "no", "token", "unproven", "wenang-jawab-token",
	        true},
	    {"token, forged", "answer", "mx", "no", "token", "failed", "wenang-jawab-ragu", false},
	    {"references", "answer", "mx", "no", "references", "unproven", "wenang-jawab-rujukan",
	        true},
	    {"references, forged", "answer", "mx", "no", "references", "failed",
	        "wenang-jawab-ragu", false},
	    {"number, not proven", "answer", "mx", "no", "number", "unproven", "wenang-jawab-ragu",
	        false},
	    {"number, proven", "answer", "mx", "no", "number", "proven", "wenang-jawab-nomor",
	        true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_facts facts = {.action = cases[i].action,
		    .channel = cases[i].channel,
		    .automatic = cases[i].automatic,
		    .thread = cases[i].thread,
		    .verdict = cases[i].verdict};
		struct policy_decision d;

		ask(POLICY_ASSURANCE, &facts, &d);
		if (d.allowed != cases[i].allowed || strcmp(d.rule_id, cases[i].rule) != 0)
			fail_msg("%s: %d by %s", cases[i].label, d.allowed, d.rule_id);
	}
}

static int set_up(void **state)
{
	struct policy_report report = {0};
	struct policy_file *files;
	size_t count;
	struct err err;

	(void)state;
	arena = arena_new();
	if (policy_read_dir("policies", "templates", arena, &files, &count, &err) < 0) {
		print_message("%s\n", err.text);
		return -1;
	}
	policy = policy_load(files, count, 1, &report);
	if (policy == NULL)
		print_message("%s", buf_str(&report.text));
	buf_free(&report.text);
	return policy ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	policy_free(&policy);
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_found_exactly_or_not),
	    cmocka_unit_test(suggestions_are_near),
	    cmocka_unit_test(relations_follow_the_organisation),
	    cmocka_unit_test(instructions_are_read_as_written),
	    cmocka_unit_test(correspondents_are_known_by_their_domain),
	    cmocka_unit_test(commands_have_their_words),
	    cmocka_unit_test(intake_numbers_no_noise),
	    cmocka_unit_test(orders_go_down_only),
	    cmocka_unit_test(refusals_name_both_positions),
	    cmocka_unit_test(replies_do_what_is_proven),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
