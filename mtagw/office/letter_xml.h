/* letter_xml: letter.xml (namespace urn:mtagw:letter:1, policies/schema/letter.rng) from a letter.
 */
#ifndef OFFICE_LETTER_XML_H
#define OFFICE_LETTER_XML_H

#include "mtagw/base/err.h"
#include "mtagw/base/xml.h"
#include "mtagw/office/letter.h"

#define LETTER_XML_NS "urn:mtagw:letter:1"

/* The whole document; body_text becomes paragraphs, lists (`1. `, `- `) become lists of the XHTML
 * subset. Caller frees. */
struct xml *letter_xml(const struct letter *letter);
/* The export form that travels: no clearances, dispositions, notes, evidence, no login. */
struct xml *letter_xml_export(const struct letter *letter);
/* SHA-256 of the C14N of the content (DESIGN 3), and that text itself (appended) where xml_r is not
 * NULL. Content is the export form without what comes or changes after consent: number, date,
 * state, Message-ID, reply token. */
int letter_xml_canonical(const struct letter *letter, uint8_t sha256[SHA256_BYTES],
    struct buf *xml_r, struct err *error_r);
/* Reads a document of any of the three forms back into a letter, strings in the arena:
 * letter_xml_canonical of the result gives the same hash. What a form does not hold is NULL, 0 or,
 * for the state, `draft`: the caller knows it from the letter's row. 1 or -1. */
int letter_xml_read(
    struct range bytes, struct arena *arena, struct letter *letter_r, struct err *error_r);

#endif
