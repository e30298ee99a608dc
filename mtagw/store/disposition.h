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
};
void disposition_queue_insert(struct db *db, const void *disposition_row);
struct disposition_change {
	int64_t id, at_ms;
	const char *state, *reason;
};
void disposition_queue_state(struct db *db, const void *disposition_change);
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
void disposition_report_queue(struct db *db, const void *disposition_report);
int disposition_reports(struct db *db, int64_t letter_id, struct arena *arena,
    struct disposition_report **list_r, size_t *count_r, struct err *error_r);

extern const struct stmt *const disposition_statements[];

#endif
