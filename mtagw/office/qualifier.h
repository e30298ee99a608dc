/* qualifier: the `Sifat:` line: security class and urgency, two axes printed in one line (domain.md
 * 3.3). */
#ifndef OFFICE_QUALIFIER_H
#define OFFICE_QUALIFIER_H

#include "mtagw/base/mem.h"

/* `rahasia`, `segera`, `terbatas/segera`: sets what the words say where it is still `open` and
 * `normal`. 1; 0 for a word nobody knows: what stands before it is set. */
int letter_qualifier(
    const char *value, const char **security_class, const char **urgency, struct arena *arena);

#endif
