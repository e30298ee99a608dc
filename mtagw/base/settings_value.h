/* settings_value: one value of the settings file as text and as data (for settings.c alone). */
#ifndef BASE_SETTINGS_VALUE_H
#define BASE_SETTINGS_VALUE_H

#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/settings.h"

enum settings_type {
	SETTING_TEXT,      /* free text without controls */
	SETTING_NAME,      /* a domain name */
	SETTING_LABEL,     /* one DNS label, or several with dots (a DKIM selector) */
	SETTING_PATH,      /* absolute path; `{state_dir}` in a default */
	SETTING_LISTEN,    /* numeric address:port, "" = off */
	SETTING_ADDRESSES, /* numeric addresses without port, blanks between; kept in one form */
	SETTING_SOCKET,    /* numeric address:port or unix:/path */
	SETTING_USER,      /* a system user, name or number, "" = stay who we are */
	SETTING_INT,       /* int */
	SETTING_SIZE,      /* int64_t, bytes, k M G */
	SETTING_SECS,      /* int64_t, may be negative */
	SETTING_BOOL,      /* bool: yes or no */
	SETTING_NEXT_HOP,  /* a list, one line each */
};
extern const char *const settings_type_names[SETTING_NEXT_HOP + 1];

/* Each gives 1, or -1 and what is wrong with the value (without file, line and key). Text results
 * live in the arena. None blocks. */
int settings_value_text(enum settings_type type, struct range value, struct arena *arena,
    const char **text_r, struct err *error_r);
int settings_value_number(enum settings_type type, struct range value, int64_t min, int64_t max,
    int64_t *number_r, struct err *error_r);
int settings_value_bool(struct range value, bool *bool_r, struct err *error_r);
/* `domain address [tls=none|may|encrypt|verify] [name=certificate.name]` */
int settings_value_next_hop(
    struct range value, struct arena *arena, struct next_hop *hop_r, struct err *error_r);

/* Appends a size the short way: 25M, 64k, 1000. */
void settings_value_print_size(int64_t size, struct buf *out);
void settings_value_print_hop(const struct next_hop *hop, struct buf *out);

#endif
