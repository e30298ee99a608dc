/* disposition: orders to act on a letter, their tree and their reports as rows (blocking side; R38,
 * R39). */
#ifndef STORE_DISPOSITION_H
#define STORE_DISPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

struct disposition_row {
	int64_t id, letter_id, parent, prompt, message_id; /* parent 0: the head's */
	const char *agency;
	const char *position, *login; /* who gave it */
	int64_t incumbency;
	const char *to_position;
	const char *const *instructions; /* identifiers */
	size_t instruction_count;
	const char *words, *note;
	int64_t due_at_ms; /* 0: none */
	const char *state; /* sent, passed_on, reported, declined, done, recalled */
	int64_t state_at_ms;
	const char *reason;
	int64_t token; /* the recipient's prompt */
	const char *mime_message_id;
	int64_t reminded_at_ms, escalated_at_ms;
	int policy_version;
	const char *rule_id;
	int64_t created_at_ms;
	int64_t undelivered_at_ms; /* its mail came to nobody; 0 */
};
void disposition_queue_insert(struct db *db, const void *disposition_row);
struct disposition_change {
	int64_t id, at_ms;
	const char *state, *reason;
};
void disposition_queue_state(struct db *db, const void *disposition_change);
/* Marks of the deadline: reminded_at and escalated_at, 0 leaves one as it is. */
struct disposition_mark {
	int64_t id, reminded_at_ms, escalated_at_ms;
};
void disposition_queue_mark(struct db *db, const void *disposition_mark);
/* What is decided on a letter's orders is decided on all of them as they were read: the first row
 * of a plan locks the letter and makes the server refuse the transaction where they changed since.
 * version: of disposition_version, asked before the rows were read. */
struct disposition_fence {
	int64_t letter_id, version;
};
void disposition_queue_fence(struct db *db, const void *disposition_fence);
/* And since when the letter has its state: 1 or -1. */
int disposition_version(struct db *db, int64_t letter_id, int64_t *version_r,
    int64_t *state_at_ms_r, struct err *error_r);
/* Where the letter stands in the agency: disposed, done, or presented again. The letter's own state
 * follows where it came from outside (in_progress once somebody acted; done once it is done in all
 * agencies). */
struct disposition_standing {
	int64_t letter_id, at_ms;
	const char *agency, *state, *letter_state;
};
void disposition_queue_standing(struct db *db, const void *disposition_standing);
int disposition_load(struct db *db, int64_t id, struct arena *arena, struct disposition_row *row_r,
    struct err *error_r);
/* By the recipient's prompt: 1, 0, -1. */
int disposition_by_token(struct db *db, int64_t token, struct arena *arena,
    struct disposition_row *row_r, struct err *error_r);
/* All of a letter in an agency ('' all), parents before children, by time. */
int disposition_tree(struct db *db, int64_t letter_id, const char *agency, struct arena *arena,
    struct disposition_row **list_r, size_t *count_r, struct err *error_r);

struct disposition_report {
	int64_t id, disposition_id, message_id, incumbency, at_ms;
	const char *position, *login, *body;
	int enclosures;
	bool closing;
};
void disposition_queue_report(struct db *db, const void *disposition_report);
/* Of all orders of a letter, by time. */
int disposition_reports(struct db *db, int64_t letter_id, struct arena *arena,
    struct disposition_report **list_r, size_t *count_r, struct err *error_r);

/* For the clerk: open orders of any agency due before this moment, not yet escalated, that no work
 * of kind remind waits for; oldest due first. Their ids, at most limit. */
int disposition_due(struct db *db, int64_t before_ms, int limit, struct arena *arena,
    const int64_t **ids_r, size_t *count_r, struct err *error_r);

/* lacak: the letter that this agency calls so: its agenda number (incoming first) of a year, else a
 * letter number as printed, of an agenda entry or of the sender. n 0: no agenda number; number "":
 * none. 1, 0, -1. */
int disposition_trace(struct db *db, const char *agency, int n, int year, const char *number,
    int64_t *letter_r, struct err *error_r);
/* The mail whose orders on this prompt one of these Message-IDs is about: of the mail itself, of
 * one of its orders, or of what the gateway answered to it; the first Message-ID that tells wins.
 * 1, 0, -1. */
int disposition_given_by(struct db *db, int64_t letter_id, int64_t prompt,
    const char *const *mime_ids, size_t count, int64_t *message_r, struct err *error_r);
/* What became of a letter that went out: one row for each recipient, then one for each answer that
 * this agency got. */
struct disposition_outcome {
	const char *state;          /* delivered, failed, waiting, uncertain, answer */
	const char *name, *address; /* of an answer: who, and its number */
	int64_t at_ms;
};
int disposition_outcomes(struct db *db, int64_t letter_id, const char *agency, struct arena *arena,
    struct disposition_outcome **list_r, size_t *count_r, struct err *error_r);
/* The open prompt of that position for the newest letter that one of these Message-IDs is of: of an
 * incoming letter itself or of a mail of the gateway about a letter: to order on it, or to answer
 * an order. 1, 0, -1. */
int disposition_prompt(struct db *db, const char *const *mime_ids, size_t count,
    const char *position, int64_t now_ms, int64_t *token_r, struct err *error_r);
/* Whether the agency has this letter at all: 1, 0, -1. */
int disposition_letter_of(
    struct db *db, const char *agency, int64_t letter_id, struct err *error_r);

extern const struct stmt *const disposition_statements[];

#endif
