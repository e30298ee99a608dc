/*
 * fuzz_html: HTML as text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = {0};
	uint32_t code;

	html_text((struct range){(const char *)data, size}, &out);
	for (size_t i = 0, n; i < out.len; i += n) {
		n = charset_utf8_next(out.data + i, out.len - i, &code);
		if (n == 0 || !charset_is_shown(code, true))
			abort();
	}
	buf_free(&out);
	return 0;
}
