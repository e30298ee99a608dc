/*
 * decide: asks the rules of a kind in their order; the first that matches decides, no match means
 * no. The trace is what `mtagwctl policy explain` prints: every rule tried, what it wanted and what
 * was there, readable without the code.
 */
#include "mtagw/policy/policy.h"

#include <string.h>

#include "mtagw/policy/policy_private.h"

#define CLASSIFICATION_MAX 20 /* the longest in use, 800.1.11.13, has eleven */

/* The tree an XPath sees: <facts> with one element a fact and the letter, all in no namespace. */
static struct xml *facts_tree(const struct policy_facts *facts)
{
	struct xml *xml = xml_new("facts", NULL);
	const struct xml_node *letter;
	const char *values[WHEN_COUNT];

	facts_values(facts, values);
	for (int i = 0; i < WHEN_COUNT; i++)
		if (values[i] != NULL)
			xml_add_text(xml_root(xml), when_names[i], values[i]);
	if (facts->date != NULL)
		xml_add_text(xml_root(xml), "date", facts->date);
	letter = facts->letter_of != NULL ? facts->letter_of(facts->letter_ctx) : facts->letter;
	if (letter != NULL)
		xml_copy_into(xml_root(xml), letter, true);
	return xml;
}

struct question {
	const struct policy *policy;
	const struct policy_facts *facts;
	const char *values[WHEN_COUNT];
	struct xml *tree; /* made when the first rule asks for it */
	struct buf *trace;
	struct err *error_r;
};

/* One of the choices is set so. */
static bool switched(const struct question *q, const char *list)
{
	bool yes = false;

	while (!yes && *list != '\0') {
		size_t len = strcspn(list, " "), name = strcspn(list, "= ");
		const struct policy_switch *s = find_switch(q->policy, list, name);

		yes = s != NULL && name < len && strlen(s->value) == len - name - 1 &&
		      strncmp(s->value, list + name + 1, len - name - 1) == 0;
		if (q->trace != NULL && s != NULL)
			buf_printf(q->trace, "      switch %s is set to %s, wanted %.*s: %s\n",
			    s->name, s->value, (int)len, list, yes ? "yes" : "no");
		list += len + (list[len] == ' ');
	}
	return yes;
}

/* One <when>: 1 holds, 0 does not, -1 the test could not be run. */
static int holds(struct question *q, const struct when *when)
{
	bool yes = true;

	for (int i = 0; i < WHEN_COUNT; i++) {
		if (when->wanted[i] == NULL)
			continue;
		yes = q->values[i] != NULL && list_has(when->wanted[i], q->values[i]);
		if (q->trace != NULL)
			buf_printf(q->trace, "      %s is \"%s\", wanted %s: %s\n", when_names[i],
			    q->values[i] ? q->values[i] : "-", when->wanted[i], yes ? "yes" : "no");
		if (!yes)
			return 0;
	}
	if (when->switched != NULL && !switched(q, when->switched))
		return 0;
	if (when->test == NULL)
		return 1;
	if (q->tree == NULL)
		q->tree = facts_tree(q->facts);
	if (xml_xpath_bool(q->tree, when->test, &yes, q->error_r) < 0)
		return -1;
	if (q->trace != NULL)
		buf_printf(q->trace, "      test %s: %s\n", when->test, yes ? "yes" : "no");
	return yes;
}

static int rule_matches(struct question *q, const struct rule *rule)
{
	const char *date = q->facts->date;
	int rc = rule->when_count == 0;

	if (q->trace != NULL)
		buf_printf(q->trace, "  rule %s (%s:%d)\n", rule->id, rule->file, rule->line);
	if (date != NULL && (strcmp(date, rule->valid_from) < 0 ||
	                        (rule->valid_until != NULL && rule->valid_until[0] &&
	                            strcmp(date, rule->valid_until) > 0))) {
		if (q->trace != NULL)
			buf_printf(q->trace, "      in force from %s until %s, the day is %s: no\n",
			    rule->valid_from,
			    rule->valid_until && rule->valid_until[0] ? rule->valid_until
			                                              : "further notice",
			    date);
		return 0;
	}
	if (rc == 1 && q->trace != NULL)
		buf_puts(q->trace, "      has no condition: always\n");
	for (size_t i = 0; rc == 0 && i < rule->when_count; i++)
		rc = holds(q, &rule->whens[i]);
	return rc;
}

/* text with every {name} of the pairs (ended by NULL) replaced in one pass: a value is never read
 * again. */
static const char *replaced(const char *text, const char *const *pairs, struct arena *arena)
{
	struct buf out = {0};
	const char *result;

	if (text == NULL)
		return NULL;
	while (*text != '\0') {
		const char *const *pair = pairs;

		while (
		    *text == '{' && pair[0] != NULL && strncmp(text, pair[0], strlen(pair[0])) != 0)
			pair += 2;
		if (*text == '{' && pair[0] != NULL) {
			buf_puts(&out, pair[1]);
			text += strlen(pair[0]);
		} else {
			buf_putc(&out, *text++);
		}
	}
	result = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return result;
}

