/*
 * signd_admin: making and showing keys, answers as JSON text. Private parts never leave: what is
 * shown is the armored public seal key and the DNS record of the DKIM key's public part (RFC 6376
 * 3.6.1, in strings of at most 255 bytes: RFC 1035 3.3). Who may ask is decided by the caller.
 */
#include "mtagw/signd/signd_admin.h"

#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"

/* Longest character-string of a TXT record. */
#define TXT_STRING_MAX 255

/* A JSON string; bytes above 126 pass as they are (UTF-8). */
static void json_str(struct buf *json, struct range text)
{
	buf_putc(json, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '"' || c == '\\')
			buf_printf(json, "\\%c", c);
		else if (c < ' ' || c == 127)
			buf_printf(json, "\\u%04x", c);
		else
			buf_putc(json, (char)c);
	}
	buf_putc(json, '"');
}

/* `"name": "value"` with what stands before it. */
static void json_member(struct buf *json, const char *before, const char *name, const char *value)
{
	buf_printf(json, "%s\"%s\": ", before, name);
	json_str(json, range_of(value));
}

static void json_time(struct buf *json, const char *name, int64_t secs)
{
	char text[32];

	if (secs == 0) {
		buf_printf(json, ", \"%s\": null", name);
		return;
	}
	clock_iso8601(secs * 1000, text);
	json_member(json, ", ", name, text);
}

static void json_usable(struct buf *json, const char *unusable)
{
	buf_printf(json, ", \"usable\": %s", *unusable ? "false" : "true");
	json_member(json, ", ", "reason", unusable);
	buf_putc(json, '}');
}

static void seal_put_cb(const struct keyring_entry *entry, void *ctx)
{
	struct buf *json = ctx;
	bool first = json->data[json->len - 1] == '[';

	json_member(json, first ? "{" : ", {", "address", entry->address);
	json_member(json, ", ", "fingerprint", entry->fingerprint);
	json_time(json, "created", entry->created);
	json_time(json, "expires", entry->expires);
	json_usable(json, entry->unusable);
}

/* selector, algorithm, name: what each DKIM object begins with. */
static void dkim_put(
    struct signd_keys *keys, enum signd_dkim which, const char *before, struct buf *json)
{
	json_member(json, before, "selector", signd_keys_selector(keys, which));
	json_member(json, ", ", "algorithm", signd_keys_kind(which));
	buf_puts(json, ", \"name\": \"");
	buf_printf(json, "%s._domainkey.%s\"", signd_keys_selector(keys, which),
	    signd_keys_settings(keys)->domain);
}

static int key_list(struct signd_keys *keys, const char *const args[3], int64_t now_secs,
    struct buf *json, struct err *error_r)
{
	(void)args;
	if (keyring_refresh(signd_keys_ring(keys), false, error_r) < 0)
		return 0;
	buf_puts(json, "{\"seal\": [");
	keyring_list(signd_keys_ring(keys), now_secs, seal_put_cb, json);
	buf_puts(json, "], \"dkim\": [");
	for (int i = 0; i < SIGND_DKIM_COUNT; i++) {
		struct err why = {""};

		dkim_put(keys, i, i ? ", {" : "{", json);
		(void)signd_keys_dkim_key(keys, i, &why);
		json_usable(json, why.text);
	}
	buf_puts(json, "]}");
	return 1;
}

static int create_seal(struct signd_keys *keys, const char *const args[3], int64_t now_secs,
    struct buf *json, struct err *error_r)
{
	const char *at = strrchr(args[0], '@');
	struct seal_plan plan;
	int rc;

	if (!at || strcasecmp(at + 1, signd_keys_settings(keys)->domain) != 0)
		return err_set(error_r, "a seal key needs an address of %s",
		    signd_keys_settings(keys)->domain);
	if (keyring_create(signd_keys_ring(keys), args[1], args[0], error_r) < 0)
		return -1;
	/* A clock moved back for tests would not see the key: it is asked for at its own time. */
	rc = keyring_plan(signd_keys_ring(keys), args[0], UINT32_MAX, &plan, error_r);
	if (rc <= 0)
		return rc;
	(void)now_secs;
	json_member(json, "{", "address", args[0]);
	json_member(json, ", ", "fingerprint", plan.primary);
	buf_putc(json, '}');
	return 1;
}

