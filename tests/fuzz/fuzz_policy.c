/*
 * fuzz_policy: any bytes as a file of a policy version beside a small sound organisation, as an
 * XPath test, and as what a person writes where a position, an instruction or an urgency is named.
 * A version loads or every defect is told with its file; an expression that passes the check can be
 * evaluated or says why not; a name is found or not, and what follows it lies in the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/policy/policy.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy *sample; /* the law of the checkout, and its files */
static struct arena *sample_files;

static const char organisation[] =
    "<organisation><agency code='A' name='Dinas A' registry='surat.a' head='kadis.a' "
    "clerk='staf.a'>"
    "<line>DINAS A</line><position id='kadis.a' title='Kepala' echelon='II.b'/>"
    "<position id='staf.a' title='Staf' superior='kadis.a'/></agency></organisation>";
static const char types[] = "<types><type id='letter' word='surat biasa' local='surat-biasa' "
                            "template='letter' classification='000'/></types>";
static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><element name='letter'><attribute "
    "name='type'/>"
    "<element name='class'><choice><value>open</value><value>secret</value></choice></element><ref "
    "name='d'/>"
    "</element></start><define name='d'><element name='date'><data "
    "type='date'/></element></define></grammar>";

/* Only what the bytes themselves do wrong matters here: the words the office needs are all missing.
 */
static void load(struct range bytes)
{
	const struct policy_file files[] = {{"policies/schema/letter.rng", range_of(schema)},
	    {"policies/organisation.xml", range_of(organisation)},
	    {"policies/types.xml", range_of(types)}, {"policies/fuzz.xml", bytes}};
	struct policy_report report = {0};
	struct policy *policy = policy_load(files, sizeof(files) / sizeof(files[0]), 1, &report);
	size_t lines = 0;

	for (size_t i = 0; i < report.text.len; i++)
		lines += report.text.data[i] == '\n';
	if ((policy == NULL) != (report.errors > 0) || lines < report.errors)
		abort();
	policy_free(&policy);
	buf_free(&report.text);
}

static void drop_use(const struct xpath_use *use, void *ctx)
{
	(void)ctx;
	if (use->name == NULL)
		abort();
}

static void test_expression(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	char *expression = arena_strndup(arena, (const char *)data, size);
	struct xml *facts = xml_new("facts", NULL);
	struct err err = {""};
	bool yes;

	xml_add_text(xml_root(facts), "scope", "outside");
	xml_set_attr(xml_add(xml_root(facts), "letter"), "type", "letter");
	if (xml_xpath_check(expression, arena, drop_use, NULL, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
	} else {
		err.text[0] = '\0';
		if (xml_xpath_bool(facts, expression, &yes, &err) < 0 && err.text[0] == '\0')
			abort();
	}
	xml_free(&facts);
	arena_free(&arena);
}

/* What parses is written, parsed again and has the same canonical form. */
static void write_again(struct range bytes)
{
	struct err err;
	struct xml *first = xml_parse(bytes, "first.xml", &err), *second;
	struct buf text = {0}, a = {0}, b = {0};

	if (first == NULL)
		return;
	xml_write(first, false, &text);
	second = xml_parse(buf_range(&text), "second.xml", &err);
	if (second == NULL)
		abort();
	if (xml_c14n(first, &a, &err) == 1 && xml_c14n(second, &b, &err) == 1 &&
	    !range_equal(buf_range(&a), buf_range(&b)))
		abort();
	xml_free(&first);
	xml_free(&second);
	buf_free(&text);
	buf_free(&a);
	buf_free(&b);
}

static void name_things(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size), *rest = NULL;
	const struct policy_position *list[3], *found;
	const struct policy_instruction *instruction;

	found = policy_position_by_name(sample, "DISKOMINFO", text);
	if (found != NULL && policy_position(sample, found->id) != found)
		abort();
	if (policy_position_suggest(sample, "DISKOMINFO", text, list, 3) > 3)
		abort();
	instruction = policy_instruction_by_word(sample, text, &rest);
	if (rest < text || rest > text + strlen(text) || (instruction == NULL && rest != text))
		abort();
	(void)policy_urgency_by_word(sample, text);
	(void)policy_correspondent(sample, text);
	(void)policy_relation(sample, text, "sekda");
	arena_free(&arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct policy_report report = {0};
	struct policy_file *files;
	size_t count;
	struct err err;

	(void)argc;
	(void)argv;
	sample_files = arena_new();
	if (policy_read_dir("policies", "templates", sample_files, &files, &count, &err) < 0)
		abort();
	sample = policy_load(files, count, 1, &report);
	buf_free(&report.text);
	if (sample == NULL)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] != '<') {
		test_expression(data, size);
		name_things(data, size);
	}
	load((struct range){(const char *)data, size});
	write_again((struct range){(const char *)data, size});
	return 0;
}
