/* header_split: what mail's own modules share about header lines; others use header.h. */
#ifndef MAIL_HEADER_SPLIT_H
#define MAIL_HEADER_SPLIT_H

#include <stddef.h>

#include "mtagw/mail/header.h"

/* Length of the field name where the line (without its end) is `name:...`, else 0. */
size_t header_name_len(struct range line);
/* As header_parse, but passes over lines that are no field: the headers of parts inside a message.
 */
void header_split(struct range block, struct arena *arena, struct header *header_r);

#endif
