/*
 * outline: the structure of a message, line by line, in linear time and without recursion: an open
 * part is an entry of a short stack. A line beginning with `--` is compared with the boundaries of
 * the open multiparts, outermost first (RFC 2046 5.1.2); a part's headers end at the first empty
 * line, or at a line that is no field (then that line is body, so that nobody can hide text there).
 * Ours and not libetpan's because that loses the empty line before a part without headers, reads on
 * behind a closing delimiter, and writes outside its memory at boundary="\"" (all seen with 1.9.4).
 */
#include "mtagw/mail/outline.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/mem.h"
#include "mtagw/mail/guard.h"
#include "mtagw/mail/header_split.h"
#include "mtagw/mail/param.h"

/* Open parts at once: each level of nesting holds one container and its current child. */
#define STACK_MAX (GUARD_NESTING_MAX + 2)
/* Of a longer line only this much is looked at; no boundary can be longer than its field. */
#define LINE_SEEN_MAX GUARD_FIELD_MAX_BYTES

struct part {
	char *boundary; /* of a multipart whose delimiters count; NULL else */
	size_t boundary_len;
	bool digest;      /* multipart/digest: children default to message/rfc822 */
	uint64_t body_at; /* where its body began; its start while in its headers */
};

struct outline {
	const struct outline_cbs *cbs;
	void *ctx;
	struct part stack[STACK_MAX];
	size_t depth;         /* entries in use, at least 1 until the end */
	bool in_header;       /* of the innermost part */
	bool default_message; /* the innermost part has message/rfc822 as default */
	bool failed, started;
	struct buf carry;     /* a line cut by the feeding, at most LINE_SEEN_MAX of it */
	uint64_t carry_len;   /* its true length so far */
	bool carry_cr;        /* its last byte was a CR */
	uint64_t line_at;     /* offset of the line being read */
	uint64_t line_number; /* of the line being read, from 1 */
	unsigned last_eol;    /* bytes of the previous line's end: 0, 1 or 2 */
	/* headers of the innermost part */
	uint64_t block_len, field_len;
	size_t block_fields;
	struct buf type, encoding; /* raw values of Content-Type and -Transfer-Encoding */
	bool seen_type, seen_encoding;
	struct buf *capture;
	size_t fields_total, parts;
};

struct outline *outline_new(const struct outline_cbs *cbs, void *ctx)
{
	struct outline *o = mem_zalloc(sizeof(*o));

	o->cbs = cbs;
	o->ctx = ctx;
	o->line_number = 1;
	return o;
}

void outline_free(struct outline **outline)
{
	struct outline *o = *outline;

	*outline = NULL;
	if (o == NULL)
		return;
	for (size_t i = 0; i < STACK_MAX; i++)
		free(o->stack[i].boundary);
	buf_free(&o->carry);
	buf_free(&o->type);
	buf_free(&o->encoding);
	free(o);
}

uint64_t outline_line(const struct outline *outline)
{
	return outline->line_number;
}

static int fail(struct outline *o, struct err *error_r, const char *what, uint64_t max)
{
	o->failed = true;
	return err_set(error_r, "%s (limit %llu) at line %llu", what, (unsigned long long)max,
	    (unsigned long long)o->line_number);
}

static int begin_part(struct outline *o, uint64_t at, bool digest, struct err *error_r)
{
	/* the root and one entry a level: full means nested too deep */
	if (o->depth > GUARD_NESTING_MAX)
		return fail(o, error_r, "parts nested too deep", GUARD_NESTING_MAX);
	o->stack[o->depth++] = (struct part){.body_at = at};
	o->in_header = true;
	o->default_message = digest;
	o->block_len = o->field_len = 0;
	o->block_fields = 0;
	o->capture = NULL;
	o->seen_type = o->seen_encoding = false;
	buf_reset(&o->type);
	buf_reset(&o->encoding);
	if (o->cbs != NULL)
		o->cbs->begin(at, digest, o->ctx);
	return 1;
}

static void end_part(struct outline *o, uint64_t at)
{
	struct part *p = &o->stack[--o->depth];

	if (at < p->body_at)
		at = p->body_at;
	if (o->in_header && o->cbs != NULL) /* it had no body at all */
		o->cbs->body(at, at, o->ctx);
	o->in_header = false;
	if (o->cbs != NULL)
		o->cbs->end(at, o->ctx);
	free(p->boundary);
	p->boundary = NULL;
}

static bool is_encoded(struct outline *o, struct arena *arena)
{
	const char *mechanism = param_parse(buf_range(&o->encoding), arena)->first;

	return strcmp(mechanism, "base64") == 0 || strcmp(mechanism, "quoted-printable") == 0;
}

