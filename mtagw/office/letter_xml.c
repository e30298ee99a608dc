/*
 * letter_xml: writes a letter as letter.xml and reads a stored one back. The stored document has no
 * number, date or state: its C14N is what consent is given on, so it stays the same when the letter is
 * numbered (DESIGN 3). The export form that travels inside the PDF says nothing about the house:
 * neither login nor incumbency nor state.
 */
#include "mtagw/office/letter_xml.h"

#include <stdlib.h>
#include <string.h>

#include "mtagw/office/body_xml.h"

#define LETTER_NS "urn:mtagw:letter:1"

enum form { FORM_WHOLE, FORM_STORED, FORM_EXPORT };

static void put_from(struct xml_node *root, const struct letter *l, enum form form)
{
	struct xml_node *from = xml_add(root, "from"), *head, *holder;

	xml_set_attr(from, "position", l->position);
	xml_set_attr(from, "agency", l->agency);
	xml_set_attr(from, "capacity", l->capacity);
	if (form != FORM_EXPORT && l->incumbency != 0)
		xml_set_attrf(from, "incumbency", "%lld", (long long)l->incumbency);
	if (form != FORM_EXPORT)
		xml_set_attr(from, "login", l->login);
	xml_set_attr(from, "registry", l->registry_address);
	xml_set_attr(from, "place", l->place);
	xml_set_attr(from, "print-rank", l->print_rank ? "yes" : "no");
	xml_add_text(from, "title", l->position_title);
	xml_add_text(from, "block", l->position_block);
	xml_add_text(from, "agency-name", l->agency_name);
	head = xml_add(from, "letterhead");
	xml_set_attr(head, "kind", l->letterhead_kind);
	for (int i = 0; i < 4; i++)
		if (l->letterhead_lines[i] != NULL)
			xml_add_text(head, "line", l->letterhead_lines[i]);
	holder = xml_add_text(from, "holder", l->holder);
	xml_set_attr(holder, "rank", l->rank_title);
	xml_set_attr(holder, "grade", l->pay_grade);
	xml_set_attr(holder, "nip", l->nip);
}

static void put_recipients(struct xml_node *root, const struct letter *l)
{
	struct xml_node *list = xml_add(root, "recipients");

	for (size_t i = 0; i < l->recipient_count; i++) {
		const struct letter_recipient *r = &l->recipients[i];
		struct xml_node *e = xml_add_text(list, "recipient", r->name);

		xml_set_attr(e, "role", r->copy ? "copy" : "main");
		xml_set_attr(e, "side", r->inside ? "inside" : "outside");
		xml_set_attr(e, "address", r->address);
		xml_set_attr(e, "position", r->position);
		xml_set_attr(e, "agency", r->agency);
		xml_set_attr(e, "place", r->place);
	}
}

static void put_enclosures(struct xml_node *root, const struct letter *l)
{
	struct xml_node *list = xml_add(root, "enclosures");

	for (size_t i = 0; i < l->enclosure_count; i++) {
		struct xml_node *e = xml_add_text(list, "enclosure", l->enclosures[i].filename);

		xml_set_attr(e, "media-type", l->enclosures[i].media_type);
		xml_set_attrf(e, "size", "%llu", (unsigned long long)l->enclosures[i].size);
		xml_set_attr(e, "sha256", l->enclosures[i].sha256);
	}
}

static struct xml *build(const struct letter *l, enum form form)
{
	struct xml *xml = xml_new("letter", LETTER_NS);
	struct xml_node *root = xml_root(xml);

	xml_set_attrf(root, "id", "%lld", (long long)l->id);
	xml_set_attr(root, "type", l->type);
	xml_set_attr(root, "scope", letter_scope_names[l->scope]);
	xml_set_attr(root, "direction", "outgoing");
	if (form == FORM_WHOLE)
		xml_set_attr(root, "state", l->state);
	if (form != FORM_STORED && l->number != NULL)
		xml_add_text(root, "number", l->number);
	if (form != FORM_STORED && l->date != NULL)
		xml_add_text(root, "date", l->date);
	xml_add_text(root, "classification", l->classification_code);
	xml_add_text(root, "security", l->security_class);
	xml_add_text(root, "urgency", l->urgency);
	xml_add_text(root, "subject", l->subject);
	xml_add_text(root, "summary", l->summary);
	put_from(root, l, form);
	put_recipients(root, l);
	body_xml_add(xml_add(root, "body"), l->body_text);
	put_enclosures(root, l);
	if (form != FORM_STORED && l->reply_to != NULL)
		xml_add_text(root, "reply-to", l->reply_to);
	if (l->message_id != NULL)
		xml_add_text(root, "message-id", l->message_id);
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

int letter_xml_canonical(const struct letter *letter, uint8_t sha256[SHA256_BYTES], struct buf *xml_r,
    struct err *error_r)
{
	struct xml *xml = build(letter, FORM_STORED);
	struct buf canonical = {0};
	int rc = xml_c14n(xml, &canonical, error_r);

