/*
 * xpath_check: holds a rule's XPath test against what the facts can contain. XPath 1.0 itself is
 * silent about all of this: a name that does not exist matches no node, a constant that no document
 * holds is never equal, text compared by < is no number and never true, `!=` holds when any node
 * differs and fails when there is none (DESIGN 10). Whether a name stands at the right place of the
 * tree is not looked at, only whether it exists as an element or attribute.
 */
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* References of a schema followed inside each other: letter.rng needs two. */
#define SCHEMA_DEPTH_MAX 8

/* --- what letter.rng can contain --- */

struct contents {
	struct buf values;
	bool open; /* other text is possible */
	bool date;
};

static const struct xml_node *find_define(
    const struct xml_node *root, const char *name, struct arena *arena)
{
	for (struct xml_node *e = xml_first(root, "define"); e != NULL; e = xml_next(e, "define")) {
		const char *own = xml_attr(e, "name", arena);

		if (own != NULL && name != NULL && strcmp(own, name) == 0)
			return e;
	}
	return NULL;
}

/* The text an element or attribute may hold: <value>s, directly or through references. */
static void read_contents(const struct xml_node *root, const struct xml_node *pattern, int depth,
    struct arena *arena, struct contents *c)
{
	for (struct xml_node *e = xml_first(pattern, NULL); e != NULL; e = xml_next(e, NULL)) {
		const char *kind = xml_name(e);

		if (strcmp(kind, "value") == 0) {
			buf_printf(
			    &c->values, "%s%s", c->values.len ? " " : "", xml_text(e, arena));
		} else if (strcmp(kind, "ref") == 0) {
			const struct xml_node *define =
			    find_define(root, xml_attr(e, "name", arena), arena);

			if (define == NULL || depth == SCHEMA_DEPTH_MAX)
				c->open = true;
			else
				read_contents(root, define, depth + 1, arena, c);
		} else if (strcmp(kind, "data") == 0) {
			const char *type = xml_attr(e, "type", arena);

			c->open = true;
			c->date = c->date || (type != NULL && strncmp(type, "date", 4) == 0);
		} else if (strcmp(kind, "choice") == 0 || strcmp(kind, "optional") == 0 ||
		           strcmp(kind, "group") == 0) {
			read_contents(root, e, depth, arena, c);
		} else if (strcmp(kind, "attribute") != 0) {
			c->open = true;
		}
	}
}

static void add_schema_name(
    struct loading *l, const struct xml_node *root, const struct xml_node *e, const char *name)
{
	struct policy *p = l->policy;
	struct contents c = {{0}, false, false};
	struct schema_name *at;

	read_contents(root, e, 0, p->arena, &c);
	p->schema_names = load_grow(
	    p->arena, p->schema_names, &p->schema_name_count, &p->schema_name_size, sizeof(*at));
	at = &p->schema_names[p->schema_name_count - 1];
	*at = (struct schema_name){.name = name,
	    .attribute = strcmp(xml_name(e), "attribute") == 0,
	    .date = c.date,
	    .values = c.open || c.values.len == 0
	                  ? NULL
	                  : arena_strndup(p->arena, buf_str(&c.values), c.values.len)};
	buf_free(&c.values);
}

static void walk_schema(struct loading *l, const struct xml_node *root, const struct xml_node *node)
{
	for (struct xml_node *e = xml_first(node, NULL); e != NULL; e = xml_next(e, NULL)) {
		const char *name = xml_attr(e, "name", l->policy->arena);

		if (name != NULL &&
		    (strcmp(xml_name(e), "element") == 0 || strcmp(xml_name(e), "attribute") == 0))
			add_schema_name(l, root, e, name);
		walk_schema(l, root, e);
	}
}

void load_schema_names(struct loading *l, const struct xml_node *root)
{
	walk_schema(l, root, root);
}

/* --- tests --- */

struct test_check {
	struct loading *l;
	const struct rule *rule;
	int line;
};

/* The fact of that name, -1 for none. */
static int fact_of(const char *name, bool attribute)
{
	for (int i = 0; !attribute && i < WHEN_COUNT; i++)
		if (strcmp(when_names[i], name) == 0)
			return i;
	return -1;
}

