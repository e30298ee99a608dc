/*
 * numbering: patterns and series of number rules. A printed number is for ever, so a pattern that
 * could print one twice is refused while loading: a misspelt token stays as text and every letter
 * of the year would bear it.
 */
#include <string.h>

#include "mtagw/policy/policy_private.h"

#define PATTERN_TOKENS "{K} {PD} {N} {N3} {Y} {M} {R}"
/* The series of agendas begin so; a letter that took a number there would leave a gap. */
#define AGENDA_PREFIX "agenda-"

/* The length of the token at `{`, which is one of the list; 0: it is none. */
static size_t token_at(const char *at, const char *tokens)
{
	size_t n = strcspn(at + 1, "{}") + 2;
	char token[8];

	if (n >= sizeof(token) || at[n - 1] != '}')
		return 0;
	memcpy(token, at, n);
	token[n] = '\0';
	return list_has(tokens, token) ? n : 0;
}

/* Digits of two sources side by side: 80.1 and 23 would print as 80.12 and 3 do. */
static bool grows(char c)
{
	return (c >= '0' && c <= '9') || c == '{' || c == '}';
}

/* Every brace belongs to a known token; how many of them are {N} or {N3}, -1: that was an error. */
static int check_tokens(
    struct loading *l, int line, const char *name, const char *text, const char *tokens)
{
	int numbers = 0;

	for (const char *at = text + strcspn(text, "{}"); *at != '\0'; at += strcspn(at, "{}")) {
		size_t n = *at == '{' ? token_at(at, tokens) : 0;

		if (n == 0) {
			load_error(l, line,
			    "%s=\"%s\": \"%.8s\" is no token: braces stand only around these: %s",
			    name, text, at, tokens);
			return -1;
		}
		if (at[1] == 'N') {
			numbers++;
			if ((at > text && grows(at[-1])) || grows(at[n]))
				load_error(l, line,
				    "%s=\"%s\": %.*s stands beside a digit or another token: put "
				    "a sign between them, or two numbers may look the same",
				    name, text, (int)n, at);
		}
		at += n;
	}
	return numbers;
}

void load_numbering(struct loading *l, const struct xml_node *node, struct rule *rule)
{
	int line = xml_line(node), numbers;

	rule->series = load_need(l, node, "series");
	rule->pattern = load_need(l, node, "pattern");
	rule->outcome_line = line;
	(void)check_tokens(l, line, "series", rule->series, "{PD}");
	if (strncmp(rule->series, AGENDA_PREFIX, strlen(AGENDA_PREFIX)) == 0)
		load_error(l, line, "series=\"%s\": names with %s count the agendas", rule->series,
		    AGENDA_PREFIX);
	numbers = check_tokens(l, line, "pattern", rule->pattern, PATTERN_TOKENS);
	if (numbers == 0 && rule->pattern[0] != '\0')
		load_error(l, line, "pattern=\"%s\" has no {N}: two letters would share a number",
		    rule->pattern);
	else if (numbers > 1)
		load_error(
		    l, line, "pattern=\"%s\" has more than one of {N} and {N3}", rule->pattern);
	if (numbers > 0 && strstr(rule->pattern, "{Y}") == NULL)
		load_error(l, line,
		    "pattern=\"%s\" has no {Y}: a series starts again each year and would give "
		    "its numbers again",
		    rule->pattern);
}

/* The one agency that the rule is for, whichever <when> holds; NULL: more, or anybody. */
static const struct policy_agency *only_agency(const struct policy *p, const struct rule *rule)
{
	const struct policy_agency *only = NULL;

	for (size_t i = 0; i < rule->when_count; i++) {
		const char *agency = rule->whens[i].wanted[WHEN_AGENCY];
		const struct policy_agency *a = policy_agency(p, agency);

		if (a == NULL || (only != NULL && only != a))
			return NULL;
		only = a;
	}
	return only;
}

/* Two series that print the same pattern: each has its own 1, 2, 3. */
static void check_clash(struct loading *l, const struct rule *rule, const struct rule *earlier)
{
	if (earlier->pattern != NULL && strcmp(earlier->pattern, rule->pattern) == 0 &&
	    strcmp(earlier->series, rule->series) != 0)
		load_warning(l, rule->outcome_line,
		    "series=\"%s\" may print the numbers of series=\"%s\" (rule %s, %s:%d): their "
		    "patterns are the same",
		    rule->series, earlier->series, earlier->id, load_shown(l, earlier->file),
		    earlier->outcome_line);
}

void check_numbering(struct loading *l)
{
	const struct policy *p = l->policy;
	const struct rules *rules = &p->rules[POLICY_NUMBER];

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->list[i];
		const struct policy_agency *only = only_agency(p, rule);

		l->path = rule->file;
		if (rule->pattern == NULL)
			continue;
		if (strstr(rule->series, "{PD}") != NULL && strstr(rule->pattern, "{PD}") == NULL &&
		    (only == NULL || strstr(rule->pattern, only->number_code) == NULL))
			load_error(l, rule->outcome_line,
			    "pattern=\"%s\" has neither {PD} nor an agency's code, but "
			    "series=\"%s\" counts each agency by itself: two agencies would share "
			    "a number",
			    rule->pattern, rule->series);
		for (size_t k = 0; k < i; k++)
			check_clash(l, rule, &rules->list[k]);
	}
}
