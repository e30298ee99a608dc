/*
 * parent_user: the system users that roles run under. A number needs no entry in the user database
 * (its group is then the same number), so that a private house can separate roles without making
 * users.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/main/parent.h"

int parent_user_find(const char *name, struct parent_user *user_r, struct err *error_r)
{
	const struct passwd *pw;
	char *end;
	unsigned long number;

	*user_r = (struct parent_user){.change = false, .uid = getuid(), .gid = getgid()};
	if (name[0] == '\0' || geteuid() != 0)
		return 1;
	errno = 0;
	number = strtoul(name, &end, 10);
	if (*end == '\0' && end != name) {
		/* (uid_t)-1 means "leave it" to the system. */
		if (errno != 0 || number >= 0xfffffffful)
			return err_set(error_r, "%s is not the number of a user", name);
		pw = getpwuid((uid_t)number);
		user_r->uid = (uid_t)number;
		user_r->gid = pw != NULL ? pw->pw_gid : (gid_t)number;
	} else {
		pw = getpwnam(name);
		if (pw == NULL)
			return err_set(error_r, "there is no system user \"%s\"", name);
		user_r->uid = pw->pw_uid;
		user_r->gid = pw->pw_gid;
	}
	user_r->change = true;
	return 1;
}

int parent_user_become(const struct parent_user *user, struct err *error_r)
{
	if (!user->change)
		return 1;
	if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		return err_set(
		    error_r, "cannot become user %u: %s", (unsigned)user->uid, strerror(errno));
	/* Root that can come back was never given up. */
	if (user->uid != 0 && setuid(0) == 0)
		return err_set(error_r, "user %u can become root again", (unsigned)user->uid);
	return 1;
}
