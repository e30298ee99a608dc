/*
 * policy_store: policy versions as rows. A version is a list of (path, content hash); contents are
 * kept once by their hash. Activation is one transaction under an advisory lock: blobs, version,
 * the active pointer and the organisation that follows from it change together, so no role ever
 * sees addresses of one law and rules of another. A version is never changed or removed.
 */
#include "mtagw/store/policy_store.h"

#include <string.h>

/* Two administrators activating at once take turns; any fixed number that nobody else uses. */
#define ACTIVATE_LOCK INT64_C(0x6d74616777) /* `mtagw` */

static const struct stmt active = {"policy_store_active", "select version from policy.active"};
static const struct stmt files_of = {"policy_store_files",
    "select f.path, b.bytes from policy.file f join policy.blob b using (sha256)"
    " where f.version = $1::integer order by f.ord"};
static const struct stmt of_message = {"policy_store_of_message",
    "select coalesce((select policy_version from audit.exchange where message_id = $1"
    " and policy_version is not null order by id desc limit 1), 0)::bigint"};
static const struct stmt lock = {"policy_store_lock", "select pg_advisory_xact_lock($1)"};
static const struct stmt find = {"policy_store_find",
    "select (select max(version) from policy.version where sha256 = $1),"
    " coalesce((select max(version) from policy.version), 0) + 1,"
    " coalesce((select version from policy.active), 0)"};
static const struct stmt add_blob = {"policy_store_add_blob",
    "insert into policy.blob (sha256, bytes) values ($1, $2) on conflict do nothing"};
static const struct stmt add_version = {"policy_store_add_version",
    "insert into policy.version (version, sha256, activated_at, position, incumbency, login)"
    " values ($1::integer, $2, $3, $4, $5, $6)"};
static const struct stmt add_file = {"policy_store_add_file",
    "insert into policy.file (version, path, ord, sha256) values "
    "($1::integer, $2, $3::integer, $4)"};
static const struct stmt set_active = {"policy_store_set_active",
    "insert into policy.active (version) values ($1::integer)"
    " on conflict (one) do update set version = excluded.version"};
static const struct stmt put_agency = {"policy_store_put_agency",
    "insert into org.agency (code, name, registry_local, head, registry, version)"
    " values ($1, $2, $3, $4, $5, $6::integer) on conflict (code) do update set"
    " name = excluded.name, registry_local = excluded.registry_local, head = excluded.head,"
    " registry = excluded.registry, version = excluded.version"};
static const struct stmt put_position = {"policy_store_put_position",
    "insert into org.position (id, agency, title, echelon, superior, active, version)"
    " values ($1, $2, $3, $4, $5, true, $6::integer) on conflict (id) do update set"
    " agency = excluded.agency, title = excluded.title, echelon = excluded.echelon,"
    " superior = excluded.superior, active = true, version = excluded.version"};
static const struct stmt end_positions = {"policy_store_end_positions",
    "update org.position set active = false where version <> $1::integer and active"};
static const struct stmt end_addresses = {"policy_store_end_addresses", "delete from org.address"};
static const struct stmt put_address = {"policy_store_put_address",
    "insert into org.address (local, kind, target, detail, outside, version)"
    " values ($1, $2, $3, $4, $5, $6::integer)"};

const struct stmt *const policy_store_statements[] = {&active, &files_of, &of_message, &lock, &find,
    &add_blob, &add_version, &add_file, &set_active, &put_agency, &put_position, &end_positions,
    &end_addresses, &put_address, NULL};

int policy_store_active(struct db *db, int *version_r, struct err *error_r)
{
	struct db_result *r = NULL;
	int ret;

	if (db_query(db, &active, NULL, 0, &r, error_r) < 0)
		return -1;
	ret =
	    db_rows(r) > 0 ? 1 : err_set(error_r, "no policy is active: mtagwctl policy activate");
	if (ret > 0)
		*version_r = (int)db_get_int(r, 0, 0);
	db_result_free(&r);
	return ret > 0 ? 1 : 0;
}

int policy_store_load(struct db *db, int version, struct arena *arena, struct policy_file **files_r,
    size_t *count_r, struct err *error_r)
{
	struct db_param params[] = {db_int(version)};
	struct db_result *r = NULL;
	struct policy_file *files;
	size_t count;

	if (db_query(db, &files_of, params, 1, &r, error_r) < 0)
		return -1;
	count = db_rows(r);
	files = arena_alloc(arena, (count + 1) * sizeof(*files));
	for (size_t i = 0; i < count; i++) {
		struct range bytes = db_get_bytes(r, i, 1);

		files[i].path = arena_strdup(arena, db_get_text(r, i, 0));
		files[i].bytes.p = arena_strndup(arena, bytes.len > 0 ? bytes.p : "", bytes.len);
		files[i].bytes.len = bytes.len;
	}
	db_result_free(&r);
	*files_r = files;
	*count_r = count;
	if (count == 0)
		(void)err_set(error_r, "no policy version %d", version);
	return count > 0 ? 1 : 0;
}

int policy_store_of_message(struct db *db, int64_t message_id, int *version_r, struct err *error_r)
{
	struct db_param params[] = {db_int(message_id)};
	struct db_result *r = NULL;

	if (db_query(db, &of_message, params, 1, &r, error_r) < 0)
		return -1;
	*version_r = (int)db_get_int(r, 0, 0);
	db_result_free(&r);
	return 1;
}

