/* gnupg_home: a GnuPG home of its own for a test, and gpg as the judge. */
#ifndef TEST_CRYPTO_GNUPG_HOME_H
#define TEST_CRYPTO_GNUPG_HOME_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/mem.h"

struct gnupg_home {
	char dir[64]; /* short: the agent's socket lives in it */
};

/* Runs a command line of the test's own making; 0 when it succeeded. */
__attribute__((format(printf, 2, 3))) static inline int home_run(
    const struct gnupg_home *home, const char *format, ...)
{
	char args[1024], line[1400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(args, sizeof(args), format, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "cd %s && export GNUPGHOME=%s/g && { %s; } >%s/out 2>&1",
	    home->dir, home->dir, args, home->dir);
	return system(line);
}

/* How often the last command line said it. */
static inline int home_said(const struct gnupg_home *home, const char *what)
{
	char *file = mem_printf("%s/out", home->dir);
	char line[1024];
	FILE *f = fopen(file, "r");
	int count = 0;

	if (!f)
		abort();
	while (fgets(line, sizeof(line), f))
		count += strstr(line, what) != NULL;
	fclose(f);
	free(file);
	return count;
}

static inline void home_open(struct gnupg_home *home)
{
	strcpy(home->dir, "/tmp/mtagw-XXXXXX");
	if (!mkdtemp(home->dir))
		abort();
}

static inline void home_close(struct gnupg_home *home)
{
	home_run(home, "gpgconf --kill gpg-agent");
	home_run(home, "rm -rf %s", home->dir);
}

static inline void home_write(
    const struct gnupg_home *home, const char *name, const void *data, size_t len)
{
	char *file = mem_printf("%s/%s", home->dir, name);
	FILE *f = fopen(file, "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		abort();
	free(file);
}

static inline char *home_path(const struct gnupg_home *home)
{
	return mem_printf("%s/g", home->dir);
}

#endif
