/*
 * qualifier: the words of `Sifat:`.
 */
#include "mtagw/office/qualifier.h"

#include <string.h>

#include "mtagw/base/buf.h"

int letter_qualifier(
    const char *value, const char **security_class, const char **urgency, struct arena *arena)
{
	static const struct {
		const char *word, *security, *urgency;
	} words[] = {{"biasa", "open", "normal"}, {"terbuka", "open", NULL},
	    {"terbatas", "restricted", NULL}, {"rahasia", "secret", NULL},
	    {"sangat rahasia", "top_secret", NULL}, {"penting", NULL, "important"},
	    {"segera", NULL, "urgent"}, {"sangat segera", NULL, "immediate"},
	    {"kilat", NULL, "immediate"}};
	char *copy = arena_strdup(arena, value), *save = NULL;

	for (char *w = strtok_r(copy, "/,", &save); w != NULL; w = strtok_r(NULL, "/,", &save)) {
		struct range r = range_trim(range_of(w));
		size_t i;

		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (range_equal_case(r, words[i].word))
				break;
		if (i == sizeof(words) / sizeof(words[0]))
			return 0;
		if (words[i].security != NULL && strcmp(*security_class, "open") == 0)
			*security_class = words[i].security;
		if (words[i].urgency != NULL && strcmp(*urgency, "normal") == 0)
			*urgency = words[i].urgency;
	}
	return 1;
}