/* What the headers said about the body: opens a multipart, or the message inside. */
static int open_container(struct outline *o, uint64_t body_at, struct err *error_r)
{
	struct part *p = &o->stack[o->depth - 1];
	struct arena *arena = arena_new();
	const struct params *type = param_parse(buf_range(&o->type), arena);
	const char *boundary = NULL;
	bool message =
	    strcmp(type->first, "message/rfc822") == 0 || (!o->seen_type && o->default_message);
	int result = 1;

	/* RFC 2046 5.2.1 allows no encoding here; some encode: then it is a leaf */
	message = message && !is_encoded(o, arena);
	if (strncmp(type->first, "multipart/", 10) == 0)
		boundary = param_raw(type, "boundary", arena);
	if (boundary != NULL && boundary[0] != '\0') {
		p->boundary = mem_strdup(boundary);
		p->boundary_len = strlen(boundary);
		p->digest = strcmp(type->first, "multipart/digest") == 0;
	}
	if ((message || p->boundary != NULL) && o->depth > GUARD_NESTING_MAX)
		result = fail(o, error_r, "parts nested too deep", GUARD_NESTING_MAX);
	else if (message)
		result = begin_part(o, body_at, false, error_r);
	arena_free(&arena);
	return result;
}

static int end_headers(
    struct outline *o, uint64_t headers_end, uint64_t body_at, struct err *error_r)
{
	o->in_header = false;
	o->capture = NULL;
	o->stack[o->depth - 1].body_at = body_at;
	if (o->cbs != NULL)
		o->cbs->body(headers_end, body_at, o->ctx);
	return open_container(o, body_at, error_r);
}

/* 0 no delimiter of any open multipart; 1 delimiter, 2 close delimiter of stack[*level_r]. */
static int match_delimiter(const struct outline *o, struct range line, size_t *level_r)
{
	for (size_t i = 0; i < o->depth; i++) {
		const struct part *p = &o->stack[i];
		struct range rest;

		if (p->boundary == NULL || line.len < p->boundary_len + 2 ||
		    memcmp(line.p + 2, p->boundary, p->boundary_len) != 0)
			continue;
		*level_r = i;
		rest = (struct range){line.p + p->boundary_len + 2, line.len - p->boundary_len - 2};
		while (
		    rest.len > 0 && (rest.p[rest.len - 1] == ' ' || rest.p[rest.len - 1] == '\t'))
			rest.len--; /* RFC 2046 5.1.1: transport padding */
		if (rest.len == 0)
			return 1;
		if (rest.len == 2 && memcmp(rest.p, "--", 2) == 0)
			return 2;
	}
	return 0;
}

static int on_delimiter(
    struct outline *o, size_t level, bool closing, uint64_t next, struct err *error_r)
{
	struct part *p = &o->stack[level];

	while (o->depth > level + 1)
		end_part(o, o->line_at - o->last_eol);
	o->in_header = false;
	if (closing) { /* what follows is epilogue, whatever it looks like */
		free(p->boundary);
		p->boundary = NULL;
		return 1;
	}
	if (++o->parts > GUARD_PARTS_MAX)
		return fail(o, error_r, "too many parts", GUARD_PARTS_MAX);
	return begin_part(o, next, p->digest, error_r);
}

static void start_field(struct outline *o, struct range line, size_t name_len)
{
	struct range name = {line.p, name_len};

	o->field_len = 0;
	o->block_fields++;
	o->fields_total++;
	o->capture = NULL;
	if (range_equal_case(name, "content-type") && !o->seen_type) {
		o->seen_type = true;
		o->capture = &o->type;
	} else if (range_equal_case(name, "content-transfer-encoding") && !o->seen_encoding) {
		o->seen_encoding = true;
		o->capture = &o->encoding;
	}
}

static bool is_mbox_line(const struct outline *o, struct range line)
{
	return o->block_len == 0 && ((line.len >= 5 && memcmp(line.p, "From ", 5) == 0) ||
	                                (line.len >= 6 && memcmp(line.p, ">From ", 6) == 0));
}

static int on_header_line(
    struct outline *o, struct range line, uint64_t len, uint64_t next, struct err *error_r)
{
	size_t name_len;
	const char *value = line.p;

