/*
 * keyring: the keys of signd's GnuPG home by GPGME, the one door to it. Key lists are kept in
 * memory and read again when the home's files change, and every minute; which of them may sign is
 * keyring_choose's. No verification of other people's mail.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gpgme.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/crypto/agent.h"
#include "mtagw/crypto/keyring_private.h"

/* Revocations reach the keyring through its files; this is for what their times do not show. */
#define KEYRING_REFRESH_MS 60000
/* Signing takes a millisecond (RSA-4096 on a busy machine: a hundred); a silent agent is a dead
 * one. */
#define AGENT_TIMEOUT_MS 10000
#define AGENT_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
/* GnuPG takes longer user ids; no name of an agency needs them. */
#define KEYRING_NAME_MAX 200
#define KEYRING_ADDRESS_MAX 254

/* Files whose change means other keys: public keys, trust (disabled keys), private key files. */
static const char *const watched_files[KEYRING_WATCHED] = {
    "pubring.kbx", "trustdb.gpg", "private-keys-v1.d"};

/* -- the home -- */

/* No one sits at this machine: a key locked by a passphrase is an error at once, not a window that
 * waits. */
static const char agent_conf[] = "# written once by mtagw-signd; yours to change\n"
                                 "pinentry-program /bin/false\n"
                                 "no-grab\n"
                                 "disable-scdaemon\n"
                                 "default-cache-ttl 0\n"
                                 "max-cache-ttl 0\n";

