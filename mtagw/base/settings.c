/*
 * settings: mtagw.conf into an immutable struct. A line is `key = value`; a line that begins with #
 * is a comment, and so is what follows a blank and # (values hold no #). Every key may stand once,
 * next_hop as often as there are domains. Defaults go through the same parser as the file, so a
 * default out of its own range cannot exist. The struct, its texts and its list live in one arena.
 */
#include "mtagw/base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/settings_table.h"
#include "mtagw/base/settings_value.h"
#include "mtagw/base/sockaddr.h"

#define FILE_MAX_BYTES (1024 * 1024) /* the largest table of next hops one would write by hand */
#define NEXT_HOPS_MAX 4096           /* looked through one by one */
#define SECRET_MAX_BYTES 4096
#define KEYS_MAX 72

struct owner {
	struct settings settings; /* first: what callers hold points here */
	struct arena *arena;
	struct next_hop *hops;
	int line_of[KEYS_MAX]; /* where a key was given; 0: not yet */
};

static void *place_of(struct owner *owner, const struct settings_key *key)
{
	return (char *)&owner->settings + key->offset;
}

static int add_next_hop(struct owner *owner, struct range value, struct err *error_r)
{
	struct settings *s = &owner->settings;
	struct next_hop hop;

	if (settings_value_next_hop(value, owner->arena, &hop, error_r) < 0)
		return -1;
	for (size_t i = 0; i < s->next_hop_count; i++) {
		if (strcasecmp(s->next_hops[i].domain, hop.domain) == 0)
			return err_set(error_r, "%s has a next hop already", hop.domain);
	}
	if (s->next_hop_count == NEXT_HOPS_MAX)
		return err_set(error_r, "more than %d next hops", NEXT_HOPS_MAX);
	if (owner->hops == NULL)
		owner->hops = arena_alloc(owner->arena, NEXT_HOPS_MAX * sizeof(*owner->hops));
	owner->hops[s->next_hop_count++] = hop;
	s->next_hops = owner->hops;
	return 1;
}

static int set_value(
    struct owner *owner, const struct settings_key *key, struct range value, struct err *error_r)
{
	void *place = place_of(owner, key);
	int64_t number = 0;

	switch (key->type) {
	case SETTING_NEXT_HOP:
		return add_next_hop(owner, value, error_r);
	case SETTING_BOOL:
		return settings_value_bool(value, place, error_r);
	case SETTING_INT:
	case SETTING_SIZE:
	case SETTING_SECS:
		if (settings_value_number(key->type, value, key->min, key->max, &number, error_r) <
		    0)
			return -1;
		if (key->type == SETTING_INT)
			*(int *)place = (int)number;
		else
			*(int64_t *)place = number;
		return 1;
	default:
		return settings_value_text(key->type, value, owner->arena, place, error_r);
	}
}

static int unknown_key(struct range name, struct err *error_r)
{
	const struct settings_key *near = settings_key_near(name);

	if (near == NULL)
		return err_set(error_r, "unknown key \"%s\"", log_safe_n(name.p, name.len));
	return err_set(error_r, "unknown key \"%s\"; did you mean \"%s\"?",
	    log_safe_n(name.p, name.len), near->name);
}

static int check_bytes(struct range line, struct err *error_r)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return err_set(error_r, "a control character (\\x%02x)", c);
	}
	return 1;
}

static struct range without_comment(struct range line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			line.len = i;
	}
	return range_trim(line);
}

static int read_line(struct owner *owner, struct range line, int number, struct err *error_r)
{
	const struct settings_key *key;
	struct range name, value;
	const char *equals;
	int *line_of;

	line = without_comment(line);
	if (line.len == 0)
		return 1;
	if (check_bytes(line, error_r) < 0)
		return -1;
	equals = memchr(line.p, '=', line.len);
	if (equals == NULL)
		return err_set(
		    error_r, "wants key = value, not \"%s\"", log_safe_n(line.p, line.len));
	name = range_trim((struct range){line.p, (size_t)(equals - line.p)});
	value = range_trim((struct range){equals + 1, line.len - (size_t)(equals + 1 - line.p)});
	key = settings_key_find(name);
	if (key == NULL)
		return unknown_key(name, error_r);
	line_of = &owner->line_of[key - settings_keys];
	if (*line_of > 0 && key->type != SETTING_NEXT_HOP)
		return err_set(error_r, "%s was given in line %d already", key->name, *line_of);
	/* It would be lost when the value is printed and read again. */
	if (memchr(value.p, '#', value.len) != NULL)
		return err_set(error_r,
		    "%s: a value cannot hold # (a comment wants a blank before it)", key->name);
	*line_of = number;
	if (set_value(owner, key, value, error_r) < 0)
		return err_prefix(error_r, "%s", key->name);
	return 1;
}

