/*
 * rules_check: holds rules against the rest of the law when all of it is read: values that no fact
 * can have, positions that do not exist, rules that an earlier one hides.
 */
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* A wildcard that reaches nobody is a misspelt one. */
static void check_wildcard(struct loading *l, int line, int which, const char *word)
{
	const struct policy *p = l->policy;
	bool position = strcmp(when_names[which], "position") == 0,
	     agency = strcmp(when_names[which], "agency") == 0,
	     echelon = strcmp(when_names[which], "echelon") == 0;
	bool found = !position && !agency && !echelon;

	for (size_t i = 0; position && !found && i < p->position_count; i++)
		found = list_has(word, p->positions[i].id);
	for (size_t i = 0; agency && !found && i < p->agency_count; i++)
		found = list_has(word, p->agencies[i].code);
	for (size_t i = 0; echelon && !found && i < p->position_count; i++)
		found = list_has(word, p->positions[i].echelon);
	if (!found)
		load_error(l, line, "%s=\"%s\" reaches no %s of the organisation",
		    when_names[which], word, when_names[which]);
}

static bool echelon_exists(const struct policy *p, const char *echelon)
{
	for (size_t i = 0; i < p->position_count; i++)
		if (strcmp(p->positions[i].echelon, echelon) == 0)
			return true;
	return false;
}

/* Enumerations are known by their words, agencies, positions, types by the organisation. */
void check_value(struct loading *l, int line, int which, const char *list)
{
	char *copy = arena_strdup(l->policy->arena, list), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		if (strchr(w, '*') != NULL) {
			check_wildcard(l, line, which, w);
			continue;
		}
		if (when_words[which] != NULL && !list_has(when_words[which], w))
			load_error(l, line, "%s=\"%s\" is never true: known words are %s",
			    when_names[which], w, when_words[which]);
		if (strcmp(when_names[which], "position") == 0 &&
		    policy_position(l->policy, w) == NULL)
			load_error(l, line, "position \"%s\" is not in the organisation", w);
		if (strcmp(when_names[which], "agency") == 0 && policy_agency(l->policy, w) == NULL)
			load_error(l, line, "agency \"%s\" is not in the organisation", w);
		if (strcmp(when_names[which], "echelon") == 0 && !echelon_exists(l->policy, w))
			load_error(l, line,
			    "echelon \"%s\" is that of no position of the organisation", w);
		if (strcmp(when_names[which], "type") == 0 && policy_type(l->policy, w) == NULL)
			load_error(l, line, "letter type \"%s\" is not among the types", w);
	}
}

/* `name=value` of a choice that index.xml sets, and a value it could have. */
static void check_switched(struct loading *l, const struct when *when)
{
	const char *list = when->switched;

	while (*list != '\0') {
		size_t len = strcspn(list, " "), name = strcspn(list, "= ");
		const struct policy_switch *s = find_switch(l->policy, list, name);
		const char *value =
		    name < len ? arena_strndup(l->policy->arena, list + name + 1, len - name - 1)
		               : "";

		if (len > 0 && s == NULL)
			load_error(l, when->line, "switch \"%.*s\" is not set in %s", (int)name,
			    list, load_shown(l, "policies/index.xml"));
		else if (len > 0 && !list_has(s->values, value))
			load_error(l, when->line,
			    "switch=\"%.*s\" is never true: write %s=value, known values are %s",
			    (int)len, list, s->name, s->values);
		list += len + (list[len] == ' ');
	}
}

/* Earlier hides later when it asks nothing that later does not ask the same or narrower, for all
 * days of it. */