	if (rc == 1)
		codec_sha256(buf_str(&canonical), canonical.len, sha256);
	if (rc == 1 && xml_r != NULL)
		xml_write(xml, false, xml_r);
	buf_free(&canonical);
	xml_free(&xml);
	return rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *text_of(const struct xml_node *parent, const char *name, struct arena *arena)
{
	const struct xml_node *e = xml_first(parent, name);

	return e ? xml_text(e, arena) : "";
}

static const char *attr_of(const struct xml_node *node, const char *name, struct arena *arena)
{
	const char *value = node ? xml_attr(node, name, arena) : NULL;

	return value ? value : "";
}

static void read_from(const struct xml_node *from, struct arena *arena, struct letter *l)
{
	const struct xml_node *head = xml_first(from, "letterhead"), *holder = xml_first(from, "holder");
	int n = 0;

	l->position = attr_of(from, "position", arena);
	l->agency = attr_of(from, "agency", arena);
	l->capacity = attr_of(from, "capacity", arena);
	l->incumbency = strtoll(attr_of(from, "incumbency", arena), NULL, 10);
	l->login = attr_of(from, "login", arena);
	l->registry_address = attr_of(from, "registry", arena);
	l->place = attr_of(from, "place", arena);
	l->print_rank = strcmp(attr_of(from, "print-rank", arena), "yes") == 0;
	l->position_title = text_of(from, "title", arena);
	l->position_block = text_of(from, "block", arena);
	l->agency_name = text_of(from, "agency-name", arena);
	l->letterhead_kind = attr_of(head, "kind", arena);
	for (const struct xml_node *e = xml_first(head, "line"); e != NULL && n < 4; e = xml_next(e, "line"))
		l->letterhead_lines[n++] = xml_text(e, arena);
	l->holder = holder ? xml_text(holder, arena) : "";
	l->rank_title = attr_of(holder, "rank", arena);
	l->pay_grade = attr_of(holder, "grade", arena);
	l->nip = attr_of(holder, "nip", arena);
}

static size_t count_of(const struct xml_node *parent, const char *name)
{
	size_t n = 0;

	for (const struct xml_node *e = xml_first(parent, name); e != NULL; e = xml_next(e, name))
		n++;
	return n;
}

static void read_recipients(const struct xml_node *list, struct arena *arena, struct letter *l)
{
	struct letter_recipient *r = arena_alloc(arena, (count_of(list, "recipient") + 1) * sizeof(*r));

	l->recipients = r;
	l->recipient_count = 0;
	for (const struct xml_node *e = xml_first(list, "recipient"); e != NULL; e = xml_next(e, "recipient"), r++) {
		*r = (struct letter_recipient){.copy = strcmp(attr_of(e, "role", arena), "copy") == 0,
		    .inside = strcmp(attr_of(e, "side", arena), "inside") == 0,
		    .name = xml_text(e, arena),
		    .address = attr_of(e, "address", arena),
		    .position = xml_attr(e, "position", arena),
		    .agency = xml_attr(e, "agency", arena),
		    .place = attr_of(e, "place", arena)};
		l->recipient_count++;
	}
}

static void read_enclosures(const struct xml_node *list, struct arena *arena, struct letter *l)
{
	struct letter_enclosure *x = arena_alloc(arena, (count_of(list, "enclosure") + 1) * sizeof(*x));

	l->enclosures = x;
	l->enclosure_count = 0;
	for (const struct xml_node *e = xml_first(list, "enclosure"); e != NULL; e = xml_next(e, "enclosure"), x++) {
		const char *hash = attr_of(e, "sha256", arena);

		x->filename = xml_text(e, arena);
		x->media_type = attr_of(e, "media-type", arena);
		x->size = strtoull(attr_of(e, "size", arena), NULL, 10);
		if (strlen(hash) == SHA256_HEX_SIZE - 1)
			memcpy(x->sha256, hash, SHA256_HEX_SIZE);
		l->enclosure_count++;
	}
}

static enum letter_scope scope_of(const char *name)
{
	for (int i = SCOPE_INTERNAL; i < SCOPE_OUTSIDE; i++)
		if (strcmp(letter_scope_names[i], name) == 0)
			return (enum letter_scope)i;
	return SCOPE_OUTSIDE;
}

int letter_xml_read(struct range bytes, struct arena *arena, struct letter *l, struct err *error_r)
{
	struct xml *xml = xml_parse(bytes, "letter.xml", error_r);
	struct xml_node *root, *number, *date;

	if (xml == NULL)
		return -1;
	root = xml_root(xml);
	*l = (struct letter){.id = strtoll(attr_of(root, "id", arena), NULL, 10)};
	l->type = attr_of(root, "type", arena);
	l->scope = scope_of(attr_of(root, "scope", arena));
	l->state = attr_of(root, "state", arena);
	number = xml_first(root, "number");
	date = xml_first(root, "date");
	l->number = number ? xml_text(number, arena) : NULL;
	l->date = date ? xml_text(date, arena) : NULL;
	l->classification_code = text_of(root, "classification", arena);
	l->security_class = text_of(root, "security", arena);
	l->urgency = text_of(root, "urgency", arena);
	l->subject = text_of(root, "subject", arena);
	l->summary = text_of(root, "summary", arena);
	l->message_id = text_of(root, "message-id", arena);
	read_from(xml_first(root, "from"), arena, l);
	read_recipients(xml_first(root, "recipients"), arena, l);
	read_enclosures(xml_first(root, "enclosures"), arena, l);
	l->body_text = body_xml_text(xml_first(root, "body"), arena);
	xml_free(&xml);
	return 1;
}
