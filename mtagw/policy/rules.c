/*
 * rules: reading rules. Conditions are attributes of <when>, one for each plain fact; `switch` asks
 * a choice of index.xml, `test` adds an XPath 1.0 expression on the facts tree. What may stand in
 * them is checked when everything is read (rules_check.c, xpath_check.c).
 */
#include <string.h>

#include "mtagw/policy/policy_private.h"

static const char *const kind_names[POLICY_KIND_COUNT] = {
    "sign", "route", "number", "seal", "plain", "intake", "acknowledge", "dispose", "assurance"};

/* What <allow> of a kind may say; ended by NULL. */
static const char *const outcome_names[POLICY_KIND_COUNT][6] = {
    [POLICY_SIGN] = {"capacity", "behalf"},
    [POLICY_ROUTE] = {"via", "form"},
    [POLICY_NUMBER] = {"series", "pattern"},
    [POLICY_SEAL] = {"seal", "dkim", "pdf", "confirm", "copy"},
    [POLICY_INTAKE] = {"number", "present"},
};

const char *policy_kind_name(enum policy_kind kind)
{
	return kind_names[kind];
}

bool policy_kind_by_name(const char *name, enum policy_kind *kind_r)
{
	for (int kind = 0; kind < POLICY_KIND_COUNT; kind++)
		if (strcmp(kind_names[kind], name) == 0) {
			*kind_r = (enum policy_kind)kind;
			return true;
		}
	return false;
}

