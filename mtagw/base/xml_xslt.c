/*
 * xml_xslt: stylesheets. They are policy too, but may touch nothing but their document: reading and
 * writing files and the network are forbidden, xsl:import and xsl:include are served by the caller
 * from the same policy version. EXSLT strings, dates and common are there.
 */
#include "mtagw/base/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libexslt/exslt.h>
#include <libxml/parser.h>
#include <libxslt/documents.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>

#include <libxslt/xslt.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>
#include <libxslt/variables.h>

#include "mtagw/base/xml_private.h"

/* Nesting of templates: deeper recursion is a stylesheet's defect (wrapping a long paragraph recurses by lines). */
#define XSLT_DEPTH_MAX 1500

struct xslt {
	xsltStylesheetPtr sheet;
	char *name;
};

/* The loader of the parse that runs; stylesheets are parsed one at a time in one thread. */
static struct {
	bool (*load)(const char *name, void *ctx, struct range *bytes_r);
	void *ctx;
} loading;

static xmlDocPtr load_document(const xmlChar *uri, xmlDictPtr dict, int options, void *ctx, xsltLoadType type)
{
	const char *slash = strrchr((const char *)uri, '/');
	const char *name = slash ? slash + 1 : (const char *)uri;
	struct range bytes;

	(void)ctx;
	if (type != XSLT_LOAD_STYLESHEET || loading.load == NULL || !loading.load(name, loading.ctx, &bytes))
		return NULL;
	(void)options;
	(void)dict;
	return xmlReadMemory(bytes.p, (int)bytes.len, name, NULL, XML_PARSE_NONET | XSLT_PARSE_OPTIONS);
}

static xsltSecurityPrefsPtr forbid_all(void)
{
	static xsltSecurityPrefsPtr prefs;

	if (prefs == NULL) {
		exsltRegisterAll();
		xsltSetLoaderFunc(load_document);
		prefs = xsltNewSecurityPrefs();
		for (int o = XSLT_SECPREF_READ_FILE; o <= XSLT_SECPREF_WRITE_NETWORK; o++)
			xsltSetSecurityPrefs(prefs, (xsltSecurityOption)o, xsltSecurityForbid);
	}
	return prefs;
}

static void message_first(void *ctx, const char *format, ...)
{
	struct xml_error *e = ctx;
	va_list ap;
	char text[400];
	size_t n;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	n = strcspn(text, "\n");
	text[n] = '\0';
	if (n == 0 || strncmp(text, "runtime error", 13) == 0 || strncmp(text, "compilation error", 17) == 0) {
		if (!e->set && n > 0)
			(void)err_set(&e->err, "%s: %s", e->name, text); /* the next line says what; this one where */
		return;
	}
	if (!e->set) {
		if (e->err.text[0] != '\0')
			(void)err_prefix(&e->err, "%s", text);
		else
			(void)err_set(&e->err, "%s: %s", e->name, text);
		e->set = true;
	}
}

struct xslt *xslt_parse(struct range bytes, const char *name,
    bool (*load)(const char *name, void *ctx, struct range *bytes_r), void *ctx, struct err *error_r)
{
	struct xml_error e = {.name = name};
	struct xml *xml = xml_parse(bytes, name, error_r);
	xsltStylesheetPtr sheet;
	struct xslt *xslt;

	if (xml == NULL)
		return NULL;
	(void)forbid_all();
	loading.load = load;
	loading.ctx = ctx;
	xsltSetGenericErrorFunc(&e, message_first);
	sheet = xsltParseStylesheetDoc(xml->doc);
	xsltSetGenericErrorFunc(NULL, NULL);
	loading.load = NULL;
	if (sheet == NULL || sheet->errors > 0) {
		(void)xml_error_give(&e, e.err.text[0] ? e.err.text : "is not a stylesheet that compiles", error_r);
		if (sheet != NULL)
			xsltFreeStylesheet(sheet); /* takes the document along */
		else
			xmlFreeDoc(xml->doc);
		free(xml);
		return NULL;
	}
	free(xml); /* the document belongs to the stylesheet now */
	xslt = mem_zalloc(sizeof(*xslt));
	xslt->sheet = sheet;
	xslt->name = mem_strdup(name);
	return xslt;
}

/* Strings as XPath literals are a trap where they hold quotes: libxslt has a call that quotes. */
static int quote_params(xsltTransformContextPtr context, const char *const *params)
{
	for (; params != NULL && params[0] != NULL; params += 2)
		if (xsltQuoteOneUserParam(context, BAD_CAST params[0], BAD_CAST(params[1] ? params[1] : "")) != 0)
			return -1;
	return 1;
}

int xslt_apply(struct xslt *xslt, struct xml *xml, const char *const *params, struct buf *out, struct err *error_r)
{
	struct xml_error e = {.name = xslt->name};
	xsltTransformContextPtr context = xsltNewTransformContext(xslt->sheet, xml->doc);
	xmlDocPtr result = NULL;
	xmlChar *text = NULL;
	int len = 0, rc = -1;

	context->maxTemplateDepth = XSLT_DEPTH_MAX;
	xsltSetCtxtSecurityPrefs(forbid_all(), context);
	xsltSetTransformErrorFunc(context, &e, message_first);
	if (quote_params(context, params) == 1)
		result = xsltApplyStylesheetUser(xslt->sheet, xml->doc, NULL, NULL, NULL, context);
	if (result != NULL && context->state == XSLT_STATE_OK)
		rc = xsltSaveResultToString(&text, &len, result, xslt->sheet) == 0 ? 1 : -1;
	if (rc == 1 && len > 0)
		buf_append(out, text, (size_t)len);
	else if (rc < 0)
		(void)xml_error_give(&e, e.err.text[0] ? e.err.text : "cannot be applied", error_r);
	xmlFree(text);
	xmlFreeDoc(result);
	xsltFreeTransformContext(context);
	return rc;
}

void xslt_free(struct xslt **xslt)
{
	if (*xslt == NULL)
		return;
	xsltFreeStylesheet((*xslt)->sheet);
	free((*xslt)->name);
	free(*xslt);
	*xslt = NULL;
}
