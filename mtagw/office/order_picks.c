/*
 * order_picks: `1,3 TL besok`: numbers of subordinates with instructions, a date and free words. A
 * phone writes several on one line (`2 UDK, 4 TL lusa`). What looks like a further number or like a
 * date and is neither is asked back: taken for a note it would be an order to fewer people, or by
 * another day, than was meant.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mtagw/office/order_private.h"

/* Past a label of that id at the beginning: `batas jumat`, `catatan: ...`; else text. */
static const char *past_label(
    const struct order_making *m, const char *text, const char *id, const char *ends)
{
	size_t count;
	const struct policy_word *labels = policy_labels(m->source->policy, &count);

	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(labels[i].word);

		if (strcmp(labels[i].id, id) == 0 && strncasecmp(text, labels[i].word, n) == 0 &&
		    text[n] != '\0' && strchr(ends, text[n]) != NULL)
			return text + n + 1 + strspn(text + n + 1, " ");
	}
	return text;
}

/* One instruction or the date at the beginning of text: what stands behind it, NULL for neither. */
static const char *take_one(struct order_making *m, struct order *o, const char *text)
{
	const struct order_source *s = m->source;
	const char *rest;
	const struct policy_instruction *i = policy_instruction_by_word(s->policy, text, &rest);
	bool has_time;
	int64_t due;

	if (i != NULL && order_add_instruction(o, i)) {
		o->words = order_joined(m, o->words, i->word);
		return rest;
	}
	if (o->due_written || reply_date(past_label(m, text, "due", " :"), s->mail_ms, m->arena,
	                          &due, &has_time, &rest) != 1)
		return NULL;
	if (due <= s->now_ms)
		(void)order_problem_add(m, ORDER_BAD_DATE, text);
	o->due_ms = due;
	o->due_written = true;
	return rest;
}

const char *order_read_free(struct order_making *m, struct order *o, struct range range)
{
	const char *text, *rest;

	do {
		range = order_cut(range);
		text = arena_strndup(m->arena, range.p, range.len);
		rest = take_one(m, o, text);
		if (rest != NULL)
			range = range_of(rest);
	} while (rest != NULL && rest[0] != '\0');
	return rest != NULL ? rest : text;
}

/* `4 TL lusa`, `4 besok TL`: subordinates and an instruction; what stands behind the numbers, NULL
 * where it is no such thing. */
static const char *next_pick(
    struct order_making *m, const char *text, const int **numbers_r, size_t *count_r)
{
	const char *words = reply_numbers(text, m->arena, numbers_r, count_r), *rest;
	bool has_time;
	int64_t due;

	if (words == NULL)
		return NULL;
	if (policy_instruction_by_word(m->source->policy, words, &rest) != NULL)
		return words;
	if (reply_date(words, m->source->mail_ms, m->arena, &due, &has_time, &rest) == 1 &&
	    policy_instruction_by_word(m->source->policy, rest, &rest) != NULL)
		return words;
	return NULL;
}

/* A further pick in the midst of free words: `untuk arsip, 4 TL lusa`. */
static const char *pick_within(struct order_making *m, const char *text)
{
	const int *numbers;
	size_t count;

	for (text += strcspn(text, ",;/\n"); *text != '\0'; text += strcspn(text, ",;/\n")) {
		text++;
		text += strspn(text, " ");
		if (isdigit((unsigned char)text[0]) && next_pick(m, text, &numbers, &count) != NULL)
			return text;
	}
	return NULL;
}

/* Free words behind instructions and date: the note, or a problem. */
static void read_note(struct order_making *m, struct order *o, const char *text)
{
	const char *note = past_label(m, text, "note", ":"), *what;

	if (note != text) {
		o->note = order_joined(m, o->note, note);
		return;
	}
	if (reply_date_like(text, m->source->mail_ms, &what) && (what == text || !o->due_written))
		(void)order_problem_add(m, what == text ? ORDER_BAD_DATE : ORDER_UNREAD_DATE, text);
	else if (isdigit((unsigned char)text[0]))
		(void)order_problem_add(m, ORDER_UNREAD, text);
	else if ((what = pick_within(m, text)) != NULL)
		(void)order_problem_add(m, ORDER_UNREAD, what);
	else
		o->note = order_joined(m, o->note, text);
}

/* `TL besok`, `besok TL`, `TL, koordinasi 27/11 siapkan bahan`, then free words or the next
 * numbers, which end the group. */
static void read_words(
    struct order_making *m, struct order *o, const struct order *common, const char *words)
{
	const int *numbers;
	size_t count;

	for (;;) {
		const char *text = order_read_free(m, o, range_of(words));

		if (o->instruction_count == 0 && words[0] != '\0')
			(void)order_problem_add(m, ORDER_UNKNOWN_INSTRUCTION, words);
		if (text[0] == '\0')
			return;
		if (o->instruction_count == 0 ||
		    (words = next_pick(m, text, &numbers, &count)) == NULL) {
			read_note(m, o, text);
			return;
		}
		order_end_group(m, o);
		*o = *common;
		for (size_t i = 0; i < count; i++)
			order_add_number(m, numbers[i]);
	}
}

static void read_pick(
    struct order_making *m, const struct reply_pick *pick, const struct order *common)
{
	struct order o = *common;

	for (size_t i = 0; i < pick->count; i++)
		order_add_number(m, pick->numbers[i]);
	if (strcmp(pick->label, "instruction") == 0)
		order_read_wishes(m, &o, pick->words);
	else if (strcmp(pick->label, "note") == 0)
		o.note = order_joined(m, o.note, pick->words);
	else if (strcmp(pick->label, "due") == 0)
		order_read_due(m, &o, pick->words);
	else if (pick->label[0] != '\0')
		(void)order_problem_add(m, ORDER_STRANGE_LINE, pick->words);
	else if (pick->verb[0] != '\0') /* `1 OK`: a word of another list */
		(void)order_problem_add(
		    m, ORDER_UNKNOWN_INSTRUCTION, m->source->reading->first_line);
	else
		read_words(m, &o, common, pick->words);
	order_end_group(m, &o);
}

/* Head lines below the numbers are for all of them. */
void order_read_picks(struct order_making *m)
{
	const struct reply_reading *r = m->source->reading;
	struct order common = {.words = "", .note = ""};

	for (size_t i = 0; i < r->field_count; i++)
		if (strcmp(r->fields[i].label, "to") == 0)
			(void)order_problem_add(m, ORDER_STRANGE_LINE, r->fields[i].value);
		else
			order_read_field(m, &common, &r->fields[i]);
	for (size_t i = 0; i < r->pick_count; i++)
		read_pick(m, &r->picks[i], &common);
}
