/*
 * err: formatted error texts. A function that fails fills the caller's slot and returns -1; nobody
 * allocates, nobody logs: the layer that knows what the failure means does that.
 */
#include "mtagw/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *error_r, const char *format, ...)
{
	va_list ap;

	if (error_r == NULL)
		return -1;
	va_start(ap, format);
	(void)vsnprintf(error_r->text, sizeof(error_r->text), format, ap);
	va_end(ap);
	return -1;
}

int err_prefix(struct err *error_r, const char *format, ...)
{
	char old[sizeof(error_r->text)];
	va_list ap;
	size_t n;

	if (error_r == NULL)
		return -1;
	memcpy(old, error_r->text, sizeof(old));
	va_start(ap, format);
	(void)vsnprintf(error_r->text, sizeof(error_r->text), format, ap);
	va_end(ap);
	n = strlen(error_r->text);
	(void)snprintf(error_r->text + n, sizeof(error_r->text) - n, ": %s", old);
	return -1;
}
