/*
 * db_value: parameters and results in PostgreSQL's binary form (big-endian integers, array
 * headers), and the check that a text is one a text column takes. No libpq here. Each parameter
 * declares its type, so that an int8 never meets a column's guess of int4.
 */
#include "mtagw/store/db.h"

#include <string.h>

#include "mtagw/base/log.h"
#include "mtagw/store/db_private.h"

/* Header of a one-dimensional array: dimensions, has-null, element type, length, lower bound. */
#define ARRAY_HEADER 20
#define ARRAY_EMPTY_HEADER 12

struct db_param db_null(void)
{
	return (struct db_param){.type = DB_NULL};
}

struct db_param db_int(int64_t v)
{
	return (struct db_param){.type = DB_INT, .number = v};
}

struct db_param db_bool(bool v)
{
	return (struct db_param){.type = DB_BOOL, .number = v};
}

struct db_param db_text(const char *s)
{
	return (struct db_param){.type = DB_TEXT, .text = s};
}

struct db_param db_bytes(struct range r)
{
	return (struct db_param){.type = DB_BYTES, .bytes = r};
}

struct db_param db_ints(const int64_t *v, size_t n)
{
	return (struct db_param){.type = DB_INT_ARRAY, .numbers = v, .count = n};
}

struct db_param db_texts(const char *const *v, size_t n)
{
	return (struct db_param){.type = DB_TEXT_ARRAY, .texts = v, .count = n};
}

struct db_param db_bools(const int64_t *v, size_t n)
{
	return (struct db_param){.type = DB_BOOL_ARRAY, .numbers = v, .count = n};
}

