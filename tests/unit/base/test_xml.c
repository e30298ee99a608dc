/*
 * xml: what is refused (with its line), what is kept byte for byte, and that neither a document, a
 * schema nor a stylesheet can open anything or run for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/xml.h"

#define SHEET(body)                                                                             \
	"<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">\n" \
	"<xsl:output method=\"text\" encoding=\"UTF-8\"/>\n" body "\n</xsl:stylesheet>"
#define MAIN(body) "<xsl:template match=\"/\">" body "</xsl:template>"

static struct arena *arena;
static char secret[] = "/tmp/test_xml_XXXXXX"; /* a file nothing may read */

static struct xml *parse(const char *text)
{
	struct err err = {""};
	struct xml *xml = xml_parse(range_of(text), "x.xml", &err);

	if (xml == NULL)
		fail_msg("%s: %s", text, err.text);
	return xml;
}

static void bad_documents_name_their_line(void **state)
{
	static const struct {
		const char *label, *text, *wanted;
	} cases[] = {
	    {"empty", "", "x.xml: empty"},
	    {"no element", "hello", "x.xml:1: "},
	    {"not closed", "<a>\n<b>\n</a>", "x.xml:3: "},
	    {"attribute twice", "<a>\n<b c='1' c='2'/></a>", "x.xml:2: "},
	    {"broken UTF-8", "<a>\n\xff</a>", "x.xml:2: "},
	    {"unknown entity", "<a>\n&b;</a>", "x.xml:2: "},
	    {"DTD", "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
	        "x.xml:2: a document type"},
	    {"outside entity", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>\n<a>&b;</a>",
	        "x.xml:1: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {""};
		struct xml *xml = xml_parse(range_of(cases[i].text), "x.xml", &err);

		if (xml != NULL || strncmp(err.text, cases[i].wanted, strlen(cases[i].wanted)) != 0)
			fail_msg("%s: \"%s\"", cases[i].label, err.text);
		if (strchr(err.text, '\n') != NULL)
			fail_msg("%s: more than one line", cases[i].label);
	}
}

/* Entities that blow up and elements that go deep end in an error, soon. */
static void bombs_are_refused(void **state)
{
	struct buf deep = {0}, laughs = {0};
	struct err err;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_puts(&deep, "<a>");
	assert_null(xml_parse(buf_range(&deep), "x.xml", &err));
	buf_puts(&laughs, "<!DOCTYPE a [<!ENTITY e0 'ha'>");
	for (int i = 1; i < 30; i++)
		buf_printf(
		    &laughs, "<!ENTITY e%d '&e%d;&e%d;&e%d;&e%d;'>", i, i - 1, i - 1, i - 1, i - 1);
	buf_puts(&laughs, "]><a b='&e29;'>&e29;</a>");
	assert_null(xml_parse(buf_range(&laughs), "x.xml", &err));
	buf_free(&deep);
	buf_free(&laughs);
}

static void elements_are_walked(void **state)
{
	struct xml *xml = parse(
	    "<a xmlns='urn:x'>\n  text <!-- no -->\n<b n='1' m='2'> t <i>u</i> </b>\n<c/><b/></a>");
	const struct xml_node *b = xml_first(xml_root(xml), "b");
	const char *name, *value;

	(void)state;
	assert_string_equal(xml_name(xml_root(xml)), "a");
	assert_int_equal(xml_line(b), 3);
	assert_string_equal(xml_text(b, arena), "t u");
	assert_string_equal(xml_attr(b, "m", arena), "2");
	assert_null(xml_attr(b, "k", arena));
	assert_true(xml_attr_at(b, 1, &name, &value, arena));
	assert_string_equal(name, "m");
	assert_false(xml_attr_at(b, 2, &name, &value, arena));
	assert_string_equal(xml_name(xml_next(b, NULL)), "c");
	assert_int_equal(xml_line(xml_next(b, "b")), 4);
	assert_null(xml_first(xml_first(xml_root(xml), "c"), NULL));
	xml_free(&xml);
	assert_null(xml);
}

/* Whatever text comes in, what is written is XML again. */
static void any_text_can_be_built(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {{"a & <b> \"c\"", "a & <b> \"c\""},
	    {"\xc3\xa9 \xf0\x9f\x98\x80", "\xc3\xa9 \xf0\x9f\x98\x80"},
	    {"a\001b", "a\xef\xbf\xbd"
	               "b"},
	    {"a\xff", "a\xef\xbf\xbd"}, {"a\xc3", "a\xef\xbf\xbd"},
	    {"\xc1\x81", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong (RFC 3629 section 3) */
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
	    {"\xef\xbf\xbe", "\xef\xbf\xbd"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xml *xml = xml_new("a", "urn:x"), *again;
		struct buf out = {0};

		xml_add_text(xml_root(xml), "b", cases[i].in);
		xml_set_attr(xml_root(xml), "c", cases[i].in);
		xml_set_attr(xml_root(xml), "d", NULL);
		xml_write(xml, true, &out);
		again = parse(buf_str(&out));
		if (strcmp(xml_text(xml_first(xml_root(again), "b"), arena), cases[i].out) != 0 ||
		    strcmp(xml_attr(xml_root(again), "c", arena), cases[i].out) != 0)
			fail_msg("%zu: %s", i, buf_str(&out));
		assert_null(xml_attr(xml_root(again), "d", arena));
		xml_free(&xml);
		xml_free(&again);
		buf_free(&out);
	}
}

static void copies_leave_their_namespace(void **state)
{
	struct xml *letter =
	    parse("<l:a xmlns:l='urn:x' b='1'><l:c><d xmlns='urn:y'>t</d></l:c></l:a>");
	struct xml *facts = xml_new("facts", NULL);
	struct buf out = {0};
	bool yes = false;
	struct err err;

	(void)state;
	xml_copy_into(xml_root(facts), xml_root(letter), true);
	xml_free(&letter);
	assert_int_equal(xml_xpath_bool(facts, "a[@b = 1]/c/d = 't'", &yes, &err), 1);
	assert_true(yes);
	xml_write(facts, false, &out);
	xml_free(&facts);
	facts = parse(buf_str(&out)); /* and what is written says the same */
	assert_int_equal(xml_xpath_bool(facts, "a[@b = 1]/c/d = 't'", &yes, &err), 1);
	assert_true(yes);
	xml_free(&facts);
	buf_free(&out);
}

static void canonical_form_is_one(void **state)
{
	struct xml *a = parse("<a  c='2' b='1'><!-- x --><d/>&#xe9;</a>"),
	           *b = parse("<a b=\"1\"\n c=\"2\"><d></d>\xc3\xa9</a>");
	struct buf x = {0}, y = {0};
	struct err err;

	(void)state;
	assert_int_equal(xml_c14n(a, &x, &err), 1);
	assert_int_equal(xml_c14n(b, &y, &err), 1);
	assert_string_equal(buf_str(&x), "<a b=\"1\" c=\"2\"><d></d>\xc3\xa9</a>");
	assert_string_equal(buf_str(&x), buf_str(&y));
	xml_free(&a);
	xml_free(&b);
	buf_free(&x);
	buf_free(&y);
}

static void expressions_are_limited(void **state)
{
	struct buf doc = {0};
	struct xml *xml;
	const char *text;
	bool yes = true;
	struct err err = {""};

	(void)state;
	buf_puts(&doc, "<a>");
	for (int i = 0; i < 2000; i++)
		buf_puts(&doc, "<b>1</b>");
	buf_puts(&doc, "</a>");
	xml = parse(buf_str(&doc));
	assert_int_equal(
	    xml_xpath_string(xml, "concat(count(b), name(..), name())", arena, &text, &err), 1);
	assert_string_equal(text, "2000a");
	assert_int_equal(
	    xml_xpath_bool(xml, "count(//b[count(//b[count(//b) > 1]) > 1]) > 1", &yes, &err), -1);
	assert_true(err.text[0] != '\0');
	assert_int_equal(xml_xpath_bool(xml, "foo(", &yes, &err), -1);
	assert_int_equal(xml_xpath_bool(xml, "document('x')", &yes, &err), -1);
	assert_int_equal(xml_xpath_bool(xml, "b = 1", &yes, &err), 1);
	assert_true(yes);
	xml_free(&xml);
	buf_free(&doc);
}

static void note_use(const struct xpath_use *use, void *ctx)
{
	struct buf *out = ctx;

	if (use->kind == XPATH_NAME)
		buf_printf(out, "%s%s ", use->attribute ? "@" : "", use->name);
	else
		buf_printf(out, "[%s%s %s %s%s] ", use->attribute ? "@" : "", use->name, use->op,
		    use->number ? "#" : "", use->constant ? use->constant : "-");
}

static void expressions_tell_what_they_ask(void **state)
{
	static const struct {
		const char *expression, *uses; /* NULL: refused */
	} cases[] = {
	    {"a", "a "},
	    {"a/b[@c = 'x']//d", "a b @c [@c = x] d "},
	    {"'x' < a", "a [a > x] "},
	    {"a = 1.5 and not(b != c)", "a [a = #1.5] b c [b != -] "},
	    {"and and or or div mod mod", "and or div mod "},
	    {"a * * * b", "a b "},
	    {"-a|b - -1", "a b "},
	    {"a-b = a - b", "a-b a b [a-b = -] "},
	    {"child::a/attribute::b = 'y'", "a @b [@b = y] "},
	    {"a/text() = 'x'", "a [a = x] "},
	    {"a/. = 'x'", "a [a = x] "},
	    {"a/.. = 'x'", "a "},
	    {"/", ""},
	    {"/ = 'x'", ""},
	    {"count(a[2]/b) > 1", "a b "},
	    {"(a | b)[last()]/c = \"x\"", "a b c [c = x] "},
	    {"id('x')/a", "a "},
	    {"string-length(concat(a, 'b', c)) > 3", "a c "},
	    {"text()", ""},
	    {"node()/a", "a "},
	    {"*/a = 'it''s'", NULL},
	    {"a[", NULL},
	    {"a =", NULL},
	    {"", NULL},
	    {"a b", NULL},
	    {"nothing(a)", NULL},
	    {"not()", NULL},
	    {"not(a, b)", NULL},
	    {"concat('a')", NULL},
	    {"$a", NULL},
	    {"p:a", NULL},
	    {"a/p:*", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf uses = {0};
		struct err err = {""};
		int rc = xml_xpath_check(cases[i].expression, arena, note_use, &uses, &err);

		if ((rc == 1) != (cases[i].uses != NULL) || (rc < 0 && err.text[0] == '\0') ||
		    (rc == 1 && strcmp(buf_str(&uses), cases[i].uses) != 0))
			fail_msg(
			    "%s: %d \"%s\" %s", cases[i].expression, rc, buf_str(&uses), err.text);
		buf_free(&uses);
	}
}

static void nesting_of_expressions_is_limited(void **state)
{
	struct buf deep = {0};
	struct err err = {""};

	(void)state;
	for (int i = 0; i < 300; i++)
		buf_puts(&deep, "a[");
	buf_puts(&deep, "a");
	for (int i = 0; i < 300; i++)
		buf_puts(&deep, "]");
	assert_int_equal(xml_xpath_check(buf_str(&deep), arena, note_use, &deep, &err), -1);
	buf_free(&deep);
}

static void schemas_name_the_line(void **state)
{
	static const char schema[] =
	    "<element name='a' xmlns='http://relaxng.org/ns/structure/1.0'>"
	    "<oneOrMore><element name='b'><text/></element></oneOrMore></element>";
	struct err err = {""};
	struct rng *rng = rng_parse(range_of(schema), "s.rng", &err);
	struct xml *good = parse("<a><b/></a>"), *bad = parse("<a>\n<b/>\n<c/></a>");
	char *include;

	(void)state;
	assert_non_null(rng);
	assert_int_equal(rng_check(rng, good, &err), 1);
	assert_int_equal(rng_check(rng, bad, &err), -1);
	if (strncmp(err.text, "x.xml:3: ", 9) != 0)
		fail_msg("%s", err.text);
	rng_free(&rng);
	xml_free(&good);
	xml_free(&bad);
	assert_null(rng_parse(range_of("<a/>"), "s.rng", &err));
	include = mem_printf(
	    "<externalRef href='%s' xmlns='http://relaxng.org/ns/structure/1.0'/>", secret);
	assert_null(rng_parse(range_of(include), "s.rng", &err));
	free(include);
}

/* --- stylesheets --- */

static bool load(const char *name, void *ctx, struct range *bytes_r)
{
	(void)ctx;
	if (strcmp(name, "common.xsl") == 0)
		*bytes_r = range_of(SHEET("<xsl:template match=\"b\">common</xsl:template>"));
	else if (strcmp(name, "bad.xsl") == 0)
		*bytes_r =
		    range_of(SHEET("<xsl:template name=\"x\">\n<xsl:value-of/></xsl:template>"));
	else if (strcmp(name, "dtd.xsl") == 0)
		*bytes_r = range_of("<!DOCTYPE a [<!ENTITY b 'c'>]>" SHEET(""));
	else
		return false;
	return true;
}

/* The result, or `error: ` and its text. */
static const char *apply(const char *sheet, const char *doc, const char *const *params)
{
	struct err err = {""};
	struct xslt *xslt = xslt_parse(range_of(sheet), "templates/s.xsl", load, NULL, &err);
	struct xml *xml = parse(doc);
	struct buf out = {0};
	const char *text;

	if (xslt == NULL || xslt_apply(xslt, xml, params, &out, &err) < 0)
		text = arena_printf(arena, "error: %s", err.text);
	else
		text = arena_strdup(arena, buf_str(&out));
	xslt_free(&xslt);
	xml_free(&xml);
	buf_free(&out);
	return text;
}

static void stylesheets_transform(void **state)
{
	static const char *const params[] = {"p", "it's \"5\" > 4", NULL};

	(void)state;
	assert_string_equal(
	    apply(SHEET("<xsl:param name=\"p\"/>" MAIN("<xsl:value-of select=\"concat(a, $p)\"/>")),
	        "<a>x\n</a>", params),
	    "x\nit's \"5\" > 4");
}

static void stylesheets_import_by_name(void **state)
{
	static const char head[] =
	    "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">\n";
	char *sheet = mem_printf(
	    "%s<xsl:import href=\"common.xsl\"/><xsl:output method=\"text\"/></xsl:stylesheet>",
	    head);

	(void)state;
	assert_string_equal(apply(sheet, "<a><b/></a>", NULL), "common");
	free(sheet);
}

static void bad_stylesheets_name_their_line(void **state)
{
	static const struct {
		const char *label, *sheet, *wanted;
	} cases[] = {
	    {"not well-formed", SHEET("<xsl:template>"), "templates/s.xsl:4: "},
	    {"no match or name", SHEET("\n<xsl:template/>"), "templates/s.xsl:4: "},
	    {"bad XPath", SHEET(MAIN("\n<xsl:value-of select=\"foo(\"/>")), "templates/s.xsl:4: "},
	    {"bad XPath in an unused template",
	        SHEET("<xsl:template match=\"zz\"><xsl:value-of select=\"a[\"/></xsl:template>"),
	        "templates/s.xsl:3: "},
	    {"unknown template", SHEET(MAIN("<xsl:call-template name=\"nobody\"/>")),
	        "templates/s.xsl:3: "},
	    {"unknown import", SHEET("<xsl:include href=\"nobody.xsl\"/>"), "templates/s.xsl:3: "},
	    {"defect in an import", SHEET("<xsl:include href=\"bad.xsl\"/>"),
	        "templates/bad.xsl:4: "},
	    {"DTD in an import", SHEET("<xsl:include href=\"dtd.xsl\"/>"), "templates/"},
	    {"not a stylesheet", "<a/>", "templates/s.xsl"},
	    {"terminated", SHEET(MAIN("<xsl:message terminate=\"yes\">no</xsl:message>")),
	        "templates/s.xsl"},
	    {"recursion",
	        SHEET("<xsl:template match=\"/\" name=\"r\"><xsl:call-template "
	              "name=\"r\"/></xsl:template>"),
	        "templates/s.xsl"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = apply(cases[i].sheet, "<a/>", NULL);

		if (strncmp(text, "error: ", 7) != 0 ||
		    strncmp(text + 7, cases[i].wanted, strlen(cases[i].wanted)) != 0 ||
		    strchr(text, '\n') != NULL)
			fail_msg("%s: \"%s\"", cases[i].label, text);
	}
}

/* Work that doubles at each of few levels is as endless as a loop. */
static void stylesheets_end(void **state)
{
	const char *text = apply(
	    SHEET(
	        "<xsl:template match=\"/\" name=\"r\"><xsl:param name=\"n\" select=\"60\"/>"
	        "<xsl:if test=\"$n > 0\"><xsl:call-template name=\"r\"><xsl:with-param name=\"n\" "
	        "select=\"$n - 1\"/></xsl:call-template><xsl:call-template "
	        "name=\"r\"><xsl:with-param "
	        "name=\"n\" select=\"$n - 1\"/></xsl:call-template></xsl:if></xsl:template>"),
	    "<a/>", NULL);

	(void)state;
	if (strncmp(text, "error: templates/s.xsl", 22) != 0)
		fail_msg("%s", text);
}

static void stylesheets_touch_nothing(void **state)
{
	char *read = mem_printf(SHEET(MAIN("[<xsl:value-of select=\"document('%s')\"/>]")), secret);
	char *import = mem_printf(SHEET("<xsl:include href=\"%s\"/>"), secret);
	char *target = mem_printf("%s.out", secret);
	char *write =
	    mem_printf(SHEET(MAIN("<e:document href=\"%s\" xmlns:e=\"http://exslt.org/common\" "
	                          "xsl:extension-element-prefixes=\"e\">x</e:document>")),
	        target);

	(void)state;
	assert_null(strstr(apply(read, "<a/>", NULL), "secret"));
	assert_null(strstr(apply(import, "<a/>", NULL), "secret"));
	(void)apply(write, "<a/>", NULL);
	assert_int_equal(access(target, F_OK), -1);
	free(read);
	free(import);
	free(write);
	free(target);
}

/* The document is hashed after it is rendered: rendering may not change it. */
static void documents_stay_as_they_are(void **state)
{
	struct err err = {""};
	struct xslt *xslt = xslt_parse(range_of(SHEET("<xsl:strip-space elements=\"*\"/>" MAIN(
	                                   "<xsl:value-of select=\"a\"/>"))),
	    "templates/s.xsl", NULL, NULL, &err);
	struct xml *xml = parse("<a> <b>x</b> </a>");
	struct buf before = {0}, after = {0}, out = {0};

	(void)state;
	assert_non_null(xslt);
	assert_int_equal(xml_c14n(xml, &before, &err), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(xslt_apply(xslt, xml, NULL, &out, &err), 1);
	assert_string_equal(buf_str(&out), "xx");
	assert_int_equal(xml_c14n(xml, &after, &err), 1);
	assert_string_equal(buf_str(&before), buf_str(&after));
	xslt_free(&xslt);
	xml_free(&xml);
	buf_free(&before);
	buf_free(&after);
	buf_free(&out);
}

static int set_up(void **state)
{
	static const char text[] = "<secret>secret</secret>";
	int fd = mkstemp(secret);

	(void)state;
	arena = arena_new();
	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		return -1;
	return close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return unlink(secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_documents_name_their_line),
	    cmocka_unit_test(bombs_are_refused),
	    cmocka_unit_test(elements_are_walked),
	    cmocka_unit_test(any_text_can_be_built),
	    cmocka_unit_test(copies_leave_their_namespace),
	    cmocka_unit_test(canonical_form_is_one),
	    cmocka_unit_test(expressions_are_limited),
	    cmocka_unit_test(expressions_tell_what_they_ask),
	    cmocka_unit_test(nesting_of_expressions_is_limited),
	    cmocka_unit_test(schemas_name_the_line),
	    cmocka_unit_test(stylesheets_transform),
	    cmocka_unit_test(stylesheets_import_by_name),
	    cmocka_unit_test(bad_stylesheets_name_their_line),
	    cmocka_unit_test(stylesheets_end),
	    cmocka_unit_test(stylesheets_touch_nothing),
	    cmocka_unit_test(documents_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
