/*
 * letter_xml: writes a letter as letter.xml (letter_xml_read.c reads it back). Three forms of one
 * builder: whole (what templates and policies see), export (what travels: nothing of the house's
 * affairs, neither login nor incumbency nor state), and content: what consent is given on. Content has
 * no number, date or anything that comes after consent, so its hash survives numbering (DESIGN 3).
 */
#include "mtagw/office/letter_xml.h"

#include <string.h>

#include "mtagw/office/body_xml.h"

enum form { FORM_WHOLE, FORM_EXPORT, FORM_CONTENT };

static void put_optional(struct xml_node *parent, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		xml_add_text(parent, name, text);
}

static void put_holder(struct xml_node *from, const struct letter *l)
{
	struct xml_node *holder = xml_add(from, "holder");

	xml_set_attr(holder, "print_rank", l->print_rank ? "yes" : "no");
	put_optional(holder, "name", l->holder);
	put_optional(holder, "rank_title", l->rank_title);
	put_optional(holder, "pay_grade", l->pay_grade);
	put_optional(holder, "nip", l->nip);
}

static void put_from(struct xml_node *root, const struct letter *l, enum form form)
{
	struct xml_node *from = xml_add(root, "from"), *head;

	xml_set_attr(from, "position", l->position);
	xml_set_attr(from, "agency", l->agency);
	xml_set_attr(from, "capacity", l->capacity);
	xml_set_attr(from, "registry", l->registry_address);
	if (form != FORM_CONTENT)
		xml_set_attr(from, "reply_to", l->reply_to);
	if (form == FORM_WHOLE)
		xml_set_attr(from, "login", l->login);
	if (form == FORM_WHOLE && l->incumbency != 0)
		xml_set_attrf(from, "incumbency", "%lld", (long long)l->incumbency);
	xml_add_text(from, "title", l->position_title);
	xml_add_text(from, "block", l->position_block);
	put_optional(from, "delegator_block", l->delegator_block);
	put_optional(from, "via_block", l->via_block);
	put_optional(from, "own_post_block", l->own_post_block);
	xml_add_text(from, "agency_name", l->agency_name);
	xml_add_text(from, "place", l->place);
	put_holder(from, l);
	head = xml_add(from, "letterhead");
	xml_set_attr(head, "kind", l->letterhead_kind);
	for (size_t i = 0; i < sizeof(l->letterhead_lines) / sizeof(l->letterhead_lines[0]); i++)
		put_optional(head, "line", l->letterhead_lines[i]);
}

static void put_recipients(struct xml_node *root, const struct letter *l)
{
	struct xml_node *list = xml_add(root, "recipients");

	for (size_t i = 0; i < l->recipient_count; i++) {
		const struct letter_recipient *r = &l->recipients[i];
		struct xml_node *e = xml_add(list, "recipient");

		xml_set_attr(e, "role", r->copy ? "copy" : "main");
		xml_set_attr(e, "side", r->inside ? "inside" : "outside");
		xml_set_attr(e, "address", r->address);
		xml_set_attr(e, "position", r->position);
		xml_set_attr(e, "agency", r->agency);
		xml_add_text(e, "name", r->name);
		xml_add_text(e, "place", r->place);
	}
}

static void put_enclosures(struct xml_node *root, const struct letter *l)
{
	struct xml_node *list = xml_add(root, "enclosures");

	for (size_t i = 0; i < l->enclosure_count; i++) {
		struct xml_node *e = xml_add(list, "enclosure");

		xml_set_attr(e, "name", l->enclosures[i].filename);
		xml_set_attr(e, "media_type", l->enclosures[i].media_type);
		xml_set_attrf(e, "size", "%llu", (unsigned long long)l->enclosures[i].size);
		xml_set_attr(e, "sha256", l->enclosures[i].sha256);
	}
}

static struct xml *build(const struct letter *l, enum form form)
{
	struct xml *xml = xml_new("letter", LETTER_XML_NS);
	struct xml_node *root = xml_root(xml);

	xml_set_attrf(root, "id", "%lld", (long long)l->id);
	xml_set_attr(root, "type", l->type);
	xml_set_attr(root, "scope", letter_scope_names[l->scope]);
	xml_set_attr(root, "direction", "outgoing");
	if (form == FORM_WHOLE)
		xml_set_attr(root, "state", l->state);
	if (form != FORM_CONTENT) {
		xml_set_attr(root, "message_id", l->message_id);
		put_optional(root, "number", l->number);
		put_optional(root, "date", l->date);
	}
	xml_add_text(root, "classification_code", l->classification_code);
	xml_add_text(root, "security_class", l->security_class);
	xml_add_text(root, "urgency", l->urgency);
	xml_add_text(root, "subject", l->subject);
	xml_add_text(root, "summary", l->summary);
	put_from(root, l, form);
	put_recipients(root, l);
	body_xml_add(xml_add(root, "body"), l->body_text);
	put_enclosures(root, l);
	return xml;
}

struct xml *letter_xml(const struct letter *letter)
{
	return build(letter, FORM_WHOLE);
}

struct xml *letter_xml_export(const struct letter *letter)
{
	return build(letter, FORM_EXPORT);
}

int letter_xml_canonical(const struct letter *letter, uint8_t sha256[SHA256_BYTES], struct buf *xml_r, struct err *error_r)
{
	struct xml *xml = build(letter, FORM_CONTENT);
	struct buf canonical = {0};
	int rc = xml_c14n(xml, &canonical, error_r);

	if (rc == 1) {
		codec_sha256(buf_str(&canonical), canonical.len, sha256);
		if (xml_r != NULL)
			buf_append(xml_r, buf_str(&canonical), canonical.len);
	}
	buf_free(&canonical);
	xml_free(&xml);
	return rc;
}
