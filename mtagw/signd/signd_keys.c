/*
 * signd_keys: seal keys in the keyring and DKIM keys in files, and the checks that stand before
 * each use: the seal key belongs to the From address now, the DKIM signature is for a message whose
 * only From is the address given, in our own domain. A key that is missing or unusable is "wait",
 * never an unsigned or half-signed message (DESIGN 12). Key files that change are read again by
 * themselves.
 */
#include "mtagw/signd/signd_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/mail/address.h"
#include "mtagw/mail/header.h"

/* Clocks of the router's node and ours may differ; verifiers reject what lies further ahead. */
#define SIGND_CLOCK_SKEW_SECS 300

struct dkim_slot {
	struct dkim_key *key; /* NULL: not loaded */
	struct stat st;       /* of the file it was loaded from */
};

struct signd_keys {
	const struct settings *settings;
	struct keyring *ring;
	struct dkim_slot dkim[SIGND_DKIM_COUNT];
};

struct signd_keys *signd_keys_open(const struct settings *settings, struct err *error_r)
{
	struct signd_keys *keys = mem_zalloc(sizeof(*keys));

	keys->settings = settings;
	if (mkdir(settings->dkim_dir, 0700) < 0 && errno != EEXIST) {
		err_set(error_r, "dkim_dir %s: %s", settings->dkim_dir, strerror(errno));
		signd_keys_close(&keys);
		return NULL;
	}
	keys->ring = keyring_open(settings->gnupg_home, error_r);
	if (!keys->ring || keyring_refresh(keys->ring, true, error_r) < 0)
		signd_keys_close(&keys);
	return keys;
}

static void dkim_forget(struct signd_keys *keys)
{
	for (int i = 0; i < SIGND_DKIM_COUNT; i++)
		dkim_key_free(&keys->dkim[i].key);
}

void signd_keys_close(struct signd_keys **keysp)
{
	struct signd_keys *keys = *keysp;

	if (!keys)
		return;
	dkim_forget(keys);
	keyring_close(&keys->ring);
	free(keys);
	*keysp = NULL;
}

int signd_keys_reload(struct signd_keys *keys, const struct settings *settings, struct err *error_r)
{
	if (strcmp(settings->gnupg_home, keys->settings->gnupg_home) != 0) {
		struct keyring *ring = keyring_open(settings->gnupg_home, error_r);

		if (!ring)
			return -1;
		keyring_stop_agent(keys->ring);
		keyring_close(&keys->ring);
		keys->ring = ring;
	}
	keys->settings = settings;
	dkim_forget(keys);
	return keyring_refresh(keys->ring, true, error_r);
}

void signd_keys_stop_agent(struct signd_keys *keys)
{
	keyring_stop_agent(keys->ring);
}

struct keyring *signd_keys_ring(struct signd_keys *keys)
{
	return keys->ring;
}

const struct settings *signd_keys_settings(const struct signd_keys *keys)
{
	return keys->settings;
}

/* -- seals -- */

static int time_check(int64_t at_secs, int64_t now_secs, struct err *error_r)
{
	if (at_secs <= now_secs + SIGND_CLOCK_SKEW_SECS)
		return 1;
	err_set(error_r, "time of signing lies %lld s ahead of signd's clock",
	    (long long)(at_secs - now_secs));
	return 0;
}

int signd_keys_plan(struct signd_keys *keys, const char *from, int64_t at_secs, int64_t now_secs,
    struct seal_plan *plan_r, struct err *error_r)
{
	struct seal_plan now_plan;

	if (time_check(at_secs, now_secs, error_r) <= 0)
		return 0;
	if (keyring_refresh(keys->ring, false, error_r) < 0)
		return 0;
	if (keyring_plan(keys->ring, from, at_secs, plan_r, error_r) <= 0 ||
	    keyring_plan(
	        keys->ring, from, now_secs > at_secs ? now_secs : at_secs, &now_plan, error_r) <= 0)
		return 0;
	if (strcmp(plan_r->fingerprint, now_plan.fingerprint) == 0)
		return 1;
	/* A newer key has come since: it seals, so the time must be one at which it existed. */
	err_set(error_r, "seal key of %s is newer than the time of signing", from);
	return 0;
}

