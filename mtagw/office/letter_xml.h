/* letter_xml: letter.xml (namespace urn:mtagw:letter:1, policies/schema/letter.rng) from a letter. */
#ifndef OFFICE_LETTER_XML_H
#define OFFICE_LETTER_XML_H

#include "mtagw/base/err.h"
#include "mtagw/base/xml.h"
#include "mtagw/office/letter.h"

/* The whole document; body_text becomes paragraphs, lists (`1. `, `- `) become lists of the XHTML subset. Caller frees. */
struct xml *letter_xml(const struct letter *letter);
/* The export form that travels: no clearances, dispositions, notes, evidence, no login. */
struct xml *letter_xml_export(const struct letter *letter);
/* SHA-256 of the C14N of the document without number and date (DESIGN 3), and the text itself where xml_r is not NULL. */
int letter_xml_canonical(const struct letter *letter, uint8_t sha256[SHA256_BYTES], struct buf *xml_r, struct err *error_r);
/* Reads a stored document (as letter_xml wrote it, number and date absent) back into a letter; strings in the arena. */
int letter_xml_read(struct range bytes, struct arena *arena, struct letter *letter_r, struct err *error_r);

#endif