/* A classification code is written by the letter's author and ends in its number, so it may hold
 * nothing that a pattern or a reader could take for something else. */
static bool classification_ok(const char *code)
{
	size_t n = strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-");

	return n <= CLASSIFICATION_MAX && code[n] == '\0';
}

static void outcome(const struct policy *policy, const struct rule *rule,
    const struct policy_facts *facts, struct arena *arena, struct policy_decision *d)
{
	const struct policy_agency *agency = policy_agency(policy, facts->agency);
	const struct policy_position *position = policy_position(policy, facts->position);
	const struct policy_position *target = policy_position(policy, facts->recipient);
	const char *code = agency ? agency->number_code : "";

	*d = (struct policy_decision){.allowed = rule->allow,
	    .rule_id = rule->id,
	    .code = rule->code,
	    .legal_basis = rule->legal_basis,
	    .via = rule->via,
	    .out_form = rule->out_form,
	    .seal = rule->seal,
	    .dkim = rule->dkim,
	    .pdf = rule->pdf,
	    .confirm = rule->confirm,
	    .copy = rule->copy,
	    .number = rule->number,
	    .present = rule->present,
	    .capacity = rule->capacity,
	    .behalf = rule->behalf};
	d->sentence = replaced(rule->sentence,
	    (const char *[]){"{jabatan}", position ? position->title : "", "{tujuan}",
	        target             ? target->title
	        : facts->recipient ? facts->recipient
	                           : "",
	        NULL},
	    arena);
	d->series = replaced(rule->series, (const char *[]){"{PD}", code, NULL}, arena);
	d->pattern = replaced(rule->pattern,
	    (const char *[]){
	        "{PD}", code, "{K}", facts->classification ? facts->classification : "", NULL},
	    arena);
}

static void tell_question(const struct policy *policy, enum policy_kind kind,
    const char *const values[WHEN_COUNT], struct buf *trace)
{
	buf_printf(
	    trace, "question: %s (policy version %d)\n", policy_kind_name(kind), policy->version);
	buf_puts(trace, "  facts:");
	for (int i = 0; i < WHEN_COUNT; i++)
		if (values[i] != NULL)
			buf_printf(trace, " %s=\"%s\"", when_names[i], values[i]);
	buf_putc(trace, '\n');
}

static void tell_outcome(enum policy_kind kind, const struct policy_decision *d, struct buf *trace)
{
	buf_printf(trace, "  outcome: %s by rule %s%s%s", d->allowed ? "ALLOWED" : "REFUSED",
	    d->rule_id, d->allowed ? "" : ", code ", d->allowed ? "" : d->code);
	if (kind == POLICY_INTAKE)
		buf_printf(trace, ", number: %s, shown to the head at once: %s", d->number,
		    d->present ? "yes" : "no");
	if (d->behalf != NULL)
		buf_printf(trace, ", %s of %s", d->capacity, d->behalf);
	buf_printf(trace, "\n    legal basis: %s\n", d->legal_basis);
	if (!d->allowed || kind == POLICY_INTAKE)
		buf_printf(trace, "    told to the person: %s\n", d->sentence);
}

int policy_decide(const struct policy *policy, enum policy_kind kind,
    const struct policy_facts *facts, struct arena *arena, struct policy_decision *decision_r,
    struct buf *trace, struct err *error_r)
{
	const struct rules *rules = &policy->rules[kind];
	struct question q = {.policy = policy, .facts = facts, .trace = trace, .error_r = error_r};
	int rc = 0;

	facts_values(facts, q.values);
	*decision_r =
	    (struct policy_decision){.rule_id = "-", .code = "KBJ-00", .legal_basis = "-"};
	decision_r->sentence = policy_words(policy, "no-rule", NULL, arena);
	if (trace != NULL)
		tell_question(policy, kind, q.values, trace);
	if (facts->classification != NULL && !classification_ok(facts->classification)) {
		decision_r->code = "KBJ-01";
		decision_r->sentence = policy_words(policy, "bad-classification",
		    (const char *[]){"kode", facts->classification, NULL}, arena);
		if (trace != NULL)
			buf_printf(trace,
			    "  classification \"%s\" is not a code: letters, digits, dots and "
			    "dashes, at most %d\n",
			    facts->classification, CLASSIFICATION_MAX);
		rc = 1; /* no rule is asked */
	}
	for (size_t i = 0; rc == 0 && i < rules->count; i++) {
		rc = rule_matches(&q, &rules->list[i]);
		if (rc == 1)
			outcome(policy, &rules->list[i], facts, arena, decision_r);
	}
	if (kind == POLICY_INTAKE && decision_r->number == NULL) /* no rule knows: a person does */
		decision_r->number = rc == 1 ? "never" : "ask";
	xml_free(&q.tree);
	if (trace != NULL)
		tell_outcome(kind, decision_r, trace);
	return rc < 0 ? -1 : 1;
}
