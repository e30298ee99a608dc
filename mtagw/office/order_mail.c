/*
 * order_mail: everything people are told about orders goes through one document and two
 * stylesheets, so that an order, its confirmation, a report and the tree look alike. What is
 * attached is not sealed and goes by LMTP alone: a presented original may not be encoded anew (RFC
 * 2046 5.2.1), and a report's files stay where they are stored.
 */
#include "mtagw/office/order_mail.h"

#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/compose.h"
#include "mtagw/office/order.h"
#include "mtagw/office/shape.h"

static const char *title_of(const struct policy *policy, const char *position)
{
	const struct policy_position *p = position ? policy_position(policy, position) : NULL;

	return p ? p->title : position;
}

/* --- the document ----------------------------------------------------------------------------- */

static void add_letter(const struct order_mail *m, struct xml_node *root)
{
	const struct incoming_row *l = m->letter;
	const struct policy_urgency *u = policy_urgency(m->policy, l->urgency);
	struct xml_node *node = xml_add(root, "letter");

	xml_add_text(node, "subject", l->subject);
	xml_add_text(node, "number", l->letter_number);
	xml_add_text(node, "date", l->letter_date);
	xml_add_text(node, "sender", l->sender_name);
	xml_add_text(node, "address", l->sender_address);
	xml_add_text(node, "verdict", m->verdict);
	xml_set_attr(node, "level", l->level);
	xml_set_attr(node, "state", l->state);
	xml_set_attr(node, "urgency", u ? u->word : l->urgency);
	if (l->agenda_n != 0)
		xml_set_attrf(node, "agenda", "%d", l->agenda_n);
	trail_time(node, "received", l->received_at_ms);
	trail_time(node, "due", l->due_at_ms);
}

/* People and instructions by number, so that `1,3 TL besok` is a whole answer. */
static void add_choices(const struct order_mail *m, struct xml_node *root)
{
	const struct policy_position *list[ORDER_SUBORDINATES_MAX];
	const struct policy_instruction *instructions;
	size_t n = policy_subordinates(m->policy, m->reader, list, ORDER_SUBORDINATES_MAX);

	for (size_t i = 0; i < n && i < ORDER_SUBORDINATES_MAX; i++)
		xml_set_attrf(xml_add_text(root, "person", list[i]->title), "n", "%zu", i + 1);
	if (n == 0)
		return;
	instructions = policy_instructions(m->policy, &n);
	for (size_t i = 0; i < n; i++) {
		struct xml_node *node = xml_add_text(root, "choice", instructions[i].word);

		xml_set_attrf(node, "n", "%d", instructions[i].number);
		if (instructions[i].synonyms[0] != NULL)
			xml_set_attr(node, "short", instructions[i].synonyms[0]);
	}
}

struct xml *order_mail_xml(const struct order_mail *m)
{
	struct xml *xml = xml_new("mail", NULL);
	struct xml_node *root = xml_root(xml);

	xml_set_attr(root, "kind", m->kind);
	xml_set_attr(root, "reader", title_of(m->policy, m->reader));
	xml_set_attr(root, "by", title_of(m->policy, m->by));
	xml_set_attr(root, "corrected", m->corrected);
	xml_set_attr(root, "closed_below", m->closed_below ? "yes" : "no");
	xml_set_attr(root, "letter_done", m->letter_done ? "yes" : "no");
	xml_set_attr(root, "original", m->original.len > 0 ? "yes" : "no");
	trail_time(root, "now", m->trail->now_ms);
	add_letter(m, root);
	if (m->text != NULL && m->text[0] != '\0')
		xml_add_text(root, "text", m->text);
	for (size_t i = 0; i < m->enclosure_count; i++)
		xml_add_text(root, "enclosure", m->files[i].filename);
	if (m->reader != NULL)
		add_choices(m, root);
	trail_tree_xml(m->trail, m->policy, m->about, m->about_count, root);
	return xml;
}

/* --- the message ------------------------------------------------------------------------------ */

static void put_mailbox(
    struct buf *out, const char *field, const char *name, const char *address, struct arena *arena)
{
	struct mailbox box = {.name = name};
	struct err ignored; /* addresses of our own domain */

	if (address_parse(range_of(address), arena, &box.address, &ignored) == 1)
		header_put_mailboxes(out, field, &box, 1);
}

