/*
 * keyring_choose: which key may seal for whom, and the signing itself. The key policy lives here,
 * for the agent has none: it signs as happily with a revoked key as with a good one. Expiry is
 * looked at for each letter. A key belongs to an address when that is its only user id. Signature
 * values come from agent.c, packets from seal.c.
 */
#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/crypto/agent.h"
#include "mtagw/crypto/keyring_private.h"

/* A lost agent is asked for again after this, doubled each time up to the maximum. */
#define KEYRING_BACKOFF_MIN_MS 100
#define KEYRING_BACKOFF_MAX_MS 10000

static const char *times_unusable(int64_t created, int64_t expires, int64_t at_secs)
{
	if (expires && expires <= at_secs)
		return "expired";
	return created > at_secs ? "made after the time of signing" : "";
}

/* Newest subkey that may sign at that time, or NULL and why the last one may not. */
static const struct subkey *key_choose(const struct key *key, int64_t at_secs, const char **why_r)
{
	const struct subkey *best = NULL;

	*why_r = key->unusable;
	if (!**why_r)
		*why_r = times_unusable(key->created, key->expires, at_secs);
	if (**why_r)
		return NULL;
	for (size_t i = 0; i < key->subkey_count; i++) {
		const struct subkey *subkey = &key->subkeys[i];
		const char *why = subkey->unusable;

		if (!*why)
			why = times_unusable(subkey->created, subkey->expires, at_secs);
		/* An encryption subkey says nothing about why the key cannot sign. */
		if (*why && (!**why_r || strcmp(why, "unable to sign") != 0))
			*why_r = why;
		else if (!*why && (!best || subkey->created > best->created))
			best = subkey;
	}
	return best;
}

static const struct key *keyring_choose(const struct keyring *keyring, const char *address,
    int64_t at_secs, const struct subkey **subkey_r, const char **why_r)
{
	const struct key *best = NULL;

	*subkey_r = NULL;
	*why_r = "missing";
	for (size_t i = 0; i < keyring->count; i++) {
		const struct key *key = &keyring->keys[i];
		const struct subkey *subkey;
		const char *why;

		if (!*key->address || strcasecmp(key->address, address) != 0)
			continue;
		subkey = key_choose(key, at_secs, &why);
		if (!subkey) {
			*why_r = why;
		} else if (!best || subkey->created > (*subkey_r)->created) {
			best = key;
			*subkey_r = subkey;
		}
	}
	return best;
}

int keyring_plan(struct keyring *keyring, const char *address, int64_t at_secs,
    struct seal_plan *plan_r, struct err *error_r)
{
	const struct subkey *subkey;
	const char *why;
	const struct key *key = keyring_choose(keyring, address, at_secs, &subkey, &why);

	if (!keyring->listed) {
		err_set(error_r, "the keys of %s cannot be read", keyring->home);
		return 0;
	}
	if (!key) {
		err_set(error_r, "seal key of %s is %s", address, why);
		return 0;
	}
	seal_plan_make(plan_r, subkey->fingerprint, key->fingerprint, subkey->algorithm, at_secs);
	return 1;
}

static const struct subkey *keyring_find(
    const struct keyring *keyring, const char *fingerprint, const struct key **key_r)
{
	for (size_t i = 0; i < keyring->count; i++)
		for (size_t j = 0; j < keyring->keys[i].subkey_count; j++)
			if (strcmp(keyring->keys[i].subkeys[j].fingerprint, fingerprint) == 0) {
				*key_r = &keyring->keys[i];
				return &keyring->keys[i].subkeys[j];
			}
	return NULL;
}

bool keyring_owns(const struct keyring *keyring, const char *address, const char *fingerprint)
{
	const struct key *key;

	return keyring_find(keyring, fingerprint, &key) && *key->address &&
	       strcasecmp(key->address, address) == 0;
}

void keyring_list(struct keyring *keyring, int64_t at_secs,
    void (*cb)(const struct keyring_entry *entry, void *ctx), void *ctx)
{
	for (size_t i = 0; i < keyring->count; i++) {
		const struct key *key = &keyring->keys[i];
		struct keyring_entry entry = {.address = key->address,
		    .fingerprint = key->fingerprint,
		    .created = key->created,
		    .expires = key->expires};

		if (key_choose(key, at_secs, &entry.unusable))
			entry.unusable = *key->address ? "" : "not of exactly one user id";
		cb(&entry, ctx);
	}
}

static int agent_lost(struct keyring *keyring, int64_t now)
{
	keyring->backoff_ms =
	    keyring->backoff_ms ? 2 * keyring->backoff_ms : KEYRING_BACKOFF_MIN_MS;
	if (keyring->backoff_ms > KEYRING_BACKOFF_MAX_MS)
		keyring->backoff_ms = KEYRING_BACKOFF_MAX_MS;
	keyring->retry_mono_ms = now + keyring->backoff_ms;
	return 0;
}

int keyring_sign(struct keyring *keyring, const struct seal_plan *plan,
    const uint8_t digest[SHA256_BYTES], struct buf *armor, struct err *error_r)
{
	const struct key *key;
	const struct subkey *subkey = keyring_find(keyring, plan->fingerprint, &key);
	char keygrip[41];
	int64_t now = clock_mono_ms();
	int rc;

	if (!subkey)
		return err_set(error_r, "key %s is not in the keyring", plan->fingerprint);
	memcpy(keygrip, subkey->keygrip, sizeof(keygrip)); /* a refresh frees the list */
	if (now < keyring->retry_mono_ms) {
		err_set(error_r, "gpg-agent was lost; tried again in %lld ms",
		    (long long)(keyring->retry_mono_ms - now));
		return 0;
	}
	rc = agent_sign(keyring->agent, keygrip, digest, &keyring->sexp, error_r);
	if (rc < 0) {
		log_warn("agent_lost error=\"%s\"", log_safe(error_r->text));
		if (keyring_refresh(keyring, true, error_r) < 0) /* gpg starts the agent */
			return agent_lost(keyring, now);
		rc = agent_sign(keyring->agent, keygrip, digest, &keyring->sexp, error_r);
		if (rc < 0)
			return agent_lost(keyring, now);
	}
	keyring->backoff_ms = 0;
	if (rc > 0 && seal_armor(plan, digest, buf_range(&keyring->sexp), armor, error_r) < 0)
		rc = 0;
	return rc;
}

const char *keyring_shown(const struct keyring *keyring, const char *address, int64_t at_secs)
{
	const struct subkey *subkey;
	const char *why;
	const struct key *key = keyring_choose(keyring, address, at_secs, &subkey, &why);

	for (size_t i = 0; !subkey && i < keyring->count; i++)
		if (strcasecmp(keyring->keys[i].address, address) == 0 &&
		    (!key || keyring->keys[i].created > key->created))
			key = &keyring->keys[i];
	return key ? key->fingerprint : NULL;
}
