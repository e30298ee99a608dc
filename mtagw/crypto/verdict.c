/*
 * verdict: verdicts as JSON and back, and the one word that policy asks for. Reading checks every
 * key, word and bound, for a row in the store may be older than this program and an answer comes
 * from a process that hostile bytes may have taken over: the worst it can do is to say what it
 * likes in these words.
 */
#include "mtagw/crypto/verdict.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* A reason or a name is one line. */
#define TEXT_MAX_BYTES 512

static const char *const spf_words[] = {
    "none", "pass", "fail", "softfail", "neutral", "temperror", "permerror", NULL};
static const char *const dmarc_words[] = {"none", "pass", "fail", "temperror", "permerror", NULL};
static const char *const policy_words[] = {"", "none", "quarantine", "reject", NULL};
static const char *const dkim_words[] = {"pass", "fail", "temperror", "permerror", "policy", NULL};
static const char *const kind_words[] = {"openpgp", "smime", NULL};
static const char *const signature_words[] = {
    "good", "bad", "no_key", "expired", "revoked", "partial", "stranger", "error", NULL};

const char *verdicts_level(const struct verdicts *verdicts)
{
	bool bad = false;

	for (size_t i = 0; i < verdicts->signature_count; i++) {
		if (strcmp(verdicts->signatures[i].result, "good") == 0)
			return "signed";
		bad |= strcmp(verdicts->signatures[i].result, "bad") == 0;
	}
	if (bad || strcmp(verdicts->dmarc, "fail") == 0)
		return "failed";
	for (size_t i = 0; i < verdicts->dkim_count; i++)
		if (verdicts->dkim[i].aligned && strcmp(verdicts->dkim[i].result, "pass") == 0)
			return "proven";
	if (verdicts->spf_aligned && strcmp(verdicts->spf, "pass") == 0)
		return "spf";
	return "unproven";
}

/* -- writing -- */

static void put(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	/* what is not UTF-8 is a defect of whoever made the verdicts; the key must be there */
	(void)json_object_set_new(object, key, value ? value : json_string(""));
}

void verdicts_json(const struct verdicts *v, struct buf *out)
{
	json_t *object = json_object(), *dkim = json_array(), *signatures = json_array();
	char *text;

	put(object, "level", verdicts_level(v));
	put(object, "from_domain", v->from_domain);
	put(object, "spf", v->spf);
	put(object, "spf_domain", v->spf_domain);
	(void)json_object_set_new(object, "spf_aligned", json_boolean(v->spf_aligned));
	put(object, "dmarc", v->dmarc);
	put(object, "dmarc_policy", v->dmarc_policy);
	for (size_t i = 0; i < v->dkim_count; i++) {
		json_t *one = json_object();

		put(one, "domain", v->dkim[i].domain);
		put(one, "selector", v->dkim[i].selector);
		put(one, "algorithm", v->dkim[i].algorithm);
		put(one, "result", v->dkim[i].result);
		put(one, "reason", v->dkim[i].reason);
		(void)json_object_set_new(one, "aligned", json_boolean(v->dkim[i].aligned));
		(void)json_array_append_new(dkim, one);
	}
	for (size_t i = 0; i < v->signature_count; i++) {
		json_t *one = json_object();

		put(one, "kind", v->signatures[i].kind);
		put(one, "result", v->signatures[i].result);
		put(one, "fingerprint", v->signatures[i].fingerprint);
		put(one, "who", v->signatures[i].who);
		put(one, "reason", v->signatures[i].reason);
		(void)json_array_append_new(signatures, one);
	}
	(void)json_object_set_new(object, "dkim", dkim);
	(void)json_object_set_new(object, "signatures", signatures);
	text = json_dumps(object, JSON_COMPACT);
	buf_puts(out, text ? text : "{}");
	free(text);
	json_decref(object);
}

/* -- reading -- */

/* What is read, with the first defect in it. */
struct reader {
	struct arena *arena;
	struct err *error_r;
	bool bad;
};