struct db_param db_bytes_list(const struct range *v, size_t n)
{
	return (struct db_param){.type = DB_BYTES_ARRAY, .ranges = v, .count = n};
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629 section 4), 0 where there is none. */
static size_t utf8_length(const unsigned char *p)
{
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool db_text_ok(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p != '\0') {
		size_t n = utf8_length(p);

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

const char *db_text_clean(const char *s, struct arena *arena)
{
	struct buf out = {0};
	const char *clean;

	if (s == NULL)
		return "";
	if (db_text_ok(s))
		return arena_strdup(arena, s);
	while (*s != '\0') {
		size_t n = utf8_length((const unsigned char *)s);

		if (n == 0)
			buf_append(&out, "\xef\xbf\xbd", 3);
		else
			buf_append(&out, s, n);
		s += n == 0 ? 1 : n;
	}
	clean = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return clean;
}

static char *put32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		*p++ = (char)(v >> (24 - 8 * i));
	return p;
}

static char *put64(char *p, uint64_t v)
{
	p = put32(p, (uint32_t)(v >> 32));
	return put32(p, (uint32_t)v);
}

static uint64_t get_be(const char *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static char *array_header(char *p, size_t count, unsigned element)
{
	p = put32(p, count > 0 ? 1 : 0);
	p = put32(p, 0);
	p = put32(p, element);
	if (count > 0) {
		p = put32(p, (uint32_t)count);
		p = put32(p, 1);
	}
	return p;
}

static struct range encode_ints(const struct db_param *param, struct arena *arena)
{
	char *start = arena_alloc(arena, ARRAY_HEADER + param->count * 12);
	char *p = array_header(start, param->count, DB_OID_INT8);

	for (size_t i = 0; i < param->count; i++) {
		p = put32(p, 8);
		p = put64(p, (uint64_t)param->numbers[i]);
	}
	return (struct range){start, (size_t)(p - start)};
}

static struct range encode_bools(const struct db_param *param, struct arena *arena)
{
	char *start = arena_alloc(arena, ARRAY_HEADER + param->count * 5);
	char *p = array_header(start, param->count, DB_OID_BOOL);

	for (size_t i = 0; i < param->count; i++) {
		p = put32(p, 1);
		*p++ = param->numbers[i] != 0;
	}
	return (struct range){start, (size_t)(p - start)};
}

/* Element n of an array of texts or bytes; NULL p for SQL NULL. */
static struct range element(const struct db_param *param, size_t n)
{
	if (param->type == DB_BYTES_ARRAY)
		return param->ranges[n];
	return range_of(param->texts[n]);
}

static struct range encode_list(const struct db_param *param, unsigned type, struct arena *arena)
{
	size_t size = ARRAY_HEADER;
	bool has_null = false;
	char *start, *p;

	for (size_t i = 0; i < param->count; i++)
		size += 4 + element(param, i).len;
	start = arena_alloc(arena, size);
	p = array_header(start, param->count, type);
	for (size_t i = 0; i < param->count; i++) {
		struct range r = element(param, i);

		has_null = has_null || r.p == NULL;
		p = put32(p, r.p != NULL ? (uint32_t)r.len : UINT32_MAX);
		if (r.p != NULL && r.len > 0)
			memcpy(p, r.p, r.len);
		p += r.len;
	}
	/* has-null is a hint that receivers check: set it when there is one */
	if (has_null)
		put32(start + 4, 1);
	return (struct range){start, (size_t)(p - start)};
}

static struct range encode_number(const struct db_param *param, struct arena *arena)
{
	char *p = arena_alloc(arena, 8);

	if (param->type == DB_BOOL) {
		p[0] = param->number != 0;
		return (struct range){p, 1};
	}
	put64(p, (uint64_t)param->number);
	return (struct range){p, 8};
}

static struct range encode(
    const struct db_param *param, bool copy, struct arena *arena, unsigned *type_r)
{
	struct range r = {0};

	switch (param->type) {
	case DB_NULL:
		*type_r = DB_OID_ANY;
		return r;
	case DB_INT:
	case DB_BOOL:
		*type_r = param->type == DB_INT ? DB_OID_INT8 : DB_OID_BOOL;
		return encode_number(param, arena);
	case DB_INT_ARRAY:
		*type_r = DB_OID_INT8_ARRAY;
		return encode_ints(param, arena);
	case DB_TEXT_ARRAY:
		*type_r = DB_OID_TEXT_ARRAY;
		return encode_list(param, DB_OID_TEXT, arena);
	case DB_BOOL_ARRAY:
		*type_r = DB_OID_BOOL_ARRAY;
		return encode_bools(param, arena);
	case DB_BYTES_ARRAY:
		*type_r = DB_OID_BYTEA_ARRAY;
		return encode_list(param, DB_OID_BYTEA, arena);
	case DB_TEXT:
		*type_r = DB_OID_TEXT;
		r = range_of(param->text != NULL ? param->text : "");
		if (param->text == NULL)
			return (struct range){0};
		break;
	case DB_BYTES:
		*type_r = DB_OID_BYTEA;
		r = param->bytes;
		break;
	}
	if (copy)
		r.p = arena_strndup(arena, r.len > 0 ? r.p : "", r.len);
	else if (r.p == NULL)
		r.p = "";
	return r;
}

void db_wire_encode(struct db_wire *wire, const struct db_param *params, size_t count, bool copy,
    struct arena *arena)
{
	wire->count = count;
	wire->types = arena_alloc(arena, (count + 1) * sizeof(*wire->types));
	wire->values = arena_alloc(arena, (count + 1) * sizeof(*wire->values));
	wire->lengths = arena_alloc(arena, (count + 1) * sizeof(*wire->lengths));
	wire->formats = arena_alloc(arena, (count + 1) * sizeof(*wire->formats));
	for (size_t i = 0; i < count; i++) {
		struct range r = encode(&params[i], copy, arena, &wire->types[i]);

		wire->values[i] = r.p;
		wire->lengths[i] = (int)r.len;
		wire->formats[i] = 1;
	}
}

bool db_is_null(const struct db_result *r, size_t row, int col)
{
	return db_result_value(r, row, col).p == NULL;
}

int64_t db_get_int(const struct db_result *r, size_t row, int col)
{
	struct range v = db_result_value(r, row, col);

	switch (v.len) {
	case 1:
		return (unsigned char)v.p[0];
	case 2:
		return (int16_t)get_be(v.p, 2);
	case 4:
		return (int32_t)get_be(v.p, 4);
	case 8:
		return (int64_t)get_be(v.p, 8);
	default:
		if (v.p != NULL)
			log_error("db_result col=%d: %zu bytes are no integer", col, v.len);
		return 0;
	}
}

bool db_get_bool(const struct db_result *r, size_t row, int col)
{
	return db_get_int(r, row, col) != 0;
}

const char *db_get_text(const struct db_result *r, size_t row, int col)
{
	struct range v = db_result_value(r, row, col); /* libpq puts a NUL after each value */

	return v.p != NULL ? v.p : "";
}

struct range db_get_bytes(const struct db_result *r, size_t row, int col)
{
	return db_result_value(r, row, col);
}

/* Start of the elements and their number; {0} for an empty, NULL or odd array. */
static struct range array_elements(struct range v, size_t *n_r)
{
	*n_r = 0;
	if (v.len < ARRAY_HEADER || get_be(v.p, 4) != 1)
		return (struct range){0};
	*n_r = (size_t)get_be(v.p + 12, 4);
	v.p += ARRAY_HEADER;
	v.len -= ARRAY_HEADER;
	if (*n_r > v.len / 4) /* each has a length word: the count cannot be true otherwise */
		*n_r = 0;
	return v;
}

/* Takes one element off; a NULL element is empty. */
static struct range array_take(struct range *v)
{
	struct range element = {"", 0};
	uint32_t len;

	if (v->len < 4)
		return element;
	len = (uint32_t)get_be(v->p, 4);
	v->p += 4;
	v->len -= 4;
	if (len == UINT32_MAX || len > v->len)
		return element;
	element = (struct range){v->p, len};
	v->p += len;
	v->len -= len;
	return element;
}

const int64_t *db_get_ints(
    const struct db_result *r, size_t row, int col, struct arena *arena, size_t *n_r)
{
	struct range v = array_elements(db_result_value(r, row, col), n_r);
	int64_t *list = arena_alloc(arena, (*n_r + 1) * sizeof(*list));

	for (size_t i = 0; i < *n_r; i++) {
		struct range e = array_take(&v);

		list[i] = e.len == 8   ? (int64_t)get_be(e.p, 8)
		          : e.len == 4 ? (int32_t)get_be(e.p, 4)
		                       : 0;
	}
	return list;
}

const char *const *db_get_texts(
    const struct db_result *r, size_t row, int col, struct arena *arena, size_t *n_r)
{
	struct range v = array_elements(db_result_value(r, row, col), n_r);
	const char **list = arena_alloc(arena, (*n_r + 1) * sizeof(*list));

	for (size_t i = 0; i < *n_r; i++) {
		struct range e = array_take(&v);

		list[i] = arena_strndup(arena, e.p, e.len);
	}
	return list;
}
