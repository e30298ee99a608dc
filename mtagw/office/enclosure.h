/* enclosure: the files of a mail as the enclosures of a letter. Pure functions. */
#ifndef OFFICE_ENCLOSURE_H
#define OFFICE_ENCLOSURE_H

#include "mtagw/base/mem.h"
#include "mtagw/mail/mime.h"
#include "mtagw/office/letter.h"
#include "mtagw/policy/policy.h"

/* The list for the letter, one entry for each part (of mime_enclosures) in the same order: name,
 * type, size and hash of what is in it. In the arena. */
struct letter_enclosure *enclosures_describe(const struct mime_part *const *parts, size_t count,
    const struct policy *policy, struct arena *arena);

#endif
