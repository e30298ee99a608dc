/*
 * order_names: `Kepada:` of an order: names, aliases, addresses or numbers of the own subordinates,
 * divided by commas, semicolons, lines or a joining word. Titles hold commas and joining words of
 * their own, so the longest run that is a name wins. A name that is nobody's gets suggestions and
 * is never guessed.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/office/order_private.h"

/* Pieces of one `Kepada:`; a title has at most this many commas. */
#define PIECES_MAX 64
#define TITLE_PIECES_MAX 4

static void add_name(struct order_making *m, const struct policy_position *p)
{
	for (size_t i = 0; i < m->name_count; i++)
		if (m->names[i] == p)
			return; /* by name and by number: once */
	if (m->name_count == ORDER_RECIPIENTS_MAX) {
		(void)order_problem_add(m, ORDER_TOO_MANY, "");
		return;
	}
	m->names[m->name_count++] = p;
}

void order_add_number(struct order_making *m, int number)
{
	if (number >= 1 && (size_t)number <= m->subordinate_count) {
		add_name(m, m->subordinates[number - 1]);
		return;
	}
	m->failed_names++;
	(void)order_problem_add(m, ORDER_NO_SUCH_NUMBER, arena_printf(m->arena, "%d", number));
}

/* A list mark before a name: `- `, `2. `, `2) `. */
static const char *past_mark(const char *text)
{
	size_t n = strspn(text, "0123456789");

	while (*text != '\0' && strchr("-*", *text) != NULL)
		text++;
	if (n > 0 && (text[n] == '.' || text[n] == ')') && text[n + 1] == ' ')
		text += n + 1;
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static const struct policy_position *find(struct order_making *m, const char *text)
{
	const struct order_source *s = m->source;
	const char *at = strrchr(text, '@');

	text = past_mark(text);
	if (at != NULL) {
		struct range domain = range_trim(range_of(at + 1));

		while (domain.len > 0 && strchr(">).", domain.p[domain.len - 1]) != NULL)
			domain.len--;
		if (!range_equal_case(domain, s->domain))
			return NULL;
		if (strrchr(text, '<') != NULL && strrchr(text, '<') < at)
			text = strrchr(text, '<') + 1;
		text = arena_strndup(m->arena, text, (size_t)(at - text));
	}
	return policy_position_by_name(s->policy, s->actor->agency, text);
}

/* `3`, `1-3`: subordinates in the order of the prompt. False: no numbers. */
static bool read_numbers(struct order_making *m, const char *text)
{
	char *end;
	long from, to;

	if (!isdigit((unsigned char)text[0]))
		return false;
	from = to = strtol(text, &end, 10);
	end += strspn(end, " ");
	if (*end == '-' && isdigit((unsigned char)end[1 + strspn(end + 1, " ")]))
		to = strtol(end + 1, &end, 10);
	if (end[strspn(end, " .)")] != '\0' || from > 999 || to > 999 || to < from)
		return false;
	for (long n = from; n <= to; n++) {
		order_add_number(m, (int)n);
		if (n > (long)m->subordinate_count)
			break; /* one problem says it */
	}
	return true;
}

static void unknown(struct order_making *m, const char *text)
{
	struct order_problem *p = order_problem_add(m, ORDER_UNKNOWN_NAME, text);

	m->failed_names++;
	p->suggestion_count = policy_position_suggest(m->source->policy, m->source->actor->agency,
	    past_mark(text), p->suggestions, ORDER_SUGGESTIONS_MAX);
}

/* `kabid ikp dan kabid aplikasi`: both sides of a joining word must be names. */
static bool read_two(struct order_making *m, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		for (size_t i = 0; i < sizeof(order_joins) / sizeof(order_joins[0]); i++) {
			size_t n = strlen(order_joins[i]);
			const struct policy_position *a, *b;

			if (p == text || p[-1] != ' ' || strncasecmp(p, order_joins[i], n) != 0 ||
			    p[n] != ' ')
				continue;
			a = find(m, arena_strndup(m->arena, text, (size_t)(p - 1 - text)));
			b = find(m, p + n + 1);
			if (a != NULL && b != NULL) {
				add_name(m, a);
				add_name(m, b);
				return true;
			}
			if (a != NULL && read_two(m, p + n + 1)) {
				add_name(m, a);
				return true;
			}
		}
	}
	return false;
}

/* `1 dan 3`, and a name joined with one: the sides are read for themselves. */
static bool read_joined_numbers(struct order_making *m, const char *text)
{
	const char *p = text;
	size_t n = strspn(text, "0123456789");
	struct range rest;

	if (n == 0 || text[n] != ' ')
		return false;
	rest = order_cut(range_of(text + n));
	if (rest.len == 0 || !isdigit((unsigned char)rest.p[0]) || rest.p == text + n + 1)
		return false;
	if (!read_numbers(m, arena_strndup(m->arena, p, n)))
		return false;
	p = arena_strndup(m->arena, rest.p, rest.len);
	return read_numbers(m, p) || read_joined_numbers(m, p);
}

/* Pieces from i on: how many of them the name takes that begins there. */
static size_t read_name(struct order_making *m, char **pieces, size_t count)
{
	const char *run[TITLE_PIECES_MAX];
	size_t n = count < TITLE_PIECES_MAX ? count : TITLE_PIECES_MAX;
	const struct policy_position *p;

	run[0] = pieces[0];
	for (size_t i = 1; i < n; i++)
		run[i] = arena_printf(m->arena, "%s, %s", run[i - 1], pieces[i]);
	for (size_t i = n; i > 0; i--)
		if ((p = find(m, run[i - 1])) != NULL) {
			add_name(m, p);
			return i;
		}
	if (!read_numbers(m, pieces[0]) && !read_two(m, pieces[0]) &&
	    !read_joined_numbers(m, pieces[0]))
		unknown(m, pieces[0]);
	return 1;
}

void order_read_names(struct order_making *m, const char *value)
{
	char *pieces[PIECES_MAX];
	size_t count = 0;

	for (const char *p = value; *p != '\0' && count < PIECES_MAX;) {
		size_t n = strcspn(p, ",;\n");
		struct range piece = range_trim((struct range){p, n});

		if (piece.len > 0)
			pieces[count++] = arena_strndup(m->arena, piece.p, piece.len);
		p += n + (p[n] != '\0');
	}
	for (size_t i = 0; i < count;)
		i += read_name(m, pieces + i, count - i);
}

void order_envelope_names(struct order_making *m)
{
	const struct order_source *s = m->source;

	for (size_t i = 0; i < s->envelope_count; i++)
		if (s->envelope[i] != NULL)
			add_name(m, s->envelope[i]);
		else
			unknown(m, s->envelope_addresses[i]);
}

void order_check_envelope(struct order_making *m)
{
	const struct order_source *s = m->source;

	for (size_t i = 0; i < s->envelope_count; i++) {
		bool named = false;

		for (size_t k = 0; k < m->list->count; k++)
			named |= m->list->orders[k].to == s->envelope[i];
		if (!named) {
			(void)order_problem_add(
			    m, ORDER_OTHER_RECIPIENTS, s->envelope_addresses[i]);
			return; /* a reply to forty: one line tells it */
		}
	}
}