static int create_dkim(struct signd_keys *keys, const char *const args[3], int64_t now_secs,
    struct buf *json, struct err *error_r)
{
	(void)now_secs;
	for (int i = 0; i < SIGND_DKIM_COUNT; i++) {
		if (strcmp(args[0], signd_keys_kind(i)) != 0)
			continue;
		if (signd_keys_create_dkim(keys, i, error_r) < 0)
			return -1;
		dkim_put(keys, i, "{", json);
		buf_putc(json, '}');
		return 1;
	}
	return err_set(error_r, "key.create-dkim wants rsa or ed25519");
}

static int show_seal(struct signd_keys *keys, const char *const args[3], int64_t now_secs,
    struct buf *json, struct err *error_r)
{
	struct buf armor = {0};
	int rc = 0;

	if (keyring_refresh(signd_keys_ring(keys), false, error_r) > 0)
		rc = keyring_export(signd_keys_ring(keys), args[0], now_secs, &armor, error_r);
	if (rc > 0) {
		json_member(json, "{", "address", args[0]);
		buf_puts(json, ", \"armor\": ");
		json_str(json, buf_range(&armor));
		buf_putc(json, '}');
	}
	buf_free(&armor);
	return rc;
}

static void record_put(
    struct signd_keys *keys, enum signd_dkim which, const struct dkim_key *key, struct buf *json)
{
	struct buf value = {0}, strings = {0}, zone = {0};

	dkim_key_record(key, &value);
	buf_printf(&zone, "%s._domainkey.%s. IN TXT (", signd_keys_selector(keys, which),
	    signd_keys_settings(keys)->domain);
	for (size_t at = 0; at < value.len; at += TXT_STRING_MAX) {
		size_t left = value.len - at;
		struct range piece = {
		    value.data + at, left < TXT_STRING_MAX ? left : TXT_STRING_MAX};

		buf_puts(&strings, at ? ", " : "");
		json_str(&strings, piece);
		buf_printf(&zone, " \"%.*s\"", (int)piece.len, piece.p);
	}
	buf_puts(&zone, " )");
	dkim_put(keys, which, "{", json);
	json_member(json, ", ", "type", "TXT");
	json_member(json, ", ", "value", buf_str(&value));
	buf_printf(json, ", \"strings\": [%s]", buf_str(&strings));
	json_member(json, ", ", "zone", buf_str(&zone));
	buf_putc(json, '}');
	buf_free(&value);
	buf_free(&strings);
	buf_free(&zone);
}

static int show_dkim(struct signd_keys *keys, const char *const args[3], int64_t now_secs,
    struct buf *json, struct err *error_r)
{
	bool any = false;

	(void)args;
	(void)now_secs;
	for (int i = 0; i < SIGND_DKIM_COUNT; i++) {
		const struct dkim_key *key = signd_keys_dkim_key(keys, i, error_r);

		if (!key)
			continue;
		buf_puts(json, any ? ", " : "{\"records\": [");
		record_put(keys, i, key, json);
		any = true;
	}
	if (any)
		buf_puts(json, "]}");
	return any ? 1 : 0;
}

static const struct {
	const char *verb;
	int args; /* that must not be empty */
	int (*answer)(struct signd_keys *keys, const char *const args[3], int64_t now_secs,
	    struct buf *json, struct err *error_r);
} verbs[] = {
    {"key.list", 0, key_list},
    {"key.create-seal", 2, create_seal},
    {"key.create-dkim", 1, create_dkim},
    {"key.show-seal", 1, show_seal},
    {"key.show-dkim", 0, show_dkim},
};

int signd_admin(struct signd_keys *keys, const char *verb, const char *const args[3],
    int64_t now_secs, struct buf *json, struct err *error_r)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verb, verbs[i].verb) != 0)
			continue;
		for (int j = 0; j < 3; j++)
			if (!*args[j] != (j >= verbs[i].args))
				return err_set(
				    error_r, "%s takes %d arguments", verb, verbs[i].args);
		return verbs[i].answer(keys, args, now_secs, json, error_r);
	}
	return err_set(error_r, "signd knows no verb of this name");
}
