/*
 * settings_value: the values of mtagw.conf. Each function takes the text of one value (blanks at
 * both ends are gone) and gives data or says what is wrong with it; who asks adds file, line and
 * key. Nothing is looked up here: whether a user or a certificate exists is found out by the
 * program that needs it.
 */
#include "mtagw/base/settings_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "mtagw/base/log.h"
#include "mtagw/base/sockaddr.h"

/* RFC 1035 section 2.3.4 */
#define NAME_MAX_BYTES 253
#define LABEL_MAX_BYTES 63
/* Digits of the largest number (19), a sign, a unit; more is not a number we could want. */
#define NUMBER_MAX_BYTES 24

const char *const settings_type_names[] = {"text", "domain", "label", "path", "address",
    "addresses", "socket", "user", "number", "size", "seconds", "yes/no", "next hop"};

static const char *const hop_tls_names[] = {"none", "may", "encrypt", "verify"};

static int check_label(struct range label, struct err *error_r)
{
	if (label.len == 0)
		return err_set(error_r, "has an empty part between dots");
	if (label.len > LABEL_MAX_BYTES)
		return err_set(error_r, "has a part of more than %d characters", LABEL_MAX_BYTES);
	if (label.p[0] == '-' || label.p[label.len - 1] == '-')
		return err_set(error_r, "has a part that begins or ends with a hyphen");
	for (size_t i = 0; i < label.len; i++) {
		unsigned char c = (unsigned char)label.p[i];

		if (!isalnum(c) && c != '-' && c != '_')
			return err_set(error_r, "may hold letters, digits, hyphens and dots only");
	}
	return 1;
}

static int check_labels(struct range name, int labels_min, struct err *error_r)
{
	int labels = 0;
	size_t start = 0;

	if (name.len > NAME_MAX_BYTES)
		return err_set(error_r, "is longer than %d characters", NAME_MAX_BYTES);
	for (size_t i = 0; i <= name.len; i++) {
		if (i < name.len && name.p[i] != '.')
			continue;
		if (check_label((struct range){name.p + start, i - start}, error_r) < 0)
			return -1;
		labels++;
		start = i + 1;
	}
	if (labels < labels_min)
		return err_set(error_r, "wants a full name, such as dumai.example");
	return 1;
}

static int check_address(enum settings_type type, const char *text, struct err *error_r)
{
	struct sockaddr_any addr;

	if (sockaddr_parse(text, &addr, error_r) < 0)
		return -1;
	if (type == SETTING_LISTEN && addr.sa.ss_family == AF_UNIX)
		return err_set(error_r, "wants a numeric address and port, such as 0.0.0.0:25");
	return 1;
}

/* Each as the system writes it, so that they can be compared as text. */
static int addresses(
    const char *text, struct arena *arena, const char **text_r, struct err *error_r)
{
	char *copy = arena_strdup(arena, text), *save = NULL;

	*text_r = "";
	for (char *p = strtok_r(copy, " \t", &save); p != NULL; p = strtok_r(NULL, " \t", &save)) {
		int family = strchr(p, ':') != NULL ? AF_INET6 : AF_INET;
		char shown[INET6_ADDRSTRLEN];
		uint8_t bytes[16];

		if (inet_pton(family, p, bytes) != 1 ||
		    inet_ntop(family, bytes, shown, sizeof(shown)) == NULL)
			return err_set(error_r, "wants numeric addresses without port, not \"%s\"",
			    log_safe(p));
		*text_r = arena_printf(arena, "%s%s%s", *text_r, **text_r ? " " : "", shown);
	}
	return 1;
}

static int check_user(struct range user, struct err *error_r)
{
	for (size_t i = 0; i < user.len; i++) {
		unsigned char c = (unsigned char)user.p[i];

		if (!isalnum(c) && strchr("-_.", c) == NULL)
			return err_set(error_r, "is not the name or number of a system user");
	}
	return 1;
}

int settings_value_text(enum settings_type type, struct range value, struct arena *arena,
    const char **text_r, struct err *error_r)
{
	const char *text = arena_strndup(arena, value.len > 0 ? value.p : "", value.len);
	int ret = 1;

	switch (type) {
	case SETTING_NAME:
		ret = check_labels(value, 2, error_r);
		break;
	case SETTING_LABEL:
		ret = check_labels(value, 1, error_r);
		break;
	case SETTING_PATH:
		if (value.len == 0 || value.p[0] != '/')
			return err_set(
			    error_r, "wants an absolute path, not \"%s\"", log_safe(text));
		break;
	case SETTING_LISTEN:
		if (value.len > 0)
			ret = check_address(type, text, error_r);
		break;
	case SETTING_ADDRESSES:
		return addresses(text, arena, text_r, error_r);
	case SETTING_SOCKET:
		ret = check_address(type, text, error_r);
		break;
	case SETTING_USER:
		ret = check_user(value, error_r);
		break;
	default:
		break;
	}
	if (ret > 0)
		*text_r = text;
	return ret;
}

/* The factor of a unit letter; 0 for none of ours. */
static int64_t unit_of(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 1024;
	case 'M':
		return 1024 * 1024;
	case 'G':
		return 1024 * 1024 * 1024;
	default:
		return 0;
	}
}

