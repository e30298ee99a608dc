/*
 * xml: documents in memory, the door to libxml2 (with xml_query.c for XPath and schemas and
 * xml_xslt.c for stylesheets). A document is bytes: no network, no DTD, no external or internal
 * entities, libxml2's own size limits on. The first error of a document is kept with its line.
 */
#include "mtagw/base/xml.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/c14n.h>
#include <libxml/chvalid.h>
#include <libxml/parser.h>
#include <libxml/xmlsave.h>

#include "mtagw/base/xml_private.h"

/* A policy, template or letter of more than this is refused before it is read. */
#define XML_BYTES_MAX (16 * 1024 * 1024)

void xml_error_first(void *ctx, xmlErrorPtr error)
{
	struct xml_error *e = ctx;
	size_t n;

	if (e->set || error == NULL || error->message == NULL)
		return;
	e->set = true;
	if (error->line > 0)
		(void)err_set(&e->err, "%s:%d: %s", e->name, error->line, error->message);
	else
		(void)err_set(&e->err, "%s: %s", e->name, error->message);
	n = strlen(e->err.text);
	while (n > 0 && (e->err.text[n - 1] == '\n' || e->err.text[n - 1] == ' '))
		e->err.text[--n] = '\0';
	for (char *p = e->err.text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' '; /* an err is one line */
}

int xml_error_give(const struct xml_error *e, const char *fallback, struct err *error_r)
{
	if (e->set)
		return err_set(error_r, "%s", e->err.text);
	return err_set(error_r, "%s: %s", e->name, fallback);
}

static xmlParserInputPtr open_nothing(const char *url, const char *id, xmlParserCtxtPtr parser)
{
	(void)url;
	(void)id;
	(void)parser;
	return NULL;
}

static void print_nothing(void *ctx, const char *format, ...)
{
	(void)ctx;
	(void)format;
}

void xml_ready(void)
{
	static bool ready;

	if (ready)
		return;
	ready = true;
	xmlInitParser();
	xmlSetExternalEntityLoader(open_nothing);
	xmlSetGenericErrorFunc(NULL, print_nothing);
}

struct xml *xml_wrap(xmlDocPtr doc)
{
	struct xml *xml = mem_zalloc(sizeof(*xml));

	xml->doc = doc;
	return xml;
}

/* Line where a text first stands; libxml2 keeps none for a DTD. */
static int line_of(struct range bytes, const char *text)
{
	const char *at = memmem(bytes.p, bytes.len, text, strlen(text));
	int line = 1;

	for (const char *p = bytes.p; at != NULL && p < at; p++)
		line += *p == '\n';
	return line;
}

struct xml *xml_parse(struct range bytes, const char *name, struct err *error_r)
{
	return xml_parse_dict(bytes, name, NULL, error_r);
}

struct xml *xml_parse_dict(
    struct range bytes, const char *name, xmlDictPtr dict, struct err *error_r)
{
	struct xml_error e = {.name = name};
	xmlParserCtxtPtr parser;
	xmlDocPtr doc;

	if (bytes.len > XML_BYTES_MAX || bytes.len == 0) {
		(void)err_set(error_r, "%s: %s", name, bytes.len ? "more than 16 MiB" : "empty");
		return NULL;
	}
	xml_ready();
	parser = xmlNewParserCtxt();
	if (parser == NULL) {
		(void)err_set(error_r, "%s: no memory", name);
		return NULL;
	}
	if (dict != NULL) { /* names of an imported stylesheet are compared by pointer with those of
		               its parent */
		xmlDictFree(parser->dict);
		parser->dict = dict;
		xmlDictReference(dict);
	}
	xmlSetStructuredErrorFunc(&e, xml_error_first);
	doc = xmlCtxtReadMemory(parser, bytes.p, (int)bytes.len, name, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
	xmlSetStructuredErrorFunc(NULL, NULL);
	if (doc == NULL || !parser->wellFormed)
		(void)xml_error_give(&e, "not well-formed XML", error_r);
	else if (doc->intSubset != NULL || doc->extSubset != NULL)
		(void)err_set(error_r,
		    "%s:%d: a document type declaration is not allowed: take <!DOCTYPE ...> out",
		    name, line_of(bytes, "<!DOCTYPE"));
	else if (xmlDocGetRootElement(doc) != NULL) {
		xmlFreeParserCtxt(parser);
		return xml_wrap(doc);
	}
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(parser);
	return NULL;
}

struct xml *xml_new(const char *root, const char *ns_uri)
{
	xmlDocPtr doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNodePtr node = xmlNewDocNode(doc, NULL, BAD_CAST root, NULL);

	xmlDocSetRootElement(doc, node);
	if (ns_uri != NULL)
		xmlSetNs(node, xmlNewNs(node, BAD_CAST ns_uri, NULL));
	return xml_wrap(doc);
}

void xml_free(struct xml **xml)
{
	if (*xml == NULL)
		return;
	xmlFreeDoc((*xml)->doc);
	free(*xml);
	*xml = NULL;
}

struct xml_node *xml_root(struct xml *xml)
{
	return (struct xml_node *)xmlDocGetRootElement(xml->doc);
}

static struct xml_node *element_from(xmlNodePtr node, const char *name)
{
	for (; node != NULL; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    (name == NULL || strcmp((const char *)node->name, name) == 0))
			return (struct xml_node *)node;
	return NULL;
}

struct xml_node *xml_first(const struct xml_node *parent, const char *name)
{
	return parent ? element_from(((const xmlNode *)parent)->children, name) : NULL;
}

struct xml_node *xml_next(const struct xml_node *node, const char *name)
{
	return element_from(((const xmlNode *)node)->next, name);
}

const char *xml_name(const struct xml_node *node)
{
	return (const char *)((const xmlNode *)node)->name;
}

int xml_line(const struct xml_node *node)
{
	return (int)xmlGetLineNo((const xmlNode *)node);
}

const char *xml_attr(const struct xml_node *node, const char *name, struct arena *arena)
{
	xmlChar *value = xmlGetNoNsProp((const xmlNode *)node, BAD_CAST name);
	const char *copy = value ? arena_strdup(arena, (const char *)value) : NULL;

	xmlFree(value);
	return copy;
}

bool xml_attr_at(const struct xml_node *node, size_t i, const char **name_r, const char **value_r,
    struct arena *arena)
{
	xmlAttrPtr attr = ((const xmlNode *)node)->properties;
	xmlChar *value;

	while (attr != NULL && i-- > 0)
		attr = attr->next;
	if (attr == NULL)
		return false;
	value = xmlNodeListGetString(((const xmlNode *)node)->doc, attr->children, 1);
	*name_r = (const char *)attr->name;
	*value_r = arena_strdup(arena, value ? (const char *)value : "");
	xmlFree(value);
	return true;
}

const char *xml_text(const struct xml_node *node, struct arena *arena)
{
	xmlChar *text = xmlNodeGetContent((const xmlNode *)node);
	struct range r = range_trim(range_of((const char *)text));
	const char *copy = arena_strndup(arena, r.p ? r.p : "", r.len);

	xmlFree(text);
	return copy;
}

bool xml_has_text(const struct xml_node *node)
{
	const xmlNode *child = ((const xmlNode *)node)->children;

	for (; child != NULL; child = child->next)
		if (child->type != XML_ELEMENT_NODE && child->type != XML_COMMENT_NODE &&
		    child->type != XML_PI_NODE && !xmlIsBlankNode(child))
			return true;
	return false;
}

/* Characters of XML 1.0 (section 2.2) kept, everything else as U+FFFD; invalid UTF-8 too. The
 * caller frees. */
static char *xml_chars(const char *text)
{
	struct buf out = {0};
	int left = (int)strnlen(text, INT_MAX - 1);

	while (left > 0) {
		int len = left;
		int c = xmlGetUTF8Char((const unsigned char *)text, &len);

		/* libxml2 takes overlong forms for characters; RFC 3629 section 3 forbids them */
		if (c > 0 && ((unsigned char)*text & 0xc0) != 0x80 && xmlIsCharQ(c) &&
		    len == (c < 0x80         ? 1
		               : c < 0x800   ? 2
		               : c < 0x10000 ? 3
		                             : 4)) {
			buf_append(&out, text, (size_t)len);
		} else {
			buf_puts(&out, "\xef\xbf\xbd");
			len = c >= 0xfffe
			          ? len
			          : 1; /* U+FFFE is one character, broken bytes are one each */
		}
		text += len;
		left -= len;
	}
	return buf_steal(&out);
}

struct xml_node *xml_add(struct xml_node *parent, const char *name)
{
	xmlNodePtr node =
	    xmlNewChild((xmlNodePtr)parent, ((xmlNodePtr)parent)->ns, BAD_CAST name, NULL);

	return (struct xml_node *)node;
}

struct xml_node *xml_add_text(struct xml_node *parent, const char *name, const char *text)
{
	struct xml_node *node = name ? xml_add(parent, name) : parent;
	char *clean = xml_chars(text);

	xmlAddChild((xmlNodePtr)node, xmlNewDocText(((xmlNodePtr)node)->doc, BAD_CAST clean));
	free(clean);
	return node;
}

void xml_set_attr(struct xml_node *node, const char *name, const char *value)
{
	char *clean;

	if (value == NULL)
		return;
	clean = xml_chars(value);
	xmlSetProp((xmlNodePtr)node, BAD_CAST name, BAD_CAST clean);
	free(clean);
}

void xml_set_attrf(struct xml_node *node, const char *name, const char *format, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) >= 0)
		xml_set_attr(node, name, text);
	va_end(ap);
	free(text);
}

