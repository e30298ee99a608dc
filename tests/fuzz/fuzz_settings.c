/*
 * fuzz_settings: any bytes as mtagw.conf. What is taken must print and read back to the same print.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char must[] = "domain = dumai.example\nhostname = mail.dumai.example\n";
	struct buf text = {0}, first = {0}, second = {0};
	const struct settings *s, *again;
	struct err err;

	buf_puts(&text, must);
	buf_append(&text, data, size);
	s = settings_parse(buf_range(&text), "fuzz.conf", &err);
	if (s != NULL) {
		settings_print(s, &first);
		again = settings_parse(buf_range(&first), "again.conf", &err);
		if (again == NULL)
			abort();
		settings_print(again, &second);
		if (!range_equal(buf_range(&first), buf_range(&second)))
			abort();
		settings_free(&again);
		settings_free(&s);
	}
	buf_free(&text);
	buf_free(&first);
	buf_free(&second);
	return 0;
}
