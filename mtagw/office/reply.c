/*
 * reply: the thin reader: head lines of a new letter and the three verbs of a preview. It never
 * guesses: a first line that is anything but exactly a verb is asked back by the caller.
 */
#include "mtagw/office/reply.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/buf.h"

/* The next line without its end; *text moves behind it. NULL at the end. */
static const char *take_line(const char **text, struct arena *arena)
{
	const char *start = *text, *end;

	if (*start == '\0')
		return NULL;
	end = strchr(start, '\n');
	*text = end ? end + 1 : start + strlen(start);
	return arena_strndup(arena, start, end ? (size_t)(end - start) : strlen(start));
}

/* Blanks at both ends cut, no-break spaces counted as blanks. */
static const char *trimmed(const char *line, struct arena *arena)
{
	struct range r = range_of(line);

	for (;;) {
		size_t len = r.len;

		r = range_trim(r);
		if (r.len >= 2 && memcmp(r.p, "\xc2\xa0", 2) == 0)
			r = (struct range){r.p + 2, r.len - 2};
		if (r.len >= 2 && memcmp(r.p + r.len - 2, "\xc2\xa0", 2) == 0)
			r.len -= 2;
		if (r.len == len)
			return arena_strndup(arena, r.p, r.len);
	}
}

/* `Label : value` with that label: the value, else NULL. */
static const char *labelled(const char *line, const char *label, struct arena *arena)
{
	size_t n = strlen(label);
	const char *p;

	if (strncasecmp(line, label, n) != 0)
		return NULL;
	p = line + n;
	while (*p == ' ' || *p == '\t' || strncmp(p, "\xc2\xa0", 2) == 0)
		p += *p == '\xc2' ? 2 : 1;
	return *p == ':' ? trimmed(p + 1, arena) : NULL;
}

static int take_label(const char *line, struct reply_head *head, struct arena *arena)
{
	const struct {
		const char *label;
		const char **value;
	} labels[] = {{"Jenis", &head->type}, {"Hal", &head->subject}, {"Sifat", &head->qualifier},
	    {"Kode", &head->classification}};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		const char *value = labelled(line, labels[i].label, arena);

		if (value != NULL) {
			if (*labels[i].value != NULL)
				head->twice = labels[i].label;
			*labels[i].value = value;
			return 1;
		}
	}
	return 0;
}

void reply_head(const char *text, struct arena *arena, struct reply_head *head)
{
	const char *at = text, *before = text, *line;
	int found = 0;

	*head = (struct reply_head){.rest = text};
	while ((line = take_line(&at, arena)) != NULL) {
		line = trimmed(line, arena);
		if (line[0] == '\0' && !found) {
			before = at;
			continue;
		}
		if (!take_label(line, head, arena))
			break;
		found = 1;
		before = at;
	}
	if (found) {
		while (*before == '\n' || *before == '\r')
			before++;
		head->rest = before;
	}
}

enum reply_verb reply_verb(const char *text, struct arena *arena, const char **first_r)
{
	static const struct {
		const char *word;
		enum reply_verb verb;
	} verbs[] = {{"OK", REPLY_OK}, {"PESAN", REPLY_PESAN}, {"BATAL", REPLY_BATAL}};
	const char *at = text, *line = "";
	char *word;
	size_t n;

	while ((line = take_line(&at, arena)) != NULL) {
		line = trimmed(line, arena);
		if (line[0] != '\0')
			break;
	}
	*first_r = line ? line : "";
	word = arena_strdup(arena, *first_r);
	n = strlen(word);
	if (n > 0 && word[n - 1] == '.')
		word[n - 1] = '\0';
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcasecmp(word, verbs[i].word) == 0)
			return verbs[i].verb;
	return REPLY_NONE;
}

const char *reply_verb_name(enum reply_verb verb)
{
	static const char *const names[] = {"none", "ok", "pesan", "batal"};

	return names[verb];
}

const char *reply_without_signature(const char *text, struct arena *arena)
{
	const char *cut = strncmp(text, "-- \n", 4) == 0 ? text : strstr(text, "\n-- \n");
	size_t len = cut ? (size_t)(cut - text) : strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ' || text[len - 1] == '\r'))
		len--;
	while (len > 0 && text[0] == '\n') {
		text++;
		len--;
	}
	return arena_strndup(arena, text, len);
}