int settings_value_number(enum settings_type type, struct range value, int64_t min, int64_t max,
    int64_t *number_r, struct err *error_r)
{
	char text[NUMBER_MAX_BYTES + 1];
	char *end;
	int64_t number, unit = 1;
	size_t len = value.len;

	if (len > 1 && type == SETTING_SIZE) {
		int64_t factor = unit_of(value.p[len - 1]);

		if (factor > 0) {
			unit = factor;
			len--;
		}
	}
	if (len == 0 || len > NUMBER_MAX_BYTES ||
	    !(isdigit((unsigned char)value.p[0]) || (value.p[0] == '-' && min < 0)))
		goto not_a_number;
	memcpy(text, value.p, len);
	text[len] = '\0';
	errno = 0;
	number = strtoll(text, &end, 10);
	if (*end != '\0' || end == text || (size_t)(end - text) != len)
		goto not_a_number;
	if (errno == ERANGE || number > max / unit || number * unit < min)
		return err_set(error_r, "wants %" PRId64 " to %" PRId64 ", not \"%s\"", min, max,
		    log_safe_n(value.p, value.len));
	*number_r = number * unit;
	return 1;
not_a_number:
	return err_set(error_r, "wants a number%s, not \"%s\"",
	    type == SETTING_SIZE ? " (k, M or G may follow)" : "", log_safe_n(value.p, value.len));
}

int settings_value_bool(struct range value, bool *bool_r, struct err *error_r)
{
	if (!range_equal(value, range_of("yes")) && !range_equal(value, range_of("no")))
		return err_set(
		    error_r, "wants yes or no, not \"%s\"", log_safe_n(value.p, value.len));
	*bool_r = range_equal(value, range_of("yes"));
	return 1;
}

/* Cuts the next word off *rest; empty when there is none. */
static struct range next_word(struct range *rest)
{
	struct range word;
	size_t n = 0;

	*rest = range_trim(*rest);
	while (n < rest->len && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	word = (struct range){rest->p, n};
	if (n > 0) {
		rest->p += n;
		rest->len -= n;
	}
	return word;
}

static bool word_after(struct range word, const char *prefix, struct range *rest_r)
{
	size_t n = strlen(prefix);

	if (word.len < n || memcmp(word.p, prefix, n) != 0)
		return false;
	*rest_r = (struct range){word.p + n, word.len - n};
	return true;
}

static int hop_option(
    struct range word, struct arena *arena, struct next_hop *hop, struct err *error_r)
{
	struct range what;

	if (word_after(word, "name=", &what)) {
		if (check_labels(what, 1, error_r) < 0)
			return err_prefix(error_r, "name=");
		hop->tls_name = arena_strndup(arena, what.p, what.len);
		return 1;
	}
	if (!word_after(word, "tls=", &what))
		return err_set(error_r, "does not know the word \"%s\" (tls=... and name=... only)",
		    log_safe_n(word.p, word.len));
	for (size_t i = 0; i < sizeof(hop_tls_names) / sizeof(hop_tls_names[0]); i++) {
		if (!range_equal(what, range_of(hop_tls_names[i])))
			continue;
		hop->tls = (int)i;
		return 1;
	}
	return err_set(error_r, "tls= wants none, may, encrypt or verify, not \"%s\"",
	    log_safe_n(what.p, what.len));
}

int settings_value_next_hop(
    struct range value, struct arena *arena, struct next_hop *hop_r, struct err *error_r)
{
	struct range domain = next_word(&value);
	struct range address = next_word(&value);
	struct next_hop hop = {.tls = HOP_TLS_MAY};
	struct range word;

	if (address.len == 0)
		return err_set(
		    error_r, "wants a domain (or *) and an address, such as * 192.0.2.1:25");
	if (!range_equal(domain, range_of("*")) && check_labels(domain, 1, error_r) < 0)
		return err_prefix(error_r, "the domain");
	hop.domain = arena_strndup(arena, domain.p, domain.len);
	hop.address = arena_strndup(arena, address.p, address.len);
	if (check_address(SETTING_SOCKET, hop.address, error_r) < 0)
		return -1;
	while ((word = next_word(&value)).len > 0) {
		if (hop_option(word, arena, &hop, error_r) < 0)
			return -1;
	}
	/* The name of a catch-all relay cannot be taken from the recipient's domain. */
	if (hop.tls == HOP_TLS_VERIFY && hop.tls_name == NULL && strcmp(hop.domain, "*") == 0)
		return err_set(
		    error_r, "tls=verify of * wants name=, the relay's certificate name");
	*hop_r = hop;
	return 1;
}

void settings_value_print_size(int64_t size, struct buf *out)
{
	static const struct {
		int64_t factor;
		char letter;
	} units[] = {{1024 * 1024 * 1024, 'G'}, {1024 * 1024, 'M'}, {1024, 'k'}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (size == 0 || size % units[i].factor != 0)
			continue;
		buf_printf(out, "%" PRId64 "%c", size / units[i].factor, units[i].letter);
		return;
	}
	buf_printf(out, "%" PRId64, size);
}

void settings_value_print_hop(const struct next_hop *hop, struct buf *out)
{
	buf_printf(out, "%s %s tls=%s", hop->domain, hop->address, hop_tls_names[hop->tls]);
	if (hop->tls_name != NULL)
		buf_printf(out, " name=%s", hop->tls_name);
}