static bool plain_fact(const char *name, bool attribute)
{
	return !attribute && (fact_of(name, attribute) >= 0 || strcmp(name, "facts") == 0 ||
	                         strcmp(name, "letter") == 0 || strcmp(name, "date") == 0);
}

static void check_name(const struct test_check *c, const struct xpath_use *use)
{
	const struct policy *p = c->l->policy;

	if (plain_fact(use->name, use->attribute))
		return;
	for (size_t i = 0; i < p->schema_name_count; i++)
		if (p->schema_names[i].attribute == use->attribute &&
		    strcmp(p->schema_names[i].name, use->name) == 0)
			return;
	load_error(c->l, c->line,
	    "rule %s: the facts have no %s \"%s\", so this test never matches: correct the name",
	    c->rule->id, use->attribute ? "attribute" : "element", use->name);
}

static bool is_date(const struct policy *p, const struct xpath_use *use)
{
	if (!use->attribute && strcmp(use->name, "date") == 0)
		return true;
	for (size_t i = 0; i < p->schema_name_count; i++)
		if (p->schema_names[i].attribute == use->attribute && p->schema_names[i].date &&
		    strcmp(p->schema_names[i].name, use->name) == 0)
			return true;
	return false;
}

/* A constant must be possible somewhere: where all that carry the name list their values, in one of
 * the lists. */
static void check_constant(const struct test_check *c, const struct xpath_use *use)
{
	const struct policy *p = c->l->policy;
	int fact = fact_of(use->name, use->attribute);
	const char *known = NULL;

	if (use->number || strchr(use->constant, '*') != NULL)
		return;
	if (fact >= 0) {
		if (when_words[fact] == NULL || list_has(when_words[fact], use->constant))
			return;
		known = when_words[fact];
	}
	for (size_t i = 0; i < p->schema_name_count; i++) {
		const struct schema_name *s = &p->schema_names[i];

		if (s->attribute != use->attribute || strcmp(s->name, use->name) != 0)
			continue;
		if (s->values == NULL || list_has(s->values, use->constant))
			return;
		known = s->values;
	}
	if (known != NULL)
		load_error(c->l, c->line,
		    "rule %s: %s is never '%s', so this test never matches: known words are %s",
		    c->rule->id, use->name, use->constant, known);
}

static void check_comparison(const struct test_check *c, const struct xpath_use *use)
{
	bool order = use->op[0] == '<' || use->op[0] == '>';

	if (order && is_date(c->l->policy, use))
		load_error(c->l, c->line,
		    "rule %s: a date compared with %s is never true in XPath 1.0; use valid-from "
		    "and valid-until",
		    c->rule->id, use->op);
	else if (order && use->constant != NULL && !use->number)
		load_error(c->l, c->line,
		    "rule %s: %s compares numbers, so '%s' is never less nor more than anything",
		    c->rule->id, use->op, use->constant);
	else if (use->constant != NULL && !order)
		check_constant(c, use);
	if (strcmp(use->op, "!=") == 0)
		load_warning(c->l, c->line,
		    "rule %s: != is true when any node differs and false when none exists; write "
		    "not(a = b)",
		    c->rule->id);
}

static void check_use(const struct xpath_use *use, void *ctx)
{
	const struct test_check *c = ctx;

	if (use->kind == XPATH_NAME)
		check_name(c, use);
	else
		check_comparison(c, use);
}

void check_test(struct loading *l, const struct rule *rule, const struct when *when)
{
	struct test_check c = {l, rule, when->line};
	struct err err = {""};

	if (xml_xpath_check(when->test, l->policy->arena, check_use, &c, &err) < 0)
		load_error(
		    l, when->line, "rule %s: test=\"%s\": %s", rule->id, when->test, err.text);
}

bool iso_day(const char *text)
{
	static const char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int n[10], year, month, day;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return false;
	for (int i = 0; i < 10; i++) {
		n[i] = text[i] - '0';
		if (i != 4 && i != 7 && (n[i] < 0 || n[i] > 9))
			return false;
	}
	year = n[0] * 1000 + n[1] * 100 + n[2] * 10 + n[3];
	month = n[5] * 10 + n[6];
	day = n[8] * 10 + n[9];
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}