bool list_has(const char *list, const char *value)
{
	size_t n = strlen(value);

	while (*list != '\0') {
		const char *end = strchr(list, ' ');
		size_t len = end ? (size_t)(end - list) : strlen(list);

		if (len > 0 && list[len - 1] == '*' && strncmp(list, value, len - 1) == 0)
			return true;
		if (len > 0 && list[0] == '*' && n >= len - 1 &&
		    strncmp(value + n - (len - 1), list + 1, len - 1) == 0)
			return true;
		if (len == n && strncmp(list, value, n) == 0)
			return true;
		list += len + (end != NULL);
	}
	return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void load_when(struct loading *l, const struct xml_node *node, struct rule *rule)
{
	struct policy *p = l->policy;
	size_t size = rule->when_count;
	const char *name, *value;
	struct when *when;

	rule->whens = load_grow(p->arena, rule->whens, &rule->when_count, &size, sizeof(*when));
	when = &rule->whens[rule->when_count - 1];
	*when = (struct when){.line = xml_line(node)};
	if (!xml_attr_at(node, 0, &name, &value, p->arena))
		load_error(l, xml_line(node),
		    "this <when> asks nothing and holds always: say it by leaving <when> out");
	for (size_t i = 0; xml_attr_at(node, i, &name, &value, p->arena); i++) {
		int k;

		if (value[strspn(value, " ")] == '\0')
			load_error(l, xml_line(node),
			    "%s=\"%s\" is never true: name a value or take it out", name, value);
		for (k = 0; k < WHEN_COUNT; k++)
			if (strcmp(when_names[k], name) == 0)
				break;
		if (k < WHEN_COUNT)
			when->wanted[k] = value;
		else if (strcmp(name, "switch") == 0)
			when->switched = value;
		else if (strcmp(name, "test") == 0)
			when->test = value;
		else
			load_error(l, xml_line(node), "<when> has no attribute \"%s\"", name);
	}
}

static void load_capacity(struct loading *l, const struct xml_node *node, struct rule *rule)
{
	rule->behalf = load_may(l, node, "behalf");
	rule->capacity = load_may(l, node, "capacity");
	if (rule->capacity == NULL) {
		rule->capacity = "substantive";
		if (rule->behalf != NULL)
			load_error(l, xml_line(node), "behalf= needs capacity=\"on_behalf\"");
		return;
	}
	(void)load_need_word(l, node, "capacity", "substantive on_behalf sub_delegated");
	if (strcmp(rule->capacity, "substantive") != 0 && rule->behalf == NULL)
		load_error(
		    l, xml_line(node), "capacity=\"%s\" needs behalf=, a position", rule->capacity);
}

static void load_outcome(
    struct loading *l, const struct xml_node *node, struct rule *rule, enum policy_kind kind)
{
	static const char *const none[] = {NULL};

	rule->allow = strcmp(xml_name(node), "allow") == 0;
	load_only(l, node, rule->allow ? outcome_names[kind] : none);
	if (!rule->allow)
		return;
	if (kind == POLICY_SIGN) {
		load_capacity(l, node, rule);
	} else if (kind == POLICY_NUMBER) {
		load_numbering(l, node, rule);
	} else if (kind == POLICY_ROUTE) {
		rule->via = load_need_word(l, node, "via", "lmtp smtp");
		rule->out_form = load_need_word(l, node, "form", "inside outside");
	} else if (kind == POLICY_SEAL) {
		rule->seal = load_flag(l, node, "seal", true);
		rule->dkim = load_flag(l, node, "dkim", true);
		rule->pdf = load_flag(l, node, "pdf", false);
		rule->confirm = load_flag(l, node, "confirm", true);
		rule->copy = load_flag(l, node, "copy", true);
		if (!rule->seal)
			load_warning(l, xml_line(node),
			    "letters under this rule leave without the agency's seal");
	} else if (kind == POLICY_INTAKE) {
		rule->number = load_need_word(l, node, "number", "now ask never");
		rule->present = load_flag(l, node, "present", false);
	}
}

/* Days are compared as text, which is right only for whole ISO dates. */
static void check_days(struct loading *l, const struct rule *rule)
{
	bool until = rule->valid_until != NULL && rule->valid_until[0] != '\0';

	if (rule->valid_from[0] != '\0' && !iso_day(rule->valid_from))
		load_error(l, rule->line, "valid-from=\"%s\" is no date: write it as 2026-11-24",
		    rule->valid_from);
	if (until && !iso_day(rule->valid_until))
		load_error(l, rule->line, "valid-until=\"%s\" is no date: write it as 2026-11-24",
		    rule->valid_until);
	else if (until && strcmp(rule->valid_until, rule->valid_from) < 0)
		load_error(l, rule->line, "rule %s ends on %s before it begins on %s", rule->id,
		    rule->valid_until, rule->valid_from);
}

static void load_sentence(struct loading *l, const struct xml_node *node, struct rule *rule)
{
	static const char *const none[] = {NULL};

	load_only(l, node, none);
	if (rule->sentence != NULL)
		load_error(l, xml_line(node), "rule %s has a second <sentence>", rule->id);
	rule->sentence = xml_text(node, l->policy->arena);
}

static void load_rule(struct loading *l, const struct xml_node *node, enum policy_kind kind)
{
	static const char *const names[] = {
	    "id", "valid-from", "valid-until", "legal-basis", "code", NULL};
	struct policy *p = l->policy;
	struct rules *rules = &p->rules[kind];
	struct rule *rule;
	int outcomes = 0;

	load_only(l, node, names);
	rules->list = load_grow(p->arena, rules->list, &rules->count, &rules->size, sizeof(*rule));
	rule = &rules->list[rules->count - 1];
	*rule = (struct rule){.id = load_need(l, node, "id"),
	    .valid_from = load_need(l, node, "valid-from"),
	    .valid_until = load_may(l, node, "valid-until"),
	    .legal_basis = load_need(l, node, "legal-basis"),
	    .code = load_need(l, node, "code"),
	    .file = l->path,
	    .line = xml_line(node)};
	check_days(l, rule);
	for (struct xml_node *e = xml_first(node, NULL); e != NULL; e = xml_next(e, NULL)) {
		const char *name = xml_name(e);

		if (strcmp(name, "when") == 0)
			load_when(l, e, rule);
		else if (strcmp(name, "sentence") == 0)
			load_sentence(l, e, rule);
		else if (strcmp(name, "allow") == 0 || strcmp(name, "deny") == 0) {
			load_outcome(l, e, rule, kind);
			outcomes++;
		} else
			load_error(l, xml_line(e),
			    "unknown element <%s> in rule %s: when, sentence, allow, deny", name,
			    rule->id);
	}
	if (outcomes != 1)
		load_error(
		    l, rule->line, "rule %s needs exactly one <allow/> or <deny/>", rule->id);
	if (rule->sentence == NULL || rule->sentence[0] == '\0')
		load_error(
		    l, rule->line, "rule %s has no <sentence>: what is the person told?", rule->id);
	else
		check_braces(l, rule->line, arena_printf(p->arena, "rule %s", rule->id),
		    rule->sentence, "jabatan tujuan");
}

void load_rules(struct loading *l, const struct xml_node *root)
{
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		enum policy_kind kind;

		if (!policy_kind_by_name(xml_name(e), &kind))
			load_error(l, xml_line(e),
			    "unknown element <%s> in <rules>: sign, route, number, seal, plain, "
			    "intake, acknowledge, dispose or assurance",
			    xml_name(e));
		else
			load_rule(l, e, kind);
	}
}

/* --- choices ---------------------------------------------------------------------------------- */

const struct policy_switch *find_switch(const struct policy *policy, const char *name, size_t len)
{
	for (size_t i = 0; i < policy->switch_count; i++)
		if (strlen(policy->switches[i].name) == len &&
		    strncmp(policy->switches[i].name, name, len) == 0)
			return &policy->switches[i];
	return NULL;
}

void load_switches(struct loading *l, const struct xml_node *root)
{
	static const char *const names[] = {"name", "value", "values", NULL};
	struct policy *p = l->policy;

	for (struct xml_node *e = xml_first(root, "switch"); e != NULL; e = xml_next(e, "switch")) {
		struct policy_switch s = {.name = load_need(l, e, "name")};

		load_only(l, e, names);
		s.values = load_need(l, e, "values");
		s.value = load_need_word(l, e, "value", s.values);
		if (find_switch(p, s.name, strlen(s.name)) != NULL)
			load_error(l, xml_line(e), "switch %s stands twice", s.name);
		p->switches =
		    load_grow(p->arena, p->switches, &p->switch_count, &p->switch_size, sizeof(s));
		p->switches[p->switch_count - 1] = s;
	}
}
