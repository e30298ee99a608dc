/* body_xml: the text of a mail as the XHTML subset of letter.xml, and back. */
#ifndef OFFICE_BODY_XML_H
#define OFFICE_BODY_XML_H

#include "mtagw/base/xml.h"

/* Adds p, ol, ul, li, br under body. Paragraphs by empty lines; lines that begin `1. ` or `- ` (three kinds of dash, bullet) are lists. */
void body_xml_add(struct xml_node *body, const char *text);
/* The same content as text from which body_xml_add makes the same elements. */
const char *body_xml_text(const struct xml_node *body, struct arena *arena);

#endif
