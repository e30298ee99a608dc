/*
 * body_xml: what a person typed into a mail client becomes paragraphs and lists, nothing cleverer:
 * empty lines part paragraphs, a line end inside one is kept as a line break only where the writer
 * broke early (a client that wraps at 72 columns meant no break).
 */
#include "mtagw/office/body_xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A line shorter than this ended because the writer wanted it to, not because a client wrapped it. */
#define WRAPPED_LINE_BYTES 55
/* A longer one was not wrapped by the client at all: its end is the writer's (and so is that of a paragraph read back). */
#define JOINED_LINE_BYTES 100

enum line_kind { LINE_EMPTY, LINE_TEXT, LINE_NUMBERED, LINE_DASHED };

static enum line_kind classify(const char *line, size_t len, size_t *skip_r)
{
	size_t i = 0;

	while (i < len && (line[i] == ' ' || line[i] == '\t'))
		i++;
	*skip_r = i;
	if (i == len)
		return LINE_EMPTY;
	if (i + 2 < len && (line[i] == '-' || line[i] == '*') && line[i + 1] == ' ') {
		*skip_r = i + 2;
		return LINE_DASHED;
	}
	if (i + 4 < len && (strncmp(line + i, "\xe2\x80\x93 ", 4) == 0 || strncmp(line + i, "\xe2\x80\xa2 ", 4) == 0)) {
		*skip_r = i + 4;
		return LINE_DASHED;
	}
	if (isdigit((unsigned char)line[i])) {
		size_t k = i;

		while (k < len && k < i + 3 && isdigit((unsigned char)line[k]))
			k++;
		if (k + 1 < len && (line[k] == '.' || line[k] == ')') && line[k + 1] == ' ') {
			*skip_r = k + 2;
			return LINE_NUMBERED;
		}
	}
	return LINE_TEXT;
}

struct builder {
	struct xml_node *body, *list, *item;
	enum line_kind list_kind;
	size_t lines; /* of the item so far */
	bool broke;   /* the last line ended because the writer wanted it to */
};

static void add_line(struct builder *b, const char *line, size_t len)
{
	char *text = mem_strndup(line, len);

	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	if (b->lines > 0 && b->broke)
		(void)xml_add(b->item, "br");
	else if (b->lines > 0)
		xml_add_text(b->item, NULL, " ");
	xml_add_text(b->item, NULL, text);
	b->lines++;
	b->broke = len < WRAPPED_LINE_BYTES || len > JOINED_LINE_BYTES;
	free(text);
}

static void take_line(struct builder *b, const char *line, size_t len)
{
	size_t skip;
	enum line_kind kind = classify(line, len, &skip);

	if (kind == LINE_EMPTY) {
		b->item = NULL;
		return;
	}
	if (kind == LINE_NUMBERED || kind == LINE_DASHED) {
		if (b->list == NULL || b->list_kind != kind)
			b->list = xml_add(b->body, kind == LINE_NUMBERED ? "ol" : "ul");
		b->list_kind = kind;
		b->item = xml_add(b->list, "li");
		b->lines = 0;
	} else if (b->item == NULL) {
		b->list = NULL;
		b->item = xml_add(b->body, "p");
		b->lines = 0;
	}
	add_line(b, line + skip, len - skip);
}

void body_xml_add(struct xml_node *body, const char *text)
{
	struct builder b = {.body = body};

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		take_line(&b, text, len);
		text += len + (text[len] == '\n');
	}
}

static void put_item(const struct xml_node *item, const char *lead, struct arena *arena, struct buf *out)
{
	const char *text = xml_text(item, arena), *at;

	buf_puts(out, lead);
	while ((at = strstr(text, BODY_XML_BREAK)) != NULL) {
		buf_append(out, text, (size_t)(at - text));
		buf_putc(out, '\n');
		text = at + strlen(BODY_XML_BREAK);
	}
	buf_puts(out, text);
	buf_putc(out, '\n');
}

void body_xml_text(const struct xml_node *body, struct arena *arena, struct buf *out)
{
	for (const struct xml_node *e = xml_first(body, NULL); e != NULL; e = xml_next(e, NULL)) {
		int n = 0;

		if (out->len > 0)
			buf_putc(out, '\n');
		if (strcmp(xml_name(e), "p") == 0)
			put_item(e, "", arena, out);
		for (const struct xml_node *li = xml_first(e, "li"); li != NULL; li = xml_next(li, "li"))
			put_item(li, strcmp(xml_name(e), "ol") == 0 ? arena_printf(arena, "%d. ", ++n) : "- ", arena, out);
	}
}