static void put_fields(const struct order_mail *m, struct arena *arena, struct buf *out)
{
	char date[40];

	put_mailbox(out, "From", m->from_name, m->from, arena);
	put_mailbox(out, "To", m->to_name, m->to, arena);
	header_put_text(out, "Subject", m->subject);
	clock_rfc5322(m->date_ms, date);
	header_put_raw(out, "Date", date);
	header_put_raw(out, "Message-ID", m->message_id);
	if (m->reply_to != NULL)
		header_put_raw(out, "Reply-To", m->reply_to);
	if (m->in_reply_to != NULL && m->in_reply_to[0] != '\0')
		header_put_raw(out, "In-Reply-To", m->in_reply_to);
	if (m->references != NULL && m->references[0] != '\0')
		header_put_raw(out, "References", m->references);
	header_put_raw(
	    out, "Auto-Submitted", m->automatic_reply ? "auto-replied" : "auto-generated");
	header_put_raw(out, "MIME-Version", "1.0");
}

static int put_alternatives(const struct order_mail *m, struct render *render, struct arena *arena,
    struct pieces *out, struct err *error_r)
{
	const char *boundary =
	    compose_boundary(arena, arena_printf(arena, "%s-alternatives", m->message_id));
	struct xml *xml = order_mail_xml(m);
	struct buf text = {0}, html = {0};
	int rc = render_apply(render, "disposition", RENDER_TEXT, xml, NULL, &text, error_r);

	if (rc == 1)
		rc = render_apply(render, "disposition", RENDER_HTML, xml, NULL, &html, error_r);
	if (rc == 1) {
		pieces_printf(out,
		    "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n",
		    boundary, boundary);
		compose_text_part(out, "plain", buf_str(&text), NULL);
		pieces_printf(out, "\r\n--%s\r\n", boundary);
		compose_text_part(out, "html", buf_str(&html), NULL);
		pieces_printf(out, "\r\n--%s--\r\n", boundary);
	}
	buf_free(&text);
	buf_free(&html);
	xml_free(&xml);
	return rc;
}

static bool eight_bit(struct range bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if ((unsigned char)bytes.p[i] > 127)
			return true;
	return false;
}

static void put_original(const struct order_mail *m, struct arena *arena, struct pieces *out)
{
	struct buf head = {0};

	buf_puts(&head, "Content-Type: message/rfc822\r\nContent-Disposition: attachment");
	header_put_param(&head, "filename", policy_words(m->policy, "order.original", NULL, arena));
	buf_puts(&head, "\r\n");
	if (eight_bit(m->original))
		buf_puts(&head, "Content-Transfer-Encoding: 8bit\r\n");
	buf_puts(&head, "\r\n");
	pieces_add(out, buf_str(&head), head.len);
	buf_free(&head);
	pieces_add_stored(out, m->original, m->original_body, 0);
}

int order_mail_compose(const struct order_mail *m, struct render *render, struct arena *arena,
    struct pieces *out, struct err *error_r)
{
	const char *boundary =
	    compose_boundary(arena, arena_printf(arena, "%s-mixed", m->message_id));
	bool mixed = m->original.len > 0 || m->enclosure_count > 0;
	struct buf header = {0};

	put_fields(m, arena, &header);
	pieces_add(out, buf_str(&header), header.len);
	buf_free(&header);
	if (mixed)
		pieces_printf(out,
		    "Content-Type: multipart/mixed; boundary=\"%s\"\r\n%s\r\n--%s\r\n", boundary,
		    m->original.len > 0 && eight_bit(m->original)
		        ? "Content-Transfer-Encoding: 8bit\r\n"
		        : "",
		    boundary);
	if (put_alternatives(m, render, arena, out, error_r) != 1)
		return -1;
	for (size_t i = 0; i < m->enclosure_count; i++) {
		pieces_printf(out, "\r\n--%s\r\n", boundary);
		compose_enclosure(
		    out, m->enclosures[i], m->files[i].filename, m->source, m->source_body);
	}
	if (m->original.len > 0) {
		pieces_printf(out, "\r\n--%s\r\n", boundary);
		put_original(m, arena, out);
	}
	if (mixed)
		pieces_printf(out, "\r\n--%s--\r\n", boundary);
	return 1;
}
