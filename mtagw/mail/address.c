/*
 * address: mailboxes. The envelope's paths are parsed here, strictly (RFC 5321 4.1.2, 4.1.3),
 * because they decide where mail goes; address lists of header fields are read by libetpan's
 * mailimf (RFC 5322 3.4), and each addr-spec it finds passes the same strict parser. Does not look
 * names up.
 */
#include "mtagw/mail/address.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#include <libetpan/mailimf.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/words.h"

#define LOCAL_MAX_BYTES 64   /* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MAX_BYTES 255 /* 4.5.3.1.2 */
#define LABEL_MAX_BYTES 63   /* RFC 1035 2.3.4 */
#define PATH_MAX_BYTES 2000  /* a source route comes on top of the mailbox; it is dropped */
/* Comments in comments: mailimf recurses once per level. No mail program writes even two. */
#define COMMENT_NESTING_MAX 50
#define LIST_MAX 10000 /* mailboxes; a field of 64 KiB cannot hold many more */

/* RFC 5322 3.2.3, and RFC 6531 3.3 for all above ASCII: whether it is UTF-8 is looked at before. */
static bool is_atext(char c)
{
	return (c & 0x80) != 0 || isalnum((unsigned char)c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_ascii(struct range text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 32 || text.p[i] > 126)
			return false;
	}
	return true;
}

/* Well-formed UTF-8 without what could make an address read differently from what it is. */
static bool is_shown_utf8(struct range text)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t code;
		size_t n = charset_utf8_next(text.p + i, text.len - i, &code);

		if (n == 0 || !charset_is_shown(code, false))
			return false;
		i += n;
	}
	return true;
}

