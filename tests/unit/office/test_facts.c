/* test_facts: every stage judges a letter by the same facts, whether it was just written or is read
 * back from the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mtagw/office/facts.h"
#include "mtagw/office/letter_xml.h"
#include "tests/unit/office/letter_samples.h"

static struct arena *arena;
static struct policy *policy;
static struct policy_report report;

static struct letter stored(const struct letter *letter)
{
	struct letter back;
	uint8_t hash[SHA256_BYTES];
	struct buf xml = {0};
	struct err err;

	assert_int_equal(letter_xml_canonical(letter, hash, &xml, &err), 1);
	assert_int_equal(letter_xml_read(buf_range(&xml), arena, &back, &err), 1);
	buf_free(&xml);
	return back;
}

static void assert_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void stages_agree(void **state)
{
	struct letter letters[] = {sample_letter(), sample_full(sample_long_body), sample_acting()};

	(void)state;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		struct letter back = stored(&letters[i]);
		struct policy_facts now, later;

		letter_facts(&letters[i], policy, "2026-11-24", &now);
		letter_facts(&back, policy, "2026-11-24", &later);
		assert_same(now.type, later.type);
		assert_same(now.scope, later.scope);
		assert_same(now.security_class, later.security_class);
		assert_same(now.urgency, later.urgency);
		assert_same(now.agency, later.agency);
		assert_same(now.position, later.position);
		assert_same(now.echelon, later.echelon);
		assert_same(now.channel, later.channel);
		assert_same(now.classification, later.classification);
		assert_same(now.date, later.date);
	}
}

static void facts_come_from_letter_and_organisation(void **state)
{
	struct letter letter = sample_full(sample_long_body);
	struct policy_facts facts;

	(void)state;
	letter_facts(&letter, policy, "2026-11-24", &facts);
	assert_string_equal(facts.type, "ordinary_letter");
	assert_string_equal(facts.scope, "outside");
	assert_string_equal(facts.security_class, "secret");
	assert_string_equal(facts.urgency, "urgent");
	assert_string_equal(facts.agency, "DISKOMINFO");
	assert_string_equal(facts.position, "kadis.diskominfo");
	assert_string_equal(facts.echelon, "II.b");
	assert_string_equal(facts.classification, "500.12");
	assert_string_equal(facts.date, "2026-11-24");
	assert_null(facts.form);
	assert_null(facts.recipient);
}

static void number_is_found_by_them(void **state)
{
	struct letter letter = sample_letter(), back = stored(&letter);
	struct policy_decision d;
	struct policy_facts facts;
	struct err err;

	(void)state;
	letter_facts(&back, policy, "2026-11-24", &facts);
	assert_int_equal(
	    policy_decide(policy, POLICY_NUMBER, &facts, arena, &d, NULL, &err) < 0, 0);
	assert_true(d.allowed);
	assert_string_equal(d.series, "surat/DISKOMINFO");
	assert_non_null(strstr(d.pattern, "500.12"));
}

static void unknown_position_has_no_echelon(void **state)
{
	struct letter letter = sample_letter();
	struct policy_facts facts;

	(void)state;
	letter.position = "dihapus.diskominfo";
	letter_facts(&letter, policy, "2026-11-24", &facts);
	assert_null(facts.echelon);
	letter.position = NULL;
	letter_facts(&letter, policy, "2026-11-24", &facts);
	assert_null(facts.position);
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
	    cmocka_unit_test(stages_agree),
	    cmocka_unit_test(facts_come_from_letter_and_organisation),
	    cmocka_unit_test(number_is_found_by_them),
	    cmocka_unit_test(unknown_position_has_no_echelon),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
