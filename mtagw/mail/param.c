/*
 * param: parameters of MIME fields. Real mail breaks the grammar often (`;;`, blanks, 8-bit names),
 * so this reader goes on where the RFC would stop; the structure of a message hangs on `boundary`
 * alone, and the guard and the parser both read it here, so they cannot differ.
 */
#include "mtagw/mail/param.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/words.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks and comments (RFC 5322 3.2.2) from i; nesting is counted, not recursed. */
static size_t skip_cfws(struct range s, size_t i)
{
	size_t depth = 0;

	for (; i < s.len; i++) {
		if (s.p[i] == '(')
			depth++;
		else if (depth > 0 && s.p[i] == '\\')
			i++;
		else if (depth > 0 && s.p[i] == ')')
			depth--;
		else if (depth == 0 && !is_blank(s.p[i]))
			break;
	}
	return i < s.len ? i : s.len;
}

static const char *first_value(struct range s, size_t *i, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len + 1);
	size_t n = 0;

	while ((*i = skip_cfws(s, *i)) < s.len && s.p[*i] != ';')
		out[n++] = (char)tolower((unsigned char)s.p[(*i)++]);
	return out;
}

/* Quoted string at i (on the quote) into the arena, behind the closing quote afterwards. */
static struct range quoted(struct range s, size_t *i, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len - *i + 1);
	size_t n = 0;

	for ((*i)++; *i < s.len && s.p[*i] != '"'; (*i)++) {
		if (s.p[*i] == '\r' || s.p[*i] == '\n')
			continue;
		if (s.p[*i] == '\\' && *i + 1 < s.len)
			(*i)++;
		out[n++] = s.p[*i];
	}
	if (*i < s.len)
		(*i)++;
	return (struct range){out, n};
}

static void parse_one(struct range s, size_t *i, struct arena *arena, struct params *params)
{
	size_t start = *i, end;
	struct param p;
	char *name;

	while (*i < s.len && s.p[*i] != '=' && s.p[*i] != ';')
		(*i)++;
	if (*i >= s.len || s.p[*i] == ';')
		return;
	p.name = name = arena_strndup(arena, s.p + start, *i - start);
	for (end = strlen(name); end > 0 && is_blank(name[end - 1]); end--)
		name[end - 1] = '\0';
	for (; *name; name++)
		*name = (char)tolower((unsigned char)*name);
	*i = skip_cfws(s, *i + 1);
	if (*i < s.len && s.p[*i] == '"') {
		p.value = quoted(s, i, arena);
	} else {
		for (start = *i; *i < s.len && s.p[*i] != ';' && s.p[*i] != '('; (*i)++)
			;
		p.value = range_trim((struct range){s.p + start, *i - start});
	}
	if (params->count < PARAM_MAX)
		params->list[params->count++] = p;
	while (*i < s.len && s.p[*i] != ';') /* rubbish behind a value */
		(*i)++;
}

struct params *param_parse(struct range s, struct arena *arena)
{
	struct params *params = arena_alloc(arena, sizeof(*params));
	size_t i = 0;

	params->first = first_value(s, &i, arena);
	while (i < s.len && params->count < PARAM_MAX) {
		i = skip_cfws(s, i + 1); /* s[i] is the `;` */
		if (i < s.len && s.p[i] != ';')
			parse_one(s, &i, arena, params);
	}
	return params;
}

static const struct param *find(const struct params *params, const char *name)
{
	for (size_t i = 0; i < params->count; i++) {
		if (strcmp(params->list[i].name, name) == 0)
			return &params->list[i];
	}
	return NULL;
}

const char *param_raw(const struct params *params, const char *name, struct arena *arena)
{
	const struct param *p = find(params, name);

	return p ? arena_strndup(arena, p->value.p, p->value.len) : NULL;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'         ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
	                                    : -1;
}

static void put_percent(struct range s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '%' && i + 2 < s.len && hex_value(s.p[i + 1]) >= 0 &&
		    hex_value(s.p[i + 2]) >= 0) {
			buf_putc(out, (char)(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2])));
			i += 2;
		} else {
			buf_putc(out, s.p[i]);
		}
	}
}

/* `charset'language'` off the front of an extended value (RFC 2231 section 4). */
static struct range cut_charset(struct range value, char *charset, size_t size)
{
	const char *q1 = value.len ? memchr(value.p, '\'', value.len) : NULL;
	const char *q2 = q1 ? memchr(q1 + 1, '\'', (size_t)(value.p + value.len - q1) - 1) : NULL;

	if (q2 == NULL)
		return value;
	(void)snprintf(charset, size, "%.*s", (int)(q1 - value.p), value.p);
	return (struct range){q2 + 1, (size_t)(value.p + value.len - q2) - 1};
}

/* Sections name*0, name*1*, ... or name* joined into bytes; false when there are none. */
static bool extended(const struct params *params, const char *name, struct arena *arena,
    char *charset, size_t size, struct buf *bytes)
{
	const struct param *p = find(params, arena_printf(arena, "%s*", name));

	if (p != NULL) {
		put_percent(cut_charset(p->value, charset, size), bytes);
		return true;
	}
	for (int n = 0; n < PARAM_MAX; n++) {
		const struct param *star = find(params, arena_printf(arena, "%s*%d*", name, n));

		p = star ? star : find(params, arena_printf(arena, "%s*%d", name, n));
		if (p == NULL)
			return n > 0;
		if (star == NULL)
			buf_append(bytes, p->value.p, p->value.len);
		else
			put_percent(
			    n == 0 ? cut_charset(p->value, charset, size) : p->value, bytes);
	}
	return true;
}

const char *param_text(const struct params *params, const char *name, struct arena *arena)
{
	struct buf bytes = {0}, text = {0}, line = {0};
	char charset[64] = "";
	const struct param *p;
	const char *result = NULL;

	if (extended(params, name, arena, charset, sizeof(charset), &bytes)) {
		(void)charset_to_utf8(buf_range(&bytes), charset, &text);
		charset_line(buf_range(&text), &line);
		result = arena_strndup(arena, buf_str(&line), line.len);
	} else if ((p = find(params, name)) != NULL) {
		words_decode(p->value, &line);
		result = arena_strndup(arena, buf_str(&line), line.len);
	}
	buf_free(&bytes);
	buf_free(&text);
	buf_free(&line);
	return result;
}
