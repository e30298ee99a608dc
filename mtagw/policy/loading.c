/*
 * loading: what the readers of policy files share: defects with file and line, attributes, lists
 * that grow, and one way to compare the names that people write.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

const char *load_shown(const struct loading *l, const char *path)
{
	const char *const roots[][2] = {
	    {"policies/", l->report->policies_dir}, {"templates/", l->report->templates_dir}};

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(roots[i][0]);

		if (roots[i][1] != NULL && strncmp(path, roots[i][0], n) == 0)
			return arena_printf(l->policy->arena, "%s/%s", roots[i][1], path + n);
	}
	return path;
}

__attribute__((format(printf, 4, 0))) static void report(
    struct loading *l, int line, const char *level, const char *format, va_list ap)
{
	char text[600];

	(void)vsnprintf(text, sizeof(text), format, ap);
	buf_printf(&l->report->text, "%s:%d: %s%s\n", load_shown(l, l->path), line, level, text);
}

void load_error(struct loading *l, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(l, line, "", format, ap);
	va_end(ap);
	l->report->errors++;
}

void load_warning(struct loading *l, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(l, line, "warning: ", format, ap);
	va_end(ap);
	l->report->warnings++;
}

const char *load_may(struct loading *l, const struct xml_node *node, const char *name)
{
	return xml_attr(node, name, l->policy->arena);
}

const char *load_need(struct loading *l, const struct xml_node *node, const char *name)
{
	const char *value = load_may(l, node, name);

	if (value == NULL || value[0] == '\0') {
		load_error(l, xml_line(node), "<%s> needs the attribute %s", xml_name(node), name);
		return "";
	}
	return value;
}

const char *load_need_word(
    struct loading *l, const struct xml_node *node, const char *name, const char *words)
{
	const char *value = load_need(l, node, name);

	if (value[0] != '\0' && !list_has(words, value))
		load_error(l, xml_line(node), "%s=\"%s\": known words are %s", name, value, words);
	return value;
}

void load_only(struct loading *l, const struct xml_node *node, const char *const *names)
{
	const char *name, *value;

	for (size_t i = 0; xml_attr_at(node, i, &name, &value, l->policy->arena); i++) {
		size_t k;

		for (k = 0; names[k] != NULL; k++)
			if (strcmp(names[k], name) == 0)
				break;
		if (names[k] == NULL)
			load_error(l, xml_line(node),
			    "<%s> has no attribute \"%s\": take it out or correct its name",
			    xml_name(node), name);
	}
}

bool load_flag(struct loading *l, const struct xml_node *node, const char *name, bool otherwise)
{
	const char *value = load_may(l, node, name);

	if (value == NULL)
		return otherwise;
	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
		return value[0] == 'y';
	load_error(l, xml_line(node), "%s=\"%s\": write yes or no", name, value);
	return otherwise;
}

void *load_grow(struct arena *arena, void *list, size_t *count, size_t *size, size_t element)
{
	if (*count == *size) {
		size_t bigger = *size ? *size * 2 : 16;
		void *fresh = arena_alloc(arena, bigger * element);

		if (*count > 0)
			memcpy(fresh, list, *count * element);
		list = fresh;
		*size = bigger;
	}
	(*count)++;
	return list;
}

/* --- names as people write them --------------------------------------------------------------- */

static bool plain_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Bytes of text that make no difference between names: blanks, dashes, full stops. 0: it does. */
static size_t indifferent(const char *text)
{
	static const char *const wide[] = {"\xc2\xa0",       /* no-break space */
	    "\xe2\x80\x8b",                                  /* zero width space */
	    "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93"}; /* hyphens, dash */

	if (plain_letter(*text) || *text == '\0')
		return 0;
	if (strchr(" \t\r\n-_.", *text) != NULL)
		return 1;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (strncmp(text, wide[i], strlen(wide[i])) == 0)
			return strlen(wide[i]);
	return 0;
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
}

bool fold(const char *text, char out[FOLD_MAX])
{
	size_t n = 0;

	while (*text != '\0' && n + 1 < FOLD_MAX) {
		size_t skip = indifferent(text);

		if (skip == 0)
			out[n++] = lower(*text);
		text += skip ? skip : 1;
	}
	out[n] = '\0';
	return *text == '\0' && n > 0;
}

bool fold_equal(const char *a, const char *b)
{
	char x[FOLD_MAX], y[FOLD_MAX];

	return fold(a, x) && fold(b, y) && strcmp(x, y) == 0;
}

const char *fold_prefix(const char *text, const char *word)
{
	char wanted[FOLD_MAX];
	size_t n = 0, skip;

	if (!fold(word, wanted))
		return NULL;
	while (wanted[n] != '\0') {
		skip = indifferent(text);
		if (skip == 0) {
			if (lower(*text) != wanted[n++])
				return NULL;
			skip = 1;
		}
		text += skip;
	}
	if (plain_letter(*text) || ((*text & 0x80) != 0 && indifferent(text) == 0))
		return NULL; /* in the middle of a longer word */
	while (*text != '\0' && (skip = indifferent(text)) > 0)
		text += skip;
	return text;
}

const char *next_name(const char **at, struct arena *arena)
{
	while (*at != NULL && **at != '\0') {
		const char *start = *at + strspn(*at, " \t\n");
		size_t len = strcspn(start, ";");

		*at = start + len + (start[len] == ';');
		while (len > 0 && strchr(" \t\n", start[len - 1]) != NULL)
			len--;
		if (len > 0)
			return arena_strndup(arena, start, len);
	}
	return NULL;
}
