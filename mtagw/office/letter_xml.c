/*
 * letter_xml: writes a letter as letter.xml (DESIGN 2), in three forms that differ in what they
 * leave out: whole (policies and templates), export (travels with the letter: nothing of the
 * house's inner work), content (what consent is given on: nothing that comes or changes after
 * consent). The schema is policies/schema/letter.rng; reading back is letter_xml_read.c. No layout
 * is made here.
 */
#include "mtagw/office/letter_xml.h"

#include <inttypes.h>
#include <stdlib.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/office/body_xml.h"

enum form { FORM_WHOLE, FORM_EXPORT, FORM_CONTENT };

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static const char *present(const char *s)
{
	return s && s[0] ? s : NULL;
}

/* Without blanks at both ends: readers cut them, and the hash must be the same after reading. */
static void add_text(struct xml_node *parent, const char *name, const char *text)
{
	struct range r = range_trim(range_of(or_empty(text)));
	char *copy = mem_strndup(r.len ? r.p : "", r.len);

	xml_add_text(parent, name, copy);
	free(copy);
}

static void add_present(struct xml_node *parent, const char *name, const char *text)
{
	if (range_trim(range_of(or_empty(text))).len > 0)
		add_text(parent, name, text);
}

static void add_holder(struct xml_node *from, const struct letter *letter)
{
	struct xml_node *holder = xml_add(from, "holder");

	xml_set_attr(holder, "capacity", present(letter->holder_capacity));
	xml_set_attr(holder, "print_rank", letter->print_rank ? "yes" : "no");
	add_present(holder, "name", letter->holder);
	add_present(holder, "rank_title", letter->rank_title);
	add_present(holder, "pay_grade", letter->pay_grade);
	add_present(holder, "nip", letter->nip);
}

static void add_letterhead(struct xml_node *from, const struct letter *letter)
{
	struct xml_node *head = xml_add(from, "letterhead");

	xml_set_attr(
	    head, "kind", present(letter->letterhead_kind) ? letter->letterhead_kind : "agency");
	for (size_t i = 0;
	     i < sizeof(letter->letterhead_lines) / sizeof(letter->letterhead_lines[0]); i++)
		add_text(head, "line", letter->letterhead_lines[i]);
}

static void add_from(struct xml_node *root, const struct letter *letter, enum form form)
{
	struct xml_node *from = xml_add(root, "from");

	xml_set_attr(from, "position", or_empty(letter->position));
	xml_set_attr(from, "agency", or_empty(letter->agency));
	xml_set_attr(from, "capacity", or_empty(letter->capacity));
	xml_set_attr(from, "registry", present(letter->registry_address));
	if (form != FORM_CONTENT)
		xml_set_attr(from, "reply_to", present(letter->reply_to));
	if (form == FORM_WHOLE) {
		xml_set_attr(from, "login", present(letter->login));
		if (letter->incumbency != 0)
			xml_set_attrf(from, "incumbency", "%" PRId64, letter->incumbency);
	}
	add_text(from, "title", letter->position_title);
	add_text(from, "block", letter->position_block);
	add_present(from, "delegator_block", letter->delegator_block);
	add_present(from, "via_block", letter->via_block);
	add_present(from, "own_post_block", letter->own_post_block);
	add_text(from, "agency_name", letter->agency_name);
	add_text(from, "place", letter->place);
	add_holder(from, letter);
	add_letterhead(from, letter);
}

static void add_recipients(struct xml_node *root, const struct letter *letter)
{
	struct xml_node *list = xml_add(root, "recipients");

	for (size_t i = 0; i < letter->recipient_count; i++) {
		const struct letter_recipient *r = &letter->recipients[i];
		struct xml_node *node = xml_add(list, "recipient");

		xml_set_attr(node, "role", r->copy ? "copy" : "main");
		xml_set_attr(node, "side", r->inside ? "inside" : "outside");
		xml_set_attr(node, "channel", r->inside ? "internal" : "email");
		xml_set_attr(node, "address", or_empty(r->address));
		xml_set_attr(node, "position", present(r->position));
		xml_set_attr(node, "agency", present(r->agency));
		add_text(node, "name", r->name);
		add_text(node, "place", r->place);
	}
}

