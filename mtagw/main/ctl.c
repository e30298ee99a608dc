/*
 * mtagwctl: the administrator's command line. A table of groups and verbs; options stand anywhere.
 * Tables are for people, --json for programs (stable keys, ids as strings).
 */
#include "mtagw/main/ctl.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/log.h"

#define CONFIG_FILE "/etc/mtagw/mtagw.conf"

static const struct verb {
	const char *group, *verb; /* verb "" for a group of one */
	int (*run)(struct ctl *c);
	int min_args, max_args;
	const char *args, *help;
} verbs[] = {
    {"status", "", ctl_status, 0, 0, "", "counts of everything that waits, with alarms"},
    {"queue", "list", ctl_queue_list, 0, 0, "[--state S]",
        "deliveries and work that wait, are held, uncertain or set aside"},
    {"queue", "show", ctl_queue_show, 1, 1, "ID", "one of them with its attempts"},
    {"queue", "hold", ctl_queue_hold, 1, 1, "ID [--reason R]", "not tried until released"},
    {"queue", "release", ctl_queue_release, 1, 1, "ID [--reason R]", "tried again at once"},
    {"queue", "retry", ctl_queue_retry, 1, 1, "ID [--reason R]",
        "tried now; decides an uncertain one, takes work out of quarantine"},
    {"queue", "fail", ctl_queue_fail, 1, 1, "ID [--reason R]",
        "a delivery ends as failed, writer and clerk are told; work is set aside"},
    {"letter", "list", ctl_letter_list, 0, 0, "[--state S] [--agency A]", "letters, newest last"},
    {"letter", "show", ctl_letter_show, 1, 1, "ID|NUMBER",
        "one letter with recipients, deliveries, forms, agenda"},
    {"agenda", "list", ctl_agenda_list, 0, 0, "[--agency A] [--direction D]",
        "the agenda, newest last"},
    {"disposition", "list", ctl_disposition_list, 0, 0, "[--state S] [--agency A]",
        "orders on letters, newest last"},
    {"disposition", "show", ctl_disposition_show, 1, 1, "ID|NUMBER",
        "the tree of orders on one letter"},
    {"exchange", "list", ctl_exchange_list, 0, 0, "[--letter N] [--message N]", "the trail"},
    {"policy", "check", ctl_policy_check, 0, 1, "[DIR]",
        "reads policies and templates, every defect with file and line"},
    {"policy", "test", ctl_policy_test, 0, 1, "[DIR]", "asks them their own cases"},
    {"policy", "activate", ctl_policy_activate, 0, 1, "[DIR]",
        "tests them and takes them in as the law"},
    {"policy", "explain", ctl_policy_explain, 1, 1, "MESSAGE|FILE.eml [--login ADDRESS]",
        "what the rules say to a mail"},
    {"verify", "", ctl_verify, 1, 1, "FILE.eml [--peer IP] [--helo NAME] [--sender ADDRESS]",
        "what DKIM, SPF, DMARC, OpenPGP and S/MIME say of a mail from outside"},
    {"key", "list", ctl_key_list, 0, 0, "", "seal keys and DKIM keys"},
    {"key", "create-seal", ctl_key_create_seal, 2, 2, "ADDRESS NAME", "makes an agency's seal key"},
    {"key", "create-dkim", ctl_key_create_dkim, 1, 1, "rsa|ed25519", "makes a DKIM key"},
    {"key", "show-seal", ctl_key_show_seal, 1, 1, "ADDRESS", "the public key"},
    {"key", "show-dkim", ctl_key_show_dkim, 0, 0, "", "the DNS records to publish"},
    {"account", "add", ctl_account_add, 1, 1,
        "LOGIN --name N [--nip N] [--rank R] [--grade G] [--capacity C] [--password-stdin]",
        "a person takes a position; the password comes on standard input"},
    {"account", "list", ctl_account_list, 0, 0, "", "logins"},
    {"account", "passwd", ctl_account_passwd, 1, 1, "LOGIN [--password-stdin]",
        "a new password from standard input"},
    {"account", "disable", ctl_account_disable, 1, 1, "LOGIN", "no login any more"},
    {"db", "migrate", ctl_db_migrate, 0, 0, "", "brings the schema up to this version"},
};

static void usage(FILE *out)
{
	(void)fputs("usage: mtagwctl [-c FILE] [--json] [--limit N] GROUP VERB ...\n\n", out);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		(void)fprintf(out, "  %s%s%s\t%s%s%s\n", verbs[i].group,
		    verbs[i].verb[0] ? " " : "", verbs[i].verb, verbs[i].args,
		    verbs[i].args[0] ? ": " : "", verbs[i].help);
}

bool ctl_id(struct ctl *c, const char *text, int64_t *id_r)
{
	char *end;

	errno = 0;
	*id_r = strtoll(text, &end, 10);
	if (text[0] == '\0' || *end != '\0' || errno != 0 || *id_r <= 0) {
		(void)err_set(&c->err, "\"%s\" is no id", text);
		return false;
	}
	return true;
}

int64_t ctl_limit(const struct ctl *c)
{
	return c->o.limit[0] != '\0' ? strtoll(c->o.limit, NULL, 10) : CTL_ROWS_DEFAULT;
}

