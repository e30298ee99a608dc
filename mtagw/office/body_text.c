/*
 * body_text: the body of letter.xml as text again, which body_xml_write turns into the same body.
 */
#include <stdlib.h>
#include <string.h>

#include "mtagw/office/body_xml.h"

static void text_rows(const struct xml_node *table, struct arena *arena, struct buf *out)
{
	for (struct xml_node *tr = xml_first(table, "tr"); tr; tr = xml_next(tr, "tr")) {
		const char *between = "";

		for (struct xml_node *td = xml_first(tr, "td"); td; td = xml_next(td, "td")) {
			buf_printf(out, "%s%s", between, xml_text(td, arena));
			between = " : ";
		}
		buf_putc(out, '\n');
	}
}

static void text_marker(
    const struct xml_node *list, unsigned n, struct arena *arena, struct buf *out)
{
	const char *type = xml_attr(list, "type", arena),
	           *end = type && strchr(type, ')') ? ")" : ".";

	if (strcmp(xml_name(list), "ul") == 0)
		buf_puts(out, "- ");
	else if (type != NULL && type[0] == 'a' && n >= 1 && n <= 26)
		buf_printf(out, "%c%s ", (char)('a' + n - 1), end);
	else
		buf_printf(out, "%u%s ", n, end);
}

/* Recursion is bounded by the nesting that the XML reader allows. */
static void text_list(
    const struct xml_node *list, unsigned depth, struct arena *arena, struct buf *out)
{
	const char *start = xml_attr(list, "start", arena);
	unsigned n = start ? (unsigned)strtoul(start, NULL, 10) : 1;

	for (struct xml_node *li = xml_first(list, "li"); li; li = xml_next(li, "li"), n++) {
		bool first = true;

		buf_printf(out, "%*s", (int)(depth * 3), "");
		text_marker(list, n, arena, out);
		for (struct xml_node *child = xml_first(li, NULL); child;
		     child = xml_next(child, NULL)) {
			if (strcmp(xml_name(child), "p") != 0) {
				text_list(child, depth + 1, arena, out);
				continue;
			}
			if (!first)
				buf_printf(out, "\n%*s", (int)(depth * 3 + 3), "");
			buf_printf(out, "%s\n", xml_text(child, arena));
			first = false;
		}
	}
}

void body_xml_text(const struct xml_node *body, struct arena *arena, struct buf *out)
{
	for (struct xml_node *block = xml_first(body, NULL); block; block = xml_next(block, NULL)) {
		const char *name = xml_name(block);

		if (strcmp(name, "p") == 0)
			buf_printf(out, "%s\n", xml_text(block, arena));
		else if (strcmp(name, "table") == 0)
			text_rows(block, arena, out);
		else
			text_list(block, 0, arena, out);
		if (xml_next(block, NULL) != NULL)
			buf_putc(out, '\n');
	}
}
