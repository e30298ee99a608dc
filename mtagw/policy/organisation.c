/*
 * organisation: agencies, positions, letter types and addresses of a policy version, and how the
 * office finds them. People are not here: they are rows (DESIGN 10).
 */
#include <stdio.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* Notes the place of the last of count things; places grows beside their list. */
static void keep_place(struct loading *l, struct place **places, size_t count, size_t *size,
    const struct xml_node *node)
{
	size_t before = count - 1;

	*places = load_grow(l->policy->arena, *places, &before, size, sizeof(**places));
	(*places)[count - 1] = (struct place){l->path, xml_line(node)};
}

static void load_position(struct loading *l, const struct xml_node *node, const char *agency)
{
	static const char *const names[] = {
	    "id", "title", "block", "echelon", "superior", "unit", "rank", "alias", NULL};
	struct policy *p = l->policy;
	struct policy_position *at;

	load_only(l, node, names);
	p->positions =
	    load_grow(p->arena, p->positions, &p->position_count, &p->position_size, sizeof(*at));
	at = &p->positions[p->position_count - 1];
	keep_place(l, &p->position_places, p->position_count, &p->position_place_size, node);
	*at = (struct policy_position){.id = load_need(l, node, "id"),
	    .agency = agency,
	    .title = load_need(l, node, "title"),
	    .block = load_may(l, node, "block"),
	    .echelon = load_may(l, node, "echelon"),
	    .superior = load_may(l, node, "superior"),
	    .unit = load_may(l, node, "unit"),
	    .rank_line = load_may(l, node, "rank"),
	    .alias = load_may(l, node, "alias")};
	if (at->block == NULL)
		at->block = at->title;
	if (at->echelon == NULL)
		at->echelon = "";
	for (size_t i = 0; i + 1 < p->position_count; i++)
		if (strcmp(p->positions[i].id, at->id) == 0)
			load_error(l, xml_line(node), "position %s stands twice", at->id);
}

static void load_agency(struct loading *l, const struct xml_node *node)
{
	static const char *const names[] = {"code", "name", "registry", "head", "clerk",
	    "number-code", "letterhead", "place", NULL};
	struct policy *p = l->policy;
	struct policy_agency a = {.code = load_need(l, node, "code"),
	    .name = load_need(l, node, "name"),
	    .registry_local = load_need(l, node, "registry"),
	    .head = load_need(l, node, "head"),
	    .registry = load_need(l, node, "clerk"),
	    .number_code = load_may(l, node, "number-code"),
	    .letterhead_kind = load_may(l, node, "letterhead"),
	    .place = load_may(l, node, "place")};
	size_t lines = 0;

	load_only(l, node, names);
	if (a.number_code == NULL)
		a.number_code = a.code;
	if (a.letterhead_kind == NULL)
		a.letterhead_kind = "agency";
	if (a.place == NULL)
		a.place = "Dumai";
	for (struct xml_node *e = xml_first(node, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "position") == 0)
			load_position(l, e, a.code);
		else if (strcmp(xml_name(e), "line") != 0)
			load_error(l, xml_line(e),
			    "unknown element <%s> in <agency>: line or position", xml_name(e));
		else if (lines == 4)
			load_error(l, xml_line(e), "a letterhead has at most 4 lines");
		else
			a.letterhead_lines[lines++] = xml_text(e, p->arena);
	}
	for (size_t i = 0; i < p->agency_count; i++)
		if (strcmp(p->agencies[i].code, a.code) == 0)
			load_error(l, xml_line(node), "agency %s stands twice", a.code);
	p->agencies =
	    load_grow(p->arena, p->agencies, &p->agency_count, &p->agency_size, sizeof(a));
	p->agencies[p->agency_count - 1] = a;
	keep_place(l, &p->agency_places, p->agency_count, &p->agency_place_size, node);
}

void load_organisation(struct loading *l, const struct xml_node *root)
{
	static const char *const names[] = {"honorifics", NULL};

	load_only(l, root, names);
	if (load_may(l, root, "honorifics") != NULL)
		l->policy->honorifics = load_may(l, root, "honorifics");
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "agency") == 0)
			load_agency(l, e);
		else
			load_error(l, xml_line(e), "unknown element <%s> in <organisation>: agency",
			    xml_name(e));
	}
}

