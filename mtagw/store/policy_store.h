/* policy_store: versions of policies and templates in the database, by the hash of their content
 * (blocking side). */
#ifndef STORE_POLICY_STORE_H
#define STORE_POLICY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/codec.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/policy_file.h"
#include "mtagw/store/db.h"
#include "mtagw/store/exchange.h"
#include "mtagw/store/id.h"

/* The channel that is told after an activation. */
#define POLICY_STORE_CHANNEL "mtagw_policy"

/* The active version's number alone: 1, 0 nothing is active, -1. */
int policy_store_active(struct db *db, int *version_r, struct err *error_r);
/* A version with its files in their order, in the arena; it need not be the active one (letters end
 * under the law they were numbered under): 1, 0 no such version, -1. Versions never change. */
int policy_store_load(struct db *db, int version, struct arena *arena, struct policy_file **files_r,
    size_t *count_r, struct err *error_r);

/* The version that decided about a message last, 0 where none did: 1 or -1. */
int policy_store_of_message(struct db *db, int64_t message_id, int *version_r, struct err *error_r);

/* The organisation as the version has it; texts NULL where absent. */
struct policy_store_agency {
	const char *code, *name, *registry_local, *head, *registry;
};
struct policy_store_position {
	const char *id, *agency, *title, *echelon, *superior;
};
struct policy_store_address {
	const char *local, *kind, *target;
	bool detail, outside;
};
struct policy_store_version {
	const struct policy_file *files;
	size_t file_count;
	const struct policy_store_agency *agencies;
	size_t agency_count;
	const struct policy_store_position *positions;
	size_t position_count;
	const struct policy_store_address *addresses;
	size_t address_count;
	struct exchange_actor actor; /* who activates */
	int64_t at_ms;
};
/* Role mtagw_ctl. One transaction: blobs not there yet, a version (or the one of the same content,
 * made active again), the active pointer, agencies, positions and addresses, the exchange row.
 * Positions that the version lacks stay as rows (people and letters point at them) but inactive;
 * their addresses go. NOTIFY after COMMIT. changed_r: false when this content was active already
 * and nothing but the organisation was written again. 1 or -1. */
int policy_store_activate(struct db *db, struct ids *ids,
    const struct policy_store_version *version, int *version_r, bool *changed_r,
    struct err *error_r);
/* SHA-256 over the list of files: path, NUL, content hash, in order. */
void policy_store_hash(const struct policy_file *files, size_t count, uint8_t out[SHA256_BYTES]);

extern const struct stmt *const policy_store_statements[];

#endif
