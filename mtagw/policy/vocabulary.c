/*
 * vocabulary: the words of commands, the instructions of orders, and the outside parties the city
 * knows, all as the law lists them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mtagw/policy/policy_private.h"

/* Orders print their instructions as a numbered list; a reply's numbers have three digits. */
#define INSTRUCTION_NUMBER_MAX 999

/* --- commands --------------------------------------------------------------------------------- */

static void add_word(struct loading *l, int line, bool verb, struct policy_word word)
{
	struct policy *p = l->policy;
	struct policy_word **list = verb ? &p->verbs : &p->labels;
	size_t *count = verb ? &p->verb_count : &p->label_count;

	for (size_t i = 0; i < *count; i++)
		if (fold_equal((*list)[i].word, word.word) && strcmp((*list)[i].id, word.id) != 0)
			load_error(
			    l, line, "the word \"%s\" is %s already", word.word, (*list)[i].id);
	*list =
	    load_grow(p->arena, *list, count, verb ? &p->verb_size : &p->label_size, sizeof(word));
	(*list)[*count - 1] = word;
}

void load_commands(struct loading *l, const struct xml_node *root)
{
	static const char *const verb_names[] = {"id", "words", "argument", NULL};
	static const char *const label_names[] = {"id", "words", NULL};

	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		bool verb = strcmp(xml_name(e), "verb") == 0;
		const char *id, *list, *word, *argument = verb ? "none" : "required";

		if (!verb && strcmp(xml_name(e), "label") != 0) {
			load_error(l, xml_line(e),
			    "unknown element <%s> in <commands>: verb or label", xml_name(e));
			continue;
		}
		load_only(l, e, verb ? verb_names : label_names);
		id = load_need(l, e, "id");
		list = load_need(l, e, "words");
		if (verb && load_may(l, e, "argument") != NULL)
			argument = load_need_word(l, e, "argument", "none optional required");
		while ((word = next_name(&list, l->policy->arena)) != NULL)
			add_word(l, xml_line(e), verb, (struct policy_word){word, id, argument});
	}
}

const struct policy_word *policy_verbs(const struct policy *policy, size_t *count_r)
{
	*count_r = policy->verb_count;
	return policy->verbs;
}

const struct policy_word *policy_labels(const struct policy *policy, size_t *count_r)
{
	*count_r = policy->label_count;
	return policy->labels;
}

/* --- instructions ----------------------------------------------------------------------------- */

static const struct policy_instruction *instruction_named(const struct policy *p, const char *word)
{
	for (size_t i = 0; i < p->instruction_count; i++) {
		const struct policy_instruction *at = &p->instructions[i];

		if (fold_equal(at->word, word))
			return at;
		for (size_t k = 0; at->synonyms[k] != NULL; k++)
			if (fold_equal(at->synonyms[k], word))
				return at;
	}
	return NULL;
}

static int instruction_number(struct loading *l, const struct xml_node *e)
{
	const char *text = load_need(l, e, "n");
	long n = strspn(text, "0123456789") == strlen(text) ? strtol(text, NULL, 10) : 0;

	if (text[0] != '\0' && (n < 1 || n > INSTRUCTION_NUMBER_MAX))
		load_error(l, xml_line(e), "n=\"%s\": write a number from 1 to %d", text,
		    INSTRUCTION_NUMBER_MAX);
	else if (policy_instruction_by_number(l->policy, (int)n) != NULL)
		load_error(l, xml_line(e), "n=\"%s\" is another instruction already", text);
	return (int)n;
}

static void load_instruction(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {"id", "n", "word", "report", NULL};
	struct policy *p = l->policy;
	struct policy_instruction at = {.id = load_need(l, e, "id"),
	    .number = instruction_number(l, e),
	    .word = load_need(l, e, "word"),
	    .report = load_flag(l, e, "report", true)};
	const char **synonyms = NULL;
	size_t count = 0, size = 0;

	load_only(l, e, names);
	if (instruction_named(p, at.word) != NULL)
		load_error(l, xml_line(e), "word=\"%s\" is another instruction already", at.word);
	for (struct xml_node *s = xml_first(e, NULL); s != NULL; s = xml_next(s, NULL)) {
		const char *word = xml_text(s, p->arena);

		if (strcmp(xml_name(s), "synonym") != 0)
			load_error(l, xml_line(s), "unknown element <%s> in <instruction>: synonym",
			    xml_name(s));
		else if (instruction_named(p, word) != NULL)
			load_error(l, xml_line(s), "\"%s\" is another instruction already", word);
		synonyms = load_grow(p->arena, synonyms, &count, &size, sizeof(*synonyms));
		synonyms[count - 1] = word;
	}
	synonyms = load_grow(p->arena, synonyms, &count, &size, sizeof(*synonyms));
	synonyms[count - 1] = NULL;
	at.synonyms = synonyms;
	for (size_t i = 0; i < p->instruction_count; i++)
		if (strcmp(p->instructions[i].id, at.id) == 0)
			load_error(l, xml_line(e), "instruction %s stands twice", at.id);
	p->instructions = load_grow(
	    p->arena, p->instructions, &p->instruction_count, &p->instruction_size, sizeof(at));
	p->instructions[p->instruction_count - 1] = at;
}