static void load_type(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {
	    "id", "word", "local", "template", "classification", NULL};
	struct policy *p = l->policy;
	struct policy_type *t;

	load_only(l, e, names);
	p->types = load_grow(p->arena, p->types, &p->type_count, &p->type_size, sizeof(*t));
	t = &p->types[p->type_count - 1];
	keep_place(l, &p->type_places, p->type_count, &p->type_place_size, e);
	*t = (struct policy_type){.id = load_need(l, e, "id"),
	    .word = load_need(l, e, "word"),
	    .local = load_need(l, e, "local"),
	    .template_base = load_need(l, e, "template"),
	    .classification_default = load_need(l, e, "classification")};
	p->addresses = load_grow(
	    p->arena, p->addresses, &p->address_count, &p->address_size, sizeof(*p->addresses));
	p->addresses[p->address_count - 1] =
	    (struct policy_address){t->local, "type", t->id, false, false};
	keep_place(l, &p->address_places, p->address_count, &p->address_place_size, e);
}

void load_types(struct loading *l, const struct xml_node *root)
{
	static const char *const names[] = {"local", "kind", "target", "detail", "outside", NULL};
	struct policy *p = l->policy;

	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "type") == 0) {
			load_type(l, e);
		} else if (strcmp(xml_name(e), "address") == 0) {
			struct policy_address a = {load_need(l, e, "local"),
			    load_need(l, e, "kind"), load_need(l, e, "target"),
			    load_flag(l, e, "detail", false), load_flag(l, e, "outside", false)};

			load_only(l, e, names);
			if (strcmp(a.kind, "action") != 0 && strcmp(a.kind, "role") != 0)
				load_error(
				    l, xml_line(e), "kind=\"%s\": write action or role", a.kind);
			p->addresses = load_grow(p->arena, p->addresses, &p->address_count,
			    &p->address_size, sizeof(*p->addresses));
			p->addresses[p->address_count - 1] = a;
			keep_place(
			    l, &p->address_places, p->address_count, &p->address_place_size, e);
		} else {
			load_error(l, xml_line(e),
			    "unknown element <%s> in <types>: type or address", xml_name(e));
		}
	}
}

/* Reports at a place. */
static struct loading *at_place(struct loading *l, const struct place *place)
{
	l->path = place->file;
	return l;
}

/* A local part means one thing: smtpd and the office would otherwise read it differently. */
static void check_local(struct loading *l, size_t i)
{
	const struct policy *p = l->policy;
	const char *local = p->addresses[i].local;
	const char *other = policy_position(p, local)             ? "a position"
	                    : policy_agency_by_registry(p, local) ? "a registry"
	                                                          : NULL;

	for (size_t k = 0; k < i; k++)
		if (strcmp(p->addresses[k].local, local) == 0)
			other = "another address";
	if (other != NULL)
		load_error(at_place(l, &p->address_places[i]), p->address_places[i].line,
		    "local=\"%s\" is %s already", local, other);
}

static void check_agency(struct loading *l, size_t i)
{
	const struct policy *p = l->policy;
	const struct policy_agency *a = &p->agencies[i];
	int line = p->agency_places[i].line;

	(void)at_place(l, &p->agency_places[i]);
	if (a->number_code[0] == '\0' || strpbrk(a->number_code, "{} ") != NULL)
		load_error(l, line,
		    "agency %s: number-code=\"%s\" is printed in numbers: no blanks, "
		    "no braces",
		    a->code, a->number_code);
	if (policy_position(p, a->head) == NULL)
		load_error(l, line, "agency %s: head %s is no position", a->code, a->head);
	if (policy_position(p, a->registry) == NULL)
		load_error(l, line, "agency %s: clerk %s is no position", a->code, a->registry);
	if (policy_position(p, a->registry_local) != NULL)
		load_error(l, line, "agency %s: registry %s is a position already", a->code,
		    a->registry_local);
	if (policy_agency_by_registry(p, a->registry_local) != a)
		load_error(l, line, "agency %s: registry %s is another agency's", a->code,
		    a->registry_local);
}

static void check_type(struct loading *l, size_t i)
{
	static const char *const forms[] = {"text", "html", "page"};
	const struct policy *p = l->policy;
	struct range bytes;
	char path[300];

	for (int f = 0; f < 3; f++) {
		(void)snprintf(
		    path, sizeof(path), "templates/%s.%s.xsl", p->types[i].template_base, forms[f]);
		if (!policy_file(p, path, &bytes))
			load_error(at_place(l, &p->type_places[i]), p->type_places[i].line,
			    "type %s: %s is not listed in policies/index.xml", p->types[i].id,
			    path);
	}
}

