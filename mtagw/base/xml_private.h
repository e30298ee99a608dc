/* xml_private: what the four files of the libxml2 door share. Nobody else includes it. */
#ifndef BASE_XML_PRIVATE_H
#define BASE_XML_PRIVATE_H

#include <stdbool.h>

#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/xml.h"

struct xml {
	xmlDocPtr doc;
};
/* Collects the first error of a libxml2 call. */
struct xml_error {
	const char *name;
	bool set;
	struct err err;
};
void xml_error_first(void *ctx, xmlErrorPtr error);
/* Hands it to the caller; fallback where libxml2 said nothing. Returns -1. */
int xml_error_give(const struct xml_error *e, const char *fallback, struct err *error_r);
struct xml *xml_wrap(xmlDocPtr doc);
/* xml_parse with the names in this dictionary (NULL: one of its own). */
struct xml *xml_parse_dict(
    struct range bytes, const char *name, xmlDictPtr dict, struct err *error_r);
/* xml_xpath.c: the second half of xml_xpath_check, on an expression whose syntax is good. */
int xpath_read(const char *expression, struct arena *arena,
    void (*use_cb)(const struct xpath_use *use, void *ctx), void *ctx, struct err *error_r);
/* Once: nothing is opened by the libraries themselves, nothing is printed. */
void xml_ready(void);

#endif