	if (line.len == 0)
		return end_headers(o, o->line_at, next, error_r);
	if (line.p[0] == ' ' || line.p[0] == '\t') {
		if (o->block_fields == 0)
			return end_headers(o, o->line_at, o->line_at, error_r);
	} else if ((name_len = header_name_len(line)) > 0) {
		start_field(o, line, name_len);
		value = (const char *)memchr(line.p, ':', line.len) + 1;
	} else if (!is_mbox_line(o, line)) {
		return end_headers(o, o->line_at, o->line_at, error_r);
	}
	o->field_len += len;
	o->block_len += len;
	if (o->field_len > GUARD_FIELD_MAX_BYTES)
		return fail(o, error_r, "header field too large", GUARD_FIELD_MAX_BYTES);
	if (o->block_len > GUARD_HEADER_MAX_BYTES)
		return fail(o, error_r, "header too large", GUARD_HEADER_MAX_BYTES);
	if (o->fields_total > GUARD_FIELDS_MAX)
		return fail(o, error_r, "too many header fields", GUARD_FIELDS_MAX);
	if (o->capture != NULL) /* a continuation brings its own blank */
		buf_append(o->capture, value, (size_t)(line.p + line.len - value));
	return 1;
}

/* One line of len bytes, of which seen holds the first LINE_SEEN_MAX without the line end of eol
 * bytes. */
static int on_line(
    struct outline *o, struct range seen, uint64_t len, unsigned eol, struct err *error_r)
{
	uint64_t next = o->line_at + len;
	size_t level;
	int result = 1, kind = 0;

	if (seen.len >= 2 && seen.p[0] == '-' && seen.p[1] == '-')
		kind = match_delimiter(o, seen, &level);
	if (kind > 0)
		result = on_delimiter(o, level, kind == 2, next, error_r);
	else if (o->in_header)
		result = on_header_line(o, seen, len, next, error_r);
	o->line_at = next;
	o->last_eol = eol;
	o->line_number++;
	return result;
}

static int whole_line(struct outline *o, struct range line, uint64_t len, struct err *error_r)
{
	unsigned eol = 0;

	if (line.len > 0 && line.p[line.len - 1] == '\n') {
		eol = line.len > 1 && line.p[line.len - 2] == '\r' ? 2 : 1;
		line.len -= eol;
	}
	if (line.len > LINE_SEEN_MAX)
		line.len = LINE_SEEN_MAX;
	return on_line(o, line, len, eol, error_r);
}

/* Keeps the beginning of a line that the feeding has cut. */
static void carry(struct outline *o, struct range data)
{
	size_t room = LINE_SEEN_MAX - o->carry.len;

	o->carry_len += data.len;
	buf_append(&o->carry, data.p, data.len < room ? data.len : room);
}

/* A header line that never ends must not wait for its end to be refused. */
static int over_while_cut(struct outline *o, struct err *error_r)
{
	if (o->in_header && o->carry_len > GUARD_FIELD_MAX_BYTES)
		return fail(o, error_r, "header field too large", GUARD_FIELD_MAX_BYTES);
	return 1;
}

static int end_carried(struct outline *o, struct range tail, bool cr_before, struct err *error_r)
{
	unsigned eol = tail.len == 0 ? 0 : 1;
	struct range seen;
	uint64_t len;
	int result;

	carry(o, tail);
	len = o->carry_len;
	if (eol == 1 && (tail.len > 1 ? tail.p[tail.len - 2] == '\r' : cr_before))
		eol = 2;
	seen = buf_range(&o->carry);
	if (len - eol < seen.len)
		seen.len = (size_t)(len - eol);
	result = on_line(o, seen, len, eol, error_r);
	buf_reset(&o->carry);
	o->carry_len = 0;
	return result;
}

static int start(struct outline *o, struct err *error_r)
{
	o->started = true;
	return begin_part(o, 0, false, error_r);
}

int outline_feed(struct outline *o, struct range data, struct err *error_r)
{
	if (o->failed)
		return err_set(error_r, "the message was refused before");
	if (!o->started && start(o, error_r) < 0)
		return -1;
	while (data.len > 0) {
		const char *lf = memchr(data.p, '\n', data.len);
		size_t len = lf ? (size_t)(lf - data.p) + 1 : data.len;
		struct range line = {data.p, len};
		int result;

		if (lf == NULL) {
			o->carry_cr = line.p[len - 1] == '\r';
			carry(o, line);
			return over_while_cut(o, error_r);
		}
		if (o->carry_len > 0)
			result = end_carried(o, line, o->carry_cr, error_r);
		else
			result = whole_line(o, line, len, error_r);
		if (result < 0)
			return -1;
		data.p += len;
		data.len -= len;
	}
	return 1;
}

int outline_finish(struct outline *o, struct err *error_r)
{
	if (o->failed)
		return err_set(error_r, "the message was refused before");
	if (!o->started && start(o, error_r) < 0)
		return -1;
	if (o->carry_len > 0 && end_carried(o, (struct range){0}, false, error_r) < 0)
		return -1;
	while (o->depth > 0)
		end_part(o, o->line_at);
	return 1;
}
