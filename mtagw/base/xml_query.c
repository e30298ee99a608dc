/*
 * xml_query: XPath 1.0 on a document and RELAX NG. Expressions come from policies, which an
 * administrator writes: they are compiled and their names reported at check time, and evaluated
 * under a limit of operations, so that no rule can hold up a letter.
 */
#include "mtagw/base/xml.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/relaxng.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "mtagw/base/xml_private.h"

/* Steps one evaluation may take: a letter's tree has some hundred nodes, an honest rule walks it
 * once or twice. */
#define XPATH_OPERATIONS_MAX 200000
/* An expression longer than this is no rule. */
#define XPATH_BYTES_MAX 4000

static xmlXPathObjectPtr evaluate(struct xml *xml, const char *expression, struct err *error_r)
{
	struct xml_error e = {.name = "xpath"};
	xmlXPathContextPtr context = xmlXPathNewContext(xml->doc);
	xmlXPathObjectPtr object;

	context->node = xmlDocGetRootElement(xml->doc);
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

int xml_xpath_string(struct xml *xml, const char *expression, struct arena *arena,
    const char **value_r, struct err *error_r)
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

int xml_xpath_check(const char *expression, struct arena *arena,
    void (*use_cb)(const struct xpath_use *use, void *ctx), void *ctx, struct err *error_r)
{
	struct xml_error e = {.name = "xpath"};
	xmlXPathContextPtr context;
	xmlXPathCompExprPtr compiled;

	if (strlen(expression) > XPATH_BYTES_MAX)
		return err_set(error_r, "xpath: longer than %d bytes", XPATH_BYTES_MAX);
	xml_ready();
	context = xmlXPathNewContext(NULL);
	context->error = xml_error_first;
	context->userData = &e;
	compiled = xmlXPathCtxtCompile(context, BAD_CAST expression);
	xmlXPathFreeContext(context);
	if (compiled == NULL)
		return xml_error_give(&e, "is not an XPath 1.0 expression", error_r);
	xmlXPathFreeCompExpr(compiled);
	return xpath_read(expression, arena, use_cb, ctx, error_r);
}

struct rng {
	xmlRelaxNGPtr schema;
	char *name;
};

struct rng *rng_parse(struct range bytes, const char *name, struct err *error_r)
{
	struct xml_error e = {.name = name};
	xmlRelaxNGParserCtxtPtr parser;
	xmlRelaxNGPtr schema;
	struct rng *rng;

	xml_ready(); /* before the bytes are read: includes of a schema are refused */
	parser = xmlRelaxNGNewMemParserCtxt(bytes.p, (int)bytes.len);
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
