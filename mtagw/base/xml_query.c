/*
 * xml_query: XPath 1.0 on a document and RELAX NG. Expressions come from policies, which an
 * administrator writes: they are compiled and their names reported at check time, and evaluated under
 * a limit of operations, so that no rule can hold up a letter.
 */
#include "mtagw/base/xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/relaxng.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "mtagw/base/xml_private.h"

/* Steps one evaluation may take: a letter's tree has some hundred nodes, an honest rule walks it once or twice. */
#define XPATH_OPERATIONS_MAX 200000
/* An expression longer than this is no rule. */
#define XPATH_BYTES_MAX 4000

static xmlXPathObjectPtr evaluate(struct xml *xml, const char *expression, struct err *error_r)
{
	struct xml_error e = {.name = "xpath"};
	xmlXPathContextPtr context = xmlXPathNewContext(xml->doc);
	xmlXPathObjectPtr object;

	context->opLimit = XPATH_OPERATIONS_MAX;
	context->error = xml_error_first;
	context->userData = &e;
	object = xmlXPathEvalExpression(BAD_CAST expression, context);
	xmlXPathFreeContext(context);
	if (object == NULL)
		(void)xml_error_give(&e, "cannot be evaluated", error_r);
	return object;
}

int xml_xpath_bool(struct xml *xml, const char *expression, bool *value_r, struct err *error_r)
{
	xmlXPathObjectPtr object = evaluate(xml, expression, error_r);

	if (object == NULL)
		return -1;
	*value_r = xmlXPathCastToBoolean(object) != 0;
	xmlXPathFreeObject(object);
	return 1;
}

int xml_xpath_string(struct xml *xml, const char *expression, struct arena *arena, const char **value_r,
    struct err *error_r)
{
	xmlXPathObjectPtr object = evaluate(xml, expression, error_r);
	xmlChar *text;

	if (object == NULL)
		return -1;
	text = xmlXPathCastToString(object);
	*value_r = arena_strdup(arena, text ? (const char *)text : "");
	xmlFree(text);
	xmlXPathFreeObject(object);
	return 1;
}

static bool name_char(char c, bool first)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c > 127 ||
	       (!first && (isdigit((unsigned char)c) || c == '-' || c == '.'));
}

/* Words that are operators between two operands (XPath 1.0 section 3.7). */
static bool operator_word(const char *p, size_t len, bool after_operand)
{
	static const char *const words[] = {"and", "or", "div", "mod"};

	for (size_t i = 0; after_operand && i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && strncmp(words[i], p, len) == 0)
			return true;
	return false;
}

/* Walks the tokens of a well-formed expression and reports name tests. Function names, axis names and variables are none. */
static void report_names(const char *p, void (*name_cb)(const char *, bool, void *), void *ctx)
{
	bool after_operand = false, attribute = false;

	while (*p != '\0') {
		if (*p == '"' || *p == '\'') {
			const char *end = strchr(p + 1, *p);

			p = end ? end + 1 : p + strlen(p);
			after_operand = true;
		} else if (name_char(*p, true)) {
			const char *start = p, *after;
			size_t len;

			while (name_char(*p, false))
				p++;
			len = (size_t)(p - start);
			for (after = p; isspace((unsigned char)*after); after++)
				continue;
			if (operator_word(start, len, after_operand)) {
				after_operand = false;
			} else if (after[0] == ':' && after[1] == ':') { /* an axis */
				attribute = len == 9 && strncmp(start, "attribute", 9) == 0;
				p = after + 2;
			} else if (*after != '(') {
				char *name = mem_strndup(start, len);

				name_cb(name, attribute, ctx);
				free(name);
				attribute = false;
				after_operand = true;
			} else {
				after_operand = false;
			}
		} else {
			if (*p == '@')
				attribute = true;
			else if (!isspace((unsigned char)*p))
				after_operand = *p == ')' || *p == ']' || *p == '.' || isdigit((unsigned char)*p);
			p++;
		}
	}
}

int xml_xpath_check(const char *expression, void (*name_cb)(const char *name, bool attribute, void *ctx), void *ctx,
    struct err *error_r)
{
	struct xml_error e = {.name = "xpath"};
	xmlXPathContextPtr context;
	xmlXPathCompExprPtr compiled;

	if (strlen(expression) > XPATH_BYTES_MAX)
		return err_set(error_r, "xpath: longer than %d bytes", XPATH_BYTES_MAX);
	context = xmlXPathNewContext(NULL);
	context->error = xml_error_first;
	context->userData = &e;
	compiled = xmlXPathCtxtCompile(context, BAD_CAST expression);
	xmlXPathFreeContext(context);
	if (compiled == NULL)
		return xml_error_give(&e, "is not an XPath 1.0 expression", error_r);
	xmlXPathFreeCompExpr(compiled);
	if (name_cb != NULL)
		report_names(expression, name_cb, ctx);
	return 1;
}

struct rng {
	xmlRelaxNGPtr schema;
	char *name;
};

struct rng *rng_parse(struct range bytes, const char *name, struct err *error_r)
{
	struct xml_error e = {.name = name};
	xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewMemParserCtxt(bytes.p, (int)bytes.len);
	xmlRelaxNGPtr schema;
	struct rng *rng;

	xmlRelaxNGSetParserStructuredErrors(parser, xml_error_first, &e);
	schema = xmlRelaxNGParse(parser);
	xmlRelaxNGFreeParserCtxt(parser);
	if (schema == NULL) {
		(void)xml_error_give(&e, "is not a RELAX NG schema", error_r);
		return NULL;
	}
	rng = mem_zalloc(sizeof(*rng));
	rng->schema = schema;
	rng->name = mem_strdup(name);
	return rng;
}

int rng_check(struct rng *rng, struct xml *xml, struct err *error_r)
{
	struct xml_error e = {.name = xml->doc->URL ? (const char *)xml->doc->URL : "document"};
	xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt(rng->schema);
	int rc;

	xmlRelaxNGSetValidStructuredErrors(context, xml_error_first, &e);
	rc = xmlRelaxNGValidateDoc(context, xml->doc);
	xmlRelaxNGFreeValidCtxt(context);
	if (rc == 0)
		return 1;
	return xml_error_give(&e, "does not fit its schema", error_r);
}

void rng_free(struct rng **rng)
{
	if (*rng == NULL)
		return;
	xmlRelaxNGFree((*rng)->schema);
	free((*rng)->name);
	free(*rng);
	*rng = NULL;
}
