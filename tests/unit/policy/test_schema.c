/*
 * schema: policy.rng, by which editors underline, knows every policy file and every fact that rules
 * may ask, and refuses what the gateway's reader refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "mtagw/policy/policy.h"

static struct arena *arena;
static struct rng *rng;

static struct range read_whole(const char *path)
{
	FILE *file = fopen(path, "re");
	struct buf bytes = {0};
	const char *copy;
	int ch;

	if (file == NULL)
		fail_msg("%s does not open", path);
	while ((ch = getc(file)) != EOF)
		buf_putc(&bytes, (char)ch);
	(void)fclose(file);
	copy = arena_strndup(arena, buf_str(&bytes), bytes.len);
	buf_free(&bytes);
	return range_of(copy);
}

static int valid(struct range bytes, const char *name, struct err *error_r)
{
	struct xml *xml = xml_parse(bytes, name, error_r);
	int rc = xml ? rng_check(rng, xml, error_r) : -1;

	xml_free(&xml);
	return rc;
}

static void every_policy_file_is_valid(void **state)
{
	DIR *dir = opendir("policies");
	struct dirent *entry;
	size_t count = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *path = arena_printf(arena, "policies/%s", entry->d_name);
		size_t n = strlen(path);
		struct err err;

		if (n < 5 || strcmp(path + n - 4, ".xml") != 0)
			continue;
		if (valid(read_whole(path), path, &err) != 1)
			fail_msg("%s", err.text);
		count++;
	}
	(void)closedir(dir);
	assert_true(count >= 17);
}

static void every_fact_may_be_asked(void **state)
{
	static const char *const kinds[] = {"plain", "acknowledge", "dispose", "assurance"};
	const char *pairs[POLICY_FACTS_PAIRS];
	const char *asked = "";
	struct policy_facts facts;
	struct err err;

	(void)state;
	/* every pointer of the facts set, so that pairs names them all */
	memset(&facts, 0, sizeof(facts));
	for (int kind = 0; kind < POLICY_KIND_COUNT; kind++)
		assert_non_null(policy_kind_name((enum policy_kind)kind));
	for (size_t i = 0; i < sizeof(facts) / sizeof(const char *); i++)
		((const char **)(void *)&facts)[i] = "x";
	policy_facts_pairs(&facts, pairs);
	for (size_t i = 0; pairs[i] != NULL; i += 2)
		if (strcmp(pairs[i], "date") != 0)
			asked = arena_printf(arena, "%s %s='x'", asked, pairs[i]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (valid(range_of(arena_printf(arena,
		              "<rules><%s id='a' valid-from='2026-01-01' legal-basis='b' code='c'>"
		              "<when%s switch='a=b' "
		              "test='x'/><sentence>s</sentence><deny/></%s></rules>",
		              kinds[i], asked, kinds[i])),
		        kinds[i], &err) != 1)
			fail_msg("%s", err.text);
}

static void defects_are_refused(void **state)
{
	static const char *const bad[] = {"<law/>", "<rules><sign/></rules>",
	    "<rules><dispose id='a' valid-from='2026-01-01' legal-basis='b' code='c'>"
	    "<sentence>s</sentence><allow number='now'/></dispose></rules>",
	    "<rules><intake id='a' valid-from='2026-01-01' legal-basis='b' code='c'>"
	    "<sentence>s</sentence><allow number='soon'/></intake></rules>",
	    "<rules><sign id='a' valid-from='1 Januari' legal-basis='b' code='c'>"
	    "<sentence>s</sentence><allow/></sign></rules>",
	    "<rules><sign id='a' valid-from='2026-01-01' legal-basis='b' code='c'>"
	    "<when klass='open'/><sentence>s</sentence><allow/></sign></rules>",
	    "<correspondents><correspondent name='a' address='pelabuhan.example'/>"
	    "</correspondents>",
	    "<instructions><instruction id='a' n='0' word='b'/></instructions>",
	    "<urgencies><calendar><work days='senin' from='7:30' "
	    "to='12:00'/></calendar></urgencies>",
	    "<urgencies><calendar><work days='mon' from='7.30' to='12:00'/></calendar></urgencies>",
	    "<words><say>x</say></words>", "<commands><verb words='OK'/></commands>",
	    "<index><file name='a'/></index>"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err;

		if (valid(range_of(bad[i]), "bad.xml", &err) == 1)
			fail_msg("valid: %s", bad[i]);
	}
}

static int set_up(void **state)
{
	struct err err;

	(void)state;
	arena = arena_new();
	rng = rng_parse(read_whole("policies/schema/policy.rng"), "policy.rng", &err);
	if (rng == NULL)
		print_message("%s\n", err.text);
	return rng ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	rng_free(&rng);
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_policy_file_is_valid),
	    cmocka_unit_test(every_fact_may_be_asked),
	    cmocka_unit_test(defects_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