void policy_store_hash(const struct policy_file *files, size_t count, uint8_t out[SHA256_BYTES])
{
	struct sha256 *sha = sha256_new();
	uint8_t one[SHA256_BYTES];

	for (size_t i = 0; i < count; i++) {
		codec_sha256(files[i].bytes.p, files[i].bytes.len, one);
		sha256_add(sha, files[i].path, strlen(files[i].path) + 1);
		sha256_add(sha, one, sizeof(one));
	}
	sha256_end(&sha, out);
}

static struct db_param hash_param(const uint8_t hash[SHA256_BYTES])
{
	return db_bytes((struct range){(const char *)hash, SHA256_BYTES});
}

static void queue_version(struct db *db, const struct policy_store_version *v, int version,
    const uint8_t hash[SHA256_BYTES])
{
	const struct exchange_actor *a = &v->actor;
	struct db_param head[] = {db_int(version), hash_param(hash), db_int(v->at_ms),
	    db_text(a->position != NULL ? a->position : ""),
	    a->incumbency != 0 ? db_int(a->incumbency) : db_null(),
	    db_text(a->login != NULL ? a->login : "")};

	db_queue(db, &add_version, head, 6);
	for (size_t i = 0; i < v->file_count; i++) {
		const struct policy_file *f = &v->files[i];
		uint8_t one[SHA256_BYTES];

		codec_sha256(f->bytes.p, f->bytes.len, one);
		db_queue(
		    db, &add_blob, (struct db_param[]){hash_param(one), db_bytes(f->bytes)}, 2);
		db_queue(db, &add_file,
		    (struct db_param[]){
		        db_int(version), db_text(f->path), db_int((int64_t)i), hash_param(one)},
		    4);
	}
}

static void queue_organisation(struct db *db, const struct policy_store_version *v, int version)
{
	struct db_param number = db_int(version);

	for (size_t i = 0; i < v->agency_count; i++) {
		const struct policy_store_agency *a = &v->agencies[i];

		db_queue(db, &put_agency,
		    (struct db_param[]){db_text(a->code), db_text(a->name),
		        db_text(a->registry_local), db_text(a->head), db_text(a->registry), number},
		    6);
	}
	for (size_t i = 0; i < v->position_count; i++) {
		const struct policy_store_position *p = &v->positions[i];

		db_queue(db, &put_position,
		    (struct db_param[]){db_text(p->id), db_text(p->agency), db_text(p->title),
		        db_text(p->echelon != NULL ? p->echelon : ""), db_text(p->superior),
		        number},
		    6);
	}
	db_queue(db, &end_positions, &number, 1);
	db_queue(db, &end_addresses, NULL, 0);
	for (size_t i = 0; i < v->address_count; i++) {
		const struct policy_store_address *a = &v->addresses[i];

		db_queue(db, &put_address,
		    (struct db_param[]){db_text(a->local), db_text(a->kind), db_text(a->target),
		        db_bool(a->detail), db_bool(a->outside), number},
		    6);
	}
}

static int queue_exchange(struct db *db, struct ids *ids, const struct policy_store_version *v,
    int version, bool changed, const uint8_t hash[SHA256_BYTES], struct err *error_r)
{
	struct exchanges *list = exchanges_new();
	char hex[SHA256_HEX_SIZE];
	struct exchange x = {.at_ms = v->at_ms,
	    .event = "PolicyActivated",
	    .outcome = changed ? "done" : "unchanged",
	    .actor = v->actor,
	    .policy_version = version,
	    .object_sha256 = hex};
	int rc;

	codec_hex(hash, SHA256_BYTES, hex);
	rc = exchanges_add(list, db, ids, &x, NULL, error_r);
	if (rc > 0)
		exchanges_queue(list, db);
	exchanges_free(&list);
	return rc;
}

static int activate(struct db *db, struct ids *ids, const struct policy_store_version *v,
    int *version_r, bool *changed_r, struct err *error_r)
{
	struct db_param key[] = {db_int(ACTIVATE_LOCK)};
	struct db_result *r = NULL;
	uint8_t hash[SHA256_BYTES];
	struct db_param by_hash[] = {hash_param(hash)};
	bool known;

	policy_store_hash(v->files, v->file_count, hash);
	if (db_query(db, &lock, key, 1, NULL, error_r) < 0 ||
	    db_query(db, &find, by_hash, 1, &r, error_r) < 0)
		return -1;
	known = !db_is_null(r, 0, 0);
	*version_r = (int)db_get_int(r, 0, known ? 0 : 1);
	*changed_r = *version_r != (int)db_get_int(r, 0, 2);
	db_result_free(&r);
	if (!known)
		queue_version(db, v, *version_r, hash);
	db_queue(db, &set_active, (struct db_param[]){db_int(*version_r)}, 1);
	queue_organisation(db, v, *version_r);
	return queue_exchange(db, ids, v, *version_r, *changed_r, hash, error_r);
}

int policy_store_activate(struct db *db, struct ids *ids,
    const struct policy_store_version *version, int *version_r, bool *changed_r,
    struct err *error_r)
{
	if (db_begin(db, error_r) < 0)
		return -1;
	if (activate(db, ids, version, version_r, changed_r, error_r) < 0) {
		db_rollback(db);
		return -1;
	}
	if (db_commit(db, error_r) < 0)
		return -1;
	db_notify(db, POLICY_STORE_CHANNEL);
	return 1;
}
