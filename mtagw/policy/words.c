/*
 * words: what people read, by id, and the names in braces that each of them may use. A brace that
 * nothing fills would be read by a citizen, so it is refused while loading.
 */
#include <stdio.h>
#include <string.h>

#include "mtagw/policy/policy_private.h"

/* Longest name in braces. */
#define NAME_MAX_LEN 40

static void load_names(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {"for", "are", NULL};
	struct policy *p = l->policy;

	load_only(l, e, names);
	p->word_names = load_grow(p->arena, p->word_names, &p->word_name_count, &p->word_name_size,
	    sizeof(*p->word_names));
	p->word_names[p->word_name_count - 1] = (struct word_names){
	    load_need(l, e, "for"), load_need(l, e, "are"), {l->path, xml_line(e)}};
}

static void load_say(struct loading *l, const struct xml_node *e)
{
	static const char *const names[] = {"id", NULL};
	struct policy *p = l->policy;
	struct words *w;

	load_only(l, e, names);
	p->words = load_grow(p->arena, p->words, &p->word_count, &p->word_size, sizeof(*p->words));
	w = &p->words[p->word_count - 1];
	*w = (struct words){load_need(l, e, "id"), xml_text(e, p->arena), {l->path, xml_line(e)}};
	for (size_t i = 0; i + 1 < p->word_count; i++)
		if (strcmp(p->words[i].id, w->id) == 0)
			load_error(l, xml_line(e), "words \"%s\" stand twice", w->id);
}

void load_words(struct loading *l, const struct xml_node *root)
{
	for (struct xml_node *e = xml_first(root, NULL); e != NULL; e = xml_next(e, NULL)) {
		if (strcmp(xml_name(e), "say") == 0)
			load_say(l, e);
		else if (strcmp(xml_name(e), "names") == 0)
			load_names(l, e);
		else
			load_error(l, xml_line(e), "unknown element <%s> in <words>: say or names",
			    xml_name(e));
	}
}

/* --- checking --------------------------------------------------------------------------------- */

void check_braces(
    struct loading *l, int line, const char *what, const char *text, const char *names)
{
	for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
		size_t n = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz-");
		char name[NAME_MAX_LEN];

		if (n == 0 || n >= sizeof(name) || at[n + 1] != '}') {
			load_error(l, line, "%s: a brace stands only around a name: {hal}", what);
			continue;
		}
		memcpy(name, at + 1, n);
		name[n] = '\0';
		if (!list_has(names, name))
			load_error(l, line, "%s: nothing fills {%s}: known here are %s", what, name,
			    names[0] ? names : "no names, see <names>");
	}
}

/* All names that <names> gives for these words. */
static const char *names_for(struct policy *p, const char *id)
{
	const char *all = "";

	for (size_t i = 0; i < p->word_name_count; i++)
		if (list_has(p->word_names[i].words, id))
			all = arena_printf(
			    p->arena, "%s%s%s", all, all[0] ? " " : "", p->word_names[i].names);
	return all;
}

static void check_names(struct loading *l)
{
	struct policy *p = l->policy;

	for (size_t i = 0; i < p->word_name_count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < p->word_count; k++)
			found = list_has(p->word_names[i].words, p->words[k].id);
		l->path = p->word_names[i].place.file;
		if (!found)
			load_error(l, p->word_names[i].place.line,
			    "<names for=\"%s\"> reaches no words", p->word_names[i].words);
	}
	for (size_t i = 0; i < p->word_count; i++) {
		const struct words *w = &p->words[i];

		l->path = w->place.file;
		check_braces(l, w->place.line, arena_printf(p->arena, "words \"%s\"", w->id),
		    w->text, names_for(p, w->id));
	}
}

/* Words the thin office says: a version without one of them is refused, so that no letter ever
 * meets the gap. */
void check_words(struct loading *l)
{
	static const char *const notices[] = {"confirmation", "preview", "waiting", "waiting-admin",
	    "refused", "asked-back", "prompt-done", "prompt-stranger", "prompt-expired",
	    "cancelled", "plain-sent", "failure", "expired", "delivered",
	    "notice.unknown-recipient", "notice.blind-recipient", "notice.two-types",
	    "notice.unknown-type", "notice.no-recipient", "notice.no-subject", "notice.no-text",
	    "notice.unknown-qualifier", "notice.no-route", "notice.unreadable", "notice.encrypted",
	    "notice.closed-signature", "notice.winmail", "notice.unknown-charset",
	    "notice.unsaid-charset", "notice.broken-text", "notice.broken-subject",
	    "notice.broken-name", "notice.broken-enclosure", "notice.no-glyph",
	    "notice.line-twice"};
	static const char *const single[] = {"gateway.name", "preview.number", "no-rule",
	    "bad-classification", "enclosure.file", "enclosure.message", "signature-left",
	    "seal.yes", "seal.no", "waiting.cause.key", "waiting.cause.other"};
	char id[80];

	l->path = "policies/index.xml";
	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++)
		for (int body = 0; body < 2; body++) {
			(void)snprintf(
			    id, sizeof(id), "%s.%s", notices[i], body ? "body" : "subject");
			if (!policy_has_words(l->policy, id))
				load_error(
				    l, 1, "words \"%s\" are missing: add <say id=\"%s\">", id, id);
		}
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (!policy_has_words(l->policy, single[i]))
			load_error(l, 1, "words \"%s\" are missing: add <say id=\"%s\">", single[i],
			    single[i]);
	check_names(l);
}

/* --- finding ---------------------------------------------------------------------------------- */

bool policy_has_words(const struct policy *policy, const char *id)
{
	for (size_t i = 0; i < policy->word_count; i++)
		if (strcmp(policy->words[i].id, id) == 0)
			return true;
	return false;
}

/* {name} replaced by its value; a brace without a known name stays as it is. */
static const char *fill(const char *text, const char *const *pairs, struct arena *arena)
{
	struct buf out = {0};
	const char *result;

	while (*text != '\0') {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;
		const char *const *pair = end ? pairs : NULL;

		for (; pair != NULL && pair[0] != NULL; pair += 2)
			if (strlen(pair[0]) == (size_t)(end - text - 1) &&
			    strncmp(pair[0], text + 1, strlen(pair[0])) == 0)
				break;
		if (pair != NULL && pair[0] != NULL) {
			buf_puts(&out, pair[1] ? pair[1] : "");
			text = end + 1;
		} else {
			buf_putc(&out, *text++);
		}
	}
	result = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return result;
}

const char *policy_words(
    const struct policy *policy, const char *id, const char *const *pairs, struct arena *arena)
{
	for (size_t i = 0; i < policy->word_count; i++)
		if (strcmp(policy->words[i].id, id) == 0)
			return fill(policy->words[i].text, pairs, arena);
	return arena_printf(
	    arena, "[%s]", id); /* check_words makes this impossible for a version that loads */
}