static void defect(struct reader *r, const char *key, const char *what)
{
	if (!r->bad)
		(void)err_set(r->error_r, "verdicts: %s: %s", key, what);
	r->bad = true;
}

static const char *get_text(struct reader *r, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text) {
		defect(r, key, "no text");
		return "";
	}
	if (strlen(text) > TEXT_MAX_BYTES)
		defect(r, key, "too long");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			defect(r, key, "a control character");
	return r->bad ? "" : arena_strdup(r->arena, text);
}

/* One of the words, as the static string. */
static const char *get_word(
    struct reader *r, const json_t *object, const char *key, const char *const *words)
{
	const char *text = json_string_value(json_object_get(object, key));

	for (; text && *words; words++)
		if (strcmp(text, *words) == 0)
			return *words;
	defect(r, key, "not one of its words");
	return "";
}

static bool get_bool(struct reader *r, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value))
		defect(r, key, "neither true nor false");
	return json_is_true(value);
}

static const json_t *get_list(
    struct reader *r, const json_t *object, const char *key, size_t max, size_t *count_r)
{
	const json_t *list = json_object_get(object, key);

	*count_r = 0;
	if (!json_is_array(list))
		defect(r, key, "no list");
	else if (json_array_size(list) > max)
		defect(r, key, "too long a list");
	else
		*count_r = json_array_size(list);
	return list;
}

static void get_dkim(struct reader *r, const json_t *object, struct verdicts *v)
{
	size_t count;
	const json_t *list = get_list(r, object, "dkim", VERDICT_DKIM_MAX, &count);
	struct verdict_dkim *dkim = arena_alloc(r->arena, (count + 1) * sizeof(*dkim));

	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);

		dkim[i].domain = get_text(r, one, "domain");
		dkim[i].selector = get_text(r, one, "selector");
		dkim[i].algorithm = get_text(r, one, "algorithm");
		dkim[i].result = get_word(r, one, "result", dkim_words);
		dkim[i].reason = get_text(r, one, "reason");
		dkim[i].aligned = get_bool(r, one, "aligned");
	}
	v->dkim = dkim;
	v->dkim_count = count;
}

static void get_signatures(struct reader *r, const json_t *object, struct verdicts *v)
{
	size_t count;
	const json_t *list = get_list(r, object, "signatures", VERDICT_SIGNATURES_MAX, &count);
	struct verdict_signature *signatures =
	    arena_alloc(r->arena, (count + 1) * sizeof(*signatures));

	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);

		signatures[i].kind = get_word(r, one, "kind", kind_words);
		signatures[i].result = get_word(r, one, "result", signature_words);
		signatures[i].fingerprint = get_text(r, one, "fingerprint");
		signatures[i].who = get_text(r, one, "who");
		signatures[i].reason = get_text(r, one, "reason");
	}
	v->signatures = signatures;
	v->signature_count = count;
}

int verdicts_read(
    const char *json, struct arena *arena, struct verdicts *verdicts_r, struct err *error_r)
{
	struct reader r = {.arena = arena, .error_r = error_r};
	json_error_t where;
	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &where);

	*verdicts_r = (struct verdicts){.from_domain = ""};
	if (!json_is_object(object)) {
		(void)err_set(error_r, "verdicts: not a JSON object: %s",
		    object ? "something else" : where.text);
		json_decref(object);
		return -1;
	}
	verdicts_r->from_domain = get_text(&r, object, "from_domain");
	verdicts_r->spf = get_word(&r, object, "spf", spf_words);
	verdicts_r->spf_domain = get_text(&r, object, "spf_domain");
	verdicts_r->spf_aligned = get_bool(&r, object, "spf_aligned");
	verdicts_r->dmarc = get_word(&r, object, "dmarc", dmarc_words);
	verdicts_r->dmarc_policy = get_word(&r, object, "dmarc_policy", policy_words);
	get_dkim(&r, object, verdicts_r);
	get_signatures(&r, object, verdicts_r);
	json_decref(object);
	return r.bad ? -1 : 1;
}
