/*
 * ctl_print: reports as aligned tables for people and as JSON for programs. Keys of JSON are
 * stable; ids are strings (they have 64 bits), times are ISO 8601 in the city's zone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <jansson.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/codec.h"
#include "mtagw/main/ctl.h"

/* A cell longer than this is cut in tables (never in JSON). */
#define CELL_MAX 70
#define COLUMNS_MAX 24 /* of a table; no report has as many */

static json_t *json_value(const struct db_result *r, size_t row, int col, enum report_type type)
{
	char text[80];
	struct range bytes;

	switch (type) {
	case REPORT_ID:
		if (db_get_int(r, row, col) == 0)
			return json_null();
		(void)snprintf(text, sizeof(text), "%lld", (long long)db_get_int(r, row, col));
		return json_string(text);
	case REPORT_INT:
		return json_integer(db_get_int(r, row, col));
	case REPORT_BOOL:
		return json_boolean(db_get_bool(r, row, col));
	case REPORT_TIME:
		if (db_get_int(r, row, col) == 0)
			return json_null();
		clock_iso8601(db_get_int(r, row, col), text);
		return json_string(text);
	case REPORT_JSON: {
		json_t *value = json_loads(db_get_text(r, row, col), JSON_DECODE_ANY, NULL);

		return value ? value : json_object();
	}
	case REPORT_HEX:
		bytes = db_get_bytes(r, row, col);
		if (bytes.len == 0 || bytes.len > 32)
			return json_null();
		codec_hex(bytes.p, bytes.len, text);
		return json_string(text);
	case REPORT_TEXT:
		break;
	}
	return json_string(db_get_text(r, row, col));
}

static json_t *json_row(const struct report *report, const struct db_result *r, size_t row)
{
	json_t *object = json_object();

	for (int col = 0; report->columns[col].key != NULL; col++)
		json_object_set_new(object, report->columns[col].key,
		    json_value(r, row, col, report->columns[col].type));
	return object;
}

static json_t *json_rows(const struct report *report, const struct db_result *r)
{
	json_t *list = json_array();

	for (size_t row = 0; row < db_rows(r); row++)
		json_array_append_new(list, json_row(report, r, row));
	return list;
}

static const char *detail_text(const char *json, struct arena *arena)
{
	json_t *object = json_loads(json, 0, NULL), *value;
	struct buf out = {0};
	const char *key, *text;

	json_object_foreach(object, key, value)
	{
		char *shown = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

		if (json_is_null(value) ||
		    (json_is_string(value) && json_string_value(value)[0] == '\0')) {
			free(shown);
			continue;
		}
		buf_printf(&out, "%s%s=%s", out.len ? " " : "", key,
		    shown ? shown : json_string_value(value));
		free(shown);
	}
	text = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	json_decref(object);
	return text;
}

static const char *cell(
    const struct db_result *r, size_t row, int col, enum report_type type, struct arena *arena)
{
	int64_t v;
	struct city_date d;

	switch (type) {
	case REPORT_ID:
		v = db_get_int(r, row, col);
		return v == 0 ? "-" : arena_printf(arena, "%lld", (long long)v);
	case REPORT_INT:
		return db_is_null(r, row, col)
		           ? "-"
		           : arena_printf(arena, "%lld", (long long)db_get_int(r, row, col));
	case REPORT_BOOL:
		return db_get_bool(r, row, col) ? "yes" : "no";
	case REPORT_TIME:
		v = db_get_int(r, row, col);
		if (v == 0)
			return "-";
		d = clock_city_date(v);
		return arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d", d.year, d.month, d.day,
		    d.hour, d.minute, d.second);
	case REPORT_JSON:
		return detail_text(db_get_text(r, row, col), arena);
	case REPORT_HEX: {
		struct range bytes = db_get_bytes(r, row, col);
		char *hex = arena_alloc(arena, 17);

		codec_hex(bytes.p ? bytes.p : "", bytes.len < 8 ? bytes.len : 8, hex);
		return hex;
	}
	case REPORT_TEXT:
		break;
	}
	return db_get_text(r, row, col)[0] ? arena_strdup(arena, db_get_text(r, row, col)) : "-";
}

/* Columns of a terminal: characters of UTF-8, controls as '?'. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Controls of mail from outside would steer the administrator's terminal: C0, DEL, and C1, which
 * are c2 80 to c2 9f in UTF-8. */