/* An element and everything below, with the declarations, which would come back when written. */
static void strip_namespaces(xmlNodePtr node)
{
	if (node->type != XML_ELEMENT_NODE)
		return;
	xmlSetNs(node, NULL);
	for (xmlAttrPtr attr = node->properties; attr != NULL; attr = attr->next)
		attr->ns = NULL;
	for (xmlNodePtr child = node->children; child != NULL; child = child->next)
		strip_namespaces(child);
	xmlFreeNsList(node->nsDef);
	node->nsDef = NULL;
}

struct xml_node *xml_copy_into(struct xml_node *parent, const struct xml_node *node, bool strip_ns)
{
	xmlNodePtr copy = xmlDocCopyNode((xmlNodePtr)node, ((xmlNodePtr)parent)->doc, 1);

	if (strip_ns)
		strip_namespaces(copy);
	xmlAddChild((xmlNodePtr)parent, copy);
	return (struct xml_node *)copy;
}

void xml_write(const struct xml *xml, bool pretty, struct buf *out)
{
	xmlChar *text = NULL;
	int len = 0;

	xmlDocDumpFormatMemoryEnc(xml->doc, &text, &len, "UTF-8", pretty);
	if (len > 0)
		buf_append(out, text, (size_t)len);
	xmlFree(text);
}

int xml_c14n(const struct xml *xml, struct buf *out, struct err *error_r)
{
	xmlChar *text = NULL;
	int len = xmlC14NDocDumpMemory(xml->doc, NULL, XML_C14N_1_0, NULL, 0, &text);

	if (len < 0)
		return err_set(error_r, "the document has no canonical form");
	buf_append(out, text, (size_t)len);
	xmlFree(text);
	return 1;
}
