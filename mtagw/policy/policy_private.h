/* policy_private: the loaded law as the files of this folder share it. */
#ifndef POLICY_POLICY_PRIVATE_H
#define POLICY_POLICY_PRIVATE_H

#include "mtagw/policy/policy.h"

/* Attributes of <when>, one for each plain fact, in the order of when_names and facts_values. */
#define WHEN_COUNT 20
#define WHEN_AGENCY 3 /* place of `agency` */
extern const char *const when_names[WHEN_COUNT];
/* Words an attribute or a constant may say; NULL: free. */
extern const char *const when_words[WHEN_COUNT];
/* The values of the facts in that order, NULL where absent. */
void facts_values(const struct policy_facts *facts, const char *values[WHEN_COUNT]);

struct when {
	const char *wanted[WHEN_COUNT]; /* space-separated list, `*` at an end as wildcard; NULL:
	                                   not asked */
	const char *switched;           /* `name=value ...`: one of them must be set so; NULL */
	const char *test;               /* XPath, NULL */
	int line;
};
struct rule {
	const char *id, *valid_from, *valid_until, *legal_basis, *code, *sentence;
	const char *file;
	int line, outcome_line; /* of <allow> where its words are checked at the end */
	bool allow;
	struct when *whens; /* all must hold; several <when>: one of them must */
	size_t when_count;
	const char *series, *pattern, *classification, *via, *out_form;
	const char *number, *capacity, *behalf;
	bool seal, dkim, pdf, confirm, copy, present;
};
struct rules {
	struct rule *list;
	size_t count, size;
};
/* Where something of the organisation stands, for defects that show only when everything is read.
 */
struct place {
	const char *file;
	int line;
};
struct words {
	const char *id, *text;
	struct place place;
};
/* Names in braces that these words may use. */
struct word_names {
	const char *words, *names; /* ids, `*` at an end as wildcard; names */
	struct place place;
};
/* A choice the regulation leaves open, set in index.xml. */
struct policy_switch {
	const char *name, *value, *values; /* values: space-separated, all that are possible */
};
/* A span of working hours of some weekdays, in minutes of the city's day. */
struct work_span {
	unsigned days; /* bit 0: Sunday */
	int from, to;
};
struct holiday {
	const char *date, *name;
};
struct urgency {
	struct policy_urgency shown;
	const char *synonyms; /* `kilat; amat segera`, NULL */
	struct place place;
};
struct policy_case {
	enum policy_kind kind;
	struct policy_facts facts;
	const char *rule, *outcome;
	struct place place;
};
/* The word is its word or one of its synonyms. */
bool urgency_bears(const struct urgency *urgency, const char *word, struct arena *arena);
/* An element or attribute that letter.rng defines: what XPath may name and what it may hold. */
struct schema_name {
	const char *name,
	    *values; /* values: space-separated where only these are possible, NULL: any text */
	bool attribute, date;
};
struct policy {
	struct arena *arena;
	const struct policy_file *files;
	size_t file_count;
	int version;
	struct policy_agency *agencies;
	struct place *agency_places, *position_places, *type_places,
	    *address_places; /* one for each of these lists */
	size_t agency_count, agency_size, agency_place_size;
	struct policy_position *positions;
	size_t position_count, position_size, position_place_size;
	struct policy_type *types;
	size_t type_count, type_size, type_place_size;
	struct policy_address *addresses;
	size_t address_count, address_size, address_place_size;
	struct words *words;
	size_t word_count, word_size;
	struct word_names *word_names;
	size_t word_name_count, word_name_size;
	const char *honorifics; /* `yth sdr ...`: words before a position's name, NULL */
	struct policy_correspondent *correspondents;
	size_t correspondent_count, correspondent_size;
	struct policy_word *verbs, *labels;
	size_t verb_count, verb_size, label_count, label_size;
	struct policy_instruction *instructions;
	size_t instruction_count, instruction_size;
	struct urgency *urgencies;
	size_t urgency_count, urgency_size;
	struct work_span *spans; /* of a day in the order of time */
	size_t span_count, span_size;
	struct holiday *holidays;
	size_t holiday_count, holiday_size;
	struct policy_switch *switches;
	size_t switch_count, switch_size;
	struct policy_case *cases;
	size_t case_count, case_size;
	struct rules rules[POLICY_KIND_COUNT];
	struct schema_name *schema_names;
	size_t schema_name_count, schema_name_size;
};