/* One option with its value; how many words it took, 0: none of ours. */
static int take_option(struct ctl *c, const char *word, const char *value)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {{"--limit", &c->o.limit}, {"--letter", &c->o.letter},
	    {"--message", &c->o.message}, {"--agency", &c->o.agency},
	    {"--direction", &c->o.direction}, {"--state", &c->o.state}, {"--name", &c->o.name},
	    {"--nip", &c->o.nip}, {"--rank", &c->o.rank}, {"--grade", &c->o.grade},
	    {"--capacity", &c->o.capacity}, {"--login", &c->o.login}, {"--reason", &c->o.reason},
	    {"--peer", &c->o.peer}, {"--helo", &c->o.helo}, {"--sender", &c->o.sender}};

	if (strcmp(word, "--json") == 0) {
		c->o.json = true;
		return 1;
	}
	if (strcmp(word, "--password-stdin") ==
	    0) { /* the only way there is; scripts say it aloud */
		c->o.password_stdin = true;
		return 1;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(word, options[i].name) == 0 && value != NULL) {
			*options[i].value = value;
			return 2;
		}
	return 0;
}

static const struct verb *find_verb(int word_count, const char **words, int *used_r)
{
	for (size_t i = 0; word_count > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		bool single = verbs[i].verb[0] == '\0';

		if (strcmp(verbs[i].group, words[0]) != 0)
			continue;
		if (single || (word_count > 1 && strcmp(verbs[i].verb, words[1]) == 0)) {
			*used_r = single ? 1 : 2;
			return &verbs[i];
		}
	}
	return NULL;
}

static struct exchange_actor who_am_i(struct arena *arena)
{
	const char *sudo = getenv("SUDO_USER");
	struct passwd *pw = getpwuid(getuid());
	const char *name = sudo ? sudo
	                   : pw ? pw->pw_name
	                        : arena_printf(arena, "uid %d", (int)getuid());

	return (struct exchange_actor){"administrator", 0, arena_strdup(arena, name)};
}

/* What the command line says beside the options. */
struct words {
	const char *config, *list[CTL_ARGS_MAX + 2];
	int count;
	const char *options[CTL_OPTIONS_MAX]; /* the names of those given */
	int option_count;
};

static int misused(const char *word, const char *what)
{
	(void)fprintf(stderr, "mtagwctl: \"%s\" %s; mtagwctl --help\n", word, what);
	return CTL_MISUSED;
}

/* False: a word is not understood, which was said. --help ends the program. */
static bool read_words(struct ctl *c, char **argv, struct words *words)
{
	for (int i = 1; argv[i] != NULL; i++) { /* argv ends with NULL: C11 5.1.2.2.1 */
		const char *word = argv[i], *value = argv[i + 1];
		int taken = 0;

		if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
			usage(stdout);
			exit(0);
		}
		if (strcmp(word, "-c") == 0 && value != NULL) {
			words->config = value;
			taken = 2;
		} else if (strncmp(word, "--", 2) == 0) {
			taken = take_option(c, word, value);
			if (words->option_count < CTL_OPTIONS_MAX)
				words->options[words->option_count++] = word;
		}
		if ((word[0] == '-' && taken == 0) || words->count == CTL_ARGS_MAX + 2 ||
		    words->option_count == CTL_OPTIONS_MAX) {
			(void)misused(word, "is not understood");
			return false;
		}
		if (taken > 0)
			i += taken - 1;
		else
			words->list[words->count++] = word;
	}
	return true;
}

/* The option is one of this verb: its help names it. */
static bool takes_option(const struct verb *verb, const char *option)
{
	size_t n = strlen(option);

	if (strcmp(option, "--json") == 0 || strcmp(option, "--limit") == 0)
		return true;
	for (const char *at = verb->args; (at = strstr(at, option)) != NULL; at += n)
		if (strchr(" ]", at[n]) != NULL) /* also the end */
			return true;
	return false;
}

static bool is_limit(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 10 && text[digits] == '\0' && strtol(text, NULL, 10) > 0;
}

/* 0, or 2 with what is wrong said: words too many, options of other verbs, a limit that is none. */
static int check_words(
    const struct ctl *c, const struct verb *verb, const struct words *words, int used)
{
	if (words->count - used > verb->max_args)
		return misused(words->list[used + verb->max_args], "is one word too many");
	for (int i = 0; i < words->option_count; i++) {
		if (!takes_option(verb, words->options[i]))
			return misused(words->options[i], "is no option of this verb");
		if (strcmp(words->options[i], "--limit") == 0 && !is_limit(c->o.limit))
			return misused(
			    c->o.limit, "is no limit: write a number from 1 to 999999999");
	}
	return 0;
}

/* Opens what verbs work with and runs one. */
static int run(struct ctl *c, const struct verb *verb, const char *config)
{
	int rc;

	c->settings = settings_load(config, &c->err);
	if (c->settings == NULL) {
		(void)fprintf(stderr, "mtagwctl: %s\n", c->err.text);
		return 1;
	}
	clock_set_offset_ms(c->settings->clock_offset_secs * 1000);
	c->actor = who_am_i(c->arena);
	c->db = db_new(c->settings, "ctl", NULL);
	rc = verb->run(c);
	if (rc != 0)
		(void)fprintf(stderr, "mtagwctl: %s\n", c->err.text);
	db_free(&c->db);
	settings_free(&c->settings);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct ctl_options none = {
	    "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", false, false};
	struct ctl c = {.o = none};
	struct words words = {.config = CONFIG_FILE};
	const struct verb *verb;
	int used = 0, rc;

	log_open("mtagwctl");
	if (argc < 1 || !read_words(&c, argv, &words))
		return 2;
	verb = find_verb(words.count, words.list, &used);
	if (verb == NULL || words.count - used < verb->min_args) {
		usage(stderr);
		return 2;
	}
	for (int i = 0; i < CTL_ARGS_MAX; i++)
		c.args[i] = used + i < words.count ? words.list[used + i] : "";
	c.arg_count = words.count - used;
	rc = check_words(&c, verb, &words, used);
	if (rc != 0)
		return rc;
	c.arena = arena_new();
	rc = run(&c, verb, words.config);
	arena_free(&c.arena);
	return rc;
}
