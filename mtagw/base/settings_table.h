/* settings_table: every key of mtagw.conf (for settings.c alone). */
#ifndef BASE_SETTINGS_TABLE_H
#define BASE_SETTINGS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/settings_value.h"

struct settings_key {
	const char *name;
	enum settings_type type;
	size_t offset;      /* in struct settings */
	const char *wanted; /* the default as it would be written; NULL: mandatory */
	int64_t min, max;   /* of numbers and sizes */
	const char *help;
};

/* Ordered as the manual page has them. */
extern const struct settings_key settings_keys[];
extern const size_t settings_key_count;

/* NULL when there is no such key. */
const struct settings_key *settings_key_find(struct range name);
/* The key whose name is nearest to a misspelt one; NULL when none is near. */
const struct settings_key *settings_key_near(struct range name);

#endif
