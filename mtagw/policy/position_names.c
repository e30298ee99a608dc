/*
 * position_names: positions as people write them, what stands near a misspelt one, and who is above
 * whom. A name is found exactly or not at all: an order to the wrong desk is worse than a question.
 */
#include <stdlib.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* Two names within one agency that differ in fewer letters than this part of their length are
 * offered as suggestions. */
#define NEAR_PART 3
/* Part of a name that is long enough to be offered by itself. */
#define PART_MIN 3
/* Superiors above each other: the city has seven levels. */
#define LEVELS_MAX 20

/* Names of a position, one after the other: id, local part, title, aliases. Folded. */
struct names {
	const struct policy_position *position;
	const char *alias;
	int step;
};

static bool next_folded(struct names *n, char out[FOLD_MAX])
{
	const char *id = n->position->id;
	char local[FOLD_MAX];
	size_t len;

	switch (n->step++) {
	case 0:
		n->alias = n->position->alias;
		return fold(id, out) || next_folded(n, out);
	case 1:
		len = strcspn(id, ".");
		if (len >= sizeof(local))
			return next_folded(n, out);
		memcpy(local, id, len);
		local[len] = '\0';
		return fold(local, out) || next_folded(n, out);
	case 2:
		return fold(n->position->title, out) || next_folded(n, out);
	default:
		break;
	}
	while (n->alias != NULL && *n->alias != '\0') {
		len = strcspn(n->alias, ";");
		if (len < sizeof(local)) {
			memcpy(local, n->alias, len);
			local[len] = '\0';
		}
		n->alias += len + (n->alias[len] == ';');
		if (len < sizeof(local) && fold(local, out))
			return true;
	}
	return false;
}

static bool has_name(const struct policy_position *position, const char *wanted)
{
	struct names n = {.position = position};
	char name[FOLD_MAX];

	while (next_folded(&n, name))
		if (strcmp(name, wanted) == 0)
			return true;
	return false;
}

/* The text behind the honorifics before it: `Yth. Pak Kabid` is `Kabid`. */
static const char *behind_honorifics(const struct policy *policy, const char *text)
{
	bool again = policy->honorifics != NULL;

	while (again) {
		const char *list = policy->honorifics;

		again = false;
		while (*list != '\0' && !again) {
			size_t len = strcspn(list, " ");
			char word[FOLD_MAX];
			const char *rest;

			if (len > 0 && len < sizeof(word)) {
				memcpy(word, list, len);
				word[len] = '\0';
				rest = fold_prefix(text, word);
				again = rest != NULL && *rest != '\0';
				text = again ? rest : text;
			}
			list += len + (list[len] == ' ');
		}
	}
	return text;
}

static const struct policy_position *find_exact(
    const struct policy *policy, const char *agency, const char *text)
{
	const struct policy_position *found = NULL;
	char wanted[FOLD_MAX], name[FOLD_MAX];
	size_t bearers = 0;

	if (!fold(text, wanted))
		return NULL;
	for (size_t i = 0; agency != NULL && i < policy->position_count; i++)
		if (strcmp(policy->positions[i].agency, agency) == 0 &&
		    has_name(&policy->positions[i], wanted))
			return &policy->positions[i];
	for (size_t i = 0; i < policy->position_count; i++)
		if (fold(policy->positions[i].id, name) && strcmp(name, wanted) == 0)
			return &policy->positions[i];
	for (size_t i = 0; i < policy->position_count; i++)
		if (fold(policy->positions[i].title, name) && strcmp(name, wanted) == 0) {
			found = &policy->positions[i];
			bearers++;
		}
	return bearers == 1 ? found : NULL;
}

const struct policy_position *policy_position_by_name(
    const struct policy *policy, const char *agency, const char *text)
{
	const struct policy_position *found = find_exact(policy, agency, text);
	const char *name = behind_honorifics(policy, text);

	return found != NULL || name == text ? found : find_exact(policy, agency, name);
}

/* --- suggestions ------------------------------------------------------------------------------ */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to change, add or take out to come from a to b (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[FOLD_MAX], n = strlen(b);

	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < n; k++) {
			size_t above = row[k + 1];

			row[k + 1] = smaller(smaller(above, row[k]) + 1, corner + (a[i] != b[k]));
			corner = above;
		}
	}
	return row[n];
}

