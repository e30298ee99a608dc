/*
 * bounce_fields: the fields of a delivery status notification (RFC 3464 section 2), as a part of
 * their own or written into a text by servers that lost the parts. Read leniently: types other than
 * rfc822 are tried, missing actions are told by the status.
 */
#include "mtagw/mail/bounce_private.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "mtagw/mail/header_split.h"

/* A group is about one; looking a field up is linear in the group. */
#define GROUP_RECIPIENTS_MAX 100

/* `type; value` without its type; servers forget it. */
static struct range untyped(const char *value)
{
	const char *semicolon = strchr(value, ';');

	return range_trim(range_of(semicolon ? semicolon + 1 : value));
}

static const char *nth(const struct header *header, const char *name, size_t n, struct arena *arena)
{
	const struct header_field *f = header_get(header, name, n);

	return f ? bounce_words(f->value, arena) : "";
}

static const char *read_address(
    const struct header *header, const char *name, size_t n, struct arena *arena)
{
	const char *value = nth(header, name, n, arena);

	return value[0] ? bounce_address(untyped(value), arena) : NULL;
}

/* RFC 3464 2.3.3. Without one the class of the status tells. */
static const char *read_action(const char *value, const char *status)
{
	static const char *const actions[] = {
	    "failed", "delayed", "delivered", "relayed", "expanded"};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strncasecmp(value, actions[i], strlen(actions[i])) == 0)
			return actions[i];
	}
	return value[0] == '\0' && status[0] == '4' ? "delayed" : "failed";
}

static const char *first_word(struct range text, struct arena *arena)
{
	size_t n = 0;

	if (text.len > 0 && text.p[0] == '<') {
		text.p++;
		text.len--;
	}
	while (n < text.len && !isspace((unsigned char)text.p[n]) && text.p[n] != '>')
		n++;
	return arena_strndup(arena, text.p, n);
}

static void read_recipient(
    struct bounce_draft *draft, const struct header *h, size_t n, bool originals)
{
	struct arena *arena = draft->arena;
	const char *original = originals ? read_address(h, "Original-Recipient", n, arena) : NULL;
	const char *final = read_address(h, "Final-Recipient", n, arena);
	struct bounce_recipient r;

	if (original == NULL && final == NULL)
		return;
	r.address = original ? original : final;
	r.final = final ? final : "";
	r.diagnostic = bounce_words(untyped(nth(h, "Diagnostic-Code", n, arena)), arena);
	r.status = bounce_status(nth(h, "Status", n, arena), arena);
	if (r.status[0] == '\0')
		r.status = bounce_status(r.diagnostic, arena);
	r.action = read_action(nth(h, "Action", n, arena), r.status);
	r.remote = first_word(untyped(nth(h, "Remote-MTA", n, arena)), arena);
	bounce_add(draft, &r);
}

/* One group; false when it is about no recipient. */
static bool read_group(struct bounce_draft *draft, struct range group)
{
	struct bounce *b = draft->bounce;
	struct header h;
	size_t finals, originals;

	header_split(group, draft->arena, &h);
	finals = header_count(&h, "Final-Recipient");
	originals = header_count(&h, "Original-Recipient");
	if (b->reporter[0] == '\0')
		b->reporter =
		    first_word(untyped(nth(&h, "Reporting-MTA", 0, draft->arena)), draft->arena);
	if (b->envelope_id[0] == '\0')
		b->envelope_id = nth(&h, "Original-Envelope-Id", 0, draft->arena);
	if (b->message_id[0] == '\0')
		b->message_id = nth(&h, "X-Original-Message-ID", 0, draft->arena);
	/* groups not parted by an empty line; an original then belongs to a final only where each
	 * has one */
	for (size_t i = 0; (i < finals || i < originals) && i < GROUP_RECIPIENTS_MAX; i++)
		read_recipient(draft, &h, i, finals == originals || finals == 0 || finals == 1);
	return finals + originals > 0;
}

static bool blank(struct range line)
{
	return range_trim(line).len == 0;
}

/* Cuts the next group of lines (as it stands, without the empty line behind it) from text. */
static bool next_group(struct range *text, struct range *group_r)
{
	struct range line = {0};

	while (bounce_line(text, &line) && blank(line))
		line.len = 0;
	if (line.len == 0)
		return false;
	group_r->p = line.p;
	do
		group_r->len = (size_t)(line.p + line.len - group_r->p);
	while (bounce_line(text, &line) && !blank(line));
	return true;
}

void bounce_fields(struct bounce_draft *draft, struct range text, bool embedded)
{
	static const char *const names[] = {
	    "reporting-mta:", "final-recipient:", "original-recipient:"};
	struct range group;
	bool started = !embedded, found = false;

	while (next_group(&text, &group)) {
		for (size_t i = 0; !started && i < sizeof(names) / sizeof(names[0]); i++) {
			const char *at = bounce_find(group, names[i], NULL);

			started = at != NULL && (at == group.p || at[-1] == '\n');
		}
		if (!started)
			continue;
		if (read_group(draft, group))
			found = true;
		else if (found) /* a lost boundary: what follows is the original's */
			return;
	}
}
