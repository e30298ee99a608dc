/* order: what a head or a division orders on a letter, read from a reply (domain.md 3.4). Pure
 * functions on a reading and the law; rights are asked by the caller, per recipient. */
#ifndef OFFICE_ORDER_H
#define OFFICE_ORDER_H

#include "mtagw/office/reply_reader.h"
#include "mtagw/policy/policy.h"

/* One mail goes to each recipient, and a plan holds 48 messages. */
#define ORDER_RECIPIENTS_MAX 40
#define ORDER_SUBORDINATES_MAX 64
#define ORDER_INSTRUCTIONS_MAX 16
#define ORDER_SUGGESTIONS_MAX 3

struct order {
	const struct policy_position *to;
	const struct policy_instruction *instructions[ORDER_INSTRUCTIONS_MAX];
	size_t instruction_count;
	const char *words; /* as written behind `Harap:` or the numbers, without the date */
	const char *note;
	int64_t due_ms;   /* 0: none, nothing is reported back */
	bool due_written; /* else from urgency or the order above */
	bool undated;     /* free words name a day that is not due_ms: no due time is filled in */
};
enum order_problem_kind {
	ORDER_UNKNOWN_NAME, /* what: the name; suggestions */
	ORDER_NO_SUCH_NUMBER,
	ORDER_NAMED_TWICE,
	ORDER_NOBODY,              /* no recipient */
	ORDER_NOTHING_TO_DO,       /* neither instruction nor note */
	ORDER_UNKNOWN_INSTRUCTION, /* what: as written */
	ORDER_BAD_DATE,            /* unreadable, impossible, passed */
	ORDER_UNKNOWN_QUALIFIER,
	ORDER_STRANGE_LINE,     /* a head line that an order does not know */
	ORDER_OTHER_RECIPIENTS, /* the mail is addressed to others, and is no forward */
	ORDER_TOO_MANY,
	ORDER_UNREAD,      /* behind a number: neither instruction, date nor plain words */
	ORDER_UNREAD_DATE, /* words that name a day, and no due time was read */
	ORDER_PROBLEM_COUNT
};
struct order_problem {
	enum order_problem_kind kind;
	const char *what;
	const struct policy_position *suggestions[ORDER_SUGGESTIONS_MAX];
	size_t suggestion_count;
};
struct order_source {
	const struct policy *policy;
	const char *domain; /* names may be written as addresses of it */
	const struct policy_position *actor;
	const struct reply_reading *reading;
	/* Recipients of the mail besides the prompt's address: positions, or NULL where one is none
	 * (a registry, an address outside); addresses as written. A forward orders them, else
	 * they must be among those the text names. */
	const struct policy_position *const *envelope;
	const char *const *envelope_addresses;
	size_t envelope_count;
	int64_t mail_ms; /* relative dates count from it */
	int64_t now_ms;
	int64_t due_ms; /* of the letter or of the actor's own order; 0 or passed: from urgency */
	const struct policy_urgency *urgency;
};
struct order_list {
	struct order *orders;
	size_t count;
	struct order_problem *problems;
	size_t problem_count;
};
/* Reads a reading of shape REPLY_FIELDS or REPLY_NUMBERS, or a forward of any shape. Strings live
 * in the arena, the reading or the policy. Either orders or problems: where there is one problem
 * nothing is to be done (count is 0 then). Never fails, never blocks. */
void order_read(const struct order_source *source, struct arena *arena, struct order_list *list_r);
/* True where the reading may be an order at all: another one is asked back without looking for
 * problems. */
bool order_shaped(const struct order_source *source);
/* Whether anybody is expected to report on it: one of its instructions says so, or it has none. */
bool order_wants_report(const struct order *order);
/* The same for instructions by their identifiers, as rows keep them. */
bool order_ids_want_report(
    const struct policy *policy, const char *const *instructions, size_t count);
/* `unknown-name`: the end of the words' id for a problem of this kind. */
const char *order_problem_name(enum order_problem_kind kind);

#endif
