/*
 * facts: what rules are asked about, by name: the attributes of <when>, the elements of the facts
 * tree, and what the trail keeps of a question.
 */
#include <stddef.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

static const char action_words[] =
    "ok plain cancel dispose pass_on decline return report done confirm not_letter correct sent "
    "unreadable receive trace answer";

const char *const when_names[WHEN_COUNT] = {"type", "scope", "class", [WHEN_AGENCY] = "agency",
    "position", "echelon", "channel", "verdict", "urgency", "recipient", "recipient-domain",
    "recipient-kind", "form", "classification", "direction", "thread", "correspondent", "automatic",
    "relation", "action"};

/* Words an attribute or a constant may say; NULL: free. In the order of when_names. */
const char *const when_words[WHEN_COUNT] = {NULL, "internal inter_agency outside",
    "open restricted secret top_secret", NULL, NULL, NULL, "submission mx internal email",
    "signed proven spf failed unproven internal", "normal important urgent immediate", NULL, NULL,
    "inside outside", "inside outside", NULL, "incoming outgoing",
    "token stranger closed references number none", "known unknown",
    "no bounce receipt vacation ticket calendar reaction list other",
    "subordinate indirect superior peer self other_agency unknown", action_words};

#define FACT(field) offsetof(struct policy_facts, field)
/* Where each stands, in the order of when_names; the day comes last. */
static const size_t places[WHEN_COUNT + 1] = {FACT(type), FACT(scope), FACT(security_class),
    FACT(agency), FACT(position), FACT(echelon), FACT(channel), FACT(verdict), FACT(urgency),
    FACT(recipient), FACT(recipient_domain), FACT(recipient_kind), FACT(form), FACT(classification),
    FACT(direction), FACT(thread), FACT(correspondent), FACT(automatic), FACT(relation),
    FACT(action), FACT(date)};

_Static_assert(POLICY_FACTS_PAIRS == 2 * (WHEN_COUNT + 1) + 1, "policy.h: one pair a fact");

static const char *fact_name(size_t i)
{
	return i < WHEN_COUNT ? when_names[i] : "date";
}

static const char *fact_value(const struct policy_facts *facts, size_t i)
{
	const char *value;

	memcpy(&value, (const char *)facts + places[i], sizeof(value));
	return value;
}

void facts_values(const struct policy_facts *facts, const char *values[WHEN_COUNT])
{
	for (size_t i = 0; i < WHEN_COUNT; i++)
		values[i] = fact_value(facts, i);
}

void policy_facts_pairs(const struct policy_facts *facts, const char *pairs[POLICY_FACTS_PAIRS])
{
	size_t n = 0;

	for (size_t i = 0; i <= WHEN_COUNT; i++)
		if (fact_value(facts, i) != NULL) {
			pairs[n++] = fact_name(i);
			pairs[n++] = fact_value(facts, i);
		}
	pairs[n] = NULL;
}

bool policy_facts_set(struct policy_facts *facts, const char *name, const char *value)
{
	for (size_t i = 0; i <= WHEN_COUNT; i++)
		if (strcmp(fact_name(i), name) == 0) {
			memcpy((char *)facts + places[i], &value, sizeof(value));
			return true;
		}
	return false;
}
