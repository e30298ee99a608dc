/*
 * reply_fields: the head block: `Kepada:`, `Harap:`, `Batas:`, ... at the very top, unbroken. Mail
 * programs put empty lines between paragraphs of HTML, so a line with a colon behind one still
 * belongs to the block. Without a colon a label is believed only where the block has another line
 * that leaves no doubt.
 */
#include <ctype.h>
#include <string.h>

#include "mtagw/base/buf.h"
#include "mtagw/office/reply_private.h"

#define FOLDED_LEN_MIN 60  /* a line folded by a program is as long or longer */
#define FIELDS_MORE_MAX 12 /* labels that share a line with another */

static bool is_item(const char *line)
{
	size_t n = strspn(line, "0123456789");

	if (line[0] == ' ' || (line[0] == '-' && line[1] == ' ') ||
	    strncmp(line, "\xe2\x80\xa2", 3) == 0)
		return true;
	return n > 0 && (line[n] == '.' || line[n] == ')') && line[n + 1] == ' ';
}

/* The block as far as it is read. */
struct block {
	struct reply_field *fields; /* the value of the last one still is in value */
	size_t count, more;         /* that share a line with another */
	struct buf value;
	bool certain; /* a line leaves no doubt that it is one */
};

static bool in_note(const struct block *block)
{
	return block->count > 0 && strcmp(block->fields[block->count - 1].label, "note") == 0;
}

/* Line i goes on with the value of the last field. */
static bool is_continuation(const struct reply_reader *reader, size_t i, const struct block *block)
{
	const struct buf *value = &block->value;

	if (block->count == 0)
		return false;
	if (value->len == 0 || is_item(reader->lines.at[i]) || in_note(block))
		return true;
	return strchr(",;&", value->data[value->len - 1]) != NULL ||
	       strlen(reader->lines.at[i - 1]) >= FOLDED_LEN_MIN;
}

/* The next line that is not empty, from i on. */
static size_t behind_blanks(const struct reply_reader *reader, size_t i)
{
	while (i < reader->lines.count && reply_is_blank(reader->lines.at[i]))
		i++;
	return i;
}

static void append_line(struct block *block, const char *line)
{
	struct range text = range_trim(range_of(line));

	if (block->value.len > 0)
		buf_putc(&block->value, '\n');
	buf_append(&block->value, text.p, text.len);
}

/* The last field is complete. */
static void settle(struct block *block, struct arena *arena)
{
	if (block->count > 0)
		block->fields[block->count - 1].value =
		    arena_strndup(arena, buf_str(&block->value), block->value.len);
	buf_reset(&block->value);
}

/* `Kpd: ikp / harap: TL / batas: jumat`: where the next label of one line begins, NULL. */
static const char *next_label(struct reply_reader *reader, const char *value)
{
	const char *corrected = reader->corrected, *behind, *found = NULL;
	bool colon;

	for (; *value != '\0' && found == NULL; value++)
		if (strchr("/|;", *value) != NULL &&
		    reply_label_line(
		        reader, value + 1 + strspn(value + 1, " "), false, &behind, &colon) != NULL)
			found = value;
	reader->corrected = corrected; /* it was only looked at */
	return found;
}

/* A line of one or more labels with their values. */
static void take_labels(struct reply_reader *reader, struct block *block,
    const struct reply_word *label, const char *value, int line)
{
	const char *next = strcmp(label->id, "note") == 0 ? NULL : next_label(reader, value);
	bool colon;

	settle(block, reader->arena);
	block->fields[block->count++] = (struct reply_field){label->id, NULL, line};
	if (next == NULL || block->more == FIELDS_MORE_MAX) {
		append_line(block, value);
		return;
	}
	block->more++;
	append_line(block, arena_strndup(reader->arena, value, (size_t)(next - value)));
	label = reply_label_line(reader, next + 1 + strspn(next + 1, " "), false, &value, &colon);
	take_labels(reader, block, label, value, line);
}

/* Line i as the next line of the block; bare: a label may lack its colon. */
static bool take_line(
    struct reply_reader *reader, size_t i, bool gap, bool bare, struct block *block)
{
	const char *line = reader->lines.at[i], *value;
	const struct reply_word *label;
	bool colon;

	label = reply_label_line(reader, line, bare && !gap && !in_note(block), &value, &colon);
	if (label != NULL) {
		take_labels(reader, block, label, value, (int)i + 1);
		block->certain = block->certain || colon || strcmp(label->id, "to") == 0;
		return true;
	}
	if (gap || !is_continuation(reader, i, block))
		return false;
	append_line(block, line);
	return true;
}

size_t reply_take_fields(
    struct reply_reader *reader, size_t from, bool bare, struct reply_reading *reading)
{
	const struct reply_lines *lines = &reader->lines;
	struct block block = {.count = 0};
	const char *corrected = reader->corrected;
	size_t end = from;
	bool gap = false;

	block.fields = arena_alloc(
	    reader->arena, (lines->count + 1 + FIELDS_MORE_MAX) * sizeof(*block.fields));
	for (size_t i = behind_blanks(reader, from); i < lines->count; i++) {
		if (reply_is_blank(lines->at[i])) {
			gap = true;
			continue;
		}
		if (!take_line(reader, i, gap, bare, &block))
			break;
		gap = false;
		end = i + 1;
	}
	settle(&block, reader->arena);
	buf_free(&block.value);
	if (!block.certain) {
		reader->corrected = corrected;
		return from;
	}
	reading->fields = block.fields;
	reading->field_count = block.count;
	return end;
}
