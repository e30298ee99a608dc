/* xml_private: what the xml*.c files share. */
#ifndef BASE_XML_PRIVATE_H
#define BASE_XML_PRIVATE_H

#include <stdint.h>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>

#include "mtagw/base/xml.h"

struct xml {
	xmlDocPtr doc;
	xmlXPathContextPtr xpath; /* made at the first expression, NULL before */
};

/* Readies the libraries once: silent, and unable to open anything by themselves. */
void xml_init(void);

/* The parsed document, or NULL and error_r; the caller frees it. */
xmlDocPtr xml_read_doc(struct range bytes, const char *name, xmlDictPtr dict, struct err *error_r);

/* Between begin and end the first error of libxml2 goes into error_r as `name:line: what`. Calls
 * do not nest. xml_errors_end tells whether there was one. */
void xml_errors_begin(const char *name, struct err *error_r);
bool xml_errors_end(void);

/* A xmlChar string moved into the arena and freed; NULL stays NULL. */
const char *xml_take(xmlChar *text, struct arena *arena);

static inline xmlNodePtr xml_node_ptr(const struct xml_node *node)
{
	return (xmlNodePtr)(uintptr_t)node;
}

#endif
