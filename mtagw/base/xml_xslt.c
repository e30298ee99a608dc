/*
 * xml_xslt: stylesheets. They are policy too, but may touch nothing but their document: reading and
 * writing files and the network are forbidden, xsl:import and xsl:include are served by the caller
 * from the same policy version. EXSLT strings, dates and common are there.
 */
#include "mtagw/base/xml.h"

#include <stdarg.h>
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

/* Nesting of templates: deeper recursion is a stylesheet's defect (wrapping a long paragraph
 * recurses by lines). */
#define XSLT_DEPTH_MAX 1500
/* XPath steps of one transformation, a second or two: recursion that doubles is as endless as a
 * loop. */
#define XSLT_OPERATIONS_MAX 5000000
/* Of what a stylesheet says, only the first defect is told on. */
#define MESSAGES_MAX 4000

struct xslt {
	xsltStylesheetPtr sheet;
	char *name;
};

/* The loader of the parse that runs; stylesheets are parsed one at a time in one thread. */
static struct {
	bool (*load)(const char *name, void *ctx, struct range *bytes_r);
	void *ctx;
	struct err err; /* why a document that was there could not be read */
} loading;

static xmlDocPtr load_document(
    const xmlChar *uri, xmlDictPtr dict, int options, void *ctx, xsltLoadType type)
{
	const char *slash = strrchr((const char *)uri, '/');
	const char *name = slash ? slash + 1 : (const char *)uri;
	struct range bytes;
	struct xml *xml;
	xmlDocPtr doc;

	(void)ctx;
	(void)options; /* libxslt's would load a DTD and its entities */
	if (type != XSLT_LOAD_STYLESHEET || loading.load == NULL ||
	    !loading.load(name, loading.ctx, &bytes))
		return NULL;
	xml = xml_parse_dict(bytes, (const char *)uri, dict, &loading.err);
	if (xml == NULL)
		return NULL;
	doc = xml->doc; /* libxslt's now */
	free(xml);
	return doc;
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

/* libxslt says `... error: file F line N element E`, and on the next line what it was; in pieces.
 */
__attribute__((format(printf, 2, 3))) static void collect_message(
    void *ctx, const char *format, ...)
{
	struct buf *messages = ctx;
	char text[400];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (messages->len < MESSAGES_MAX)
		buf_puts(messages, text);
}

__attribute__((format(printf, 2, 3))) static void drop_message(void *ctx, const char *format, ...)
{
	(void)ctx;
	(void)format;
}

/* The first of them as `file:line: what`; fallback where nothing was said. Returns -1. */
static int give_message(
    const struct buf *messages, const char *name, const char *fallback, struct err *error_r)
{
	const char *text = buf_str(messages), *file = strstr(text, "error: file "), *line, *what;

	if (file == NULL) {
		text += strspn(text, "\n ");
		return err_set(error_r, "%s: %.*s", name,
		    (int)strcspn(*text ? text : fallback, "\n"), *text ? text : fallback);
	}
	file += strlen("error: file ");
	line = strstr(file, " line ");
	what = strchr(file, '\n');
	if (line == NULL || what == NULL || line > what)
		return err_set(error_r, "%s: %.*s", name, (int)strcspn(file, "\n"), file);
	return err_set(error_r, "%.*s:%d: %.*s", (int)(line - file), file,
	    atoi(line + strlen(" line ")), (int)strcspn(what + 1, "\n"), what + 1);
}

struct xslt *xslt_parse(struct range bytes, const char *name,
    bool (*load)(const char *name, void *ctx, struct range *bytes_r), void *ctx,
    struct err *error_r)
{
	struct xml *xml = xml_parse(bytes, name, error_r);
	struct buf messages = {0};
	xsltStylesheetPtr sheet;
	struct xslt *xslt = NULL;

	if (xml == NULL)
		return NULL;
	(void)forbid_all();
	loading.load = load;
	loading.ctx = ctx;
	loading.err.text[0] = '\0';
	xsltSetGenericErrorFunc(&messages, collect_message);
	sheet = xsltParseStylesheetDoc(xml->doc);
	xsltSetGenericErrorFunc(NULL, drop_message);
	loading.load = NULL;
	if (sheet == NULL)
		xmlFreeDoc(xml->doc); /* else it belongs to the stylesheet */
	free(xml);
	/* libxslt does not count every defect it tells of */
	if (sheet != NULL && sheet->errors == 0 &&
	    strstr(buf_str(&messages), "error: file ") == NULL) {
		xslt = mem_zalloc(sizeof(*xslt));
		xslt->sheet = sheet;
		xslt->name = mem_strdup(name);
	} else {
		if (loading.err.text[0] != '\0')
			(void)err_set(error_r, "%s", loading.err.text);
		else
			(void)give_message(
			    &messages, name, "is not a stylesheet that compiles", error_r);
		xsltFreeStylesheet(sheet);
	}
	buf_free(&messages);
	return xslt;
}

/* Strings as XPath literals are a trap where they hold quotes: libxslt has a call that quotes. */
static int quote_params(xsltTransformContextPtr context, const char *const *params)
{
	for (; params != NULL && params[0] != NULL; params += 2)
		if (xsltQuoteOneUserParam(
		        context, BAD_CAST params[0], BAD_CAST(params[1] ? params[1] : "")) != 0)
			return -1;
	return 1;
}

static xmlDocPtr transform(
    struct xslt *xslt, xmlDocPtr source, const char *const *params, struct buf *messages)
{
	xsltTransformContextPtr context = xsltNewTransformContext(xslt->sheet, source);
	xmlDocPtr result = NULL;

	context->maxTemplateDepth = XSLT_DEPTH_MAX;
	context->opLimit = XSLT_OPERATIONS_MAX;
	xsltSetCtxtSecurityPrefs(forbid_all(), context);
	xsltSetGenericErrorFunc(messages, collect_message);
	if (quote_params(context, params) == 1)
		result = xsltApplyStylesheetUser(xslt->sheet, source, NULL, NULL, NULL, context);
	xsltSetGenericErrorFunc(NULL, drop_message);
	if (context->state != XSLT_STATE_OK) {
		xmlFreeDoc(result);
		result = NULL;
	}
	xsltFreeTransformContext(context);
	return result;
}

int xslt_apply(struct xslt *xslt, struct xml *xml, const char *const *params, struct buf *out,
    struct err *error_r)
{
	struct buf messages = {0};
	xmlDocPtr source =
	    xmlCopyDoc(xml->doc, 1); /* xsl:strip-space takes nodes out of what it works on */
	xmlDocPtr result = transform(xslt, source, params, &messages);
	xmlChar *text = NULL;
	int len = 0, rc = -1;

	if (result != NULL)
		rc = xsltSaveResultToString(&text, &len, result, xslt->sheet) == 0 ? 1 : -1;
	if (rc == 1 && len > 0)
		buf_append(out, text, (size_t)len);
	else if (rc < 0)
		(void)give_message(&messages, xslt->name, "cannot be applied", error_r);
	xmlFree(text);
	xmlFreeDoc(result);
	xmlFreeDoc(source);
	buf_free(&messages);
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
