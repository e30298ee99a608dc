/* pdf_tmp: the temporary folder of one PDF helper, surely removed. Blocking (file system). */
#ifndef OFFICE_PDF_TMP_H
#define OFFICE_PDF_TMP_H

#include "mtagw/base/err.h"

struct pdf_tmp {
	char *path; /* NULL: none */
	int fd;     /* open folder that holds the lock; close-on-exec */
};
/* Makes a folder for us alone in TMPDIR or /tmp, locked while we live, and removes those of our
 * user whose maker was killed. 1 or -1. */
int pdf_tmp_make(struct pdf_tmp *tmp_r, struct err *error_r);
/* Removes it with all that is in it. Nothing where there is none. */
void pdf_tmp_remove(struct pdf_tmp *tmp);

#endif
