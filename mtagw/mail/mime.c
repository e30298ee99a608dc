/*
 * mime: the parsed message: a tree of parts with their exact byte ranges (RFC 2045, 2046), which
 * signatures need. The structure comes from outline.c; here the fields of each part are read.
 * Decoding is in mime_text.c, choosing what people read in mime_select.c.
 */
#include "mtagw/mail/mime.h"

#include <ctype.h>
#include <string.h>

#include "mtagw/mail/header_split.h"
#include "mtagw/mail/outline.h"
#include "mtagw/mail/param.h"

#define FILENAME_MAX_BYTES \
	200 /* file systems take 255; the end of the name is kept, it holds the type */

/* A part while the outline is drawn: children as a list, since their number is not known yet. */
struct draft {
	struct draft *parent, *first, *last, *next;
	size_t children;
	uint64_t start, headers_end, body, end;
	int digest;
};

struct drawing {
	struct arena *arena;
	struct draft *root, *open;
};

static void on_begin(uint64_t offset, int digest, void *ctx)
{
	struct drawing *d = ctx;
	struct draft *part = arena_alloc(d->arena, sizeof(*part));

	part->start = offset;
	part->digest = digest;
	part->parent = d->open;
	if (d->open == NULL) {
		d->root = part;
	} else {
		if (d->open->last != NULL)
			d->open->last->next = part;
		else
			d->open->first = part;
		d->open->last = part;
		d->open->children++;
	}
	d->open = part;
}

static void on_body(uint64_t headers_end, uint64_t body, void *ctx)
{
	struct drawing *d = ctx;

	d->open->headers_end = headers_end;
	d->open->body = body;
}

static void on_end(uint64_t offset, void *ctx)
{
	struct drawing *d = ctx;

	d->open->end = offset;
	d->open = d->open->parent;
}

static bool is_token(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s; s++) {
		if (*s <= 32 || *s >= 127 || strchr("()<>@,;:\\\"/[]?=", *s) != NULL)
			return false;
	}
	return true;
}

static const char *lower(const char *s, struct arena *arena)
{
	char *copy = arena_strdup(arena, s ? s : "");

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* RFC 2045 5.2: no type, or one that cannot be read, is text/plain. */
static void read_type(struct mime_part *part, const char *first, bool digest, struct arena *arena)
{
	const char *slash = strchr(first, '/');
	const char *type = slash ? arena_strndup(arena, first, (size_t)(slash - first)) : "";

	part->type = "text";
	part->subtype = "plain";
	if (slash != NULL && is_token(type) && is_token(slash + 1)) {
		part->type = type;
		part->subtype = slash + 1;
	} else if (digest && first[0] == '\0') {
		part->type = "message";
		part->subtype = "rfc822";
	}
}

static enum mime_encoding read_encoding(const char *name)
{
	static const struct {
		const char *name;
		enum mime_encoding encoding;
	} names[] = {{"", MIME_7BIT}, {"7bit", MIME_7BIT}, {"8bit", MIME_8BIT},
	    {"binary", MIME_BINARY}, {"quoted-printable", MIME_QP}, {"base64", MIME_BASE64}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i].name) == 0)
			return names[i].encoding;
	}
	return MIME_UNKNOWN;
}

/* The last component of the name: a path from outside means nothing here and could mean harm. */
static const char *clean_filename(const char *name)
{
	if (name == NULL)
		return NULL;
	for (const char *p = name; *p; p++) {
		if ((*p == '/' || *p == '\\') && p[1] != '\0')
			name = p + 1;
	}
	if (strlen(name) > FILENAME_MAX_BYTES) {
		name += strlen(name) - FILENAME_MAX_BYTES;
		while (((unsigned char)*name & 0xc0) == 0x80)
			name++;
	}
	return *name ? name : NULL;
}

