/*
 * parent_check: what a settings file can be wrong in though each line of it is right: users that
 * separate nothing, files and folders that are not there. Every defect names its key and where it
 * stands. What the user who asks cannot read is said and not judged: a key is not everybody's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtagw/base/tls.h"
#include "mtagw/main/parent.h"

static const char *const roles_named[] = {
    "signd", "verify", "router", "sender", "clerk", "pdfd", "smtpd"};
#define NAMED_COUNT (sizeof(roles_named) / sizeof(roles_named[0]))

/* The place of a key before what is wrong with it; a default stands in no line. */
static int at_key(
    const struct settings *settings, const char *config_file, const char *key, struct err *error_r)
{
	int line = settings_line(settings, key);

	if (line == 0)
		return err_prefix(error_r, "%s: %s (its default)", config_file, key);
	return err_prefix(error_r, "%s:%d: %s", config_file, line, key);
}

int parent_check_users(const struct settings *settings, const char *config_file,
    const struct parent_roles *roles, struct err *error_r)
{
	for (size_t i = 0; geteuid() == 0 && i < NAMED_COUNT; i++) {
		const struct parent_user *user = parent_roles_user(roles, roles_named[i]);
		char key[20];

		if (!user->change) /* "" was written: said aloud at the start */
			continue;
		(void)snprintf(key, sizeof(key), "%s_user", roles_named[i]);
		if (user->uid == 0) {
			(void)err_set(error_r,
			    "this is root: whoever breaks into the role would have the machine");
			return at_key(settings, config_file, key, error_r);
		}
		for (size_t k = 0; k < i; k++) {
			const struct parent_user *other = parent_roles_user(roles, roles_named[k]);

			if (!other->change || other->uid != user->uid)
				continue;
			(void)err_set(error_r,
			    "%s_user is uid %u too: each role wants its own user", roles_named[k],
			    (unsigned)user->uid);
			return at_key(settings, config_file, key, error_r);
		}
	}
	return 1;
}

/* 1: it can be read; 0: not by this user, which was said; -1. */
static int readable(const char *key, const char *path, bool folder, struct err *error_r)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno != EACCES)
			return err_set(error_r, "%s: %s", path, strerror(errno));
	} else if (folder != S_ISDIR(st.st_mode)) {
		return err_set(error_r, "%s: this is %s folder", path, folder ? "no" : "a");
	} else if (folder || access(path, R_OK) == 0) {
		return 1;
	}
	(void)fprintf(stderr, "mtagw: %s %s: not checked, this user cannot read it\n", key, path);
	return 0;
}

static int check_tls(const struct settings *settings, const char *config_file, struct err *error_r)
{
	int cert = readable("tls_cert", settings->tls_cert, false, error_r), key;
	struct tls *tls;

	if (cert < 0)
		return at_key(settings, config_file, "tls_cert", error_r);
	key = readable("tls_key", settings->tls_key, false, error_r);
	if (key < 0)
		return at_key(settings, config_file, "tls_key", error_r);
	if (cert == 0 || key == 0)
		return 1;
	tls = tls_server_new(settings->tls_cert, settings->tls_key, error_r);
	if (tls == NULL) /* the words name the key */
		return err_prefix(error_r, "%s:%d", config_file,
		    settings_line(settings,
		        strncmp(error_r->text, "tls_cert", 8) == 0 ? "tls_cert" : "tls_key"));
	tls_free(&tls);
	return 1;
}

int parent_check_files(
    const struct settings *settings, const char *config_file, struct err *error_r)
{
	const struct {
		const char *key, *path;
	} folders[] = {{"secrets_dir", settings->secrets_dir},
	    {"policies_dir", settings->policies_dir}, {"templates_dir", settings->templates_dir}};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (readable(folders[i].key, folders[i].path, true, error_r) < 0)
			return at_key(settings, config_file, folders[i].key, error_r);
	return check_tls(settings, config_file, error_r);
}