int signd_keys_sign(struct signd_keys *keys, const char *from, const struct seal_plan *plan,
    const uint8_t digest[SHA256_BYTES], int64_t now_secs, struct buf *armor, struct err *error_r)
{
	struct seal_plan ours;
	int rc = signd_keys_plan(keys, from, plan->at_secs, now_secs, &ours, error_r);

	if (!keyring_owns(keys->ring, from, plan->fingerprint))
		return err_set(error_r, "key %s does not belong to %s", plan->fingerprint, from);
	if (rc <= 0)
		return rc;
	if (strcmp(ours.fingerprint, plan->fingerprint) != 0 ||
	    strcmp(ours.primary, plan->primary) != 0 || ours.algorithm != plan->algorithm ||
	    ours.hashed_len != plan->hashed_len ||
	    memcmp(ours.hashed, plan->hashed, ours.hashed_len) != 0) {
		err_set(error_r, "seal key of %s has changed since it was planned", from);
		return 0;
	}
	return keyring_sign(keys->ring, &ours, digest, armor, error_r);
}

/* -- DKIM -- */

const char *signd_keys_kind(enum signd_dkim which)
{
	return which == SIGND_DKIM_RSA ? "rsa" : "ed25519";
}

const char *signd_keys_selector(const struct signd_keys *keys, enum signd_dkim which)
{
	return which == SIGND_DKIM_RSA ? keys->settings->dkim_selector_rsa
	                               : keys->settings->dkim_selector_ed25519;
}

static char *dkim_file(const struct signd_keys *keys, enum signd_dkim which)
{
	return mem_printf("%s/%s.pem", keys->settings->dkim_dir, signd_keys_selector(keys, which));
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

const struct dkim_key *signd_keys_dkim_key(
    struct signd_keys *keys, enum signd_dkim which, struct err *error_r)
{
	struct dkim_slot *slot = &keys->dkim[which];
	char *file = dkim_file(keys, which);
	struct stat st = {0};

	if (slot->key && stat(file, &st) == 0 && same_file(&st, &slot->st)) {
		free(file);
		return slot->key;
	}
	dkim_key_free(&slot->key);
	if (stat(file, &slot->st) < 0)
		err_set(error_r, "DKIM key %s: %s", file, strerror(errno));
	else
		slot->key = dkim_key_load(
		    file, signd_keys_selector(keys, which), keys->settings->domain, error_r);
	if (slot->key && strcmp(dkim_key_kind(slot->key), signd_keys_kind(which)) != 0) {
		err_set(error_r, "DKIM key %s is %s, not %s", file, dkim_key_kind(slot->key),
		    signd_keys_kind(which));
		dkim_key_free(&slot->key);
	}
	free(file);
	return slot->key;
}

int signd_keys_create_dkim(struct signd_keys *keys, enum signd_dkim which, struct err *error_r)
{
	char *file = dkim_file(keys, which);
	int rc = dkim_key_create(file, signd_keys_kind(which), error_r);

	free(file);
	return rc;
}

/* From and key belong together: one From, one mailbox, the address given, in our domain. */
static int from_check(const struct signd_keys *keys, const char *from, struct range header_block,
    struct arena *arena, struct err *error_r)
{
	const struct header_field *field;
	struct header header;
	struct range rest;
	struct address wanted;
	struct mailbox *list;
	size_t count;

	if (address_parse(range_of(from), arena, &wanted, error_r) < 0)
		return -1;
	if (strcasecmp(wanted.domain, keys->settings->domain) != 0)
		return err_set(
		    error_r, "%s is not an address of %s", log_safe(from), keys->settings->domain);
	if (header_parse(header_block, arena, &header, &rest, error_r) < 0)
		return -1;
	if (header_count(&header, "From") != 1)
		return err_set(error_r, "header block has %zu From fields, not one",
		    header_count(&header, "From"));
	field = header_get(&header, "From", 0);
	if (address_list(field->value, arena, &list, &count, error_r) <= 0 || count != 1)
		return err_set(error_r, "header block's From is not one mailbox");
	if (!address_equal(&list[0].address, &wanted))
		return err_set(error_r, "header block's From is not %s", log_safe(from));
	return 1;
}

int signd_keys_dkim(struct signd_keys *keys, const char *from, int64_t at_secs, int64_t now_secs,
    struct range header_block, const uint8_t body_hash[SHA256_BYTES], struct buf *fields,
    struct err *error_r)
{
	const struct dkim_key *key[SIGND_DKIM_COUNT];
	struct arena *arena = arena_new();
	size_t before = fields->len;
	int rc = from_check(keys, from, header_block, arena, error_r);

	arena_free(&arena);
	if (rc < 0)
		return -1;
	if (time_check(at_secs, now_secs, error_r) <= 0)
		return 0;
	for (int i = 0; i < SIGND_DKIM_COUNT; i++) {
		key[i] = signd_keys_dkim_key(keys, i, error_r);
		if (!key[i])
			return 0;
	}
	for (int i = 0; i < SIGND_DKIM_COUNT; i++)
		if (dkim_sign_header(key[i], header_block, body_hash, at_secs, fields, error_r) <
		    0) {
			fields->len = before;
			return -1;
		}
	return 1;
}