static const char *read_id(const struct header *header, struct arena *arena)
{
	const char *raw = header_raw(header, "Content-ID", arena);
	size_t len = strlen(raw);

	if (len > 2 && raw[0] == '<' && raw[len - 1] == '>')
		return arena_strndup(arena, raw + 1, len - 2);
	return len > 0 ? raw : NULL;
}

static const struct params *read_params(
    const struct header *header, const char *name, struct arena *arena)
{
	const struct header_field *f = header_get(header, name, 0);

	return param_parse(f ? f->value : (struct range){0}, arena);
}

static void read_fields(struct mime_part *part, bool digest, struct arena *arena)
{
	const struct params *type, *disposition;
	const char *filename, *boundary;

	header_split(part->headers, arena, &part->header);
	type = read_params(&part->header, "Content-Type", arena);
	disposition = read_params(&part->header, "Content-Disposition", arena);
	read_type(part, type->first, digest, arena);
	part->encoding =
	    read_encoding(read_params(&part->header, "Content-Transfer-Encoding", arena)->first);
	part->charset = lower(param_raw(type, "charset", arena), arena);
	part->format =
	    strcmp(lower(param_raw(type, "format", arena), arena), "flowed") == 0 ? "flowed" : "";
	part->delsp = strcmp(lower(param_raw(type, "delsp", arena), arena), "yes") == 0;
	boundary = strcmp(part->type, "multipart") == 0 ? param_raw(type, "boundary", arena) : NULL;
	part->boundary = boundary && boundary[0] ? boundary : NULL;
	filename = param_text(disposition, "filename", arena);
	if (filename == NULL)
		filename = param_text(type, "name", arena);
	part->filename = clean_filename(filename);
	part->content_id = read_id(&part->header, arena);
	part->attachment = strcmp(disposition->first, "attachment") == 0;
}

static struct range cut(struct range message, uint64_t from, uint64_t to)
{
	return (struct range){message.p + from, (size_t)(to - from)};
}

/* The recursion is as deep as the outline allows: GUARD_NESTING_MAX. */
static void finish(struct range message, const struct draft *draft, struct mime_part *part,
    struct mime_part *parent, struct arena *arena)
{
	size_t i = 0;

	part->parent = parent;
	part->whole = cut(message, draft->start, draft->end);
	part->headers = cut(message, draft->start, draft->headers_end);
	part->body = cut(message, draft->body, draft->end);
	read_fields(part, draft->digest, arena);
	part->child_count = draft->children;
	if (draft->children > 0)
		part->children = arena_alloc(arena, draft->children * sizeof(*part->children));
	for (const struct draft *child = draft->first; child != NULL; child = child->next)
		finish(message, child, &part->children[i++], part, arena);
}

int mime_parse(
    struct range message, struct arena *arena, struct mime_part **root_r, struct err *error_r)
{
	static const struct outline_cbs cbs = {on_begin, on_body, on_end};
	struct drawing drawing = {.arena = arena};
	struct outline *outline;
	int result;

	*root_r = NULL;
	if (message.len == 0)
		return err_set(error_r, "the message is empty");
	outline = outline_new(&cbs, &drawing);
	result = outline_feed(outline, message, error_r);
	if (result > 0)
		result = outline_finish(outline, error_r);
	outline_free(&outline);
	if (result < 0)
		return -1;
	*root_r = arena_alloc(arena, sizeof(**root_r));
	finish(message, drawing.root, *root_r, NULL, arena);
	return 1;
}

static void walk(const struct mime_part *part, int depth,
    void (*cb)(const struct mime_part *part, int depth, void *ctx), void *ctx)
{
	cb(part, depth, ctx);
	for (size_t i = 0; i < part->child_count; i++)
		walk(&part->children[i], depth + 1, cb, ctx);
}

void mime_walk(const struct mime_part *root,
    void (*cb)(const struct mime_part *part, int depth, void *ctx), void *ctx)
{
	walk(root, 0, cb, ctx);
}
