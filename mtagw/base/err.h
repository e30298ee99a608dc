/* err: the text of what went wrong, handed upward by functions that return -1. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* A caller-owned slot; functions that can fail take it as their last argument. */
struct err {
	char text[512]; /* one line, no newline; empty when nothing was set */
};

/* Sets the text (formatted, cut at the slot's size) and returns -1, so that
 * `return err_set(error_r, ...)` is the usual way out. error_r may be NULL. Never blocks. */
__attribute__((format(printf, 2, 3))) int err_set(struct err *error_r, const char *format, ...);

/* Puts a formatted prefix and ": " before the text that stands; returns -1. */
__attribute__((format(printf, 2, 3))) int err_prefix(struct err *error_r, const char *format, ...);

#endif
