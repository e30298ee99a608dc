/*
 * letter_xml_read: a stored letter.xml becomes a letter again, so that a released draft, a redo
 * after a crash and a new rendering start from what was consented to, not from the mail. Reads what
 * letter_xml writes; another root, a missing branch, an unknown word or too many entries is an
 * error that names the place, never a guess.
 */
#include "mtagw/office/letter_xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/office/body_xml.h"

/* Settings allow 1,000 recipients a message by default; a stored document beyond this was not ours.
 */
#define LETTER_RECIPIENTS_MAX 100000
#define LETTER_ENCLOSURES_MAX 1000 /* the guard's limit of parts */

struct reader {
	struct arena *arena;
	struct letter *letter;
	struct err *err;
};

static const char *child_text(
    const struct reader *rd, const struct xml_node *parent, const char *name)
{
	const struct xml_node *node = xml_first(parent, name);

	return node ? xml_text(node, rd->arena) : NULL;
}

static const char *text_or_empty(
    const struct reader *rd, const struct xml_node *parent, const char *name)
{
	const char *text = child_text(rd, parent, name);

	return text ? text : "";
}

static int missing(const struct reader *rd, const struct xml_node *parent, const char *what)
{
	return err_set(
	    rd->err, "letter.xml:%d: <%s> has no %s", xml_line(parent), xml_name(parent), what);
}

static int read_uint(
    const struct reader *rd, const struct xml_node *node, const char *name, uint64_t *value_r)
{
	const char *text = xml_attr(node, name, rd->arena);
	char *end;

	*value_r = 0;
	if (text == NULL)
		return 0;
	errno = 0;
	*value_r = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
		return err_set(rd->err, "letter.xml:%d: %s=\"%.40s\" is no number", xml_line(node),
		    name, text);
	return 1;
}

static int read_letterhead(struct reader *rd, const struct xml_node *head)
{
	struct letter *letter = rd->letter;
	size_t i = 0, max = sizeof(letter->letterhead_lines) / sizeof(letter->letterhead_lines[0]);

	letter->letterhead_kind = xml_attr(head, "kind", rd->arena);
	for (struct xml_node *line = xml_first(head, "line"); line; line = xml_next(line, "line")) {
		if (i == max)
			return err_set(rd->err,
			    "letter.xml:%d: more than %zu lines in <letterhead>", xml_line(line),
			    max);
		letter->letterhead_lines[i++] = xml_text(line, rd->arena);
	}
	return 1;
}

static int read_from(struct reader *rd, const struct xml_node *root)
{
	const struct xml_node *from = xml_first(root, "from"), *holder, *head;
	struct letter *letter = rd->letter;
	const char *print_rank;
	uint64_t incumbency;

	if (from == NULL)
		return missing(rd, root, "<from>");
	holder = xml_first(from, "holder");
	head = xml_first(from, "letterhead");
	if (holder == NULL || head == NULL)
		return missing(rd, from, holder ? "<letterhead>" : "<holder>");
	letter->position = xml_attr(from, "position", rd->arena);
	letter->agency = xml_attr(from, "agency", rd->arena);
	letter->capacity = xml_attr(from, "capacity", rd->arena);
	if (letter->position == NULL || letter->agency == NULL || letter->capacity == NULL)
		return missing(rd, from, "position, agency or capacity");
	letter->registry_address = xml_attr(from, "registry", rd->arena);
	letter->reply_to = xml_attr(from, "reply_to", rd->arena);
	letter->login = xml_attr(from, "login", rd->arena);
	if (read_uint(rd, from, "incumbency", &incumbency) < 0)
		return -1;
	letter->incumbency = (int64_t)incumbency;
	letter->position_title = text_or_empty(rd, from, "title");
	letter->position_block = text_or_empty(rd, from, "block");
	letter->delegator_block = child_text(rd, from, "delegator_block");
	letter->via_block = child_text(rd, from, "via_block");
	letter->own_post_block = child_text(rd, from, "own_post_block");
	letter->agency_name = text_or_empty(rd, from, "agency_name");
	letter->place = text_or_empty(rd, from, "place");
	letter->holder_capacity = xml_attr(holder, "capacity", rd->arena);
	print_rank = xml_attr(holder, "print_rank", rd->arena);
	letter->print_rank = print_rank && strcmp(print_rank, "yes") == 0;
	letter->holder = text_or_empty(rd, holder, "name");
	letter->rank_title = text_or_empty(rd, holder, "rank_title");
	letter->pay_grade = text_or_empty(rd, holder, "pay_grade");
	letter->nip = text_or_empty(rd, holder, "nip");
	return read_letterhead(rd, head);
}

static size_t count_children(const struct xml_node *parent, const char *name)
{
	size_t n = 0;

	for (struct xml_node *node = parent ? xml_first(parent, name) : NULL; node;
	     node = xml_next(node, name))
		n++;
	return n;
}

static int read_recipients(struct reader *rd, const struct xml_node *root)
{
	const struct xml_node *list = xml_first(root, "recipients");
	size_t count = count_children(list, "recipient");
	struct letter_recipient *r;

	if (list == NULL || count > LETTER_RECIPIENTS_MAX)
		return missing(rd, root, list ? "bearable number of recipients" : "<recipients>");
	r = arena_alloc(rd->arena, (count + 1) * sizeof(*r));
	rd->letter->recipients = r;
	rd->letter->recipient_count = count;
	for (struct xml_node *node = xml_first(list, "recipient"); node;
	     node = xml_next(node, "recipient"), r++) {
		const char *role = xml_attr(node, "role", rd->arena),
		           *side = xml_attr(node, "side", rd->arena);

		r->address = xml_attr(node, "address", rd->arena);
		if (role == NULL || side == NULL || r->address == NULL)
			return missing(rd, node, "role, side or address");
		r->copy = strcmp(role, "copy") == 0;
		r->inside = strcmp(side, "inside") == 0;
		r->position = xml_attr(node, "position", rd->arena);
		r->agency = xml_attr(node, "agency", rd->arena);
		r->name = text_or_empty(rd, node, "name");
		r->place = text_or_empty(rd, node, "place");
	}
	return 1;
}

