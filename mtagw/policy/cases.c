/*
 * cases: questions that the law is asked before it becomes the law, with the answer that must come
 * out: a policy that fails its own cases is never activated (DESIGN 10).
 */
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* outcome= of a case: allow or deny, for intake the number. */
static const char *outcome_of(enum policy_kind kind, const struct policy_decision *d)
{
	if (kind == POLICY_INTAKE && d->allowed)
		return d->number;
	return d->allowed ? "allow" : "deny";
}

static void load_case(struct loading *l, const struct xml_node *e)
{
	struct policy *p = l->policy;
	struct policy_case at = {.place = {l->path, xml_line(e)}};
	const char *name, *value, *kind = load_need(l, e, "ask");

	at.rule = load_need(l, e, "rule");
	at.outcome = load_need_word(l, e, "outcome", "allow deny now ask never");
	if (kind[0] != '\0' && !policy_kind_by_name(kind, &at.kind))
		load_error(l, xml_line(e), "ask=\"%s\" is no kind of rule", kind);
	(void)load_need(l, e, "date");
	for (size_t i = 0; xml_attr_at(e, i, &name, &value, p->arena); i++)
		if (!list_has("ask rule outcome", name) &&
		    !policy_facts_set(&at.facts, name, value))
			load_error(l, xml_line(e), "<case> has no attribute \"%s\"", name);
	p->cases = load_grow(p->arena, p->cases, &p->case_count, &p->case_size, sizeof(at));
	p->cases[p->case_count - 1] = at;
}

void load_cases(struct loading *l, const struct xml_node *root)
{
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "case") == 0)
			load_case(l, e);
		else
			load_error(
			    l, xml_line(e), "unknown element <%s> in <cases>: case", xml_name(e));
	}
}

/* Facts of a case are ones that can be; who is above whom is taken from the organisation. */
void check_cases(struct loading *l)
{
	struct policy *p = l->policy;

	for (size_t i = 0; i < p->case_count; i++) {
		struct policy_case *at = &p->cases[i];
		const char *values[WHEN_COUNT];

		l->path = at->place.file;
		if (at->kind == POLICY_DISPOSE && at->facts.relation == NULL &&
		    at->facts.position != NULL && at->facts.recipient != NULL)
			at->facts.relation =
			    policy_relation(p, at->facts.position, at->facts.recipient);
		facts_values(&at->facts, values);
		for (int k = 0; k < WHEN_COUNT; k++)
			if (values[k] != NULL)
				check_value(l, at->place.line, k, values[k]);
		if (at->facts.date != NULL && !iso_day(at->facts.date))
			load_error(l, at->place.line,
			    "date=\"%s\" is no date: write it as 2026-11-24", at->facts.date);
	}
}

int policy_test(struct policy *policy, struct policy_report *report, size_t *count_r)
{
	struct loading l = {policy, report, ""};
	size_t before = report->errors;

	for (size_t i = 0; i < policy->case_count; i++) {
		const struct policy_case *at = &policy->cases[i];
		struct policy_decision d;
		struct err err = {""};
		int rc = policy_decide(policy, at->kind, &at->facts, policy->arena, &d, NULL, &err);

		l.path = at->place.file;
		if (rc < 0)
			load_error(&l, at->place.line, "asked %s: %s", policy_kind_name(at->kind),
			    err.text);
		else if (strcmp(outcome_of(at->kind, &d), at->outcome) != 0 ||
		         strcmp(d.rule_id, at->rule) != 0)
			load_error(&l, at->place.line,
			    "asked %s: the rules say %s by %s, this case wants %s by %s",
			    policy_kind_name(at->kind), outcome_of(at->kind, &d), d.rule_id,
			    at->outcome, at->rule);
	}
	*count_r = policy->case_count;
	return report->errors == before;
}
