/*
 * fuzz_bounce: any mail as a report and as automatic mail, from a null sender and from a person;
 * what is read keeps its promises.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/automatic.h"
#include "mtagw/mail/bounce.h"
#include "mtagw/mail/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct bounce *b)
{
	static const char *const actions = "failed delayed delivered relayed expanded";

	if (b->form[0] == '\0' || b->recipient_count > 1000)
		abort();
	for (size_t i = 0; i < b->recipient_count; i++) {
		const struct bounce_recipient *r = &b->recipients[i];
		const char *at = strrchr(r->address, '@');

		if (at == NULL || at == r->address || strstr(actions, r->action) == NULL ||
		    strchr(r->diagnostic, '\n') != NULL || bounce_recipient(b, r->address) == NULL)
			abort();
		for (const char *p = at; *p; p++) {
			if (isupper((unsigned char)*p))
				abort();
		}
		if (bounce_matches(b, b->message_id, r->address) == BOUNCE_OTHER)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct guard_limits limits = {.message_max = 1 << 20};
	static const char *const senders[] = {"", "budi@lain.example", "postmaster@lain.example"};
	struct range message = {(const char *)data, size};

	if (size == 0 || guard_check(message, &limits, NULL) < 0)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		struct arena *arena = arena_new();
		struct mime_part *root;
		struct bounce bounce;
		const char *why;
		enum automatic kind;
		int is_bounce;

		if (mime_parse(message, arena, &root, NULL) < 0)
			abort();
		is_bounce = bounce_read(root, senders[i], arena, &bounce);
		if (is_bounce == 1)
			check(&bounce);
		kind = automatic_kind(root, senders[i], arena, &why);
		if ((kind == AUTOMATIC_BOUNCE) != (is_bounce == 1) ||
		    (kind != AUTOMATIC_NO && why[0] == '\0') || automatic_name(kind) == NULL)
			abort();
		(void)automatic_forbids_answer(root, senders[i], arena);
		arena_free(&arena);
	}
	return 0;
}