static int read_enclosures(struct reader *rd, const struct xml_node *root)
{
	const struct xml_node *list = xml_first(root, "enclosures");
	size_t count = count_children(list, "enclosure");
	struct letter_enclosure *e;

	if (list == NULL || count > LETTER_ENCLOSURES_MAX)
		return missing(rd, root, list ? "bearable number of enclosures" : "<enclosures>");
	e = arena_alloc(rd->arena, (count + 1) * sizeof(*e));
	rd->letter->enclosures = e;
	rd->letter->enclosure_count = count;
	for (struct xml_node *node = xml_first(list, "enclosure"); node;
	     node = xml_next(node, "enclosure"), e++) {
		const char *sha256 = xml_attr(node, "sha256", rd->arena);
		uint8_t digest[SHA256_BYTES];

		e->filename = xml_attr(node, "name", rd->arena);
		e->media_type = xml_attr(node, "media_type", rd->arena);
		if (e->filename == NULL || e->media_type == NULL || sha256 == NULL)
			return missing(rd, node, "name, media_type or sha256");
		if (read_uint(rd, node, "size", &e->size) < 0)
			return -1;
		if (codec_unhex(sha256, digest, sizeof(digest)) < 0)
			return err_set(rd->err,
			    "letter.xml:%d: sha256 is not 64 hexadecimal digits", xml_line(node));
		codec_hex(digest, sizeof(digest), e->sha256);
	}
	return 1;
}

static int read_head(struct reader *rd, const struct xml_node *root)
{
	struct letter *letter = rd->letter;
	const char *scope = xml_attr(root, "scope", rd->arena);
	uint64_t id;
	size_t i;

	if (strcmp(xml_name(root), "letter") != 0)
		return err_set(rd->err, "letter.xml:%d: root is <%s>, not <letter>", xml_line(root),
		    xml_name(root));
	letter->type = xml_attr(root, "type", rd->arena);
	if (letter->type == NULL || scope == NULL)
		return missing(rd, root, "type or scope");
	for (i = 0; i <= SCOPE_OUTSIDE && strcmp(scope, letter_scope_names[i]) != 0; i++)
		;
	if (i > SCOPE_OUTSIDE)
		return err_set(
		    rd->err, "letter.xml:%d: unknown scope \"%.40s\"", xml_line(root), scope);
	letter->scope = (enum letter_scope)i;
	if (read_uint(rd, root, "id", &id) < 0)
		return -1;
	letter->id = (int64_t)id;
	letter->state = xml_attr(root, "state", rd->arena);
	if (letter->state == NULL)
		letter->state = "draft";
	letter->message_id = xml_attr(root, "message_id", rd->arena);
	letter->number = child_text(rd, root, "number");
	letter->date = child_text(rd, root, "date");
	letter->classification_code = text_or_empty(rd, root, "classification_code");
	letter->security_class = text_or_empty(rd, root, "security_class");
	letter->urgency = text_or_empty(rd, root, "urgency");
	letter->subject = text_or_empty(rd, root, "subject");
	letter->summary = text_or_empty(rd, root, "summary");
	return 1;
}

static int read_body(struct reader *rd, const struct xml_node *root)
{
	const struct xml_node *body = xml_first(root, "body");
	struct buf text = {0};

	if (body == NULL)
		return missing(rd, root, "<body>");
	body_xml_text(body, rd->arena, &text);
	rd->letter->body_text = arena_strndup(rd->arena, buf_str(&text), text.len);
	buf_free(&text);
	return 1;
}

/* Element navigation does not see where a <br/> stands in its text: both spellings of it (ours,
 * C14N's) become the break character. */
static void breaks_to_text(struct range bytes, struct buf *out)
{
	static const char *const spellings[] = {"<br/>", "<br></br>"};

	for (size_t i = 0; i < bytes.len;) {
		size_t k;

		for (k = 0; k < 2; k++)
			if (bytes.len - i >= strlen(spellings[k]) &&
			    memcmp(bytes.p + i, spellings[k], strlen(spellings[k])) == 0)
				break;
		if (k < 2) {
			buf_puts(out, BODY_XML_BREAK);
			i += strlen(spellings[k]);
		} else {
			buf_putc(out, bytes.p[i++]);
		}
	}
}

int letter_xml_read(
    struct range bytes, struct arena *arena, struct letter *letter_r, struct err *error_r)
{
	struct reader rd = {.arena = arena, .letter = letter_r, .err = error_r};
	struct buf text = {0};
	struct xml *xml;
	int rc = -1;

	*letter_r = (struct letter){0};
	breaks_to_text(bytes, &text);
	xml = xml_parse(buf_range(&text), "letter.xml", error_r);
	buf_free(&text);
	if (xml == NULL)
		return -1;
	if (read_head(&rd, xml_root(xml)) == 1 && read_from(&rd, xml_root(xml)) == 1 &&
	    read_recipients(&rd, xml_root(xml)) == 1 && read_body(&rd, xml_root(xml)) == 1 &&
	    read_enclosures(&rd, xml_root(xml)) == 1)
		rc = 1;
	xml_free(&xml);
	return rc;
}
