/* incoming: letters from outside and where they stand in each agency, verdicts, threads, bounces,
 * the clerk's lists (blocking side). */
#ifndef STORE_INCOMING_H
#define STORE_INCOMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"

/* Verdicts, once a message: 1 found, 0 not yet, -1. */
int verdict_load(struct db *db, int64_t message_id, struct arena *arena, const char **level_r,
    const char **json_r, struct err *error_r);
struct verdict_row {
	int64_t message_id, at_ms;
	const char *level, *json;
};
void verdict_queue(struct db *db, const void *verdict_row);

struct incoming_row {
	int64_t letter_id;
	const char *agency, *state; /* waiting, registered, presented, disposed, done, noise */
	const char *sender_address, *sender_name;
	const char *letter_number, *letter_date; /* of the sender; date `2026-11-24` */
	const char *subject, *excerpt;
	const char *thread; /* token, references, number, none */
	int64_t reply_to;   /* letter, 0 */
	bool stranger;
	const char *level, *urgency;
	int64_t due_at_ms, received_at_ms, agenda_at_ms, decided_at_ms; /* 0: none */
	const char *decided_by, *rule_id;
	/* filled by the loaders */
	int agenda_n; /* 0: no number yet */
	int64_t body_id, message_id;
	const char *mime_message_id;
};
void incoming_queue_insert(struct db *db, const void *incoming_row);
/* State, subject, letter_number, letter_date, due, agenda and decision of a row that stands. */
void incoming_queue_update(struct db *db, const void *incoming_row);
int incoming_load(struct db *db, int64_t letter_id, const char *agency, struct arena *arena,
    struct incoming_row *row_r, struct err *error_r);
/* Of the agency, oldest first, state waiting. 1 or -1. */
int incoming_waiting(struct db *db, const char *agency, int limit, struct arena *arena,
    struct incoming_row **list_r, size_t *count_r, struct err *error_r);
/* An earlier one of the same sender that carries the same number and date, or the same Message-ID:
 * 1 with its agenda number, 0, -1. */
int incoming_twin(
    struct db *db, const struct incoming_row *row, int *agenda_n_r, struct err *error_r);
/* What the agency's clerk made of this sender before: registered and noise counts, and the subject
 * of the newest. */
struct sender_past {
	int registered, noise;
	const char *subject;
};
int incoming_past(struct db *db, const char *agency, const char *sender_address,
    struct arena *arena, struct sender_past *past_r, struct err *error_r);

/* Receipts that left for this address since then. Their number or -1. */
int incoming_receipts(
    struct db *db, const char *sender_address, int64_t since_ms, struct err *error_r);
/* Refuses the transaction that stands (a struct incoming_room; queued behind the receipt) where one
 * more went meanwhile than may go. */
struct incoming_room {
	const char *sender_address;
	int64_t since_ms;
	int most;
};
void incoming_queue_room(struct db *db, const void *row);

/* Threads: the letter of ours that this answers. mime_ids: Message-IDs with <>; 1 with the newest,
 * 0, -1. */
int thread_by_mime(struct db *db, const char *const *mime_ids, size_t count, int64_t *letter_r,
    struct err *error_r);
/* Numbers quoted in the mail, as printed; only letters that went to an address of this domain
 * count. */
int thread_by_number(struct db *db, const char *const *numbers, size_t count, const char *domain,
    int64_t *letter_r, struct err *error_r);
/* Whether the letter went to this address (2), to its domain (1), to neither (0). -1. */
int thread_correspondent(
    struct db *db, int64_t letter_id, const char *address, struct err *error_r);

/* A letter of ours was answered by its correspondent: state replied, where it has left. */
struct replied_row {
	int64_t letter_id, at_ms;
};
void replied_queue(struct db *db, const void *replied_row);

struct noted_row {
	int64_t id, message_id, letter_id, delivery_id, at_ms;
	const char *kind, *address, *action, *status, *words;
};
void noted_queue(struct db *db, const void *noted_row);
/* The delivery that left for this recipient with this Message-ID (done or not): 1 with ids, 0, -1.
 */
int delivery_find(struct db *db, const char *mime_message_id, const char *recipient,
    int64_t *delivery_r, int64_t *letter_r, struct err *error_r);
/* The recipient of a delivery, done or not, and the letter's: 1, 0, -1. */
int delivery_recipient(struct db *db, int64_t delivery_id, struct arena *arena,
    const char **recipient_r, int64_t *letter_r, const char **position_r, struct err *error_r);

struct list_item {
	int64_t token_id, letter_id;
	int n;
	const char *agency;
};
void list_item_queue(struct db *db, const void *list_item);
int list_items(struct db *db, int64_t token_id, struct arena *arena, struct list_item **list_r,
    size_t *count_r, struct err *error_r);

/* An agenda entry's subject, number or date corrected (RALAT): NULL leaves it; the trail keeps what
 * was there. */
struct agenda_correction {
	int64_t letter_id;
	const char *agency, *subject, *letter_number, *letter_date;
};
void agenda_queue_correct(struct db *db, const void *agenda_correction);

extern const struct stmt *const incoming_statements[];
extern const struct stmt *const thread_statements[];

#endif