static bool is_dot_atom(const char *s, size_t len)
{
	if (len == 0 || s[0] == '.' || s[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' ? s[i + 1] == '.' : !is_atext(s[i]))
			return false;
	}
	return true;
}

/* Local part at text: bytes used, its unquoted form in the arena; 0 when malformed. */
static size_t parse_local(struct range text, struct arena *arena, const char **local_r)
{
	char *out = arena_alloc(arena, LOCAL_MAX_BYTES + 1);
	size_t i = 0, n = 0;

	if (text.len > 0 && text.p[0] == '"') {
		for (i = 1; i < text.len && text.p[i] != '"'; i++) {
			if (text.p[i] == '\\' && ++i == text.len)
				return 0;
			if (n == LOCAL_MAX_BYTES)
				return 0;
			out[n++] = text.p[i];
		}
		if (i == text.len || n == 0)
			return 0;
		*local_r = out;
		return i + 1;
	}
	while (i < text.len && (is_atext(text.p[i]) || text.p[i] == '.')) {
		if (n == LOCAL_MAX_BYTES)
			return 0;
		out[n++] = text.p[i++];
	}
	*local_r = out;
	return is_dot_atom(out, n) ? i : 0;
}

/* `[192.0.2.1]` or `[IPv6:...]` (RFC 5321 4.1.3): bytes used or 0. */
static size_t parse_literal(struct range text)
{
	const char *end = memchr(text.p, ']', text.len);
	unsigned char bin[16];
	char inner[64];
	size_t len;

	if (end == NULL || (len = (size_t)(end - text.p) - 1) >= sizeof(inner))
		return 0;
	memcpy(inner, text.p + 1, len);
	inner[len] = '\0';
	if (inet_pton(AF_INET, inner, bin) != 1 &&
	    !(strncasecmp(inner, "IPv6:", 5) == 0 && inet_pton(AF_INET6, inner + 5, bin) == 1))
		return 0;
	return len + 2;
}

/* Domain at text, lower case into the arena; bytes used or 0. */
static size_t parse_domain(struct range text, struct arena *arena, const char **domain_r)
{
	size_t i = 0, label = 0;
	char *out;

	if (text.len > 0 && text.p[0] == '[') {
		i = parse_literal(text);
	} else {
		while (
		    i < text.len && ((text.p[i] & 0x80) != 0 || isalnum((unsigned char)text.p[i]) ||
		                        text.p[i] == '-' || text.p[i] == '.')) {
			bool dot = text.p[i] == '.';

			if (dot ? label == 0 || text.p[i - 1] == '-'
			        : label == 0 && text.p[i] == '-')
				return 0;
			label = dot ? 0 : label + 1;
			if (label > LABEL_MAX_BYTES)
				return 0;
			i++;
		}
		if (label == 0 || text.p[i - 1] == '-')
			return 0;
	}
	if (i == 0 || i > DOMAIN_MAX_BYTES)
		return 0;
	out = arena_strndup(arena, text.p, i);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*domain_r = out;
	return i;
}

/* `local@domain` at text: bytes used or 0. */
static size_t parse_mailbox(struct range text, struct arena *arena, struct address *address_r)
{
	size_t n = parse_local(text, arena, &address_r->local), m;

	if (n == 0 || n >= text.len || text.p[n] != '@')
		return 0;
	m = parse_domain(
	    (struct range){text.p + n + 1, text.len - n - 1}, arena, &address_r->domain);
	return m == 0 ? 0 : n + 1 + m;
}

/* `@a,@b:` before the mailbox (RFC 5321 appendix C: accepted and ignored): bytes used, or -1. */
static long source_route(struct range text, struct arena *arena)
{
	const char *unused;
	size_t i = 0, n;

	if (text.len == 0 || text.p[0] != '@')
		return 0;
	for (;;) {
		if (i >= text.len || text.p[i] != '@')
			return -1;
		n = parse_domain((struct range){text.p + i + 1, text.len - i - 1}, arena, &unused);
		if (n == 0)
			return -1;
		i += 1 + n;
		if (i < text.len && text.p[i] == ':')
			return (long)i + 1;
		if (i >= text.len || text.p[i] != ',')
			return -1;
		i++;
	}
}

static int path_inside(struct range inside, bool null_ok, struct arena *arena,
    struct address *address_r, size_t *used_r, struct err *error_r)
{
	long route;
	size_t n;

	if (inside.p[0] == '>') {
		if (!null_ok)
			return err_set(error_r, "an empty path is no recipient");
		*address_r = (struct address){"", ""};
		*used_r = 0;
		return 1;
	}
	/* RFC 5321 4.5.1: the reserved name without a domain */
	if (!null_ok && inside.len > 10 && strncasecmp(inside.p, "postmaster>", 11) == 0) {
		*address_r = (struct address){"postmaster", ""};
		*used_r = 10;
		return 1;
	}
	route = source_route(inside, arena);
	if (route < 0)
		return err_set(error_r, "malformed source route");
	n = parse_mailbox(
	    (struct range){inside.p + route, inside.len - (size_t)route}, arena, address_r);
	if (n == 0)
		return err_set(error_r, "malformed address");
	*used_r = (size_t)route + n;
	return 1;
}

int address_path(struct range text, bool null_ok, struct arena *arena, struct address *address_r,
    struct range *rest_r, struct err *error_r)
{
	struct range inside;
	size_t used = 0;

	*address_r = (struct address){"", ""};
	*rest_r = (struct range){0};
	if (text.len < 2 || text.p[0] != '<')
		return err_set(error_r, "a path begins with <");
	if (!is_ascii(text) && !is_shown_utf8(text))
		return err_set(error_r, "a path holds printable characters in UTF-8 only");
	inside = (struct range){
	    text.p + 1, text.len - 1 < PATH_MAX_BYTES ? text.len - 1 : PATH_MAX_BYTES};
	if (path_inside(inside, null_ok, arena, address_r, &used, error_r) < 0)
		return -1;
	if (used >= inside.len || inside.p[used] != '>') {
		*address_r = (struct address){"", ""};
		return err_set(error_r, "malformed address: no > behind it");
	}
	*rest_r = (struct range){inside.p + used + 1, text.len - used - 2};
	return 1;
}

int address_parse_utf8(
    struct range text, struct arena *arena, struct address *address_r, struct err *error_r)
{
	*address_r = (struct address){"", ""};
	if (!is_ascii(text) && !is_shown_utf8(text))
		return err_set(error_r, "an address holds printable characters in UTF-8 only");
	if (parse_mailbox(text, arena, address_r) != text.len || text.len == 0) {
		*address_r = (struct address){"", ""};
		return err_set(error_r, "malformed address");
	}
	return 1;
}

int address_parse(
    struct range text, struct arena *arena, struct address *address_r, struct err *error_r)
{
	*address_r = (struct address){"", ""};
	if (!is_ascii(text))
		return err_set(error_r, "an address holds printable ASCII only");
	return address_parse_utf8(text, arena, address_r, error_r);
}

bool address_is_ascii(const struct address *a)
{
	return is_ascii(range_of(a->local)) && is_ascii(range_of(a->domain));
}

static void put_printable(struct buf *out, const char *s, const char *escape)
{
	for (; *s; s++) {
		if ((*s & 0x80) == 0 &&
		    (*s < 32 || *s > 126)) /* cannot come from our parsers; never let it out */
			continue;
		if (strchr(escape, *s) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
}

const char *address_format(const struct address *address, struct arena *arena)
{
	struct buf out = {0};
	const char *text;

	if (address->local[0] == '\0' && address->domain[0] == '\0')
		return "";
	if (is_dot_atom(address->local, strlen(address->local))) {
		buf_puts(&out, address->local);
	} else {
		buf_putc(&out, '"');
		put_printable(&out, address->local, "\"\\");
		buf_putc(&out, '"');
	}
	if (address->domain[0] != '\0') {
		buf_putc(&out, '@');
		put_printable(&out, address->domain, "");
	}
	text = arena_strndup(arena, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return strcasecmp(a->local, b->local) == 0 && strcasecmp(a->domain, b->domain) == 0;
}

const char *address_base(const struct address *address, struct arena *arena, const char **detail_r)
{
	const char *plus = strchr(address->local, '+');

	*detail_r = plus && plus > address->local ? plus + 1 : NULL;
	if (*detail_r == NULL)
		return address->local;
	return arena_strndup(arena, address->local, (size_t)(plus - address->local));
}

/* Comments nested deeper than mailimf should recurse. */
static bool comments_too_deep(struct range value)
{
	int depth = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == '\\')
			i++;
		else if (value.p[i] == '(' && ++depth > COMMENT_NESTING_MAX)
			return true;
		else if (value.p[i] == ')' && depth > 0)
			depth--;
	}
	return false;
}

/* `"a b"@c`: mailimf would hand it over as ab@c, another mailbox. Nobody has such an address; it is
 * refused. */
static bool blank_in_quoted_local(struct range value)
{
	bool in_quotes = false, blank = false;

	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == '\\') {
			i++;
		} else if (value.p[i] == '"') {
			if (in_quotes && blank && i + 1 < value.len && value.p[i + 1] == '@')
				return true;
			in_quotes = !in_quotes;
			blank = false;
		} else if (value.p[i] <= ' ' && value.p[i] >= 0) {
			blank = true;
		}
	}
	return false;
}

