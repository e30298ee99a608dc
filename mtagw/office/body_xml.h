/* body_xml: plain text of a mail as the body of letter.xml, and back. Pure functions. */
#ifndef OFFICE_BODY_XML_H
#define OFFICE_BODY_XML_H

#include "mtagw/base/buf.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/xml.h"

/* A line break inside a paragraph of body text that is read back: U+2028, which no rule of joining
 * lines touches. */
#define BODY_XML_BREAK "\xe2\x80\xa8"

/* Appends `<body xmlns="urn:mtagw:letter:1">...</body>`: paragraphs (empty line between), lists
 * (`1. `, `a. `, `1) `, `a) `, `- `, nested by kind), rows of `Label : value` as a table. Lines
 * that a mail client wrapped are joined, others become <br/>. Never fails: characters that XML
 * cannot hold become U+FFFD. */
void body_xml_write(const char *text, struct buf *out);
/* Appends text that body_xml_write turns into the same body again; <br/> must stand as
 * BODY_XML_BREAK in it (letter_xml_read sees to that). */
void body_xml_text(const struct xml_node *body, struct arena *arena, struct buf *out);

#endif