/* While loading: where in which file, and what is wrong. */
struct loading {
	struct policy *policy;
	struct policy_report *report;
	const char *path;
};
__attribute__((format(printf, 3, 4))) void load_error(
    struct loading *l, int line, const char *format, ...);
__attribute__((format(printf, 3, 4))) void load_warning(
    struct loading *l, int line, const char *format, ...);
/* A path of the law as the reader of the report knows it. */
const char *load_shown(const struct loading *l, const char *path);
/* Attribute that must be there ("" and an error when not) or may (NULL). */
const char *load_need(struct loading *l, const struct xml_node *node, const char *name);
const char *load_may(struct loading *l, const struct xml_node *node, const char *name);
/* One that must be there and be one of the words (space-separated). */
const char *load_need_word(
    struct loading *l, const struct xml_node *node, const char *name, const char *words);
/* Every attribute must be one of the names (ended by NULL). */
void load_only(struct loading *l, const struct xml_node *node, const char *const *names);
bool load_flag(struct loading *l, const struct xml_node *node, const char *name, bool otherwise);
/* One more element of a growing list of the policy's arena. */
void *load_grow(struct arena *arena, void *list, size_t *count, size_t *size, size_t element);

void load_organisation(struct loading *l, const struct xml_node *root);
void load_types(struct loading *l, const struct xml_node *root);
void load_words(struct loading *l, const struct xml_node *root);
void load_rules(struct loading *l, const struct xml_node *root);
void load_correspondents(struct loading *l, const struct xml_node *root);
void load_commands(struct loading *l, const struct xml_node *root);
void load_instructions(struct loading *l, const struct xml_node *root);
void load_urgencies(struct loading *l, const struct xml_node *root);
void load_cases(struct loading *l, const struct xml_node *root);
void load_switches(struct loading *l, const struct xml_node *root);
/* After all files: references between them, rules hidden by earlier ones, words the office needs.
 */
void check_organisation(struct loading *l);
void check_rules(struct loading *l);
void check_numbering(struct loading *l);
/* Text and elements stand only where they mean something, from node down. */
void check_content(struct loading *l, const struct xml_node *node);
/* series= and pattern= of <allow> of a number rule. */
void load_numbering(struct loading *l, const struct xml_node *node, struct rule *rule);
void check_words(struct loading *l);
void check_position_names(struct loading *l);
void check_calendar(struct loading *l);
void check_cases(struct loading *l);
/* Each word of a list must be one that the fact can be; which: its place in when_names. */
void check_value(struct loading *l, int line, int which, const char *list);
void load_schema_names(struct loading *l, const struct xml_node *root);
/* A brace in text stands only around one of the names (space-separated); what: `words "x"`. */
void check_braces(
    struct loading *l, int line, const char *what, const char *text, const char *names);
void check_test(struct loading *l, const struct rule *rule, const struct when *when);
/* `2026-11-24`, a day that exists. */
bool iso_day(const char *text);
bool list_has(const char *list, const char *value);
const struct policy_switch *find_switch(const struct policy *policy, const char *name, size_t len);
/* Longest name that is compared. */
#define FOLD_MAX 160
/* The text in lower case without blanks, no-break spaces, dashes, underscores and full stops: two
 * spellings of one name are equal. False when nothing is left or it is longer than any name. */
bool fold(const char *text, char out[FOLD_MAX]);
bool fold_equal(const char *a, const char *b);
/* What follows the word in the text, which begins with it (folded, as a whole word), blanks cut;
 * NULL: it does not. */
const char *fold_prefix(const char *text, const char *word);
/* The next name of a list `a; b; c`, blanks cut; at moves behind it. NULL after the last. */
const char *next_name(const char **at, struct arena *arena);

#endif
