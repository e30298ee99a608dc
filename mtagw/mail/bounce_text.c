/*
 * bounce_text: reading what mail servers write: lines, sentences however they were wrapped,
 * addresses, status codes.
 */
#include "mtagw/mail/bounce_private.h"

#include <ctype.h>
#include <string.h>

#include "mtagw/mail/charset.h"

bool bounce_line(struct range *text, struct range *line_r)
{
	const char *lf;

	if (text->len == 0)
		return false;
	lf = memchr(text->p, '\n', text->len);
	*line_r = (struct range){text->p, lf ? (size_t)(lf - text->p) : text->len};
	text->p += line_r->len + (lf ? 1 : 0);
	text->len -= line_r->len + (lf ? 1 : 0);
	if (line_r->len > 0 && line_r->p[line_r->len - 1] == '\r')
		line_r->len--;
	return true;
}

static const char *match(const char *p, const char *limit, const char *phrase)
{
	for (; *phrase; phrase++) {
		if (*phrase == ' ') {
			if (p == limit || !isspace((unsigned char)*p))
				return NULL;
			while (p < limit && isspace((unsigned char)*p))
				p++;
		} else if (p == limit || tolower((unsigned char)*p) != (unsigned char)*phrase) {
			return NULL;
		} else {
			p++;
		}
	}
	return p;
}

const char *bounce_find(struct range text, const char *phrase, const char **end_r)
{
	const char *limit = text.p + text.len;

	for (const char *p = text.p; text.len > 0 && p < limit; p++) {
		const char *end;

		if (phrase[0] != '\0' && phrase[0] != *p && toupper((unsigned char)phrase[0]) != *p)
			continue; /* nearly every time */
		end = match(p, limit, phrase);
		if (end != NULL) {
			if (end_r != NULL)
				*end_r = end;
			return p;
		}
	}
	return NULL;
}

const char *bounce_words(struct range text, struct arena *arena)
{
	struct buf line = {0}, clean = {0};
	const char *result;
	bool gap = false;

	text = range_trim(text);
	for (size_t i = 0; i < text.len && line.len < BOUNCE_WORDS_MAX_BYTES; i++) {
		if (isspace((unsigned char)text.p[i])) {
			gap = true;
			continue;
		}
		if (gap)
			buf_putc(&line, ' ');
		gap = false;
		buf_putc(&line, text.p[i]);
	}
	charset_line(buf_range(&line), &clean); /* a character cut in two becomes U+FFFD */
	result = arena_strndup(arena, buf_str(&clean), clean.len);
	buf_free(&line);
	buf_free(&clean);
	return result;
}

static size_t digits(const char *p)
{
	size_t n = 0;

	while (isdigit((unsigned char)p[n]))
		n++;
	return n;
}

/* RFC 3463 2: class 2, 4 or 5, subject and detail of at most three digits. */
const char *bounce_status(const char *words, struct arena *arena)
{
	for (const char *p = words; *p; p++) {
		size_t subject, detail;

		if (strchr("245", *p) == NULL || p[1] != '.' ||
		    (p > words && (isalnum((unsigned char)p[-1]) || p[-1] == '.' || p[-1] == '-')))
			continue;
		subject = digits(p + 2);
		if (subject < 1 || subject > 3 || p[2 + subject] != '.')
			continue;
		detail = digits(p + 3 + subject);
		if (detail < 1 || detail > 3 ||
		    (p[3 + subject + detail] == '.' &&
		        isdigit((unsigned char)p[4 + subject + detail])) ||
		    isalpha((unsigned char)p[3 + subject + detail]))
			continue;
		return arena_strndup(arena, p, 3 + subject + detail);
	}
	return "";
}

/* Addresses that RFC 5321 does not allow but providers give out: `a..b.@c.example`. */
static bool is_loose(struct range text)
{
	const char *at = memchr(text.p, '@', text.len);

	if (at == NULL || at == text.p || at + 1 == text.p + text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const char *p = text.p + i;

		if (*p <= 32 || *p >= 127 || strchr("<>()[],;:\"\\|", *p) != NULL)
			return false;
		if (p > at && !isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			return false;
	}
	return memchr(at, '.', (size_t)(text.p + text.len - at)) != NULL;
}

const char *bounce_address(struct range text, struct arena *arena)
{
	struct address address;
	char *copy;

	text = range_trim(text);
	if (text.len > 2 && text.p[0] == '<' && memchr(text.p, '>', text.len) != NULL)
		text = (struct range){
		    text.p + 1, (size_t)((const char *)memchr(text.p, '>', text.len) - text.p) - 1};
	if (text.len == 0 || memchr(text.p, '@', text.len) == NULL)
		return NULL;
	if (address_parse(text, arena, &address, NULL) == 1)
		return address.domain[0] ? address_format(&address, arena) : NULL;
	for (size_t i = 0; i < text.len; i++) { /* a comment behind it */
		if (isspace((unsigned char)text.p[i]))
			text.len = i;
	}
	if (address_parse(text, arena, &address, NULL) == 1)
		return address.domain[0] ? address_format(&address, arena) : NULL;
	if (!is_loose(text))
		return NULL;
	copy = arena_strndup(arena, text.p, text.len);
	for (char *p = strchr(copy, '@'); *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}
