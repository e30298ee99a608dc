/*
 * trail_tree: rows of orders and reports become nested elements, each with who, what, by when, and
 * what became of it at which time. What a position or an instruction is called comes from the
 * policy; a position that the law no longer has keeps its identifier.
 */
#include "mtagw/office/trail_tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/office/order.h"

/* Deeper chains than an organisation has; what lies below is shown as children of the last. */
#define TRAIL_DEPTH_MAX 12

bool trail_stands(const struct disposition_row *d)
{
	return strcmp(d->state, "declined") != 0 && strcmp(d->state, "recalled") != 0;
}

bool trail_open(const struct policy *policy, const struct disposition_row *d)
{
	return trail_stands(d) && strcmp(d->state, "done") != 0 &&
	       order_ids_want_report(policy, d->instructions, d->instruction_count);
}

bool trail_closed_below(const struct trail *trail, const struct policy *policy, int64_t parent)
{
	bool done = false;

	for (size_t i = 0; i < trail->count; i++) {
		const struct disposition_row *d = &trail->orders[i];

		if (d->parent != parent)
			continue;
		if (trail_open(policy, d))
			return false;
		done |= strcmp(d->state, "done") == 0;
	}
	return done;
}

const struct disposition_row *trail_find(const struct trail *trail, int64_t id)
{
	for (size_t i = 0; i < trail->count; i++)
		if (trail->orders[i].id == id)
			return &trail->orders[i];
	return NULL;
}

void trail_time(struct xml_node *node, const char *name, int64_t at_ms)
{
	char text[32], weekday[48];

	if (at_ms == 0)
		return;
	clock_iso8601(at_ms, text);
	xml_set_attr(node, name, text);
	(void)snprintf(weekday, sizeof(weekday), "%s_weekday", name);
	xml_set_attrf(node, weekday, "%d", clock_city_date(at_ms).weekday);
}

static void set_position(
    struct xml_node *node, const char *name, const char *position, const struct policy *policy)
{
	const struct policy_position *p = policy_position(policy, position);

	xml_set_attr(node, name, p ? p->title : position);
}

static void add_instructions(
    const struct disposition_row *d, const struct policy *policy, struct xml_node *node)
{
	size_t n;
	const struct policy_instruction *list = policy_instructions(policy, &n);

	for (size_t i = 0; i < d->instruction_count; i++) {
		const char *word = d->instructions[i];

		for (size_t k = 0; k < n; k++)
			if (strcmp(list[k].id, d->instructions[i]) == 0)
				word = list[k].word;
		xml_add_text(node, "instruction", word);
	}
}

/* Whether what was written says more than the instructions it was understood as. */
static bool says_more(const char *words, const struct policy *policy)
{
	const char *rest = words;

	while (*(rest += strspn(rest, " ,;\n")) != '\0') {
		size_t digits = strspn(rest, "0123456789");

		if (digits > 0)
			rest += digits;
		else if (policy_instruction_by_word(policy, rest, &rest) == NULL)
			return true;
	}
	return false;
}

static void add_reports(const struct trail *trail, const struct disposition_row *d,
    const struct policy *policy, struct xml_node *node)
{
	for (size_t i = 0; i < trail->report_count; i++) {
		const struct disposition_report *r = &trail->reports[i];
		struct xml_node *report;

		if (r->disposition_id != d->id)
			continue;
		report = xml_add_text(node, "report", r->body);
		trail_time(report, "at", r->at_ms);
		set_position(report, "by", r->position, policy);
		xml_set_attrf(report, "enclosures", "%d", r->enclosures);
		xml_set_attr(report, "closing", r->closing ? "yes" : "no");
	}
}

static bool is_about(const int64_t *about, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (about[i] == id)
			return true;
	return false;
}

static struct xml_node *add_order(const struct trail *trail, const struct disposition_row *d,
    const struct policy *policy, struct xml_node *parent)
{
	struct xml_node *node = xml_add(parent, "order");

	xml_set_attrf(node, "id", "%" PRId64, d->id);
	set_position(node, "from", d->position, policy);
	set_position(node, "to", d->to_position, policy);
	xml_set_attr(node, "state", d->state);
	xml_set_attr(node, "open", trail_open(policy, d) ? "yes" : "no");
	trail_time(node, "at", d->created_at_ms);
	trail_time(node, "state_at", d->state_at_ms);
	trail_time(node, "due", d->due_at_ms);
	trail_time(node, "reminded", d->reminded_at_ms);
	trail_time(node, "escalated", d->escalated_at_ms);
	if (strcmp(d->state, "sent") == 0)
		trail_time(node, "undelivered", d->undelivered_at_ms);
	if (d->due_at_ms != 0 && d->due_at_ms < trail->now_ms && trail_open(policy, d))
		xml_set_attr(node, "overdue", "yes");
	add_instructions(d, policy, node);
	if (d->note[0] != '\0')
		xml_add_text(node, "note", d->note);
	if (says_more(d->words, policy))
		xml_add_text(node, "words", d->words);
	if (d->reason[0] != '\0')
		xml_add_text(node, "reason", d->reason);
	add_reports(trail, d, policy, node);
	return node;
}

struct building {
	const struct trail *trail;
	const struct policy *policy;
	const int64_t *about;
	size_t about_count;
};

static void add_children(const struct building *b, int64_t parent, struct xml_node *node, int depth)
{
	for (size_t i = 0; i < b->trail->count; i++) {
		const struct disposition_row *d = &b->trail->orders[i];
		bool orphan =
		    parent == 0 && d->parent != 0 && trail_find(b->trail, d->parent) == NULL;
		struct xml_node *child;

		if (d->parent != parent && !orphan)
			continue;
		child = add_order(b->trail, d, b->policy, node);
		if (is_about(b->about, b->about_count, d->id))
			xml_set_attr(child, "about", "yes");
		if (depth < TRAIL_DEPTH_MAX)
			add_children(b, d->id, child, depth + 1);
	}
}

void trail_tree_xml(const struct trail *trail, const struct policy *policy, const int64_t *about,
    size_t about_count, struct xml_node *parent)
{
	struct building b = {trail, policy, about, about_count};

	add_children(&b, 0, xml_add(parent, "trail"), 0);
}
