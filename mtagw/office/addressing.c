/*
 * addressing: the meaning of addresses, from the policy alone: positions and registries of the
 * organisation, and the words for types, actions and roles. A registry's mail leads to the mailbox
 * of its clerk (R16, R33).
 */
#include "mtagw/office/addressing.h"

#include <string.h>
#include <strings.h>

static const char *lower(const char *text, size_t len, struct arena *arena)
{
	char *out = arena_strndup(arena, text, len);

	for (size_t i = 0; i < len; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] + ('a' - 'A'));
	return out;
}

const char *addressing_mailbox(const char *position, const char *domain, struct arena *arena)
{
	return arena_printf(arena, "%s@%s", position, domain);
}

struct search {
	const char *local;
	struct policy_address found;
	bool hit;
};

static void match_address(const struct policy_address *a, void *ctx)
{
	struct search *s = ctx;

	if (!s->hit && strcmp(a->local, s->local) == 0) {
		s->found = *a;
		s->hit = true;
	}
}

static void set_position(const struct policy *policy, const char *id, struct addressee *a)
{
	const struct policy_position *p = policy_position(policy, id);

	if (p == NULL)
		return;
	a->position = p->id;
	a->agency = p->agency;
	a->title = p->title;
}

static void set_registry(
    const struct policy *policy, const struct policy_agency *agency, struct addressee *a)
{
	const struct policy_position *head =
	    agency->head ? policy_position(policy, agency->head) : NULL;

	a->kind = ADDRESSEE_REGISTRY;
	set_position(policy, agency->registry ? agency->registry : agency->head, a);
	a->agency = agency->code;
	a->title = head ? head->title : agency->name;
}

static void set_word(
    const struct policy *policy, const struct policy_address *word, struct addressee *a)
{
	a->target = word->target;
	if (strcmp(word->kind, "type") == 0) {
		a->kind = ADDRESSEE_TYPE;
	} else if (strcmp(word->kind, "role") == 0) {
		a->kind = ADDRESSEE_ROLE;
		set_position(policy, word->target, a);
	} else if (strcmp(word->target, "return") == 0) {
		a->kind = ADDRESSEE_RETURN;
	} else {
		a->kind = ADDRESSEE_PROMPT;
	}
}

void addressing_resolve(const struct policy *policy, const char *domain, const char *address,
    struct arena *arena, struct addressee *a)
{
	const char *at = strrchr(address, '@'), *plus;
	const struct policy_agency *agency;
	struct search search = {0};
	size_t local_len = at ? (size_t)(at - address) : strlen(address);

	*a = (struct addressee){.kind = ADDRESSEE_OUTSIDE, .title = ""};
	a->domain = at ? lower(at + 1, strlen(at + 1), arena) : domain;
	if (strcasecmp(a->domain, domain) != 0) {
		a->address = arena_printf(arena, "%.*s@%s", (int)local_len, address, a->domain);
		return;
	}
	a->address = arena_printf(arena, "%s@%s", lower(address, local_len, arena), a->domain);
	plus = memchr(address, '+', local_len);
	if (plus != NULL) {
		a->detail = lower(plus + 1, local_len - (size_t)(plus - address) - 1, arena);
		local_len = (size_t)(plus - address);
	}
	search.local = lower(address, local_len, arena);
	a->kind = ADDRESSEE_UNKNOWN;
	agency = policy_agency_by_registry(policy, search.local);
	if (policy_position(policy, search.local) != NULL) {
		a->kind = ADDRESSEE_POSITION;
		set_position(policy, search.local, a);
	} else if (agency != NULL) {
		set_registry(policy, agency, a);
	} else {
		policy_each_address(policy, match_address, &search);
		if (search.hit)
			set_word(policy, &search.found, a);
	}
}

struct action_search {
	const char *target, *local;
};

static void match_action(const struct policy_address *a, void *ctx)
{
	struct action_search *s = ctx;

	if (s->local == NULL && strcmp(a->kind, "action") == 0 && strcmp(a->target, s->target) == 0)
		s->local = a->local;
}

const char *addressing_action(const struct policy *policy, const char *target)
{
	struct action_search search = {target, NULL};

	policy_each_address(policy, match_action, &search);
	return search.local;
}