void load_instructions(struct loading *l, const struct xml_node *root)
{
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "instruction") == 0)
			load_instruction(l, e);
		else
			load_error(l, xml_line(e),
			    "unknown element <%s> in <instructions>: instruction", xml_name(e));
	}
}

const struct policy_instruction *policy_instructions(const struct policy *policy, size_t *count_r)
{
	*count_r = policy->instruction_count;
	return policy->instructions;
}

const struct policy_instruction *policy_instruction_by_word(
    const struct policy *policy, const char *text, const char **rest_r)
{
	const struct policy_instruction *found = NULL;
	const char *rest = text;

	for (size_t i = 0; i < policy->instruction_count; i++) {
		const struct policy_instruction *at = &policy->instructions[i];
		const char *word = at->word;

		for (size_t k = 0; word != NULL; word = at->synonyms[k++]) {
			const char *after = fold_prefix(text, word);

			if (after != NULL && after > rest) {
				rest = after;
				found = at;
			}
		}
	}
	if (rest_r != NULL)
		*rest_r = rest;
	return found;
}

const struct policy_instruction *policy_instruction_by_number(
    const struct policy *policy, int number)
{
	for (size_t i = 0; i < policy->instruction_count; i++)
		if (policy->instructions[i].number == number)
			return &policy->instructions[i];
	return NULL;
}

/* --- correspondents --------------------------------------------------------------------------- */

/* An address, or all of one domain: a pattern that reaches further would call strangers known. */
static bool address_pattern(const char *word)
{
	const char *at = strchr(word, '@');

	return at != NULL && at != word && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
	       strchr(at, '*') == NULL && (word[0] != '*' || at == word + 1) &&
	       strchr(word + 1, '*') == NULL;
}

void load_correspondents(struct loading *l, const struct xml_node *root)
{
	static const char *const names[] = {"name", "address", "place", NULL};
	struct policy *p = l->policy;

	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		struct policy_correspondent at;
		char *copy, *save = NULL;

		if (strcmp(xml_name(e), "correspondent") != 0) {
			load_error(l, xml_line(e),
			    "unknown element <%s> in <correspondents>: correspondent", xml_name(e));
			continue;
		}
		load_only(l, e, names);
		at = (struct policy_correspondent){.name = load_need(l, e, "name"),
		    .address = load_need(l, e, "address"),
		    .place = load_may(l, e, "place")};
		copy = arena_strdup(p->arena, at.address);
		for (char *w = strtok_r(copy, " ", &save); w != NULL;
		     w = strtok_r(NULL, " ", &save)) {
			const struct policy_correspondent *other = policy_correspondent(p, w);

			if (!address_pattern(w))
				load_error(l, xml_line(e),
				    "address=\"%s\": write nama@domain, or *@domain for all of it",
				    w);
			else if (other != NULL)
				load_error(l, xml_line(e), "%s is %s already", w, other->name);
		}
		p->correspondents = load_grow(p->arena, p->correspondents, &p->correspondent_count,
		    &p->correspondent_size, sizeof(at));
		p->correspondents[p->correspondent_count - 1] = at;
	}
}

/* One pattern of len bytes against an address, case forgiven. */
static bool pattern_is(const char *pattern, size_t len, const char *address)
{
	const char *domain = strrchr(address, '@');

	if (len > 1 && pattern[0] == '*')
		return domain != NULL && strlen(domain) == len - 1 &&
		       strncasecmp(domain, pattern + 1, len - 1) == 0;
	return strlen(address) == len && strncasecmp(address, pattern, len) == 0;
}

const struct policy_correspondent *policy_correspondent(
    const struct policy *policy, const char *address)
{
	for (size_t i = 0; address != NULL && i < policy->correspondent_count; i++) {
		const char *list = policy->correspondents[i].address;

		while (*list != '\0') {
			size_t len = strcspn(list, " ");

			if (len > 0 && pattern_is(list, len, address))
				return &policy->correspondents[i];
			list += len + (list[len] == ' ');
		}
	}
	return NULL;
}
