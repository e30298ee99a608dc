/*
 * policy: the sample law loads clean and decides as the regulation says; each kind of defect is
 * refused with file and line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mtagw/policy/policy.h"

static struct arena *arena;
static struct policy_file *files;
static size_t file_count;

/* The sample with one file's text replaced at one place; NULL: as it is. */
static struct policy *load_changed(
    const char *path, const char *from, const char *to, struct policy_report *report)
{
	struct policy_file *copy = arena_alloc(arena, file_count * sizeof(*copy));

	for (size_t i = 0; i < file_count; i++) {
		copy[i] = files[i];
		if (path != NULL && strcmp(path, files[i].path) == 0) {
			const char *text =
			               arena_strndup(arena, files[i].bytes.p, files[i].bytes.len),
			           *at = strstr(text, from);

			assert_non_null(at);
			copy[i].bytes = range_of(arena_printf(
			    arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)));
		}
	}
	return policy_load(copy, file_count, 1, report);
}

static void sample_loads_clean(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);

	(void)state;
	if (policy == NULL)
		print_message("%s", buf_str(&report.text));
	assert_non_null(policy);
	assert_int_equal(report.warnings, 0);
	buf_free(&report.text);
	policy_free(&policy);
}

static void defects_name_file_and_line(void **state)
{
	static const struct {
		const char *label, *path, *from, *to, *wanted;
	} cases[] = {
	    {"unknown element", "policies/sign.xml", "<deny/>", "<forbid/>",
	        "policies/sign.xml:8: unknown element <forbid>"},
	    {"unknown attribute", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when klass=\"top_secret\"/>",
	        "policies/sign.xml:6: <when> has no attribute \"klass\""},
	    {"bad XPath", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"scope = \"/>", "policies/sign.xml:6: rule ttd-sangat-rahasia: test="},
	    {"unknown function", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"begins(scope, 'o')\"/>",
	        "policies/sign.xml:6: rule ttd-sangat-rahasia: test=\"begins(scope, 'o')\": XPath "
	        "1.0 has no function begins"},
	    {"too few arguments", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"contains(scope)\"/>",
	        "policies/sign.xml:6: rule ttd-sangat-rahasia: test=\"contains(scope)\": wrong "
	        "number of arguments"},
	    {"variable", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"$scope = 'outside'\"/>", "no variables here"},
	    {"prefix", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"l:letter\"/>", "no prefix here"},
	    {"an element as attribute", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"letter/@subject = 'x'\"/>",
	        "the facts have no attribute \"subject\""},
	    {"constant of a fact", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"scope = 'outsid'\"/>",
	        "policies/sign.xml:6: rule ttd-sangat-rahasia: scope is never 'outsid'"},
	    {"constant of the schema", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"'topsecret' = letter/security_class\"/>",
	        "security_class is never 'topsecret'"},
	    {"constant through a reference", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"letter/from/@capacity = 'plt'\"/>", "capacity is never 'plt'"},
	    {"text as a number", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"letter/subject &gt; 'a'\"/>", "compares numbers"},
	    {"no such day", "policies/sign.xml", "valid-from=\"2021-10-01\"",
	        "valid-from=\"1 Oktober 2021\"",
	        "policies/sign.xml:5: valid-from=\"1 Oktober 2021\" is no date"},
	    {"leap day of no leap year", "policies/sign.xml", "valid-from=\"2021-10-01\"",
	        "valid-from=\"2023-02-29\"", "is no date"},
	    {"ends before it begins", "policies/sign.xml", "valid-from=\"2021-10-01\"",
	        "valid-from=\"2021-10-01\" valid-until=\"2021-09-30\"", "before it begins"},
	    {"wildcard of nobody", "policies/sign.xml", "camat.* lurah.*", "camaat.* lurah.*",
	        "position=\"camaat.*\" reaches no position"},
	    {"misspelt XPath name", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"letter/subjekt = 'x'\"/>", "the facts have no element \"subjekt\""},
	    {"two rules of one id", "policies/sign.xml", "ttd-rahasia-luar", "ttd-sangat-rahasia",
	        "policies/sign.xml:11: rule id \"ttd-sangat-rahasia\" stands already in "
	        "policies/sign.xml:5"},
	    {"id of another kind", "policies/seal.xml", "segel-luar", "ttd-camat",
	        "stands already in policies/sign.xml"},
	    {"no such position", "policies/sign.xml", "walikota wawako sekda",
	        "walikota wawako seksa", "position \"seksa\" is not in the organisation"},
	    {"no such head", "policies/organisation.xml", "head=\"sekda\"", "head=\"seksa\"",
	        "policies/organisation.xml:17: agency SETDA: head seksa is no position"},
	    {"no such superior", "policies/organisation.xml", "superior=\"kabag-umum.setda\"",
	        "superior=\"kabag-umun.setda\"",
	        "policies/organisation.xml:34: position kasubbag-tu.setda: superior "
	        "kabag-umun.setda"},
	    {"address twice", "policies/types.xml", "local=\"surat-biasa\"", "local=\"ttd\"",
	        "policies/types.xml:7: local=\"ttd\" is another address already"},
	    {"address of a position", "policies/types.xml", "local=\"surat-biasa\"",
	        "local=\"sekda\"", "policies/types.xml:4: local=\"sekda\" is a position already"},
	    {"registry twice", "policies/organisation.xml", "registry=\"surat.setda\"",
	        "registry=\"surat.walikota\"", "registry surat.walikota is another agency's"},
	    {"no such template", "policies/types.xml", "template=\"ordinary_letter\"",
	        "template=\"letter\"",
	        "policies/types.xml:4: type ordinary_letter: templates/letter.text.xsl is not "
	        "listed"},
	    {"no such class", "policies/sign.xml", "class=\"top_secret\"", "class=\"topsecret\"",
	        "is never true"},
	    {"no sentence", "policies/route.xml",
	        "<sentence>Surat ke luar pemerintah kota dikirim melalui surel.</sentence>", "",
	        "policies/route.xml:9: rule rute-luar has no <sentence>"},
	    {"no number in pattern", "policies/numbering.xml", "{K}/{N}/SETDA/{Y}", "{K}/SETDA/{Y}",
	        "has no {N}"},
	    {"a lost brace", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{N/SETDA/{Y}\"",
	        "numbering.xml:10: pattern=\"{K}/{N/SETDA/{Y}\": \"{N/SETDA\" is no token"},
	    {"an open brace", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{N}/SETDA/{Y\"", "\"{Y\" is no token"},
	    {"a brace that closes nothing", "policies/numbering.xml",
	        "pattern=\"{K}/{N}/SETDA/{Y}\"", "pattern=\"{K}/{N}/SETDA/Y}\"",
	        "\"}\" is no token"},
	    {"a brace in a brace", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{{N}}/SETDA/{Y}\"", "is no token"},
	    {"an unknown token", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{N}/{Q}/{Y}\"",
	        "\"{Q}/{Y}\" is no token: braces stand only around these: {K} {PD} {N}"},
	    {"a token in small letters", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{N}/SETDA/{y}\"", "\"{y}\" is no token"},
	    {"two running numbers", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{N}/{N3}/{Y}\"", "has more than one of {N} and {N3}"},
	    {"a running number twice", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{N}/{N}/SETDA/{Y}\"", "has more than one of {N} and {N3}"},
	    {"no year", "policies/numbering.xml", "pattern=\"{K}/{N}/SETDA/{Y}\"",
	        "pattern=\"{K}/{N}/SETDA\"", "pattern=\"{K}/{N}/SETDA\" has no {Y}"},
	    {"a number that grows into its code", "policies/numbering.xml",
	        "pattern=\"{K}/{N}/SETDA/{Y}\"", "pattern=\"{K}{N}/SETDA/{Y}\"",
	        "{N} stands beside a digit or another token"},
	    {"a number that grows into a digit", "policies/numbering.xml",
	        "pattern=\"{K}/{N}/SETDA/{Y}\"", "pattern=\"{K}/{N3}5/SETDA/{Y}\"",
	        "{N3} stands beside a digit"},
	    {"an unknown token in a series", "policies/numbering.xml", "series=\"surat/SETDA\"",
	        "series=\"surat/{Y}\"", "series=\"surat/{Y}\": \"{Y}\" is no token"},
	    {"a series of agendas", "policies/numbering.xml", "series=\"surat/SETDA\"",
	        "series=\"agenda-keluar/SETDA\"", "names with agenda- count the agendas"},
	    {"agencies that share a number", "policies/numbering.xml", "{K}/{N}/{PD}/{Y}",
	        "{K}/{N}/{Y}",
	        "numbering.xml:19: pattern=\"{K}/{N}/{Y}\" has neither {PD} nor an agency's code"},
	    {"two agencies that share a number", "policies/numbering.xml", "series=\"surat/SETDA\"",
	        "series=\"surat/{PD}\"",
	        "pattern=\"{K}/{N}/SETDA/{Y}\" has neither {PD} nor an agency's code"},
	    {"a code with a brace", "policies/organisation.xml", "number-code=\"SETDA\"",
	        "number-code=\"{N}\"", "number-code=\"{N}\" is printed in numbers"},
	    {"an element in a condition", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when class=\"top_secret\"><not position=\"sekda\"/></when>",
	        "policies/sign.xml:6: unknown element <not> in <when>"},
	    {"text in a condition", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when class=\"top_secret\">kecuali Sekda</when>",
	        "policies/sign.xml:6: there is text in <when>"},
	    {"text in an outcome", "policies/sign.xml", "<deny/>", "<deny>kecuali</deny>",
	        "policies/sign.xml:8: there is text in <deny>"},
	    {"an element in an outcome", "policies/sign.xml", "<allow/>",
	        "<allow><when scope=\"internal\"/></allow>", "unknown element <when> in <allow>"},
	    {"an element in a sentence", "policies/sign.xml", "Surat sangat rahasia tidak",
	        "Surat <b>sangat rahasia</b> tidak",
	        "policies/sign.xml:7: unknown element <b> in <sentence>"},
	    {"an attribute of a sentence", "policies/sign.xml", "<sentence>Surat sangat rahasia",
	        "<sentence lang=\"id\">Surat sangat rahasia",
	        "<sentence> has no attribute \"lang\""},
	    {"two sentences", "policies/sign.xml", "<sentence>Surat sangat rahasia",
	        "<sentence>Satu.</sentence><sentence>Surat sangat rahasia",
	        "rule ttd-sangat-rahasia has a second <sentence>"},
	    {"text in a rule", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "kecuali Sekda <when class=\"top_secret\"/>",
	        "policies/sign.xml:5: there is text in <sign>"},
	    {"text between rules", "policies/sign.xml", "  <sign id=\"ttd-sangat-rahasia\"",
	        "  x<sign id=\"ttd-sangat-rahasia\"",
	        "policies/sign.xml:3: there is text in <rules>"},
	    {"text in a position", "policies/organisation.xml",
	        "superior=\"kabag-umum.setda\" alias=\"kasubag tu; subbag tu; subbagian tu\"/>",
	        "superior=\"kabag-umum.setda\">x</position>", "there is text in <position>"},
	    {"a condition that asks nothing", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when/>",
	        "policies/sign.xml:6: this <when> asks nothing and holds always: say it by leaving "
	        "<when> out"},
	    {"an empty condition", "policies/sign.xml", "position=\"walikota wawako sekda\"",
	        "position=\"\"", "position=\"\" is never true"},
	    {"a blank condition", "policies/sign.xml", "position=\"walikota wawako sekda\"",
	        "position=\" \"", "position=\" \" is never true"},
	    {"an empty test", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"\"/>", "test=\"\" is never true"},
	    {"no such echelon", "policies/sign.xml", "echelon=\"II.b\"", "echelon=\"IIb\"",
	        "echelon \"IIb\" is that of no position"},
	    {"wildcard of no echelon", "policies/sign.xml", "echelon=\"II.b\"", "echelon=\"V.*\"",
	        "echelon=\"V.*\" reaches no echelon"},
	    {"date as string", "policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when test=\"date &gt; '2026-01-01'\"/>", "use valid-from"},
	    {"words missing", "policies/words.xml", "confirmation.body", "confirmation.bodi",
	        "words \"confirmation.body\" are missing"},
	    {"misspelt name in words", "policies/words.xml", "Terkirim {nomor}: {hal}",
	        "Terkirim {nomer}: {hal}", "words \"confirmation.subject\": nothing fills {nomer}"},
	    {"name of other words", "policies/words.xml", "Terkirim {nomor}: {hal}",
	        "Terkirim {baris}: {hal}", "nothing fills {baris}"},
	    {"brace left open", "policies/words.xml", "Terkirim {nomor}: {hal}",
	        "Terkirim {nomor: {hal}", "a brace stands only around a name"},
	    {"names of no words", "policies/words.xml", "for=\"asked-back.*\"",
	        "for=\"askedback.*\"", "<names for=\"askedback.*\"> reaches no words"},
	    {"name of no sentence", "policies/sign.xml", "{jabatan} tidak berwenang",
	        "{jabatn} tidak berwenang", "rule ttd-bukan-penandatangan: nothing fills {jabatn}"},
	    {"switch not set", "policies/sign.xml", "switch=\"inter_agency.signatory=strict\"",
	        "switch=\"inter_agency.signer=strict\"",
	        "switch \"inter_agency.signer\" is not set in policies/index.xml"},
	    {"value of no switch", "policies/sign.xml", "switch=\"inter_agency.signatory=strict\"",
	        "switch=\"inter_agency.signatory=strikt\"",
	        "is never true: write inter_agency.signatory=value, known values are agency_head "
	        "strict"},
	    {"switch set to nothing known", "policies/index.xml", "value=\"agency_head\"",
	        "value=\"heads\"", "value=\"heads\": known words are agency_head strict"},
	    {"on behalf of nobody", "policies/sign.xml", "behalf=\"sekda\"", "behalf=\"seksa\"",
	        "behalf=\"seksa\" is no position"},
	    {"behalf without capacity", "policies/sign.xml", "capacity=\"on_behalf\" ", "",
	        "behalf= needs capacity"},
	    {"unknown intake", "policies/intake.xml", "number=\"now\"", "number=\"soon\"",
	        "policies/intake.xml:22: number=\"soon\": known words are now ask never"},
	    {"unknown thread", "policies/intake.xml", "thread=\"token\"", "thread=\"tokens\"",
	        "thread=\"tokens\" is never true"},
	    {"unknown relation", "policies/dispose.xml", "relation=\"superior\"",
	        "relation=\"boss\"", "relation=\"boss\" is never true"},
	    {"one name, two positions", "policies/organisation.xml", "alias=\"bidang infra; infra;",
	        "alias=\"bidang ikp; infra;",
	        "position kabid-infra.diskominfo: the name \"bidangikp\" is also "
	        "kabid-ikp.diskominfo"},
	    {"above itself", "policies/organisation.xml",
	        "block=\"SEKRETARIS DAERAH KOTA DUMAI\" echelon=\"II.a\" superior=\"walikota\"",
	        "block=\"SEKRETARIS DAERAH KOTA DUMAI\" echelon=\"II.a\" "
	        "superior=\"asisten1.setda\"",
	        "position sekda is above itself"},
	    {"a domain too wide", "policies/correspondents.xml", "*@pelabuhan.example",
	        "*pelabuhan.example", "write nama@domain, or *@domain"},
	    {"one domain, two parties", "policies/correspondents.xml", "*@pelabuhan.example",
	        "humas@riau.example", "humas@riau.example is Pemerintah Provinsi Riau already"},
	    {"one number, two instructions", "policies/instructions.xml", "n=\"2\"", "n=\"1\"",
	        "n=\"1\" is another instruction already"},
	    {"one word, two instructions", "policies/instructions.xml", "<synonym>UDK</synonym>",
	        "<synonym>T.L.</synonym>", "\"T.L.\" is another instruction already"},
	    {"one word, two commands", "policies/commands.xml", "words=\"PESAN\"",
	        "words=\"PESAN; OKE\"", "the word \"OKE\" is ok already"},
	    {"case of no kind", "policies/cases.xml", "ask=\"sign\"", "ask=\"sing\"",
	        "ask=\"sing\" is no kind of rule"},
	    {"case of an unknown fact", "policies/cases.xml", "thread=\"token\"", "thred=\"token\"",
	        "<case> has no attribute \"thred\""},
	    {"case of an unknown word", "policies/cases.xml", "thread=\"token\"",
	        "thread=\"tokens\"", "thread=\"tokens\" is never true"},
	    {"DTD", "policies/seal.xml", "<rules>", "<!DOCTYPE rules><rules>",
	        "policies/seal.xml:5: a document type"},
	    {"not well-formed", "policies/seal.xml", "</rules>", "</rule>", "policies/seal.xml:"},
	    {"bad stylesheet", "templates/common.xsl", "</xsl:stylesheet>",
	        "<xsl:template/></xsl:stylesheet>", "templates/common.xsl"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_report report = {0};
		struct policy *policy =
		    load_changed(cases[i].path, cases[i].from, cases[i].to, &report);

		if (policy != NULL || strstr(buf_str(&report.text), cases[i].wanted) == NULL)
			fail_msg("%s: got \"%s\"", cases[i].label, buf_str(&report.text));
		buf_free(&report.text);
	}
}

static void hidden_rules_are_warned_of(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = load_changed(
	    "policies/sign.xml", "<when class=\"top_secret\"/>", "<when scope=\"*\"/>", &report);

	(void)state;
	assert_non_null(policy);
	assert_non_null(strstr(buf_str(&report.text), "rule ttd-rahasia-luar is never reached"));
	buf_free(&report.text);
	policy_free(&policy);
}

/* What cannot be proved to be wrong is told, and the law loads. */
static void doubts_are_warned_of(void **state)
{
	static const struct {
		const char *path, *from, *to, *wanted;
	} cases[] = {
	    {"policies/sign.xml", "code=\"TTD-08\"", "code=\"TTD-09\"",
	        "policies/sign.xml:11: warning: code=\"TTD-09\" of rule ttd-rahasia-luar is also "
	        "that of rule ttd-sangat-rahasia (policies/sign.xml:5)"},
	    {"policies/numbering.xml",
	        "<allow series=\"surat/SETDA\" pattern=\"{K}/{N}/SETDA/{Y}\"/>",
	        "<allow series=\"surat/SETDA\" pattern=\"{K}/{N}/{PD}/{Y}\"/>",
	        "policies/numbering.xml:19: warning: series=\"surat/{PD}\" may print the numbers "
	        "of "
	        "series=\"surat/SETDA\" (rule nomor-pimpinan, policies/numbering.xml:10)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_report report = {0};
		struct policy *policy =
		    load_changed(cases[i].path, cases[i].from, cases[i].to, &report);

		if (policy == NULL || strstr(buf_str(&report.text), cases[i].wanted) == NULL)
			fail_msg("%s: got \"%s\"", cases[i].wanted, buf_str(&report.text));
		buf_free(&report.text);
		policy_free(&policy);
	}
}

/* A code lives on in the rule that takes the place of an ended one; one agency may write its code
 * out; signs of every kind may stand in a number. */
static void what_is_right_is_not_warned_of(void **state)
{
	static const struct {
		const char *path, *from, *to;
	} cases[] = {
	    {"policies/sign.xml",
	        "<sign id=\"ttd-rahasia-luar\" valid-from=\"2021-10-01\" code=\"TTD-08\"",
	        "<sign id=\"ttd-lama\" valid-from=\"2020-01-01\" valid-until=\"2021-09-30\" "
	        "code=\"TTD-08\" legal-basis=\"x\"><sentence>x</sentence><deny/></sign>"
	        "<sign id=\"ttd-rahasia-luar\" valid-from=\"2021-10-01\" code=\"TTD-08\""},
	    {"policies/numbering.xml", "<when agency=\"WALIKOTA SETDA\"/>",
	        "<when agency=\"SETDA\"/>"},
	    {"policies/numbering.xml", "{K}/{N}/SETDA/{Y}", "{K}-{N3}.SETDA.{M}{Y}"},
	    {"policies/numbering.xml",
	        "<when agency=\"WALIKOTA SETDA\"/>\n    <sentence>Surat Wali Kota dan Sekretariat "
	        "Daerah bernomor pada seri Sekretariat Daerah.</sentence>\n    <allow "
	        "series=\"surat/SETDA\"",
	        "<when agency=\"SETDA\"/><when agency=\"SETDA\" scope=\"internal\"/>"
	        "<sentence>x</sentence><allow series=\"surat/{PD}\""},
	    {"policies/sign.xml", "<when class=\"top_secret\"/>",
	        "<when class=\"top_secret\"><!-- says why --> </when>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_report report = {0};
		struct policy *policy =
		    load_changed(cases[i].path, cases[i].from, cases[i].to, &report);

		if (policy == NULL || report.warnings > 0)
			fail_msg("%s: got \"%s\"", cases[i].to, buf_str(&report.text));
		buf_free(&report.text);
		policy_free(&policy);
	}
}

/* A rule with a defect may be wider than it is meant: nothing is said about what it hides. */
static void defects_hide_no_rules(void **state)
{
	struct policy_report report = {0};

	(void)state;
	assert_null(load_changed("policies/sign.xml", "<when class=\"top_secret\"/>",
	    "<when klass=\"top_secret\"/>", &report));
	assert_int_equal(report.errors, 1);
	assert_int_equal(report.warnings, 0);
	buf_free(&report.text);
}

/* Defects name the files as the person who asked knows them. */
static void defects_name_the_folder_given(void **state)
{
	struct policy_report report = {.policies_dir = "/srv/draft", .templates_dir = "../t"};

	(void)state;
	assert_null(
	    load_changed("policies/sign.xml", "ttd-rahasia-luar", "ttd-sangat-rahasia", &report));
	assert_non_null(strstr(buf_str(&report.text),
	    "/srv/draft/sign.xml:11: rule id \"ttd-sangat-rahasia\" stands already in "
	    "/srv/draft/sign.xml:5"));
	assert_null(strstr(buf_str(&report.text), "policies/"));
	buf_free(&report.text);
	report = (struct policy_report){.policies_dir = "/srv/draft", .templates_dir = "../t"};
	assert_null(
	    load_changed("templates/common.xsl", "</xsl:stylesheet>", "</xsl:style>", &report));
	assert_non_null(strstr(buf_str(&report.text), "../t/common.xsl:"));
	buf_free(&report.text);
}

/* R29: one word of index.xml takes letters between agencies from the heads. */
static void switches_choose_the_reading(void **state)
{
	struct policy_facts facts = {.type = "ordinary_letter",
	    .scope = "inter_agency",
	    .position = "kadis.diskominfo",
	    .agency = "DISKOMINFO",
	    .echelon = "II.b",
	    .security_class = "open",
	    .date = "2026-11-24"};
	struct policy_report report = {0};
	struct policy_decision d;
	struct err err;

	(void)state;
	for (int strict = 0; strict < 2; strict++) {
		struct policy *policy = load_changed("policies/index.xml", "value=\"agency_head\"",
		    strict ? "value=\"strict\"" : "value=\"agency_head\"", &report);
		struct buf trace = {0};

		assert_non_null(policy);
		assert_int_equal(report.warnings, 0);
		assert_int_equal(
		    policy_decide(policy, POLICY_SIGN, &facts, arena, &d, &trace, &err), 1);
		assert_string_equal(d.rule_id, strict ? "ttd-antar-pd" : "ttd-kepala-pd");
		assert_non_null(strstr(buf_str(&trace),
		    strict ? "is set to strict, wanted" : "is set to agency_head, wanted"));
		buf_free(&trace);
		facts.position = "sekda";
		assert_int_equal(
		    policy_decide(policy, POLICY_SIGN, &facts, arena, &d, NULL, &err), 1);
		assert_true(d.allowed);
		facts.position = "kadis.diskominfo";
		policy_free(&policy);
	}
	buf_free(&report.text);
}

static void assistants_sign_on_behalf(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);
	struct policy_facts facts = {.type = "ordinary_letter",
	    .scope = "outside",
	    .position = "asisten1.setda",
	    .agency = "SETDA",
	    .echelon = "II.b",
	    .security_class = "open",
	    .date = "2026-11-24"};
	struct policy_decision d;
	struct err err;

	(void)state;
	assert_int_equal(policy_decide(policy, POLICY_SIGN, &facts, arena, &d, NULL, &err), 1);
	assert_true(d.allowed);
	assert_string_equal(d.capacity, "on_behalf");
	assert_string_equal(d.behalf, "sekda");
	facts.position = "kadis.diskominfo";
	facts.agency = "DISKOMINFO";
	assert_int_equal(policy_decide(policy, POLICY_SIGN, &facts, arena, &d, NULL, &err), 1);
	assert_string_equal(d.capacity, "substantive");
	assert_null(d.behalf);
	policy_free(&policy);
	buf_free(&report.text);
}

/* What the trail keeps of a question is enough to ask it again. */
static void facts_come_back_from_the_trail(void **state)
{
	const char *const places[] = {"type", "scope", "class", "agency", "position", "echelon",
	    "channel", "verdict", "urgency", "recipient", "recipient-domain", "recipient-kind",
	    "form", "classification", "direction", "thread", "correspondent", "automatic",
	    "relation", "action", "date"};
	const char *pairs[POLICY_FACTS_PAIRS];
	struct policy_facts facts = {0}, back = {0};
	size_t n;

	(void)state;
	assert_false(policy_facts_set(&facts, "klass", "open"));
	assert_false(policy_facts_set(&facts, "letter", "x"));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		assert_true(policy_facts_set(&facts, places[i], places[i]));
	assert_string_equal(facts.security_class, "class");
	assert_string_equal(facts.recipient_domain, "recipient-domain");
	assert_string_equal(facts.action, "action");
	policy_facts_pairs(&facts, pairs);
	for (n = 0; pairs[n] != NULL; n += 2) {
		assert_string_equal(pairs[n], pairs[n + 1]);
		assert_true(policy_facts_set(&back, pairs[n], pairs[n + 1]));
	}
	assert_int_equal(n, POLICY_FACTS_PAIRS - 1);
	assert_memory_equal(&facts, &back, sizeof(facts));
	policy_facts_pairs(&(struct policy_facts){.date = "2026-11-25"}, pairs);
	assert_string_equal(pairs[0], "date");
	assert_null(pairs[2]);
}

/* A law that fails its own cases says which and how. */
static void cases_hold_the_law(void **state)
{
	static const struct {
		const char *path, *from, *to, *wanted;
	} changes[] = {
	    {"policies/sign.xml", "<when class=\"top_secret\"/>", "<when class=\"open\"/>",
	        "asked sign: the rules say deny by ttd-sangat-rahasia, this case wants allow by "
	        "ttd-kepala-pd"},
	    {"policies/intake.xml", "<when thread=\"token\"/>", "<when thread=\"closed\"/>",
	        "asked intake: the rules say ask by masuk-tanya, this case wants now by "
	        "masuk-balasan"},
	    {"policies/dispose.xml", "<when relation=\"superior\"/>", "<when relation=\"peer\"/>",
	        "asked dispose: the rules say deny by disposisi-setingkat, this case wants deny by "
	        "disposisi-ke-atasan"},
	};
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);
	size_t count;

	(void)state;
	assert_int_equal(policy_test(policy, &report, &count), 1);
	assert_true(count >= 15);
	assert_int_equal(report.errors, 0);
	policy_free(&policy);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		policy = load_changed(changes[i].path, changes[i].from, changes[i].to, &report);
		assert_non_null(policy);
		assert_int_equal(policy_test(policy, &report, &count), 0);
		if (strstr(buf_str(&report.text), changes[i].wanted) == NULL ||
		    strstr(buf_str(&report.text), "policies/cases.xml:") == NULL)
			fail_msg("%s: got \"%s\"", changes[i].path, buf_str(&report.text));
		policy_free(&policy);
		buf_free(&report.text);
		report = (struct policy_report){0};
	}
}

/* A seal rule says too whom the house tells; where it says nothing, everybody. */
static void seal_says_who_is_told(void **state)
{
	static const char *const words[] = {
	    "pdf=\"yes\"", "pdf=\"yes\" confirm=\"no\" copy=\"no\""};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct policy_report report = {0};
		struct policy *policy =
		    load_changed("policies/seal.xml", words[0], words[i], &report);

		assert_non_null(policy);
		for (int outside = 0; outside < 2; outside++) {
			struct policy_facts facts = {.form = outside ? "outside" : "inside",
			    .scope = "outside",
			    .agency = "DISKOMINFO",
			    .date = "2026-11-24"};
			struct policy_decision d;
			struct err err;

			assert_int_equal(
			    policy_decide(policy, POLICY_SEAL, &facts, arena, &d, NULL, &err), 1);
			assert_true(d.allowed);
			assert_int_equal(d.confirm, !(i == 1 && outside == 1));
			assert_int_equal(d.copy, !(i == 1 && outside == 1));
		}
		policy_free(&policy);
		buf_free(&report.text);
	}
}

static void sample_decides(void **state)
{
	static const struct {
		const char *position, *agency, *echelon, *scope, *class, *date;
		bool allowed;
		const char *rule;
	} cases[] = {
	    {"kadis.diskominfo", "DISKOMINFO", "II.b", "outside", "open", "2026-11-24", true,
	        "ttd-kepala-pd"},
	    {"kabid-aplikasi.diskominfo", "DISKOMINFO", "III.b", "outside", "open", "2026-11-24",
	        false, "ttd-bukan-penandatangan"},
	    {"sekda", "SETDA", "II.a", "inter_agency", "open", "2026-11-24", true,
	        "ttd-pimpinan-kota"},
	    {"kadis.diskominfo", "DISKOMINFO", "II.b", "outside", "secret", "2026-11-24", false,
	        "ttd-rahasia-luar"},
	    {"sekda", "SETDA", "II.a", "internal", "top_secret", "2026-11-24", false,
	        "ttd-sangat-rahasia"},
	    {"camat.kec-db", "KEC-DB", "III.a", "outside", "open", "2026-11-24", true, "ttd-camat"},
	    {"kadis.diskominfo", "DISKOMINFO", "II.b", "outside", "open", "2021-09-30", false, "-"},
	};
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);

	(void)state;
	assert_non_null(policy);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_facts facts = {.type = "ordinary_letter",
		    .scope = cases[i].scope,
		    .position = cases[i].position,
		    .agency = cases[i].agency,
		    .echelon = cases[i].echelon,
		    .security_class = cases[i].class,
		    .urgency = "normal",
		    .date = cases[i].date};
		struct policy_decision d;
		struct err err;

		assert_int_equal(
		    policy_decide(policy, POLICY_SIGN, &facts, arena, &d, NULL, &err), 1);
		if (d.allowed != cases[i].allowed || strcmp(d.rule_id, cases[i].rule) != 0)
			fail_msg("%s %s: %d by %s", cases[i].position, cases[i].scope, d.allowed,
			    d.rule_id);
	}
	policy_free(&policy);
	buf_free(&report.text);
}

