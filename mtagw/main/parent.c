/*
 * parent: the program mtagw. Reads the settings, binds the ports, starts the roles, starts dead
 * ones again, passes HUP on and ends all of them on TERM. It holds no secret, speaks to nobody and
 * parses nothing but its settings file, so it is the one that may stay root.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/main/parent.h"

#define CONFIG_FILE "/etc/mtagw/mtagw.conf"
/* What a role gets to finish what it is doing; its peers wait five minutes and more. */
#define DRAIN_MS (30 * 1000)

struct parent {
	struct loop *loop;
	const struct settings *settings;
	char *config_file;
	struct parent_sockets sockets;
	struct parent_roles *roles;
	struct timer *patience;
	bool draining, verbose;
};

static __attribute__((noreturn)) void usage(int status)
{
	(void)fprintf(status == 0 ? stdout : stderr,
	    "usage: mtagw [-c FILE] [-n] [-v]\n"
	    "  -c FILE  settings (" CONFIG_FILE ")\n"
	    "  -n       check the settings and end; with -v print them\n"
	    "  -k       print every key with type, default, range and meaning\n"
	    "  -v       log more\n");
	exit(status);
}

static void kill_cb(void *ctx)
{
	struct parent *p = ctx;

	log_warn("stop: %zu roles did not end in %d s, killed", parent_roles_running(p->roles),
	    DRAIN_MS / 1000);
	parent_roles_signal(p->roles, SIGKILL);
}

static void term_cb(void *ctx)
{
	struct parent *p = ctx;

	if (p->draining) {
		log_warn("stop: second signal, killing");
		parent_roles_signal(p->roles, SIGKILL);
		return;
	}
	p->draining = true;
	log_info("stop: draining roles=%zu", parent_roles_running(p->roles));
	parent_roles_drain(p->roles);
	timer_start(p->patience, DRAIN_MS);
	if (parent_roles_running(p->roles) == 0)
		loop_stop(p->loop);
}

static void child_cb(void *ctx)
{
	struct parent *p = ctx;

	parent_roles_reap(p->roles);
	if (p->draining && parent_roles_running(p->roles) == 0)
		loop_stop(p->loop);
}

static void set_level(const struct parent *p)
{
	log_set_level(p->verbose || p->settings->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
}

static void hup_cb(void *ctx)
{
	struct parent *p = ctx;
	struct err err;
	const struct settings *fresh = settings_load(p->config_file, &err);

	if (fresh == NULL) {
		log_error("reload: old settings stay: %s", err.text);
		return;
	}
	parent_bind_compare(p->settings, fresh);
	settings_free(&p->settings);
	p->settings = fresh;
	set_level(p);
	parent_roles_settings(p->roles, p->settings);
	log_info("reload: file=%s", p->config_file);
	parent_roles_signal(p->roles, SIGHUP);
}

static int check_only(const struct parent *p)
{
	struct buf text = {0};
	struct err err;
	struct parent_roles *roles;
	struct loop *loop = loop_new();
	int status = 0;

	roles = parent_roles_new(loop, p->settings, p->config_file, &err);
	if (roles == NULL || parent_check_users(p->settings, p->config_file, roles, &err) < 0 ||
	    parent_check_files(p->settings, p->config_file, &err) < 0) {
		(void)fprintf(stderr, "mtagw: %s\n", err.text);
		status = 1;
	} else {
		if (p->verbose)
			settings_print(p->settings, &text);
		(void)printf("%s%s: the settings are good\n", buf_str(&text), p->config_file);
	}
	parent_roles_free(&roles);
	loop_free(&loop);
	buf_free(&text);
	return status;
}

static int print_keys(void)
{
	struct buf text = {0};

	settings_print_keys(&text);
	(void)fputs(buf_str(&text), stdout);
	buf_free(&text);
	return 0;
}

static void run(struct parent *p)
{
	const struct settings *s = p->settings;
	struct parent_owners owners;
	struct err err;

	p->loop = loop_new();
	p->patience = timer_new(p->loop, kill_cb, p);
	p->roles = parent_roles_new(p->loop, s, p->config_file, &err);
	if (p->roles == NULL || parent_check_users(s, p->config_file, p->roles, &err) < 0)
		log_fatal("start: %s", err.text);
	owners = (struct parent_owners){parent_roles_user(p->roles, "signd"),
	    parent_roles_user(p->roles, "verify"), parent_roles_user(p->roles, "pdfd"),
	    parent_roles_user(p->roles, "router")};
	if (parent_bind(s, &owners, &p->sockets, &err) < 0)
		log_fatal("start: %s", err.text);
	loop_on_signal(p->loop, SIGTERM, term_cb, p);
	loop_on_signal(p->loop, SIGINT, term_cb, p);
	loop_on_signal(p->loop, SIGHUP, hup_cb, p);
	loop_on_signal(p->loop, SIGCHLD, child_cb, p);
	parent_roles_start(p->roles, &p->sockets);
	log_info("ready: mx=%s submission=%s submissions=%s",
	    s->listen_mx[0] ? s->listen_mx : "off",
	    s->listen_submission[0] ? s->listen_submission : "off",
	    s->listen_submissions[0] ? s->listen_submissions : "off");
	loop_run(p->loop);
	log_info("stop: done");
	timer_free(&p->patience);
	parent_roles_free(&p->roles);
	loop_free(&p->loop);
}

int main(int argc, char **argv)
{
	struct parent p = {.draining = false};
	const char *file = CONFIG_FILE;
	bool only_check = false;
	struct err err;
	int opt, status = 0;

	log_open("mtagw");
	while ((opt = getopt(argc, argv, "c:nkvh")) != -1) {
		if (opt == 'c')
			file = optarg;
		else if (opt == 'n')
			only_check = true;
		else if (opt == 'v')
			p.verbose = true;
		else if (opt == 'k')
			return print_keys();
		else
			usage(opt == 'h' ? 0 : 2);
	}
	if (optind != argc)
		usage(2);
	/* Roles are told an absolute name: a reload must find the same file. */
	p.config_file = realpath(file, NULL);
	p.settings = p.config_file != NULL ? settings_load(p.config_file, &err) : NULL;
	if (p.settings == NULL) {
		(void)fprintf(stderr, "mtagw: %s%s\n", p.config_file != NULL ? "" : file,
		    p.config_file != NULL ? err.text : ": no such file, or not readable");
		free(p.config_file);
		return 1;
	}
	set_level(&p);
	if (only_check)
		status = check_only(&p);
	else
		run(&p);
	settings_free(&p.settings);
	free(p.config_file);
	return status;
}
