/* facts: what policy is told about a letter. Pure functions. */
#ifndef OFFICE_FACTS_H
#define OFFICE_FACTS_H

#include "mtagw/office/letter.h"
#include "mtagw/policy/policy.h"

/* The facts of any question about this letter on that day (`2026-11-24`): the same whether it was
 * just written, waits for its number or gets its forms, so that the stages never judge by different
 * facts. form, recipient and the document are the asker's. Strings stay the letter's and the
 * policy's. */
void letter_facts(const struct letter *letter, const struct policy *policy, const char *day,
    struct policy_facts *facts_r);

#endif