static void patterns_are_filled(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);
	struct policy_facts facts = {.type = "ordinary_letter",
	    .agency = "DISKOMINFO",
	    .position = "kadis.diskominfo",
	    .classification = "555",
	    .date = "2026-11-24"};
	struct policy_decision d;
	struct err err;

	(void)state;
	assert_int_equal(policy_decide(policy, POLICY_NUMBER, &facts, arena, &d, NULL, &err), 1);
	assert_string_equal(d.series, "surat/DISKOMINFO");
	assert_string_equal(d.pattern, "555/{N}/DISKOMINFO/{Y}");
	facts.agency = "WALIKOTA";
	assert_int_equal(policy_decide(policy, POLICY_NUMBER, &facts, arena, &d, NULL, &err), 1);
	assert_string_equal(d.series, "surat/SETDA");
	policy_free(&policy);
	buf_free(&report.text);
}

/* A test reads the facts as its rule's attributes name them, from the facts element on. */
static void tests_see_the_facts(void **state)
{
	static const struct {
		const char *test;
		bool matches;
	} cases[] = {{"scope = 'outside'", true}, {"/facts/scope = 'outside'", true},
	    {"scope = 'internal'", false},
	    {"not(scope = 'internal') and starts-with(position, 'kadis.')", true},
	    {"letter/subject = 'Undangan'", true}, {"count(letter/recipients/*) = 0", true},
	    {"letter[subject = 'Undangan']/@type = type", true},
	    {"string-length(letter/subject) &gt; 100", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_report report = {0};
		struct policy *policy =
		    load_changed("policies/sign.xml", "<when class=\"top_secret\"/>",
		        arena_printf(arena, "<when test=\"%s\"/>", cases[i].test), &report);
		struct xml *letter = xml_new("letter", "urn:mtagw:letter:1");
		struct policy_facts facts = {.type = "ordinary_letter",
		    .scope = "outside",
		    .position = "kadis.diskominfo",
		    .agency = "DISKOMINFO",
		    .echelon = "II.b",
		    .security_class = "open",
		    .date = "2026-11-24"};
		struct policy_decision d;
		struct err err;

		xml_set_attr(xml_root(letter), "type", "ordinary_letter");
		xml_add_text(xml_root(letter), "subject", "Undangan");
		facts.letter = xml_root(letter);
		if (policy == NULL)
			fail_msg("%s: %s", cases[i].test, buf_str(&report.text));
		assert_int_equal(
		    policy_decide(policy, POLICY_SIGN, &facts, arena, &d, NULL, &err), 1);
		if ((strcmp(d.rule_id, "ttd-sangat-rahasia") == 0) != cases[i].matches)
			fail_msg("%s: decided by %s", cases[i].test, d.rule_id);
		xml_free(&letter);
		policy_free(&policy);
		buf_free(&report.text);
	}
}

/* What a writer puts behind `Kode:` reaches the pattern: it must neither be read as one nor loop.
 */
static void codes_of_writers_are_no_patterns(void **state)
{
	static const char *const bad[] = {
	    "{K}", "{N}", "{PD}/1", "005/1", "0 5", "\xc2\xa0", "123456789012345678901"};
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int kind = 0; kind < 2; kind++) {
			struct policy_facts facts = {.type = "ordinary_letter",
			    .agency = "DISKOMINFO",
			    .position = "kadis.diskominfo",
			    .echelon = "II.b",
			    .scope = "outside",
			    .classification = bad[i],
			    .date = "2026-11-24"};
			struct policy_decision d;
			struct err err;

			assert_int_equal(policy_decide(policy, kind ? POLICY_NUMBER : POLICY_SIGN,
			                     &facts, arena, &d, NULL, &err),
			    1);
			assert_false(d.allowed);
			assert_string_equal(d.code, "KBJ-01");
			assert_non_null(strstr(d.sentence, bad[i]));
		}
	policy_free(&policy);
	buf_free(&report.text);
}

