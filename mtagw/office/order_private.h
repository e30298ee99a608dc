/* order_private: what the files of order share. */
#ifndef OFFICE_ORDER_PRIVATE_H
#define OFFICE_ORDER_PRIVATE_H

#include "mtagw/office/order.h"

/* More than these nobody reads. */
#define ORDER_PROBLEMS_MAX 20

/* Words that join two names or two instructions. */
static const char *const order_joins[] = {"dan", "serta", "and", "lalu", "kemudian"};

struct order_making {
	const struct order_source *source;
	struct arena *arena;
	struct order_list *list;
	const struct policy_position *subordinates[ORDER_SUBORDINATES_MAX];
	size_t subordinate_count;
	/* the group that is being read */
	const struct policy_position *names[ORDER_RECIPIENTS_MAX];
	size_t name_count, failed_names;
	const char *common_note; /* below the head block: of every order */
	bool common_undated;     /* it names a day */
	bool envelope_orders;    /* a forward: its recipients are the envelope's */
};

/* The new problem (the last one again where there are too many). */
struct order_problem *order_problem_add(
    struct order_making *m, enum order_problem_kind kind, const char *what);
/* Without blanks, separators and joining words at the beginning. */
struct range order_cut(struct range r);

/* What was gathered for the names so far becomes one order for each of them; *o is empty then. */
void order_end_group(struct order_making *m, struct order *o);

/* order_picks.c: numbers of subordinates with words. */
void order_read_picks(struct order_making *m);
/* Instructions and one date in any order at the beginning of text; what stands behind them. */
const char *order_read_free(struct order_making *m, struct order *o, struct range text);

/* order_fields.c: false where there are too many. */
bool order_add_instruction(struct order *o, const struct policy_instruction *instruction);
/* Two texts on lines of their own; NULL is "". */
const char *order_joined(struct order_making *m, const char *a, const char *b);
/* One wish: instructions by word or number; false where it holds none. */
bool order_read_wish(struct order_making *m, struct order *o, struct range piece);
void order_read_wishes(struct order_making *m, struct order *o, const char *value);
void order_read_due(struct order_making *m, struct order *o, const char *value);
void order_read_field(struct order_making *m, struct order *o, const struct reply_field *field);

/* order_names.c: names into the group, problems for what is none. */
void order_read_names(struct order_making *m, const char *value);
void order_add_number(struct order_making *m, int number);
void order_envelope_names(struct order_making *m);
/* Other recipients of the mail than those it orders. */
void order_check_envelope(struct order_making *m);

#endif