bool ctl_is_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	return *p < ' ' || *p == 127 || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0);
}

static void put_cell(const char *text, int pad)
{
	int n = 0;

	for (; *text && (pad == 0 || n < CELL_MAX); text++) {
		if (((unsigned char)*text & 0xc0) != 0x80)
			n++;
		if (ctl_is_control(text)) {
			(void)putchar(' ');
			text += (unsigned char)*text == 0xc2; /* the second byte of a C1 control */
		} else {
			(void)putchar(*text);
		}
	}
	while (n++ < pad)
		(void)putchar(' ');
}

static bool has_words(const char *const *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cells[i][0] != '\0')
			return true;
	return false;
}

void ctl_print_cells(const char *const *cells, size_t lines, size_t columns)
{
	int widths[COLUMNS_MAX] = {0};

	for (size_t i = 0; i < lines * columns; i++) {
		int w = width(cells[i]), *widest = &widths[i % columns];

		w = w < CELL_MAX ? w : CELL_MAX;
		*widest = w > *widest ? w : *widest;
	}
	for (size_t i = has_words(cells, columns) ? 0 : columns; i < lines * columns; i++) {
		bool last = i % columns == columns - 1;

		put_cell(cells[i], last ? 0 : widths[i % columns]);
		(void)fputs(last ? "\n" : "  ", stdout);
	}
}

static void print_table(const struct report *report, const struct db_result *r, struct arena *arena)
{
	const char **cells = arena_alloc(arena, (db_rows(r) + 1) * COLUMNS_MAX * sizeof(*cells));
	size_t columns = 0, n = 0;

	for (int col = 0; report->columns[col].key != NULL; col++)
		if (report->columns[col].title != NULL && columns < COLUMNS_MAX) {
			cells[n++] = report->columns[col].title;
			columns++;
		}
	for (size_t row = 0; row < db_rows(r); row++)
		for (int col = 0; report->columns[col].key != NULL && n < (row + 2) * columns;
		     col++)
			if (report->columns[col].title != NULL)
				cells[n++] = cell(r, row, col, report->columns[col].type, arena);
	ctl_print_cells(cells, db_rows(r) + 1, columns);
}

static void print_single(
    const struct report *report, const struct db_result *r, struct arena *arena)
{
	for (int col = 0; db_rows(r) > 0 && report->columns[col].key != NULL; col++) {
		const char *title = report->columns[col].title ? report->columns[col].title
		                                               : report->columns[col].key;

		put_cell(title, 24);
		(void)fputs("  ", stdout);
		put_cell(cell(r, 0, col, report->columns[col].type, arena), 0);
		(void)putchar('\n');
	}
}

static int print_json(json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(json);
	return 0;
}

void ctl_print_result(struct ctl *c, const struct report *report, const struct db_result *r)
{
	if (c->o.json)
		(void)print_json(json_rows(report, r));
	else if (db_rows(r) == 0)
		(void)puts("nothing");
	else
		print_table(report, r, c->arena);
}

int ctl_print_report(struct ctl *c, const struct report *report, const struct db_param *params)
{
	struct db_result *r = NULL;

	if (report_run(c->db, report, params, &r, &c->err) < 0)
		return 1;
	ctl_print_result(c, report, r);
	db_result_free(&r);
	return 0;
}

static void merge_row(json_t *all, const struct report *report, const struct db_result *r)
{
	json_t *row = json_row(report, r, 0);

	json_object_update(all, row);
	json_decref(row);
}

int ctl_print_parts(
    struct ctl *c, const struct ctl_part *parts, size_t count, const struct db_param *params)
{
	json_t *all = json_object();

	for (size_t i = 0; i < count; i++) {
		const struct ctl_part *p = &parts[i];
		struct db_result *r = NULL;

		if (report_run(c->db, p->report, params, &r, &c->err) < 0) {
			json_decref(all);
			return 1;
		}
		if (c->o.json) {
			if (p->single && db_rows(r) > 0)
				merge_row(all, p->report, r);
			else
				json_object_set_new(all, p->name, json_rows(p->report, r));
		} else if (p->single) {
			print_single(p->report, r, c->arena);
		} else if (db_rows(r) > 0) {
			printf("\n%s\n", p->title);
			print_table(p->report, r, c->arena);
		}
		db_result_free(&r);
	}
	if (c->o.json)
		return print_json(all);
	json_decref(all);
	return 0;
}
