/*
 * rules: reading and checking rules. Conditions are attributes of <when>; `test` adds an XPath 1.0
 * expression on the facts tree. What XPath 1.0 would silently get wrong is an error or a warning
 * here: a name the schema cannot contain never matches, a date compared as a string is never true,
 * `!=` is true when any node differs and false when none exists (DESIGN 10).
 */
#include <string.h>

#include "mtagw/policy/policy_private.h"

const char *const when_names[WHEN_COUNT] = {"type", "scope", "class", "agency", "position",
    "echelon", "channel", "verdict", "urgency", "recipient", "recipient-domain", "recipient-kind",
    "form", "classification"};

/* Words an attribute or a constant may say; NULL: free. In the order of when_names. */
const char *const when_words[WHEN_COUNT] = {NULL, "internal inter_agency outside",
    "open restricted secret top_secret", NULL, NULL, NULL, "submission mx internal email", NULL,
    "normal important urgent immediate", NULL, NULL, "inside outside", "inside outside", NULL};

static const char *const kind_names[POLICY_KIND_COUNT] = {
    "sign", "route", "number", "seal", "plain"};

const char *policy_kind_name(enum policy_kind kind)
{
	return kind_names[kind];
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

/* A wildcard that reaches nobody is a misspelt one. */
static void check_wildcard(struct loading *l, int line, int which, const char *word)
{
	const struct policy *p = l->policy;
	bool position = strcmp(when_names[which], "position") == 0,
	     agency = strcmp(when_names[which], "agency") == 0;
	bool found = !position && !agency;

	for (size_t i = 0; position && !found && i < p->position_count; i++)
		found = list_has(word, p->positions[i].id);
	for (size_t i = 0; agency && !found && i < p->agency_count; i++)
		found = list_has(word, p->agencies[i].code);
	if (!found)
		load_error(l, line, "%s=\"%s\" reaches no %s of the organisation",
		    when_names[which], word, when_names[which]);
}

/* Each word of a list must be known: enumerations by their words, agencies, positions, types by the
 * organisation. */
static void check_value(struct loading *l, int line, int which, const char *list)
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
		if (strcmp(when_names[which], "type") == 0 && policy_type(l->policy, w) == NULL)
			load_error(l, line, "letter type \"%s\" is not among the types", w);
	}
}

static void load_when(struct loading *l, const struct xml_node *node, struct rule *rule)
{
	struct policy *p = l->policy;
	size_t size = rule->when_count;
	const char *name, *value;
	struct when *when;

	rule->whens = load_grow(p->arena, rule->whens, &rule->when_count, &size, sizeof(*when));
	when = &rule->whens[rule->when_count - 1];
	*when = (struct when){.line = xml_line(node)};
	for (size_t i = 0; xml_attr_at(node, i, &name, &value, p->arena); i++) {
		int k;

		for (k = 0; k < WHEN_COUNT; k++)
			if (strcmp(when_names[k], name) == 0)
				break;
		if (k < WHEN_COUNT)
			when->wanted[k] = value;
		else if (strcmp(name, "test") == 0)
			when->test = value;
		else
			load_error(l, xml_line(node), "<when> has no attribute \"%s\"", name);
	}
}

static void load_outcome(
    struct loading *l, const struct xml_node *node, struct rule *rule, enum policy_kind kind)
{
	static const char *const none[] = {NULL};
	static const char *const numbering[] = {"series", "pattern", NULL};
	static const char *const routing[] = {"via", "form", NULL};
	static const char *const sealing[] = {"seal", "dkim", "pdf", NULL};

	rule->allow = strcmp(xml_name(node), "allow") == 0;
	if (!rule->allow) {
		load_only(l, node, none);
		return;
	}
	load_only(l, node,
	    kind == POLICY_NUMBER  ? numbering
	    : kind == POLICY_ROUTE ? routing
	    : kind == POLICY_SEAL  ? sealing
	                           : none);
	if (kind == POLICY_NUMBER) {
		rule->series = load_need(l, node, "series");
		rule->pattern = load_need(l, node, "pattern");
		if (strstr(rule->pattern, "{N") == NULL)
			load_error(l, xml_line(node),
			    "pattern=\"%s\" has no {N}: two letters would share a number",
			    rule->pattern);
	} else if (kind == POLICY_ROUTE) {
		rule->via = load_need(l, node, "via");
		rule->out_form = load_need(l, node, "form");
		if (!list_has("lmtp smtp", rule->via) ||
		    !list_has("inside outside", rule->out_form))
			load_error(
			    l, xml_line(node), "via is lmtp or smtp, form is inside or outside");
	} else if (kind == POLICY_SEAL) {
		rule->seal = load_flag(l, node, "seal", true);
		rule->dkim = load_flag(l, node, "dkim", true);
		rule->pdf = load_flag(l, node, "pdf", false);
		if (!rule->seal)
			load_warning(l, xml_line(node),
			    "letters under this rule leave without the agency's seal");
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
			rule->sentence = xml_text(e, p->arena);
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
}

void load_rules(struct loading *l, const struct xml_node *root)
{
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		int kind;

		for (kind = 0; kind < POLICY_KIND_COUNT; kind++)
			if (strcmp(kind_names[kind], xml_name(e)) == 0)
				break;
		if (kind == POLICY_KIND_COUNT)
			load_error(l, xml_line(e),
			    "unknown element <%s> in <rules>: sign, route, number, seal or plain",
			    xml_name(e));
		else
			load_rule(l, e, (enum policy_kind)kind);
	}
}

/* --- checking --------------------------------------------------------------------------------- */

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
	if (e->test != NULL)
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

static void check_rule(struct loading *l, const struct rules *rules, size_t i)
{
	const struct rule *rule = &rules->list[i];

	l->path = rule->file;
	for (size_t w = 0; w < rule->when_count; w++) {
		for (int k = 0; k < WHEN_COUNT; k++)
			if (rule->whens[w].wanted[k] != NULL)
				check_value(l, rule->whens[w].line, k, rule->whens[w].wanted[k]);
		if (rule->whens[w].test != NULL)
			check_test(l, rule, &rule->whens[w]);
	}
	for (size_t k = 0; k < i; k++)
		if (hides(&rules->list[k], rule)) {
			load_warning(l, rule->line,
			    "rule %s is never reached: %s (%s:%d) matches first", rule->id,
			    rules->list[k].id, rules->list[k].file, rules->list[k].line);
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
						    rule->id, p->rules[other].list[k].file,
						    p->rules[other].list[k].line);
		}
		if (p->rules[kind].count == 0) {
			l->path = "policies/index.xml";
			load_warning(
			    l, 1, "no %s rule at all: no match means no", kind_names[kind]);
		}
	}
}