static void words_are_forgiven_and_filled(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = load_changed(NULL, NULL, NULL, &report);
	const char *pairs[] = {"nomor", "1/2", "hal", "{nomor}", NULL};

	(void)state;
	assert_non_null(policy_type_by_word(policy, "Surat  Biasa"));
	assert_non_null(policy_type_by_word(policy, "surat\xc2\xa0"
	                                            "biasa"));
	assert_null(policy_type_by_word(policy, "surat bias"));
	assert_string_equal(
	    policy_words(policy, "confirmation.subject", pairs, arena), "Terkirim 1/2: {nomor}");
	policy_free(&policy);
	buf_free(&report.text);
}

static int set_up(void **state)
{
	struct err err;

	(void)state;
	arena = arena_new();
	if (policy_read_dir("policies", "templates", arena, &files, &file_count, &err) < 0) {
		print_message("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sample_loads_clean),
	    cmocka_unit_test(defects_name_file_and_line),
	    cmocka_unit_test(hidden_rules_are_warned_of),
	    cmocka_unit_test(doubts_are_warned_of),
	    cmocka_unit_test(what_is_right_is_not_warned_of),
	    cmocka_unit_test(defects_hide_no_rules),
	    cmocka_unit_test(defects_name_the_folder_given),
	    cmocka_unit_test(switches_choose_the_reading),
	    cmocka_unit_test(assistants_sign_on_behalf),
	    cmocka_unit_test(facts_come_back_from_the_trail),
	    cmocka_unit_test(cases_hold_the_law),
	    cmocka_unit_test(seal_says_who_is_told),
	    cmocka_unit_test(sample_decides),
	    cmocka_unit_test(patterns_are_filled),
	    cmocka_unit_test(tests_see_the_facts),
	    cmocka_unit_test(codes_of_writers_are_no_patterns),
	    cmocka_unit_test(words_are_forgiven_and_filled),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