void check_organisation(struct loading *l)
{
	const struct policy *p = l->policy;

	l->path = "policies/index.xml";
	if (p->agency_count == 0)
		load_error(l, 1, "no file with an <organisation> is listed");
	for (size_t i = 0; i < p->agency_count; i++)
		check_agency(l, i);
	for (size_t i = 0; i < p->position_count; i++)
		if (p->positions[i].superior != NULL &&
		    policy_position(p, p->positions[i].superior) == NULL)
			load_error(at_place(l, &p->position_places[i]), p->position_places[i].line,
			    "position %s: superior %s is no position", p->positions[i].id,
			    p->positions[i].superior);
	for (size_t i = 0; i < p->type_count; i++)
		check_type(l, i);
	for (size_t i = 0; i < p->address_count; i++) {
		check_local(l, i);
		if (strcmp(p->addresses[i].kind, "role") == 0 &&
		    policy_position(p, p->addresses[i].target) == NULL)
			load_error(at_place(l, &p->address_places[i]), p->address_places[i].line,
			    "address %s: reader %s is no position", p->addresses[i].local,
			    p->addresses[i].target);
	}
}

/* --- finding ---------------------------------------------------------------------------------- */

const struct policy_position *policy_position(const struct policy *policy, const char *id)
{
	for (size_t i = 0; id != NULL && i < policy->position_count; i++)
		if (strcmp(policy->positions[i].id, id) == 0)
			return &policy->positions[i];
	return NULL;
}

const struct policy_agency *policy_agency(const struct policy *policy, const char *code)
{
	for (size_t i = 0; code != NULL && i < policy->agency_count; i++)
		if (strcmp(policy->agencies[i].code, code) == 0)
			return &policy->agencies[i];
	return NULL;
}

const struct policy_agency *policy_agency_by_registry(
    const struct policy *policy, const char *registry_local)
{
	for (size_t i = 0; i < policy->agency_count; i++)
		if (strcmp(policy->agencies[i].registry_local, registry_local) == 0)
			return &policy->agencies[i];
	return NULL;
}

void policy_each_position(
    const struct policy *policy, void (*cb)(const struct policy_position *p, void *ctx), void *ctx)
{
	for (size_t i = 0; i < policy->position_count; i++)
		cb(&policy->positions[i], ctx);
}

void policy_each_agency(
    const struct policy *policy, void (*cb)(const struct policy_agency *a, void *ctx), void *ctx)
{
	for (size_t i = 0; i < policy->agency_count; i++)
		cb(&policy->agencies[i], ctx);
}

void policy_each_address(
    const struct policy *policy, void (*cb)(const struct policy_address *a, void *ctx), void *ctx)
{
	for (size_t i = 0; i < policy->address_count; i++)
		cb(&policy->addresses[i], ctx);
}

const struct policy_type *policy_type(const struct policy *policy, const char *id)
{
	for (size_t i = 0; id != NULL && i < policy->type_count; i++)
		if (strcmp(policy->types[i].id, id) == 0)
			return &policy->types[i];
	return NULL;
}

const struct policy_type *policy_type_by_local(const struct policy *policy, const char *local)
{
	for (size_t i = 0; i < policy->type_count; i++)
		if (strcmp(policy->types[i].local, local) == 0)
			return &policy->types[i];
	return NULL;
}

/* Letters of a word, blanks, no-break spaces, dashes and case aside. */
static bool same_word(const char *a, const char *b)
{
	for (;;) {
		while (*a == ' ' || *a == '-' || *a == '\t' || strncmp(a, "\xc2\xa0", 2) == 0)
			a += *a == '\xc2' ? 2 : 1;
		while (*b == ' ' || *b == '-')
			b++;
		if (*a == '\0' || *b == '\0')
			return *a == *b;
		if ((*a | 32) != (*b | 32))
			return false;
		a++;
		b++;
	}
}

const struct policy_type *policy_type_by_word(const struct policy *policy, const char *word)
{
	for (size_t i = 0; i < policy->type_count; i++)
		if (same_word(word, policy->types[i].word))
			return &policy->types[i];
	return NULL;
}
