/*
 * xml: documents: parsing, walking, building, writing. What is parsed comes from administrators,
 * the database and, one day, other gateways, so a document can name nothing outside itself: a DTD
 * is refused at its first byte, the libraries' own loaders are replaced by one that says no, and
 * size and depth are limited. Queries are in xml_xpath.c and xml_xpath_check.c, schemas in
 * xml_rng.c, stylesheets in xml_xslt.c. XML 1.0, Canonical XML 1.0.
 */
#include "mtagw/base/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/c14n.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlsave.h>

#include "mtagw/base/xml_private.h"

/* Never XML_PARSE_NOENT, XML_PARSE_DTDLOAD or XML_PARSE_HUGE. */
#define XML_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES | XML_PARSE_COMPACT)
#define REPLACEMENT "\xef\xbf\xbd"

/* --- errors --- */

static struct {
	const char *name;
	struct err *error_r;
	bool seen;
} errors;

static void drop_error(void *ctx, xmlErrorPtr error)
{
	(void)ctx;
	(void)error;
}

/* Line ends would break the one line of struct err. */
static void first_error(void *ctx, xmlErrorPtr error)
{
	char text[300];
	const char *name = error->file ? error->file : errors.name;

	(void)ctx;
	if (errors.seen || error->level < XML_ERR_ERROR)
		return;
	errors.seen = true;
	(void)snprintf(text, sizeof(text), "%s", error->message ? error->message : "unknown error");
	for (size_t n = strlen(text); n > 0 && text[n - 1] == '\n';)
		text[--n] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	if (error->line > 0)
		err_set(errors.error_r, "%s:%d: %s", name, error->line, text);
	else
		err_set(errors.error_r, "%s: %s", name, text);
}

void xml_errors_begin(const char *name, struct err *error_r)
{
	errors.name = name;
	errors.error_r = error_r;
	errors.seen = false;
	xmlSetStructuredErrorFunc(NULL, first_error);
}

bool xml_errors_end(void)
{
	xmlSetStructuredErrorFunc(NULL, drop_error);
	return errors.seen;
}

__attribute__((format(printf, 2, 3))) static void drop_text(void *ctx, const char *format, ...)
{
	(void)ctx;
	(void)format;
}

static xmlParserInputPtr load_nothing(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
	(void)url;
	(void)id;
	(void)ctxt;
	return NULL;
}

void xml_init(void)
{
	static bool ready;

	if (ready)
		return;
	ready = true;
	xmlInitParser();
	xmlSetExternalEntityLoader(load_nothing);
	xmlSetGenericErrorFunc(NULL, drop_text);
	xmlSetStructuredErrorFunc(NULL, drop_error);
}

/* --- reading --- */

static void refuse_dtd(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *url)
{
	xmlParserCtxtPtr ctxt = ctx;

	(void)name;
	(void)id;
	(void)url;
	if (!errors.seen)
		err_set(errors.error_r, "%s:%d: a DOCTYPE is not allowed here: take the line out",
		    errors.name, ctxt->input ? ctxt->input->line : 1);
	errors.seen = true;
	xmlStopParser(ctxt);
}

