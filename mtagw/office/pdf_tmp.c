/*
 * pdf_tmp: the helper's libraries put fonts into temporary folders and remove them when they end
 * orderly, but a helper is killed as a matter of course. So all of it goes into one folder that its
 * maker removes. A maker that is killed itself leaves the folder to the next one: the kernel let go
 * of its lock.
 */
#include "mtagw/office/pdf_tmp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

#define PREFIX "mtagw-pdf-"
#define OPEN_DIRS 16 /* descriptors that a walk keeps open */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	if (remove(path) < 0 && errno != ENOENT)
		log_warn("pdf-tmp path=%s error=\"%s\"", path, strerror(errno));
	return 0;
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_entry, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

/* An open folder of ours that nobody else holds; -1. */
static int take(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	/* no link left: another maker took it for a dead one's before it was locked */
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    fstat(fd, &st) == 0 && st.st_nlink > 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void remove_orphans(const char *parent)
{
	DIR *dir = opendir(parent);

	if (dir == NULL)
		return;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		char *path;
		int fd;

		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		path = mem_printf("%s/%s", parent, e->d_name);
		fd = take(path);
		if (fd >= 0) {
			remove_tree(path);
			(void)close(fd);
		}
		free(path);
	}
	(void)closedir(dir);
}

int pdf_tmp_make(struct pdf_tmp *tmp, struct err *error_r)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL || parent[0] != '/')
		parent = P_tmpdir;
	remove_orphans(parent);
	for (;;) {
		tmp->path = mem_printf("%s/" PREFIX "XXXXXX", parent);
		if (mkdtemp(tmp->path) == NULL)
			break;
		tmp->fd = take(tmp->path);
		if (tmp->fd >= 0)
			return 1;
		if (rmdir(tmp->path) == 0) /* not the race that take knows */
			break;
		free(tmp->path);
	}
	(void)err_set(error_r, "temporary folder in %s: %s", parent, strerror(errno));
	free(tmp->path);
	tmp->path = NULL;
	return -1;
}

void pdf_tmp_remove(struct pdf_tmp *tmp)
{
	if (tmp->path == NULL)
		return;
	remove_tree(tmp->path);
	(void)close(tmp->fd);
	free(tmp->path);
	tmp->path = NULL;
}
