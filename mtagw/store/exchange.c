/*
 * exchange: rows of audit.exchange. They are collected as columns and handed to
 * audit.write_columns, the one SQL function that writes the trail, inside the transaction of the
 * thing they tell about: either both stand or neither. What may have to be erased one day goes into
 * the detail, never into the row.
 */
#include "mtagw/store/exchange.h"

#include <stdlib.h>

#include <jansson.h>

#include "mtagw/base/mem.h"

static const struct stmt write_stmt = {
    "exchange_write", "select audit.write_columns($1, " EXCHANGE_COLUMNS(2) ")"};
const struct stmt *const exchange_statements[] = {&write_stmt, NULL};

enum { ID, AT, MESSAGE, LETTER, DELIVERY, INCUMBENCY, VERSION, NUMBERS };
enum { EVENT, OUTCOME, POSITION, LOGIN, RULE, CODE, OBJECT, DETAIL, TEXTS };

struct exchanges {
	struct arena *arena;
	size_t count, size;
	int64_t *numbers[NUMBERS];
	const char **texts[TEXTS];
};

struct exchanges *exchanges_new(void)
{
	struct exchanges *list = mem_zalloc(sizeof(*list));

	list->arena = arena_new();
	return list;
}

void exchanges_free(struct exchanges **list)
{
	if (*list == NULL)
		return;
	for (int c = 0; c < NUMBERS; c++)
		free((*list)->numbers[c]);
	for (int c = 0; c < TEXTS; c++)
		free((*list)->texts[c]);
	arena_free(&(*list)->arena);
	free(*list);
	*list = NULL;
}

static void make_room(struct exchanges *list, size_t count)
{
	if (list->count + count <= list->size)
		return;
	list->size = list->size * 2 + count;
	for (int c = 0; c < NUMBERS; c++)
		list->numbers[c] =
		    mem_realloc(list->numbers[c], list->size * sizeof(*list->numbers[c]));
	for (int c = 0; c < TEXTS; c++)
		list->texts[c] = mem_realloc(list->texts[c], list->size * sizeof(*list->texts[c]));
}

static const char *kept_text(const struct exchanges *list, const char *s)
{
	return s != NULL ? arena_strdup(list->arena, s) : "";
}

static const char *detail_text(const struct exchanges *list, const char *const *details)
{
	json_t *detail = json_object();
	const char *kept;
	char *text;

	for (; details != NULL && details[0] != NULL; details += 2)
		if (details[1] != NULL && details[1][0] != '\0')
			json_object_set_new(detail, details[0],
			    json_string(db_text_clean(details[1], list->arena)));
	text = json_dumps(detail, JSON_COMPACT);
	kept = arena_strdup(list->arena, text);
	free(text);
	json_decref(detail);
	return kept;
}

void exchanges_put(
    struct exchanges *list, int64_t id, const struct exchange *x, const char *const *details)
{
	size_t n = list->count;

	make_room(list, 1);
	list->numbers[ID][n] = id;
	list->numbers[AT][n] = x->at_ms;
	list->numbers[MESSAGE][n] = x->message_id;
	list->numbers[LETTER][n] = x->letter_id;
	list->numbers[DELIVERY][n] = x->delivery_id;
	list->numbers[INCUMBENCY][n] = x->actor.incumbency;
	list->numbers[VERSION][n] = x->policy_version;
	list->texts[EVENT][n] = kept_text(list, x->event);
	list->texts[OUTCOME][n] = kept_text(list, x->outcome);
	list->texts[POSITION][n] = kept_text(list, x->actor.position);
	list->texts[LOGIN][n] = kept_text(list, x->actor.login);
	list->texts[RULE][n] = kept_text(list, x->rule_id);
	list->texts[CODE][n] = kept_text(list, x->code);
	list->texts[OBJECT][n] = kept_text(list, x->object_sha256);
	list->texts[DETAIL][n] = detail_text(list, details);
	list->count++;
}

int exchanges_add(struct exchanges *list, struct db *db, struct ids *ids,
    const struct exchange *exchange, const char *const *details, struct err *error_r)
{
	int64_t id;

	if (ids_next(ids, db, exchange->at_ms, &id, error_r) < 0)
		return -1;
	exchanges_put(list, id, exchange, details);
	return 1;
}

void exchanges_move(struct exchanges *to, struct exchanges *from)
{
	make_room(to, from->count);
	for (size_t i = 0; i < from->count; i++) {
		for (int c = 0; c < NUMBERS; c++)
			to->numbers[c][to->count + i] = from->numbers[c][i];
		for (int c = 0; c < TEXTS; c++)
			to->texts[c][to->count + i] = arena_strdup(to->arena, from->texts[c][i]);
	}
	to->count += from->count;
	from->count = 0;
}

size_t exchanges_count(const struct exchanges *list)
{
	return list->count;
}

void exchanges_params(const struct exchanges *list, struct db_param params_r[EXCHANGE_COLUMN_COUNT])
{
	static const struct {
		bool text;
		int column;
	} order[EXCHANGE_COLUMN_COUNT] = {{false, ID}, {false, AT}, {true, EVENT}, {true, OUTCOME},
	    {false, MESSAGE}, {false, LETTER}, {false, DELIVERY}, {true, POSITION},
	    {false, INCUMBENCY}, {true, LOGIN}, {false, VERSION}, {true, RULE}, {true, CODE},
	    {true, OBJECT}, {true, DETAIL}};

	for (size_t i = 0; i < EXCHANGE_COLUMN_COUNT; i++)
		params_r[i] = order[i].text ? db_texts(list->texts[order[i].column], list->count)
		                            : db_ints(list->numbers[order[i].column], list->count);
}

void exchanges_queue(struct exchanges *list, struct db *db)
{
	struct db_param params[EXCHANGE_COLUMN_COUNT];

	if (list->count == 0)
		return;
	exchanges_params(list, params);
	db_queue(db, &write_stmt, params, EXCHANGE_COLUMN_COUNT);
	list->count = 0;
}
