/*
 * intake_words: what is known about a mail's origin as one sentence for a reader who has never
 * heard of DKIM. Words are the law's.
 */
#include "mtagw/router/intake.h"

#include <string.h>

const char *verdict_line(const struct policy *policy, const struct verdicts *v, const char *level,
    const char *sender, struct arena *arena)
{
	const char *who = "",
	           *pairs[] = {"alamat", sender, "domain", v->from_domain, "siapa", NULL, NULL};

	for (size_t i = 0; i < v->signature_count; i++)
		if (strcmp(v->signatures[i].result, "good") == 0)
			who = v->signatures[i].who;
	pairs[5] = who;
	return policy_words(policy, arena_printf(arena, "verdict.%s", level), pairs, arena);
}

void intake_put_lines(struct buf *out, const char *text)
{
	for (const char *p = text; *p != '\0';) {
		const char *end = strchrnul(p, '\n');

		if (range_trim((struct range){p, (size_t)(end - p)}).len > 0)
			buf_printf(out, "%.*s\n", (int)(end - p), p);
		p = *end ? end + 1 : end;
	}
}