static int read_lines(struct owner *owner, struct range text, const char *name, struct err *error_r)
{
	struct err what;
	int number = 0;

	while (text.len > 0) {
		const char *end = memchr(text.p, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.p) : text.len;

		number++;
		if (read_line(owner, (struct range){text.p, len}, number, &what) < 0)
			return err_set(error_r, "%.100s:%d: %.380s", name, number, what.text);
		len += end != NULL ? 1 : 0;
		text.p += len;
		text.len -= len;
	}
	return 1;
}

/* A default that begins with `{state_dir}` follows that key. */
static struct range default_text(struct owner *owner, const struct settings_key *key)
{
	static const char state[] = "{state_dir}";
	size_t n = sizeof(state) - 1;

	if (strncmp(key->wanted, state, n) != 0)
		return range_of(key->wanted);
	return range_of(
	    arena_printf(owner->arena, "%s%s", owner->settings.state_dir, key->wanted + n));
}

static int fill_defaults(struct owner *owner, const char *name, struct err *error_r)
{
	for (size_t i = 0; i < settings_key_count; i++) {
		const struct settings_key *key = &settings_keys[i];

		if (owner->line_of[i] > 0 || key->type == SETTING_NEXT_HOP)
			continue;
		if (key->wanted == NULL)
			return err_set(
			    error_r, "%s: %s is not set (%s)", name, key->name, key->help);
		if (set_value(owner, key, default_text(owner, key), error_r) < 0)
			return err_prefix(error_r, "default of %s", key->name);
	}
	return 1;
}

int settings_line(const struct settings *settings, const char *key)
{
	const struct owner *owner = (const struct owner *)settings;
	const struct settings_key *k = settings_key_find(range_of(key));

	return k != NULL ? owner->line_of[k - settings_keys] : 0;
}

/* Both cannot be bound: one port (0 is any free one) on one address, or on all of its family. */
static bool same_door(const char *a, const char *b)
{
	const char *a_port = strrchr(a, ':'), *b_port = strrchr(b, ':');

	if (a_port == NULL || b_port == NULL || strcmp(a_port, b_port) != 0 ||
	    strcmp(a_port, ":0") == 0)
		return false;
	return strcmp(a, b) == 0 ||
	       ((a[0] == '[') == (b[0] == '[') &&
	           (strncmp(a, "0.0.0.0:", 8) == 0 || strncmp(b, "0.0.0.0:", 8) == 0 ||
	               strncmp(a, "[::]:", 5) == 0 || strncmp(b, "[::]:", 5) == 0));
}

static int check_doors(const struct settings *s, const char *name, struct err *error_r)
{
	const struct {
		const char *key, *address;
	} doors[] = {{"listen_mx", s->listen_mx}, {"listen_submission", s->listen_submission},
	    {"listen_submissions", s->listen_submissions}};

	for (int i = 0; i < 3; i++)
		for (int k = 0; k < i; k++)
			if (same_door(doors[i].address, doors[k].address))
				return err_set(error_r,
				    "%s:%d: %s (%s) and %s (%s, line %d) want the same port", name,
				    settings_line(s, doors[i].key), doors[i].key, doors[i].address,
				    doors[k].key, doors[k].address, settings_line(s, doors[k].key));
	return 1;
}

static int check_together(const struct settings *s, const char *name, struct err *error_r)
{
	struct sockaddr_any addr;
	char *longest = mem_printf("unix:%s/verify.sock", s->runtime_dir);
	int ret = sockaddr_parse(longest, &addr, error_r);

	free(longest);
	if (ret < 0)
		return err_prefix(error_r, "%s: runtime_dir", name);
	if (check_doors(s, name, error_r) < 0)
		return -1;
	if (s->retry_min_secs > s->retry_max_secs)
		return err_set(error_r, "%s: retry_min_secs (%d) is above retry_max_secs (%d)",
		    name, s->retry_min_secs, s->retry_max_secs);
	if (s->smtpd_data_in_flight_max < s->message_size_limit)
		return err_set(error_r,
		    "%s: smtpd_data_in_flight_max is below message_size_limit: "
		    "the largest message could never come in",
		    name);
	if (strcmp(s->dkim_selector_rsa, s->dkim_selector_ed25519) == 0)
		return err_set(error_r,
		    "%s: dkim_selector_rsa and dkim_selector_ed25519 are both \"%s\": "
		    "each key wants its own DNS record",
		    name, s->dkim_selector_rsa);
	return 1;
}

