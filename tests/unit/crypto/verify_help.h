/* verify_help: a folder with a zone, settings that name it, and one message through all judges. */
#ifndef TEST_CRYPTO_VERIFY_HELP_H
#define TEST_CRYPTO_VERIFY_HELP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/mem.h"
#include "mtagw/crypto/verify.h"

struct verify_help {
	char dir[64];
	const struct settings *settings;
	struct verify *verify;
	struct arena *arena;
};

static inline void help_write(const struct verify_help *help, const char *name, struct range data)
{
	char *file = mem_printf("%s/%s", help->dir, name);
	FILE *f = fopen(file, "w");

	if (!f || fwrite(data.p, 1, data.len, f) != data.len || fclose(f) != 0)
		abort();
	free(file);
}

/* The whole file, in the arena. */
static inline struct range help_read(const struct verify_help *help, const char *name)
{
	char *file = mem_printf("%s/%s", help->dir, name);
	struct buf all = {0};
	FILE *f = fopen(file, "r");
	struct range text;
	size_t n;

	if (!f) {
		fprintf(stderr, "%s is absent\n", file);
		abort();
	}
	while ((n = fread(buf_room(&all, 65536), 1, 65536, f)) > 0)
		all.len += n;
	fclose(f);
	free(file);
	text =
	    (struct range){arena_strndup(help->arena, all.data ? all.data : "", all.len), all.len};
	buf_free(&all);
	return text;
}

/* A folder; cases and zone are written into it before help_open. */
static inline void help_folder(struct verify_help *help)
{
	*help = (struct verify_help){.arena = arena_new()};
	strcpy(help->dir, "/tmp/mtagw-XXXXXX");
	if (!mkdtemp(help->dir))
		abort();
}

/* Runs a command line of the test's own making in the folder; 0 when it succeeded. */
static inline int help_run(const struct verify_help *help, const char *command)
{
	char *line = mem_printf(
	    "export DIR=%s GNUPGHOME=%s/correspondents; %s", help->dir, help->dir, command);
	int status = system(line);

	free(line);
	return status;
}

static inline void help_open(struct verify_help *help)
{
	struct buf text = {0};
	struct err err = {""};

	buf_printf(&text,
	    "domain = dumai.example\nhostname = mail.dumai.example\nstate_dir = %s\n"
	    "runtime_dir = %s\ndns_zone_file = %s/zone\nverify_timeout_secs = 20\n",
	    help->dir, help->dir, help->dir);
	help_write(help, "conf", buf_range(&text));
	help->settings = settings_parse(buf_range(&text), "conf", &err);
	if (help->settings)
		help->verify = verify_open(help->settings, &err);
	if (!help->verify) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	buf_free(&text);
}

static inline void help_close(struct verify_help *help)
{
	verify_close(&help->verify);
	settings_free(&help->settings);
	(void)help_run(help, "gpgconf --kill gpg-agent >/dev/null 2>&1; rm -rf \"$DIR\"");
	arena_free(&help->arena);
}

static inline struct verdicts help_ask(struct verify_help *help, struct range message,
    const char *peer_ip, const char *helo, const char *sender)
{
	const struct verify_request request = {
	    .message = message, .peer_ip = peer_ip, .helo = helo, .sender = sender};
	struct verdicts verdicts;

	verify_message(help->verify, &request, 10000, help->arena, &verdicts);
	return verdicts;
}

#endif