/* Mixed content is written as text and parsed: the text is ours, escaped and cleaned by body_xml.
 */
static void add_body(struct xml_node *root, const struct letter *letter)
{
	struct buf text = {0};
	struct err err;
	struct xml *xml;

	if (letter->body_xml == NULL)
		body_xml_write(or_empty(letter->body_text), &text);
	xml = xml_parse(
	    letter->body_xml != NULL ? range_of(letter->body_xml) : buf_range(&text), "body", &err);
	if (xml != NULL) {
		xml_copy_into(root, xml_root(xml), false);
	} else { /* beyond a limit of the reader: every word is kept, its layout is not */
		log_warn("letter-body-plain reason=\"%s\"", log_safe(err.text));
		xml_add_text(xml_add(root, "body"), "p", or_empty(letter->body_text));
	}
	xml_free(&xml);
	buf_free(&text);
}

static void add_enclosures(struct xml_node *root, const struct letter *letter)
{
	struct xml_node *list = xml_add(root, "enclosures");

	for (size_t i = 0; i < letter->enclosure_count; i++) {
		const struct letter_enclosure *e = &letter->enclosures[i];
		struct xml_node *node = xml_add(list, "enclosure");

		xml_set_attr(node, "name", or_empty(e->filename));
		xml_set_attr(node, "media_type", or_empty(e->media_type));
		xml_set_attrf(node, "size", "%" PRIu64, e->size);
		xml_set_attr(node, "sha256", e->sha256);
	}
}

static void add_head(struct xml_node *root, const struct letter *letter, enum form form)
{
	xml_set_attr(root, "type", or_empty(letter->type));
	xml_set_attr(root, "scope", letter_scope_names[letter->scope]);
	xml_set_attr(root, "direction", letter->direction ? letter->direction : "outgoing");
	if (form == FORM_WHOLE) {
		xml_set_attr(root, "state", present(letter->state) ? letter->state : "draft");
		if (letter->id != 0)
			xml_set_attrf(root, "id", "%" PRId64, letter->id);
	}
	if (form != FORM_CONTENT) {
		xml_set_attr(root, "message_id", present(letter->message_id));
		add_present(root, "number", letter->number);
		add_present(root, "date", letter->date);
	}
	add_text(root, "classification_code", letter->classification_code);
	add_text(root, "security_class", letter->security_class);
	add_text(root, "urgency", letter->urgency);
	add_text(root, "subject", letter->subject);
	add_text(root, "summary", letter->summary);
}

static struct xml *make(const struct letter *letter, enum form form)
{
	struct xml *xml = xml_new("letter", LETTER_XML_NS);
	struct xml_node *root = xml_root(xml);

	add_head(root, letter, form);
	add_from(root, letter, form);
	add_recipients(root, letter);
	add_body(root, letter);
	add_enclosures(root, letter);
	return xml;
}

struct xml *letter_xml(const struct letter *letter)
{
	return make(letter, FORM_WHOLE);
}

struct xml *letter_xml_export(const struct letter *letter)
{
	return make(letter, FORM_EXPORT);
}

int letter_xml_canonical(const struct letter *letter, uint8_t sha256[SHA256_BYTES],
    struct buf *xml_r, struct err *error_r)
{
	struct xml *xml = make(letter, FORM_CONTENT);
	struct buf text = {0};
	int rc = xml_c14n(xml, &text, error_r);

	if (rc >= 0) {
		codec_sha256(buf_str(&text), text.len, sha256);
		if (xml_r != NULL)
			buf_append(xml_r, buf_str(&text), text.len);
		rc = 1;
	}
	buf_free(&text);
	xml_free(&xml);
	return rc;
}
