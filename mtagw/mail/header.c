/*
 * header: splitting a header block into fields (RFC 5322 2.2) and reading their text. Fields are
 * ranges of the message: nothing is copied or changed. Writing is in header_write.c, encoded words
 * in words.c, parameters in param.c.
 */
#include "mtagw/mail/header.h"

#include <string.h>
#include <strings.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/header_split.h"
#include "mtagw/mail/words.h"

size_t header_name_len(struct range line)
{
	size_t n = 0;
	size_t k;

	while (n < line.len && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
		n++;
	/* RFC 5322 4.5: blanks before the colon are obsolete, but read */
	for (k = n; k < line.len && (line.p[k] == ' ' || line.p[k] == '\t'); k++)
		;
	return k < line.len && line.p[k] == ':' ? n : 0;
}

/* The line at text: its length with the line end, and without in *bare_r. */
static size_t line_len(struct range text, size_t *bare_r)
{
	const char *lf = memchr(text.p, '\n', text.len);
	size_t len = lf ? (size_t)(lf - text.p) + 1 : text.len;

	*bare_r = lf == NULL ? len : len - (len > 1 && lf[-1] == '\r' ? 2 : 1);
	return len;
}

struct fields {
	struct header_field *list;
	size_t count, size;
	struct arena *arena;
};

static void add_field(struct fields *fields, struct range line, size_t bare, size_t name)
{
	struct header_field *f;
	const char *colon = memchr(line.p + name, ':', bare - name);

	if (fields->count == fields->size) {
		size_t size = fields->size ? fields->size * 2 : 32;

		f = arena_alloc(fields->arena, size * sizeof(*f));
		if (fields->count > 0)
			memcpy(f, fields->list, fields->count * sizeof(*f));
		fields->list = f;
		fields->size = size;
	}
	f = &fields->list[fields->count++];
	f->name = (struct range){line.p, name};
	f->value = (struct range){colon + 1, (size_t)(line.p + bare - colon) - 1};
	f->whole = line;
}

static void continue_field(struct header_field *f, struct range line, size_t bare)
{
	f->whole.len = (size_t)(line.p - f->whole.p) + line.len;
	f->value.len = (size_t)(line.p - f->value.p) + bare;
}

static int split(struct range message, bool lenient, struct arena *arena, struct header *header_r,
    struct range *body_r, struct err *error_r)
{
	struct fields fields = {.arena = arena};
	size_t pos = 0, len, bare, number = 0;

	*header_r = (struct header){.block = {message.p, 0}};
	for (; pos < message.len; pos += len) {
		struct range line = {message.p + pos, message.len - pos};
		size_t name;

		line.len = len = line_len(line, &bare);
		number++;
		if (bare == 0)
			break;
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			if (fields.count > 0) {
				continue_field(&fields.list[fields.count - 1], line, bare);
				continue;
			}
		} else if ((name = header_name_len((struct range){line.p, bare})) > 0) {
			add_field(&fields, line, bare, name);
			continue;
		}
		if (!lenient)
			return err_set(error_r,
			    "header line %zu is neither a field nor a continuation", number);
	}
	header_r->block.len = pos;
	header_r->fields = fields.list;
	header_r->count = fields.count;
	if (pos < message.len)
		pos += len;
	*body_r = (struct range){message.p ? message.p + pos : NULL, message.len - pos};
	return 1;
}

int header_parse(struct range message, struct arena *arena, struct header *header_r,
    struct range *body_r, struct err *error_r)
{
	return split(message, false, arena, header_r, body_r, error_r);
}

void header_split(struct range block, struct arena *arena, struct header *header_r)
{
	struct range body;

	(void)split(block, true, arena, header_r, &body, NULL);
}

const struct header_field *header_get(const struct header *header, const char *name, size_t n)
{
	for (size_t i = 0; i < header->count; i++) {
		if (range_equal_case(header->fields[i].name, name) && n-- == 0)
			return &header->fields[i];
	}
	return NULL;
}

size_t header_count(const struct header *header, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < header->count; i++)
		n += range_equal_case(header->fields[i].name, name);
	return n;
}

/* RFC 5322 2.2.3: a fold's line end goes, its blank stays. Controls cannot leave as themselves. */
static struct range unfold(struct range value, struct arena *arena)
{
	char *out = arena_alloc(arena, value.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == '\r' && i + 1 < value.len && value.p[i + 1] == '\n')
			continue;
		if (c == '\n')
			continue;
		out[n++] = (c >= 0 && c < 32) || c == 127 ? ' ' : c;
	}
	out[n] = '\0';
	return range_trim((struct range){out, n});
}

const char *header_raw(const struct header *header, const char *name, struct arena *arena)
{
	const struct header_field *f = header_get(header, name, 0);
	struct range text;

	if (f == NULL)
		return "";
	text = unfold(f->value, arena);
	return arena_strndup(arena, text.p, text.len);
}

const char *header_text(const struct header *header, const char *name, struct arena *arena)
{
	const struct header_field *f = header_get(header, name, 0);
	struct buf out = {0};
	const char *text;

	if (f == NULL)
		return "";
	words_decode(unfold(f->value, arena), &out);
	text = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}