/* How far the position's nearest name is from the text; SIZE_MAX where none is near. */
static size_t farness(const struct policy_position *position, const char *wanted)
{
	struct names n = {.position = position};
	size_t best = SIZE_MAX, length = strlen(wanted);
	char name[FOLD_MAX];

	while (next_folded(&n, name)) {
		size_t d = distance(wanted, name), longer = strlen(name);
		bool part = (length >= PART_MIN && strstr(name, wanted) != NULL) ||
		            (longer >= PART_MIN && strstr(wanted, name) != NULL);

		longer = longer > length ? longer : length;
		if (part)
			best = smaller(best, 1);
		else if (d * NEAR_PART <= longer)
			best = smaller(best, d);
	}
	return best;
}

size_t policy_position_suggest(const struct policy *policy, const char *agency, const char *text,
    const struct policy_position **list, size_t max)
{
	const char *name = behind_honorifics(policy, text);
	char wanted[FOLD_MAX];
	size_t count = 0, *far;

	if (agency == NULL || max == 0 || !fold(name, wanted))
		return 0;
	far = mem_alloc(max * sizeof(*far)); /* of each in list */
	for (size_t i = 0; i < policy->position_count; i++) {
		const struct policy_position *p = &policy->positions[i];
		size_t d, at;

		if (strcmp(p->agency, agency) != 0)
			continue;
		d = farness(p, wanted);
		for (at = count; at > 0 && far[at - 1] > d; at--)
			if (at < max) {
				far[at] = far[at - 1];
				list[at] = list[at - 1];
			}
		if (d == SIZE_MAX || at == max)
			continue;
		far[at] = d;
		list[at] = p;
		count += count < max;
	}
	free(far);
	return count;
}

/* --- above and below -------------------------------------------------------------------------- */

/* Levels from below up to above; 0: above is not above it. */
static int levels(
    const struct policy *policy, const struct policy_position *below, const char *above)
{
	for (int n = 1; n <= LEVELS_MAX && below != NULL && below->superior != NULL; n++) {
		if (strcmp(below->superior, above) == 0)
			return n;
		below = policy_position(policy, below->superior);
	}
	return 0;
}

const char *policy_relation(const struct policy *policy, const char *actor, const char *target)
{
	const struct policy_position *a = policy_position(policy, actor),
	                             *t = policy_position(policy, target);
	int down;

	if (a == NULL || t == NULL)
		return "unknown";
	if (a == t)
		return "self";
	if (levels(policy, a, t->id) > 0)
		return "superior";
	if (strcmp(a->agency, t->agency) != 0)
		return "other_agency";
	down = levels(policy, t, a->id);
	return down == 1 ? "subordinate" : down > 1 ? "indirect" : "peer";
}

size_t policy_subordinates(const struct policy *policy, const char *position,
    const struct policy_position **list, size_t max)
{
	const struct policy_position *above = policy_position(policy, position);
	size_t count = 0;

	for (size_t i = 0; above != NULL && i < policy->position_count; i++) {
		const struct policy_position *p = &policy->positions[i];

		if (p->superior == NULL || strcmp(p->superior, above->id) != 0 ||
		    strcmp(p->agency, above->agency) != 0)
			continue;
		if (count < max)
			list[count] = p;
		count++;
	}
	return count;
}

/* --- checking --------------------------------------------------------------------------------- */

static void check_shared(struct loading *l, size_t i, size_t k)
{
	const struct policy_position *a = &l->policy->positions[i], *b = &l->policy->positions[k];
	struct names n = {.position = b};
	char name[FOLD_MAX];

	while (next_folded(&n, name))
		if (has_name(a, name)) {
			l->path = l->policy->position_places[k].file;
			load_error(l, l->policy->position_places[k].line,
			    "position %s: the name \"%s\" is also %s: an order would reach only "
			    "one",
			    b->id, name, a->id);
			return;
		}
}

/* Within an agency a name means one position; nobody is above himself. */
void check_position_names(struct loading *l)
{
	const struct policy *p = l->policy;

	for (size_t k = 0; k < p->position_count; k++) {
		for (size_t i = 0; i < k; i++)
			if (strcmp(p->positions[i].agency, p->positions[k].agency) == 0 &&
			    strcmp(p->positions[i].id, p->positions[k].id) != 0)
				check_shared(l, i, k);
		l->path = p->position_places[k].file;
		if (levels(p, &p->positions[k], p->positions[k].id) > 0)
			load_error(l, p->position_places[k].line,
			    "position %s is above itself: correct superior=", p->positions[k].id);
	}
}
