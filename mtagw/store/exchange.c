/*
 * exchange: rows of audit.exchange. They are collected as JSON and handed to audit.write, the one
 * SQL function that writes the trail, inside the transaction of the thing they tell about: either
 * both stand or neither. What may have to be erased one day goes into the detail, never into the
 * row.
 */
#include "mtagw/store/exchange.h"

#include <stdlib.h>

#include <jansson.h>

#include "mtagw/base/mem.h"

static const struct stmt write_stmt = {"exchange_write", "select audit.write($1::text::jsonb)"};
const struct stmt *const exchange_statements[] = {&write_stmt, NULL};

struct exchanges {
	json_t *rows;
};

struct exchanges *exchanges_new(void)
{
	struct exchanges *list = mem_zalloc(sizeof(*list));

	list->rows = json_array();
	return list;
}

void exchanges_free(struct exchanges **list)
{
	if (*list == NULL)
		return;
	json_decref((*list)->rows);
	free(*list);
	*list = NULL;
}

static void put_text(json_t *row, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		json_object_set_new(row, key, json_string(value));
}

static void put_id(json_t *row, const char *key, int64_t value)
{
	if (value != 0)
		json_object_set_new(row, key, json_integer(value));
}

static json_t *row_json(const struct exchange *x, int64_t id, const char *const *details)
{
	json_t *row = json_object(), *detail = json_object();
	struct arena *arena = arena_new();

	put_id(row, "id", id);
	put_id(row, "at", x->at_ms);
	put_text(row, "event", x->event);
	put_text(row, "outcome", x->outcome);
	put_id(row, "message_id", x->message_id);
	put_id(row, "letter_id", x->letter_id);
	put_id(row, "delivery_id", x->delivery_id);
	put_text(row, "position", x->actor.position);
	put_id(row, "incumbency", x->actor.incumbency);
	put_text(row, "login", x->actor.login);
	put_id(row, "policy_version", x->policy_version);
	put_text(row, "rule_id", x->rule_id);
	put_text(row, "code", x->code);
	put_text(row, "object_sha256", x->object_sha256);
	for (; details != NULL && details[0] != NULL; details += 2)
		if (details[1] != NULL)
			put_text(detail, details[0], db_text_clean(details[1], arena));
	json_object_set_new(row, "detail", detail);
	arena_free(&arena);
	return row;
}

int exchanges_add(struct exchanges *list, struct db *db, struct ids *ids,
    const struct exchange *exchange, const char *const *details, struct err *error_r)
{
	int64_t id;

	if (ids_next(ids, db, exchange->at_ms, &id, error_r) < 0)
		return -1;
	json_array_append_new(list->rows, row_json(exchange, id, details));
	return 1;
}

void exchanges_queue(struct exchanges *list, struct db *db)
{
	struct db_param param;
	char *text;

	if (json_array_size(list->rows) == 0)
		return;
	text = json_dumps(list->rows, JSON_COMPACT);
	param = db_text(text);
	db_queue(db, &write_stmt, &param, 1);
	free(text);
	json_array_clear(list->rows);
}

char *exchange_json(const struct exchange *exchange, int64_t id, const char *const *details)
{
	json_t *rows = json_array();
	char *text;

	json_array_append_new(rows, row_json(exchange, id, details));
	text = json_dumps(rows, JSON_COMPACT);
	json_decref(rows);
	return text;
}
