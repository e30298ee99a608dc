/* Replies of a hostile server: whole and in pieces must read the same, limits must hold. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_reply whole = {0}, pieces = {0};
	struct range all = {(const char *)data, size};
	char a[SMTP_REPLY_TEXT_MAX], b[SMTP_REPLY_TEXT_MAX];
	size_t used, at = 0, end = 0;
	struct err error;
	int rc = smtp_reply_read(&whole, all, &used, &error), rc2 = 0;

	while (rc2 == 0 && end < size) {
		size_t n;

		end += 1 + data[end] % 7;
		if (end > size)
			end = size;
		rc2 = smtp_reply_read(&pieces, (struct range){all.p + at, end - at}, &n, &error);
		at += n;
	}
	if (rc != rc2 || whole.lines.len > SMTP_REPLY_LINE_MAX * SMTP_REPLY_LINES_MAX)
		abort();
	smtp_reply_text(&whole, a);
	smtp_reply_text(&pieces, b);
	if (rc == 1 &&
	    (strcmp(a, b) != 0 || used != at || strcmp(whole.enhanced, pieces.enhanced) != 0))
		abort();
	smtp_reply_free(&whole);
	smtp_reply_free(&pieces);
	return 0;
}
