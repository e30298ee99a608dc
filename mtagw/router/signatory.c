/*
 * signatory: who signs a letter and by which right: the person who holds the position (substantive,
 * Plt., Plh. ... as the incumbency says), and, where the sign rule says so, on whose behalf (a.n.,
 * u.b.). The stylesheets make the signature block of it.
 */
#include "mtagw/router/letters.h"

#include <string.h>

struct holder_known {
	struct holder_known *next;
	const char *position;
	struct holder holder;
};

/* Each position is asked once in a round; a round's decisions are of one moment. */
static int find_holder(
    struct worker *w, struct task *t, const char *position, struct holder *holder_r)
{
	struct holder_known *known = w->holders;

	while (known != NULL && strcmp(known->position, position) != 0)
		known = known->next;
	if (known == NULL) {
		if (holder_of(w->db, position, t->now_ms, t->arena, holder_r, &t->err) < 0)
			return -1;
		known = arena_alloc(t->arena, sizeof(*known));
		*known =
		    (struct holder_known){w->holders, arena_strdup(t->arena, position), *holder_r};
		w->holders = known;
	}
	*holder_r = known->holder;
	return 1;
}

int letters_holder(struct worker *w, struct task *t, struct letter *letter)
{
	struct holder holder;

	if (find_holder(w, t, letter->position, &holder) < 0)
		return -1;
	letter->incumbency = holder.incumbency;
	letter->holder = holder.name;
	letter->nip = holder.nip;
	letter->rank_title = holder.rank_title;
	letter->pay_grade = holder.pay_grade;
	letter->capacity = holder.capacity;
	letter->delegator_block = letter->via_block = letter->holder_capacity = NULL;
	return 1;
}

static const char *block_of(const struct task *t, const char *position)
{
	const struct policy_position *p =
	    position ? policy_position(t->law->policy, position) : NULL;

	return p ? p->block : NULL;
}

void letters_authority(const struct task *t, struct letter *letter, const struct policy_decision *d)
{
	const struct policy_position *p = policy_position(t->law->policy, letter->position);

	if (d->capacity == NULL || strcmp(d->capacity, "substantive") == 0)
		return; /* the holder's own right */
	if (strcmp(letter->capacity, "substantive") != 0)
		letter->holder_capacity = letter->capacity;
	letter->capacity = d->capacity;
	letter->delegator_block = block_of(t, d->behalf);
	if (strcmp(d->capacity, "sub_delegated") == 0)
		letter->via_block = p ? block_of(t, p->superior) : NULL;
}

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

int letters_same_signatory(
    struct worker *w, struct task *t, const struct letter *shown, const struct policy_decision *d)
{
	struct letter now = *shown;

	if (letters_holder(w, t, &now) < 0)
		return -1;
	letters_authority(t, &now, d);
	return now.incumbency == shown->incumbency && same(now.capacity, shown->capacity) &&
	       same(now.holder_capacity, shown->holder_capacity) &&
	       same(now.delegator_block, shown->delegator_block) &&
	       same(now.via_block, shown->via_block);
}
