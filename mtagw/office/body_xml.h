/* body_xml: the text of a mail as the XHTML subset of letter.xml, and back. */
#ifndef OFFICE_BODY_XML_H
#define OFFICE_BODY_XML_H

#include "mtagw/base/buf.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/xml.h"

/* What the reader of a stored document puts where a <br/> stood (U+2028, the line separator). */
#define BODY_XML_BREAK "\xe2\x80\xa8"

/* Adds p, ol, ul, li, br under body. Paragraphs by empty lines; lines that begin `1. ` or `- ` (dashes and bullet too) are lists. */
void body_xml_add(struct xml_node *body, const char *text);
/* Appends the same content as text, from which body_xml_add makes the same elements. */
void body_xml_text(const struct xml_node *body, struct arena *arena, struct buf *out);

#endif