const struct settings *settings_parse(struct range text, const char *name, struct err *error_r)
{
	struct owner *owner = mem_zalloc(sizeof(*owner));
	const struct settings *settings = &owner->settings;

	_Static_assert(offsetof(struct owner, settings) == 0, "settings_free counts on it");
	if (settings_key_count > KEYS_MAX)
		log_fatal("settings: raise KEYS_MAX");
	owner->arena = arena_new();
	if (text.len > FILE_MAX_BYTES)
		err_set(error_r, "%s: larger than %d bytes", name, FILE_MAX_BYTES);
	else if (read_lines(owner, text, name, error_r) > 0 &&
	         fill_defaults(owner, name, error_r) > 0 &&
	         check_together(settings, name, error_r) > 0)
		return settings;
	settings_free(&settings);
	return NULL;
}

/* Appends at most max + 1 bytes of the file: the one too many tells that it is larger. */
static int read_file(const char *file, size_t max, struct buf *out, struct err *error_r)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return err_set(error_r, "%s: %s", file, strerror(errno));
	while (n > 0 && out->len <= max) {
		size_t want = max + 1 - out->len < 65536 ? max + 1 - out->len : 65536;

		n = read(fd, buf_room(out, want), want);
		if (n > 0) {
			out->len += (size_t)n;
			out->data[out->len] = '\0';
		}
	}
	if (n < 0)
		err_set(error_r, "%s: %s", file, strerror(errno));
	(void)close(fd);
	return n < 0 ? -1 : 1;
}

const struct settings *settings_load(const char *file, struct err *error_r)
{
	const struct settings *settings = NULL;
	struct buf text = {0};

	if (read_file(file, FILE_MAX_BYTES, &text, error_r) > 0)
		settings = settings_parse(buf_range(&text), file, error_r);
	buf_free(&text);
	return settings;
}

void settings_free(const struct settings **settings)
{
	struct owner *owner;

	if (settings == NULL || *settings == NULL)
		return;
	owner = (struct owner *)(uintptr_t)*settings;
	arena_free(&owner->arena);
	free(owner);
	*settings = NULL;
}

static void print_value(const struct settings *s, const struct settings_key *key, struct buf *out)
{
	const char *place = (const char *)s + key->offset;

	switch (key->type) {
	case SETTING_BOOL:
		buf_puts(out, *(const bool *)place ? "yes" : "no");
		break;
	case SETTING_INT:
		buf_printf(out, "%d", *(const int *)place);
		break;
	case SETTING_SIZE:
		settings_value_print_size(*(const int64_t *)place, out);
		break;
	case SETTING_SECS:
		buf_printf(out, "%" PRId64, *(const int64_t *)place);
		break;
	default:
		buf_puts(out, *(const char *const *)place);
		break;
	}
}

void settings_print(const struct settings *settings, struct buf *out)
{
	for (size_t i = 0; i < settings_key_count; i++) {
		const struct settings_key *key = &settings_keys[i];

		if (key->type == SETTING_NEXT_HOP) {
			for (size_t j = 0; j < settings->next_hop_count; j++) {
				buf_printf(out, "%s = ", key->name);
				settings_value_print_hop(&settings->next_hops[j], out);
				buf_putc(out, '\n');
			}
			continue;
		}
		buf_printf(out, "%s = ", key->name);
		print_value(settings, key, out);
		buf_putc(out, '\n');
	}
}

void settings_print_keys(struct buf *out)
{
	for (size_t i = 0; i < settings_key_count; i++) {
		const struct settings_key *key = &settings_keys[i];

		buf_printf(out, "%s\t%s\t%s\t", key->name, settings_type_names[key->type],
		    key->wanted != NULL ? key->wanted : "(mandatory)");
		if (key->type == SETTING_SIZE) {
			settings_value_print_size(key->min, out);
			buf_puts(out, "..");
			settings_value_print_size(key->max, out);
		} else if (key->min != key->max) {
			buf_printf(out, "%" PRId64 "..%" PRId64, key->min, key->max);
		}
		buf_printf(out, "\t%s\n", key->help);
	}
}

char *settings_secret(const struct settings *settings, const char *name, struct err *error_r)
{
	char *file = mem_printf("%s/%s", settings->secrets_dir, name);
	struct buf text = {0};
	char *secret = NULL;
	size_t len;

	if (read_file(file, SECRET_MAX_BYTES, &text, error_r) > 0) {
		len = strcspn(buf_str(&text), "\r\n");
		if (len == 0 || len > SECRET_MAX_BYTES)
			err_set(error_r, "%s: %s", file,
			    len == 0 ? "its first line is empty" : "its first line is too long");
		else
			secret = mem_strndup(buf_str(&text), len);
	}
	if (text.data != NULL)
		mem_wipe(text.data, text.size);
	buf_free(&text);
	free(file);
	return secret;
}