xmlDocPtr xml_read_doc(struct range bytes, const char *name, xmlDictPtr dict, struct err *error_r)
{
	xmlParserCtxtPtr ctxt;
	xmlDocPtr doc;

	xml_init();
	if (bytes.len == 0 || bytes.len > XML_BYTES_MAX) {
		err_set(error_r, bytes.len ? "%s: longer than %d bytes" : "%s: empty", name,
		    XML_BYTES_MAX);
		return NULL;
	}
	ctxt = xmlNewParserCtxt();
	if (ctxt == NULL) {
		err_set(error_r, "%s: no memory for a parser", name);
		return NULL;
	}
	if (dict != NULL) { /* stylesheets share one: libxslt compares names by pointer */
		xmlDictFree(ctxt->dict);
		ctxt->dict = dict;
		xmlDictReference(dict);
	}
	ctxt->sax->internalSubset = refuse_dtd;
	xml_errors_begin(name, error_r);
	doc = xmlCtxtReadMemory(ctxt, bytes.p, (int)bytes.len, name, "UTF-8", XML_OPTIONS);
	if (xml_errors_end() || doc == NULL || xmlDocGetRootElement(doc) == NULL) {
		if (!errors.seen)
			err_set(error_r, "%s: not well-formed", name);
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(ctxt);
	return doc;
}

struct xml *xml_parse(struct range bytes, const char *name, struct err *error_r)
{
	xmlDocPtr doc = xml_read_doc(bytes, name, NULL, error_r);
	struct xml *xml;

	if (doc == NULL)
		return NULL;
	xml = mem_zalloc(sizeof(*xml));
	xml->doc = doc;
	return xml;
}

void xml_free(struct xml **xml)
{
	if (*xml == NULL)
		return;
	xmlXPathFreeContext((*xml)->xpath);
	xmlFreeDoc((*xml)->doc);
	free(*xml);
	*xml = NULL;
}

/* --- walking --- */

static struct xml_node *as_node(xmlNodePtr node)
{
	return (struct xml_node *)(void *)node;
}

static struct xml_node *element_from(xmlNodePtr node, const char *name)
{
	for (; node != NULL; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    (name == NULL || strcmp((const char *)node->name, name) == 0))
			return as_node(node);
	return NULL;
}

struct xml_node *xml_root(struct xml *xml)
{
	return as_node(xmlDocGetRootElement(xml->doc));
}

struct xml_node *xml_first(const struct xml_node *parent, const char *name)
{
	return element_from(xml_node_ptr(parent)->children, name);
}

struct xml_node *xml_next(const struct xml_node *node, const char *name)
{
	return element_from(xml_node_ptr(node)->next, name);
}

const char *xml_name(const struct xml_node *node)
{
	return (const char *)xml_node_ptr(node)->name;
}

const char *xml_namespace(const struct xml_node *node)
{
	xmlNsPtr ns = xml_node_ptr(node)->ns;

	return ns && ns->href ? (const char *)ns->href : "";
}

int xml_line(const struct xml_node *node)
{
	return (int)xmlGetLineNo(xml_node_ptr(node));
}

const char *xml_take(xmlChar *text, struct arena *arena)
{
	const char *copy;

	if (text == NULL)
		return NULL;
	copy = arena_strdup(arena, (const char *)text);
	xmlFree(text);
	return copy;
}

const char *xml_attr(const struct xml_node *node, const char *name, struct arena *arena)
{
	return xml_take(xmlGetNoNsProp(xml_node_ptr(node), (const xmlChar *)name), arena);
}

bool xml_attr_at(const struct xml_node *node, size_t i, const char **name_r, const char **value_r,
    struct arena *arena)
{
	xmlAttrPtr attr = xml_node_ptr(node)->properties;

	while (attr != NULL && i-- > 0)
		attr = attr->next;
	if (attr == NULL)
		return false;
	*name_r = (const char *)attr->name;
	if (attr->ns != NULL && attr->ns->prefix != NULL)
		*name_r = arena_printf(arena, "%s:%s", (const char *)attr->ns->prefix, *name_r);
	*value_r = xml_take(xmlNodeListGetString(attr->doc, attr->children, 1), arena);
	if (*value_r == NULL)
		*value_r = "";
	return true;
}

const char *xml_text(const struct xml_node *node, struct arena *arena)
{
	const char *text = xml_take(xmlNodeGetContent(xml_node_ptr(node)), arena);
	struct range r;

	if (text == NULL)
		return "";
	r = range_trim(range_of(text));
	return arena_strndup(arena, r.p, r.len);
}

bool xml_own_text(const struct xml_node *node)
{
	for (xmlNodePtr n = xml_node_ptr(node)->children; n != NULL; n = n->next)
		if ((n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) &&
		    !xmlIsBlankNode(n))
			return true;
	return false;
}

/* --- building --- */

/* Length of the character at p that XML 1.0 (section 2.2) can hold, 0 when there is none. */
static size_t char_len(const unsigned char *p)
{
	int len = 4, c;

	if (*p < 0x80)
		return *p >= 0x20 || *p == '\t' || *p == '\n' || *p == '\r';
	for (int i = 1; i < 4; i++)
		if (p[i] == '\0') {
			len = i;
			break;
		}
	c = xmlGetUTF8Char(p, &len);
	return c >= 0x80 && IS_CHAR(c) &&
	               !(c < 0x800       ? len != 2
	                   : c < 0x10000 ? len != 3
	                                 : len != 4)
	           ? (size_t)len
	           : 0;
}

static char *clean_text(const char *text)
{
	struct buf out = {0};

	for (const char *p = text; *p != '\0';) {
		size_t n = char_len((const unsigned char *)p);

		if (n == 0) {
			buf_puts(&out, REPLACEMENT);
			p++;
			continue;
		}
		buf_append(&out, p, n);
		p += n;
	}
	return buf_steal(&out);
}

struct xml *xml_new(const char *root, const char *ns_uri)
{
	struct xml *xml = mem_zalloc(sizeof(*xml));
	xmlNodePtr node;

	xml_init();
	xml->doc = xmlNewDoc((const xmlChar *)"1.0");
	node = xmlNewDocNode(xml->doc, NULL, (const xmlChar *)root, NULL);
	if (ns_uri != NULL)
		xmlSetNs(node, xmlNewNs(node, (const xmlChar *)ns_uri, NULL));
	(void)xmlDocSetRootElement(xml->doc, node);
	return xml;
}

struct xml_node *xml_add(struct xml_node *parent, const char *name)
{
	/* the namespace is the parent's */
	return as_node(xmlNewChild(xml_node_ptr(parent), NULL, (const xmlChar *)name, NULL));
}

struct xml_node *xml_add_text(struct xml_node *parent, const char *name, const char *text)
{
	struct xml_node *node = xml_add(parent, name);
	char *clean = clean_text(text);

	(void)xmlAddChild(
	    xml_node_ptr(node), xmlNewDocText(xml_node_ptr(node)->doc, (xmlChar *)clean));
	free(clean);
	return node;
}

void xml_set_attr(struct xml_node *node, const char *name, const char *value)
{
	char *clean;

	if (value == NULL)
		return;
	clean = clean_text(value);
	(void)xmlSetProp(xml_node_ptr(node), (const xmlChar *)name, (xmlChar *)clean);
	free(clean);
}

void xml_set_attrf(struct xml_node *node, const char *name, const char *format, ...)
{
	char *value = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&value, format, ap);
	va_end(ap);
	if (n >= 0)
		xml_set_attr(node, name, value);
	free(value);
}

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
	xmlNodePtr to = xml_node_ptr(parent);
	xmlNodePtr copy = xmlDocCopyNode(xml_node_ptr(node), to->doc, 1);

	if (strip_ns)
		strip_namespaces(copy);
	(void)xmlAddChild(to, copy);
	if (!strip_ns)
		(void)xmlReconciliateNs(to->doc, copy);
	return as_node(copy);
}

/* --- writing --- */

void xml_write(const struct xml *xml, bool pretty, struct buf *out)
{
	xmlBufferPtr bytes = xmlBufferCreate();
	xmlSaveCtxtPtr save = xmlSaveToBuffer(bytes, "UTF-8", pretty ? XML_SAVE_FORMAT : 0);

	(void)xmlSaveDoc(save, xml->doc);
	(void)xmlSaveClose(save);
	buf_append(out, xmlBufferContent(bytes), (size_t)xmlBufferLength(bytes));
	xmlBufferFree(bytes);
}

int xml_c14n(const struct xml *xml, struct buf *out, struct err *error_r)
{
	xmlChar *bytes = NULL;
	int len;

	xml_errors_begin("letter", error_r);
	len = xmlC14NDocDumpMemory(xml->doc, NULL, XML_C14N_1_0, NULL, 0, &bytes);
	if (xml_errors_end() || len < 0) {
		if (!errors.seen)
			err_set(error_r, "canonical XML could not be made");
		xmlFree(bytes);
		return -1;
	}
	buf_append(out, bytes, (size_t)len);
	xmlFree(bytes);
	return 1;
}