static bool hides(const struct rule *earlier, const struct rule *later)
{
	const struct when *e, *w;

	if (strcmp(earlier->valid_from, later->valid_from) > 0 ||
	    (earlier->valid_until != NULL && earlier->valid_until[0] != '\0'))
		return false;
	if (earlier->when_count == 0)
		return true;
	if (earlier->when_count != 1 || later->when_count != 1)
		return false;
	e = &earlier->whens[0];
	w = &later->whens[0];
	if (e->test != NULL || e->switched != NULL)
		return false;
	for (int i = 0; i < WHEN_COUNT; i++) {
		char one[200];
		const char *list = w->wanted[i];

		if (e->wanted[i] == NULL)
			continue;
		if (list == NULL)
			return false;
		while (*list != '\0') {
			size_t len = strcspn(list, " ");

			if (len >= sizeof(one))
				return false;
			memcpy(one, list, len);
			one[len] = '\0';
			if (!list_has(e->wanted[i], one))
				return false;
			list += len + (list[len] == ' ');
		}
	}
	return true;
}

/* In force on one day, as far as days are known. */
static bool meet(const struct rule *a, const struct rule *b)
{
	bool a_ends = a->valid_until != NULL && a->valid_until[0] != '\0',
	     b_ends = b->valid_until != NULL && b->valid_until[0] != '\0';

	return (!a_ends || strcmp(a->valid_until, b->valid_from) >= 0) &&
	       (!b_ends || strcmp(b->valid_until, a->valid_from) >= 0);
}

/* A person who is refused quotes the code. */
static void check_code(struct loading *l, const struct rules *rules, size_t i)
{
	const struct rule *rule = &rules->list[i];

	for (size_t k = 0; rule->code[0] != '\0' && k < i; k++)
		if (strcmp(rules->list[k].code, rule->code) == 0 && meet(&rules->list[k], rule)) {
			load_warning(l, rule->line,
			    "code=\"%s\" of rule %s is also that of rule %s (%s:%d): nobody can "
			    "tell which of them refused",
			    rule->code, rule->id, rules->list[k].id,
			    load_shown(l, rules->list[k].file), rules->list[k].line);
			break;
		}
}

static void check_rule(struct loading *l, const struct rules *rules, size_t i)
{
	const struct rule *rule = &rules->list[i];

	l->path = rule->file;
	for (size_t w = 0; w < rule->when_count; w++) {
		for (int k = 0; k < WHEN_COUNT; k++)
			if (rule->whens[w].wanted[k] != NULL)
				check_value(l, rule->whens[w].line, k, rule->whens[w].wanted[k]);
		if (rule->whens[w].switched != NULL)
			check_switched(l, &rule->whens[w]);
		if (rule->whens[w].test != NULL)
			check_test(l, rule, &rule->whens[w]);
	}
	if (rule->behalf != NULL && policy_position(l->policy, rule->behalf) == NULL)
		load_error(
		    l, rule->line, "rule %s: behalf=\"%s\" is no position", rule->id, rule->behalf);
	check_code(l, rules, i);
	/* A defect may have made an earlier rule wider than it is meant. */
	for (size_t k = 0; l->report->errors == 0 && k < i; k++)
		if (hides(&rules->list[k], rule)) {
			load_warning(l, rule->line,
			    "rule %s is never reached: %s (%s:%d) matches first", rule->id,
			    rules->list[k].id, load_shown(l, rules->list[k].file),
			    rules->list[k].line);
			break;
		}
}

void check_rules(struct loading *l)
{
	struct policy *p = l->policy;

	for (int kind = 0; kind < POLICY_KIND_COUNT; kind++) {
		for (size_t i = 0; i < p->rules[kind].count; i++) {
			const struct rule *rule = &p->rules[kind].list[i];

			check_rule(l, &p->rules[kind], i);
			for (int other = 0; other <= kind; other++)
				for (size_t k = 0; k < (other == kind ? i : p->rules[other].count);
				     k++)
					if (strcmp(p->rules[other].list[k].id, rule->id) == 0)
						load_error(l, rule->line,
						    "rule id \"%s\" stands already in %s:%d: ids "
						    "are for ever, take a new one",
						    rule->id,
						    load_shown(l, p->rules[other].list[k].file),
						    p->rules[other].list[k].line);
		}
		if (p->rules[kind].count == 0) {
			l->path = "policies/index.xml";
			load_warning(l, 1, "no %s rule at all: no match means no",
			    policy_kind_name((enum policy_kind)kind));
		}
	}
}
