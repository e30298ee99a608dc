/*
 * order_fields: the head lines of an order: what is wanted, by when, how urgent, and notes. Each
 * adds to the order that is being read, or to the problems.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/office/order_private.h"

bool order_add_instruction(struct order *o, const struct policy_instruction *i)
{
	for (size_t k = 0; k < o->instruction_count; k++)
		if (o->instructions[k] == i)
			return true;
	if (o->instruction_count == ORDER_INSTRUCTIONS_MAX)
		return false;
	o->instructions[o->instruction_count++] = i;
	return true;
}

const char *order_joined(struct order_making *m, const char *a, const char *b)
{
	if (a == NULL || a[0] == '\0')
		return b ? b : "";
	if (b == NULL || b[0] == '\0')
		return a;
	return arena_printf(m->arena, "%s\n%s", a, b);
}

static bool all_digits(struct range r)
{
	for (size_t i = 0; i < r.len; i++)
		if (!isdigit((unsigned char)r.p[i]))
			return false;
	return r.len > 0 && r.len <= 3;
}

/* One piece of `Harap:`: instructions by word or number; false where it holds none. */
bool order_read_wish(struct order_making *m, struct order *o, struct range piece)
{
	const struct policy *policy = m->source->policy;
	const struct policy_instruction *i;
	const char *text, *rest;
	bool any = false;

	piece = order_cut(piece);
	if (all_digits(piece)) {
		i = policy_instruction_by_number(
		    policy, atoi(arena_strndup(m->arena, piece.p, piece.len)));
		return i != NULL && order_add_instruction(o, i);
	}
	text = arena_strndup(m->arena, piece.p, piece.len);
	while ((i = policy_instruction_by_word(policy, text, &rest)) != NULL) {
		any = order_add_instruction(o, i);
		piece = order_cut(range_of(rest));
		text = arena_strndup(m->arena, piece.p, piece.len);
	}
	return any;
}

/* `word:` somewhere in it; `14:30` is a time. */
static bool has_label(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (text[i] == ':' && isalpha((unsigned char)text[i - 1]))
			return true;
	return false;
}

/* Free words stand beside instructions, never for themselves: a wish that nobody understands is
 * asked back. */
void order_read_wishes(struct order_making *m, struct order *o, const char *value)
{
	const char *p = value;
	bool any = false;

	while (*p != '\0') {
		size_t n = strcspn(p, ",;\n");

		any |= order_read_wish(m, o, (struct range){p, n});
		if (has_label(p, n)) /* `TL / btas: jumat`: of a line that is none of ours */
			(void)order_problem_add(m, ORDER_UNREAD,
			    arena_strndup(m->arena, range_trim((struct range){p, n}).p,
			        range_trim((struct range){p, n}).len));
		p += n + (p[n] != '\0');
	}
	if (!any)
		(void)order_problem_add(m, ORDER_UNKNOWN_INSTRUCTION, value);
	o->words = order_joined(m, o->words, value);
}

void order_read_due(struct order_making *m, struct order *o, const char *value)
{
	const char *rest = "";
	bool has_time;
	int64_t due;

	if (reply_date(value, m->source->mail_ms, m->arena, &due, &has_time, &rest) != 1 ||
	    order_cut(range_of(rest)).len > 0 || due <= m->source->now_ms) {
		(void)order_problem_add(m, ORDER_BAD_DATE, value);
		return;
	}
	o->due_ms = due;
	o->due_written = true;
}

static void read_qualifier(struct order_making *m, struct order *o, const char *value)
{
	const struct policy_urgency *u = policy_urgency_by_word(m->source->policy, value);

	if (u == NULL)
		(void)order_problem_add(m, ORDER_UNKNOWN_QUALIFIER, value);
	else if (!o->due_written)
		o->due_ms = policy_due_of(m->source->policy, u, m->source->now_ms);
}

void order_read_field(struct order_making *m, struct order *o, const struct reply_field *f)
{
	if (strcmp(f->label, "to") == 0)
		order_read_names(m, f->value);
	else if (strcmp(f->label, "instruction") == 0)
		order_read_wishes(m, o, f->value);
	else if (strcmp(f->label, "due") == 0)
		order_read_due(m, o, f->value);
	else if (strcmp(f->label, "qualifier") == 0)
		read_qualifier(m, o, f->value);
	else if (strcmp(f->label, "note") == 0)
		o->note = order_joined(m, o->note, f->value);
	else
		(void)order_problem_add(m, ORDER_STRANGE_LINE, f->value);
}
