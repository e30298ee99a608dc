/*
 * fuzz_order: a text as an order of a head of the sample city. Whatever is written, there are
 * orders or problems and never both, no recipient twice, and only dates to come. Run from the
 * repository's root.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/office/order.h"

#define MAIL_MS INT64_C(1795485600000) /* 2026-11-24 09:00 +0700 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *law; /* of policy and words */
static struct policy *policy;
static struct reply_words words;

static void want(int holds)
{
	if (!holds)
		abort();
}

/* Once for all inputs: never freed. */
static void load(void)
{
	struct policy_report report = {0};
	struct policy_file *files;
	struct err err;
	struct reply_word *list[2];
	size_t count;

	law = arena_new();
	if (policy_read_dir("policies", "templates", law, &files, &count, &err) != 1 ||
	    (policy = policy_load(files, count, 1, &report)) == NULL) {
		(void)fputs("run from the repository's root\n", stderr);
		abort();
	}
	for (int labels = 0; labels < 2; labels++) {
		const struct policy_word *w =
		    labels ? policy_labels(policy, &count) : policy_verbs(policy, &count);

		list[labels] = arena_alloc(law, (count + 1) * sizeof(**list));
		for (size_t i = 0; i < count; i++)
			list[labels][i] =
			    (struct reply_word){w[i].word, w[i].id, REPLY_ARGUMENT_OPTIONAL};
		*(labels ? &words.label_count : &words.verb_count) = count;
	}
	words.verbs = list[0];
	words.labels = list[1];
}

static void check(const struct order_list *list)
{
	want((list->count == 0) == (list->problem_count > 0));
	want(list->count <= ORDER_RECIPIENTS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct order *o = &list->orders[i];

		want(o->to != NULL && o->words != NULL && o->note != NULL);
		want(o->instruction_count > 0 || o->note[0] != '\0');
		want(o->due_ms == 0 || o->due_ms > MAIL_MS);
		for (size_t k = 0; k < i; k++)
			want(list->orders[k].to != o->to);
	}
	for (size_t i = 0; i < list->problem_count; i++)
		want(list->problems[i].what != NULL &&
		     order_problem_name(list->problems[i].kind) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const actors[] = {"kadis.diskominfo", "sekda", "kabid-ikp.diskominfo"};
	const char *address = "kabid-ikp.diskominfo@dumai.example";
	const struct policy_position *to;
	struct arena *arena;
	struct reply_reading reading;
	struct order_source source;
	struct order_list list;

	if (policy == NULL)
		load();
	if (size == 0)
		return 0;
	arena = arena_new();
	reply_read_text(
	    arena_strndup(arena, (const char *)data + 1, size - 1), &words, arena, &reading);
	reading.forwarded = (data[0] & 4) != 0;
	to = data[0] & 8 ? NULL : policy_position(policy, "kabid-ikp.diskominfo");
	source = (struct order_source){.policy = policy,
	    .domain = "dumai.example",
	    .actor = policy_position(policy, actors[data[0] % 3]),
	    .reading = &reading,
	    .envelope = &to,
	    .envelope_addresses = &address,
	    .envelope_count = (data[0] & 16) != 0,
	    .mail_ms = MAIL_MS,
	    .now_ms = MAIL_MS,
	    .urgency = policy_urgency(policy, "normal")};
	if (order_shaped(&source)) {
		order_read(&source, arena, &list);
		check(&list);
	}
	arena_free(&arena);
	return 0;
}