struct list {
	struct mailbox *boxes;
	size_t count, size;
	struct arena *arena;
};

/* mailimf leaves the quotes on a name that holds an encoded word (which RFC 2047 5 forbids and many
 * write). */
static struct range display_name(const struct mailimf_mailbox *box)
{
	struct range name = range_of(box->mb_display_name ? box->mb_display_name : "");

	if (name.len >= 2 && name.p[0] == '"' && name.p[name.len - 1] == '"') {
		name.p++;
		name.len -= 2;
	}
	return name;
}

static int add_mailbox(struct list *list, const struct mailimf_mailbox *box, struct err *error_r)
{
	struct mailbox *m;
	struct buf name = {0};

	if (list->count == LIST_MAX)
		return err_set(error_r, "more than %d addresses in one field", LIST_MAX);
	if (list->count == list->size) {
		size_t size = list->size ? list->size * 2 : 8;
		struct mailbox *grown = arena_alloc(list->arena, size * sizeof(*grown));

		if (list->count > 0)
			memcpy(grown, list->boxes, list->count * sizeof(*grown));
		list->boxes = grown;
		list->size = size;
	}
	m = &list->boxes[list->count];
	if (address_parse_utf8(range_of(box->mb_addr_spec), list->arena, &m->address, error_r) < 0)
		return -1;
	words_decode(display_name(box), &name);
	m->name = arena_strndup(list->arena, buf_str(&name), name.len);
	buf_free(&name);
	list->count++;
	return 1;
}

static int add_address(
    struct list *list, const struct mailimf_address *address, struct err *error_r)
{
	const struct mailimf_mailbox_list *members;

	if (address->ad_type == MAILIMF_ADDRESS_MAILBOX)
		return add_mailbox(list, address->ad_data.ad_mailbox, error_r);
	members = address->ad_data.ad_group->grp_mb_list;
	if (members == NULL) /* `undisclosed-recipients:;` */
		return 1;
	for (clistiter *i = clist_begin(members->mb_list); i != NULL; i = clist_next(i)) {
		if (add_mailbox(list, clist_content(i), error_r) < 0)
			return -1;
	}
	return 1;
}

int address_list(struct range value, struct arena *arena, struct mailbox **list_r, size_t *count_r,
    struct err *error_r)
{
	struct mailimf_address_list *parsed = NULL;
	struct list list = {.arena = arena};
	size_t used = 0;
	int result = 1;

	*list_r = NULL;
	*count_r = 0;
	value = range_trim(value);
	if (value.len == 0)
		return 0;
	if (memchr(value.p, '\0', value.len) != NULL)
		return err_set(error_r, "NUL in an address list");
	if (comments_too_deep(value))
		return err_set(error_r, "comments nested deeper than %d", COMMENT_NESTING_MAX);
	if (blank_in_quoted_local(value))
		return err_set(error_r, "blank in a quoted local part");
	if (mailimf_address_list_parse(value.p, value.len, &used, &parsed) != MAILIMF_NO_ERROR)
		return err_set(error_r, "malformed address list");
	for (clistiter *i = clist_begin(parsed->ad_list); i != NULL && result > 0;
	     i = clist_next(i))
		result = add_address(&list, clist_content(i), error_r);
	mailimf_address_list_free(parsed);
	if (result < 0)
		return -1;
	/* only a comment or a comma may be left over */
	if (mailimf_cfws_parse(value.p, value.len, &used) != MAILIMF_NO_ERROR && used < value.len &&
	    value.p[used] != ',')
		return err_set(error_r, "malformed address list at byte %zu", used);
	*list_r = list.boxes;
	*count_r = list.count;
	return list.count > 0;
}