static int home_make(const char *home, struct err *error_r)
{
	char *conf;
	struct stat st;
	int fd;

	if (mkdir(home, 0700) < 0 && errno != EEXIST)
		return err_set(error_r, "gnupg_home %s: %s", home, strerror(errno));
	if (stat(home, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(error_r, "gnupg_home %s is not a directory", home);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(error_r, "gnupg_home %s: must be ours alone (uid %ld, mode 0700)",
		    home, (long)geteuid());
	conf = mem_printf("%s/gpg-agent.conf", home);
	fd = open(conf, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		ssize_t put = write(fd, agent_conf, sizeof(agent_conf) - 1);

		if (put != (ssize_t)sizeof(agent_conf) - 1)
			log_warn("agent_conf file=%s error=%s", conf, strerror(errno));
		close(fd);
	}
	free(conf);
	return 1;
}

/* `gpgconf --list-dirs agent-socket` for this home: the socket moves to the run directory for some
 * homes. */
static int agent_find(struct keyring *keyring, struct err *error_r)
{
	const char *gpgconf = gpgme_get_dirinfo("gpgconf-name");
	const char *argv[] = {
	    "gpgconf", "--homedir", keyring->home, "--list-dirs", "agent-socket", NULL};
	gpgme_ctx_t ctx = NULL;
	gpgme_data_t out = NULL;
	gpgme_error_t err;
	char text[512];
	ssize_t got = 0;

	if (!gpgconf)
		return err_set(error_r, "GnuPG's gpgconf was not found");
	err = gpgme_new(&ctx);
	if (!err)
		err = gpgme_set_protocol(ctx, GPGME_PROTOCOL_SPAWN);
	if (!err)
		err = gpgme_data_new(&out);
	if (!err)
		err = gpgme_op_spawn(ctx, gpgconf, argv, NULL, out, NULL, 0);
	if (!err && gpgme_data_seek(out, 0, SEEK_SET) == 0)
		got = gpgme_data_read(out, text, sizeof(text) - 1);
	gpgme_data_release(out);
	gpgme_release(ctx);
	if (err)
		return err_set(error_r, "%s: %s", gpgconf, gpgme_strerror(err));
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (*text != '/')
		return err_set(
		    error_r, "gpgconf does not say where the agent of %s listens", keyring->home);
	if (strlen(text) > AGENT_PATH_MAX)
		return err_set(error_r,
		    "%.200s: a socket path of more than %zu bytes; choose a shorter gnupg_home",
		    text, AGENT_PATH_MAX);
	keyring->agent = agent_new(text, AGENT_TIMEOUT_MS);
	return 1;
}

struct keyring *keyring_open(const char *home, struct err *error_r)
{
	struct keyring *keyring;
	gpgme_error_t err;

	gpgme_check_version(NULL); /* GPGME wants this once before anything */
	if (home_make(home, error_r) < 0)
		return NULL;
	keyring = mem_zalloc(sizeof(*keyring));
	keyring->home = mem_strdup(home);
	err = gpgme_new(&keyring->ctx);
	if (!err)
		err = gpgme_ctx_set_engine_info(keyring->ctx, GPGME_PROTOCOL_OpenPGP, NULL, home);
	if (!err)
		err = gpgme_set_keylist_mode(
		    keyring->ctx, GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_KEYGRIP);
	if (err) {
		err_set(error_r, "GPGME: %s", gpgme_strerror(err));
		keyring_close(&keyring);
		return NULL;
	}
	gpgme_set_offline(keyring->ctx, 1);
	if (agent_find(keyring, error_r) < 0)
		keyring_close(&keyring);
	return keyring;
}

/* -- key lists -- */

static void keys_free(struct key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(keys[i].address);
		free(keys[i].subkeys);
	}
	free(keys);
}

void keyring_close(struct keyring **keyringp)
{
	struct keyring *keyring = *keyringp;

	if (!keyring)
		return;
	keys_free(keyring->keys, keyring->count);
	agent_free(&keyring->agent);
	gpgme_release(keyring->ctx);
	buf_free(&keyring->sexp);
	free(keyring->home);
	free(keyring);
	*keyringp = NULL;
}

void keyring_stop_agent(struct keyring *keyring)
{
	agent_stop(keyring->agent);
}

static const char *key_unusable(const struct _gpgme_key *key)
{
	return key->revoked    ? "revoked"
	       : key->expired  ? "expired"
	       : key->disabled ? "disabled"
	       : key->invalid  ? "invalid"
	                       : "";
}

static const char *subkey_unusable(const struct _gpgme_subkey *subkey)
{
	bool ed25519 = subkey->pubkey_algo == GPGME_PK_EDDSA && subkey->curve &&
	               strcasecmp(subkey->curve, "Ed25519") == 0;

	if (subkey->revoked || subkey->expired || subkey->disabled || subkey->invalid)
		return subkey->revoked    ? "revoked"
		       : subkey->expired  ? "expired"
		       : subkey->disabled ? "disabled"
		                          : "invalid";
	if (!subkey->can_sign)
		return "unable to sign";
	if (!subkey->secret || !subkey->keygrip)
		return "without its secret part";
	if (subkey->pubkey_algo != GPGME_PK_RSA && !ed25519)
		return "neither RSA nor Ed25519";
	return "";
}

/* The key's one address; "" where the user ids that still stand are not exactly one. */
static const char *key_address(const struct _gpgme_key *key)
{
	const char *address = NULL;

	for (gpgme_user_id_t uid = key->uids; uid; uid = uid->next) {
		/* On a revoked key every user id shows as revoked. */
		if (!key->revoked && (uid->revoked || uid->invalid))
			continue;
		if (address)
			return "";
		address = uid->address ? uid->address : "";
	}
	return address ? address : "";
}

static void subkey_take(struct key *key, const struct _gpgme_subkey *from)
{
	struct subkey *to;

	if (!from->fpr || strlen(from->fpr) != 40)
		return; /* not a version 4 key */
	key->subkeys = mem_realloc(key->subkeys, (key->subkey_count + 1) * sizeof(*key->subkeys));
	to = &key->subkeys[key->subkey_count++];
	memset(to, 0, sizeof(*to));
	memcpy(to->fingerprint, from->fpr, 41);
	if (from->keygrip)
		snprintf(to->keygrip, sizeof(to->keygrip), "%s", from->keygrip);
	to->algorithm = from->pubkey_algo == GPGME_PK_RSA ? SEAL_RSA : SEAL_EDDSA;
	to->created = from->timestamp;
	to->expires = from->expires;
	to->unusable = subkey_unusable(from);
}

static void key_take(struct key *to, const struct _gpgme_key *from)
{
	memset(to, 0, sizeof(*to));
	to->address = mem_strdup(key_address(from));
	to->unusable = key_unusable(from);
	for (gpgme_subkey_t subkey = from->subkeys; subkey; subkey = subkey->next)
		subkey_take(to, subkey);
	if (to->subkey_count == 0) {
		to->unusable = "not a version 4 key";
		return;
	}
	memcpy(to->fingerprint, to->subkeys[0].fingerprint, 41);
	to->created = to->subkeys[0].created;
	to->expires = to->subkeys[0].expires;
}

static int keys_read(
    struct keyring *keyring, struct key **keys_r, size_t *count_r, struct err *error_r)
{
	struct key *keys = NULL;
	size_t count = 0;
	gpgme_key_t key;
	gpgme_error_t err = gpgme_op_keylist_start(keyring->ctx, NULL, 1);

	while (!err && !(err = gpgme_op_keylist_next(keyring->ctx, &key))) {
		keys = mem_realloc(keys, (count + 1) * sizeof(*keys));
		key_take(&keys[count++], key);
		gpgme_key_unref(key);
	}
	gpgme_op_keylist_end(keyring->ctx);
	if (gpgme_err_code(err) != GPG_ERR_EOF ||
	    gpgme_op_keylist_result(keyring->ctx)->truncated) {
		keys_free(keys, count);
		return err_set(error_r, "key list of %s: %s", keyring->home, gpgme_strerror(err));
	}
	*keys_r = keys;
	*count_r = count;
	return 1;
}

static void stamps_read(const struct keyring *keyring, struct timespec stamps[KEYRING_WATCHED])
{
	memset(stamps, 0, KEYRING_WATCHED * sizeof(*stamps));
	for (size_t i = 0; i < KEYRING_WATCHED; i++) {
		char *file = mem_printf("%s/%s", keyring->home, watched_files[i]);
		struct stat st;

		if (stat(file, &st) == 0)
			stamps[i] = st.st_mtim;
		free(file);
	}
}

int keyring_refresh(struct keyring *keyring, bool force, struct err *error_r)
{
	struct timespec stamps[KEYRING_WATCHED];
	struct key *keys = NULL;
	size_t count = 0;
	int64_t now = clock_mono_ms();
	int rc;

	stamps_read(keyring, stamps); /* before the list: a change meanwhile is seen next time */
	if (!force && keyring->listed && now - keyring->listed_mono_ms < KEYRING_REFRESH_MS &&
	    memcmp(stamps, keyring->stamps, sizeof(stamps)) == 0)
		return 1;
	rc = keys_read(keyring, &keys, &count, error_r);
	/* On failure no key stays: an old list must not outlive a revocation that cannot be read.
	 */
	keys_free(keyring->keys, keyring->count);
	keyring->keys = keys;
	keyring->count = count;
	memcpy(keyring->stamps, stamps, sizeof(stamps));
	keyring->listed = rc > 0;
	keyring->listed_mono_ms = now;
	return rc;
}

/* -- making and showing keys -- */

static int user_id_check(const char *name, const char *address, struct err *error_r)
{
	const char *at = strchr(address, '@');

	if (!*name || strlen(name) > KEYRING_NAME_MAX || name[strcspn(name, "<>()\"")])
		return err_set(error_r, "key name: 1 to %d bytes without <>()\"", KEYRING_NAME_MAX);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return err_set(error_r, "key name holds a control character");
	if (!at || at == address || !at[1] || strchr(at + 1, '@') ||
	    strlen(address) > KEYRING_ADDRESS_MAX)
		return err_set(error_r, "\"%s\" is not a mail address", log_safe(address));
	for (const char *p = address; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("@.-_+", *p))
			return err_set(error_r, "key address: letters, digits and @.-_+ only");
	return 1;
}

int keyring_create(
    struct keyring *keyring, const char *name, const char *address, struct err *error_r)
{
	struct seal_plan plan = {.algorithm = 0};
	char *user_id;
	gpgme_error_t err;

	if (user_id_check(name, address, error_r) < 0 ||
	    keyring_refresh(keyring, true, error_r) < 0)
		return -1;
	if (keyring_plan(keyring, address, clock_now_ms() / 1000, &plan, error_r) > 0)
		return err_set(
		    error_r, "%s has a usable seal key already: %s", address, plan.primary);
	user_id = mem_printf("%s <%s>", name, address);
	/* FORCE: a revoked or expired key of the same user id may stand. */
	err = gpgme_op_createkey(keyring->ctx, user_id, "ed25519", 0, 0, NULL,
	    GPGME_CREATE_SIGN | GPGME_CREATE_CERT | GPGME_CREATE_NOPASSWD | GPGME_CREATE_NOEXPIRE |
	        GPGME_CREATE_FORCE);
	free(user_id);
	if (err)
		return err_set(error_r, "key of %s not made: %s", address, gpgme_strerror(err));
	return keyring_refresh(keyring, true, error_r);
}

int keyring_export(struct keyring *keyring, const char *address, int64_t at_secs, struct buf *out,
    struct err *error_r)
{
	const char *fingerprint = keyring_shown(keyring, address, at_secs);
	gpgme_data_t data = NULL;
	gpgme_error_t err;
	char *text;
	size_t len = 0;

	if (!fingerprint) {
		err_set(error_r, "no seal key of %s", address);
		return 0;
	}
	err = gpgme_data_new(&data);
	gpgme_set_armor(keyring->ctx, 1);
	if (!err)
		err = gpgme_op_export(keyring->ctx, fingerprint, 0, data);
	text = data ? gpgme_data_release_and_get_mem(data, &len) : NULL;
	if (!err && text)
		buf_append(out, text, len);
	gpgme_free(text);
	if (err || len == 0)
		return err_set(error_r, "key of %s not exported: %s", address, gpgme_strerror(err));
	return 1;
}
