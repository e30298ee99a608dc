/*
 * enclosure: describes the files of a mail for letter.xml. The name found here is the file's only
 * one: the letter's list shows it and the attachment bears it.
 */
#include "mtagw/office/enclosure.h"

#include <string.h>
#include <strings.h>

/* Longest subtype that is taken for the ending of a file name (`html`). */
#define ENDING_MAX 4

/* As its writer named it, else by its place in the list (word of the policy) and its type. A
 * forwarded mail is carried as a file, so its name says that it is one. */
static const char *name_of(
    const struct mime_part *part, size_t n, const struct policy *policy, struct arena *arena)
{
	const char *pairs[] = {"urutan", arena_printf(arena, "%zu", n), NULL};
	const char *name = part->filename, *ending = part->subtype;
	size_t len = name ? strlen(name) : 0;
	bool message = strcmp(part->type, "message") == 0;

	if (name != NULL && (!message || (len > 4 && strcasecmp(name + len - 4, ".eml") == 0)))
		return name;
	if (name == NULL)
		name = policy_words(
		    policy, message ? "enclosure.message" : "enclosure.file", pairs, arena);
	if (message)
		ending = "eml";
	else if (strcmp(ending, "plain") == 0)
		ending = "txt";
	/* `pdf`, `png`, `html` are endings too; `octet-stream` and its like say nothing */
	return strlen(ending) > ENDING_MAX ? name : arena_printf(arena, "%s.%s", name, ending);
}

static const struct letter_enclosure *find_name(
    const struct letter_enclosure *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(list[i].filename, name) == 0)
			return &list[i];
	return NULL;
}

/* more: how many were named after the first of that name. Two files of one name could not be told
 * apart, nor saved into one folder: the second `a.pdf` is `a (2).pdf`. Case aside, as on the
 * reader's machine. */
static const char *free_name(const struct letter_enclosure *list, size_t count, const char *name,
    unsigned *more, struct arena *arena)
{
	const char *dot = strrchr(name, '.'), *unique = name;
	size_t stem = dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name);

	while (find_name(list, count, unique) != NULL)
		unique =
		    arena_printf(arena, "%.*s (%u)%s", (int)stem, name, 2 + (*more)++, name + stem);
	return unique;
}

struct letter_enclosure *enclosures_describe(const struct mime_part *const *parts, size_t count,
    const struct policy *policy, struct arena *arena)
{
	struct letter_enclosure *list = arena_alloc(arena, (count + 1) * sizeof(*list));
	unsigned *more = arena_alloc(arena, (count + 1) * sizeof(*more));

	for (size_t i = 0; i < count; i++) {
		struct buf bytes = {0};
		struct err ignored; /* damage is found and told by source_problem */
		const char *name = name_of(parts[i], i + 1, policy, arena);
		const struct letter_enclosure *same = find_name(list, i, name);

		(void)mime_decode(parts[i], &bytes, &ignored);
		list[i].filename =
		    same == NULL ? name : free_name(list, i, name, &more[same - list], arena);
		list[i].media_type =
		    arena_printf(arena, "%s/%s", parts[i]->type, parts[i]->subtype);
		list[i].size = bytes.len;
		codec_sha256_hex(buf_str(&bytes), bytes.len, list[i].sha256);
		buf_free(&bytes);
	}
	return list;
}
