/*
 * reply_picks: lines that begin with numbers of a list the person was shown: `1,3 TL besok`,
 * `1,2,5 OK`, `1-3 OK`, `2 dan 4 BUKAN SURAT`, `4 hal: Undangan rapat`. A date, a time or an amount
 * (`27/11`, `14.30`, `3 hari`) is no such number.
 */
#include <ctype.h>
#include <string.h>

#include "mtagw/office/reply_private.h"

#define NUMBER_MAX 999
#define PICKS_MAX 999 /* lines; no list shown is longer, and a mail of more is no answer to one */

/* A number 1..999 that stands alone: the bytes it takes, 0. */
static size_t take_number(const char *text, int *number_r)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 3 || isalpha((unsigned char)text[n]) || text[n] == '/')
		return 0;
	if ((text[n] == '.' || text[n] == ':') && isdigit((unsigned char)text[n + 1]))
		return 0;
	*number_r = 0;
	for (size_t i = 0; i < n; i++)
		*number_r = *number_r * 10 + (text[i] - '0');
	return *number_r > 0 && *number_r <= NUMBER_MAX ? n : 0;
}

/* What follows makes the number before it an amount, a day or an hour. */
static bool is_unit(const char *text)
{
	static const char *const units[] = {"hari", "minggu", "pekan", "bulan", "tahun", "jam",
	    "menit", "orang", "kali", "lembar", "berkas", "rangkap", "januari", "februari", "maret",
	    "april", "mei", "juni", "juli", "agustus", "september", "oktober", "november",
	    "desember", "jan", "feb", "mar", "apr", "jun", "jul", "agu", "agt", "sep", "okt", "nov",
	    "des", "days", "weeks", "hours", "persen", "%"};

	text += strspn(text, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (reply_word_len(text, units[i]) > 0)
			return true;
	return false;
}

/* `,` `;` `&` `+` `dan` or blanks between two numbers: bytes, 0. */
static size_t take_separator(const char *text)
{
	const char *p = text + strspn(text, " ");
	size_t n = reply_word_len(p, "dan");

	if (n == 0 && *p != '\0' && strchr(",;&+", *p) != NULL)
		n = 1;
	p += n;
	n = reply_word_len(p + strspn(p, " "), "dan"); /* `1, 2, dan 3` */
	if (n > 0)
		p += strspn(p, " ") + n;
	return (size_t)(p - text) + strspn(p, " ");
}

/* `-`, `s/d`, `sampai` between two numbers: bytes, 0. */
static size_t take_range(const char *text)
{
	static const char *const words[] = {"s/d", "s.d.", "s.d", "sd", "sampai dengan", "sampai"};
	const char *p = text + strspn(text, " ");
	size_t n = 0;

	if (*p == '-')
		n = 1;
	else if (strncmp(p, "\xe2\x80\x93", 3) == 0) /* en dash: phones put it */
		n = 3;
	for (size_t i = 0; n == 0 && i < sizeof(words) / sizeof(words[0]); i++)
		n = reply_word_len(p, words[i]);
	return n == 0 ? 0 : (size_t)(p + n - text) + strspn(p + n, " ");
}

struct numbers {
	int list[NUMBER_MAX];
	bool seen[NUMBER_MAX + 1];
	size_t count;
};

static void add(struct numbers *numbers, int number)
{
	if (!numbers->seen[number])
		numbers->list[numbers->count++] = number;
	numbers->seen[number] = true;
}

/* One number or a range of them. 0: none, or one that runs backwards. */
static size_t take_item(const char *text, struct numbers *numbers)
{
	int first, last;
	size_t n = take_number(text, &first), between, m;

	if (n == 0 || is_unit(text + n))
		return 0;
	last = first;
	between = take_range(text + n);
	if (between > 0 && isdigit((unsigned char)text[n + between])) {
		m = take_number(text + n + between, &last);
		if (m == 0 || last < first || is_unit(text + n + between + m))
			return 0;
		n += between + m;
	}
	for (int i = first; i <= last; i++)
		add(numbers, i);
	return n;
}

/* The numbers at the beginning: what stands behind them; NULL: there are none. */
static const char *take_numbers(const char *text, struct numbers *numbers)
{
	size_t n = take_item(text, numbers), separator;

	if (n == 0)
		return NULL;
	text += n;
	while ((separator = take_separator(text)) > 0 &&
	       (n = take_item(text + separator, numbers)) > 0)
		text += separator + n;
	if (*text == ',' && text[1] == ' ') /* `1, 3 hari` */
		text++;
	if ((*text == '.' || *text == ')') && (text[1] == ' ' || text[1] == '\0'))
		text++; /* `1. TL` as the list itself has it */
	else if (reply_behind_colon(text) != NULL)
		return reply_behind_colon(text); /* `1,3: TL besok` */
	if (*text != '\0' && *text != ' ')
		return NULL;
	return text + strspn(text, " ");
}

const char *reply_numbers(
    const char *text, struct arena *arena, const int **numbers_r, size_t *count_r)
{
	struct numbers numbers = {.count = 0};
	const char *rest = take_numbers(text, &numbers);
	int *list;

	if (rest == NULL)
		return NULL;
	list = arena_alloc(arena, numbers.count * sizeof(*list));
	memcpy(list, numbers.list, numbers.count * sizeof(*list));
	*numbers_r = list;
	*count_r = numbers.count;
	return rest;
}

static bool take_pick(struct reply_reader *reader, size_t i, struct reply_pick *pick)
{
	const int *numbers;
	size_t count;
	const char *rest = reply_numbers(
	    reply_plain_line(reader->lines.at[i], reader->arena), reader->arena, &numbers, &count);
	const struct reply_word *word;
	const char *value;
	bool colon;

	if (rest == NULL)
		return false;
	*pick = (struct reply_pick){.numbers = numbers,
	    .count = count,
	    .verb = "",
	    .label = "",
	    .words = reply_trimmed(rest, reader->arena),
	    .line = (int)i + 1};
	if ((word = reply_verb_line(reader, rest, &value)) != NULL) {
		pick->verb = word->id;
		pick->words = value;
	} else if ((word = reply_label_line(reader, rest, false, &value, &colon)) != NULL) {
		pick->label = word->id;
		pick->words = value;
	}
	return true;
}

size_t reply_take_picks(struct reply_reader *reader, size_t from, struct reply_reading *reading)
{
	struct reply_pick *picks =
	    arena_alloc(reader->arena, (reader->lines.count + 1) * sizeof(*picks));
	size_t count = 0, end = from;

	for (size_t i = from; i < reader->lines.count; i++) {
		if (reply_is_blank(reader->lines.at[i]))
			continue;
		if (!take_pick(reader, i, &picks[count]))
			break;
		if (count == PICKS_MAX)
			return from;
		count++;
		end = i + 1;
	}
	reading->picks = picks;
	reading->pick_count = count;
	return end;
}
