/* automatic_private: what automatic.c and automatic_parts.c share; others use automatic.h. */
#ifndef MAIL_AUTOMATIC_PRIVATE_H
#define MAIL_AUTOMATIC_PRIVATE_H

#include "mtagw/mail/automatic.h"

/* The kind that the parts of the mail give away (receipt, feedback report, calendar answer,
 * reaction), AUTOMATIC_NO when they give none. text: mime_main_text. */
enum automatic automatic_by_parts(
    const struct mime_part *root, const char *text, struct arena *arena, const char **why_r);

#endif
