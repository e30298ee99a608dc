/*
 * db_gather: rows of one transaction that the same statement writes, sent as one statement whose
 * parameters are the columns. A stage of a batch of letters puts its rows one by one, as if each
 * were a statement of its own; what PostgreSQL sees is one insert a table. The statements leave in
 * the order of their first row, before anything else that is sent.
 */
#include <stdlib.h>

#include "mtagw/base/mem.h"
#include "mtagw/store/db_private.h"

struct db_gather {
	struct db_gather *next;
	const struct stmt *stmt;
	struct arena *arena;    /* of the values */
	struct db_param *cells; /* rows one behind the other */
	size_t columns, rows, size;
};

static void gather_free(struct db_gather *g)
{
	arena_free(&g->arena);
	free(g->cells);
	free(g);
}

static struct db_gather *gather_of(struct db *db, const struct stmt *stmt, size_t columns)
{
	struct db_gather **at = &db->gathers, *g;

	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->stmt == stmt)
			return *at;
	g = *at = mem_zalloc(sizeof(*g));
	g->stmt = stmt;
	g->columns = columns;
	g->arena = arena_new();
	return g;
}

static struct db_param kept(struct arena *arena, const struct db_param *p)
{
	struct db_param copy = *p;

	if (p->type == DB_TEXT && p->text != NULL)
		copy.text = arena_strdup(arena, p->text);
	if (p->type == DB_BYTES && p->bytes.p != NULL)
		copy.bytes.p = arena_strndup(arena, p->bytes.p, p->bytes.len);
	return copy;
}

void db_gather(struct db *db, const struct stmt *stmt, const struct db_param *params, size_t count)
{
	struct db_gather *g;

	if (db->lost)
		return;
	g = gather_of(db, stmt, count);
	if (g->rows == g->size) {
		g->size = g->size ? g->size * 2 : 32;
		g->cells = mem_realloc(g->cells, g->size * count * sizeof(*g->cells));
	}
	for (size_t c = 0; c < count; c++)
		g->cells[g->rows * count + c] = kept(g->arena, &params[c]);
	g->rows++;
}

/* One column; NULL stands for itself in texts and bytes. */
static struct db_param column(const struct db_gather *g, size_t c)
{
	const struct db_param *first = &g->cells[c];
	int64_t *numbers;
	const char **texts;
	struct range *ranges;

	for (size_t r = 0; r < g->rows && first->type == DB_NULL; r++)
		first = &g->cells[r * g->columns + c];
	switch (first->type) {
	case DB_INT:
	case DB_BOOL:
		numbers = arena_alloc(g->arena, g->rows * sizeof(*numbers));
		for (size_t r = 0; r < g->rows; r++)
			numbers[r] = g->cells[r * g->columns + c].number;
		return first->type == DB_INT ? db_ints(numbers, g->rows)
		                             : db_bools(numbers, g->rows);
	case DB_BYTES:
		ranges = arena_alloc(g->arena, g->rows * sizeof(*ranges));
		for (size_t r = 0; r < g->rows; r++)
			ranges[r] = g->cells[r * g->columns + c].bytes;
		return db_bytes_list(ranges, g->rows);
	default:
		texts = arena_alloc(g->arena, g->rows * sizeof(*texts));
		for (size_t r = 0; r < g->rows; r++)
			texts[r] = g->cells[r * g->columns + c].text;
		return db_texts(texts, g->rows);
	}
}

void db_gather_send(struct db *db)
{
	while (db->gathers != NULL) {
		struct db_gather *g = db->gathers;
		struct db_param *params = arena_alloc(g->arena, g->columns * sizeof(*params));
		struct db_wire wire;

		for (size_t c = 0; c < g->columns; c++)
			params[c] = column(g, c);
		db_wire_encode(&wire, params, g->columns, false, g->arena);
		db_link_exec(db, g->stmt, &wire,
		    (struct db_op){.keep_r = g->stmt == db->kept_stmt ? db->kept_r : NULL});
		db->gathers = g->next;
		gather_free(g);
	}
}

void db_gather_drop(struct db *db)
{
	while (db->gathers != NULL) {
		struct db_gather *g = db->gathers;

		db->gathers = g->next;
		gather_free(g);
	}
}
