/*
 * facts: the one place where a letter becomes the facts of a policy question (DESIGN 10). Rules,
 * not code, judge them.
 */
#include "mtagw/office/facts.h"

void letter_facts(const struct letter *letter, const struct policy *policy, const char *day,
    struct policy_facts *facts_r)
{
	const struct policy_position *p =
	    letter->position ? policy_position(policy, letter->position) : NULL;

	*facts_r = (struct policy_facts){.type = letter->type,
	    .scope = letter_scope_names[letter->scope],
	    .security_class = letter->security_class,
	    .urgency = letter->urgency,
	    .agency = letter->agency,
	    .position = letter->position,
	    .echelon = p ? p->echelon : NULL,
	    .channel = "submission", /* letters are written in a mail client, whatever came after */
	    .classification = letter->classification_code,
	    .date = day};
}
