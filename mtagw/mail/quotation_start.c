/*
 * quotation_start: where a quotation begins: `>`, an attribution (`Pada ... menulis:`), a divider
 * (`Pesan Asli`), or a client's quoted header, which is two of {Dari, Dikirim, Tanggal, Kepada, Cc,
 * Subjek, From, ...} within four lines (DESIGN 7). The forms are those of Gmail, Apple Mail,
 * Outlook, Thunderbird, Yahoo, Samsung, K-9 and Roundcube in Indonesian and English.
 */
#include "mtagw/mail/quotation_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ATTRIBUTION_LINES_MAX 4 /* clients fold it; more than four lines is prose */
#define ATTRIBUTION_LEN_MAX 500 /* two long names with addresses and a date */
#define CLIENT_HEADER_WINDOW 4  /* DESIGN 7 */
#define CLIENT_LABEL_LEN_MAX 16 /* bytes before the colon */
#define HEAD_BLOCK_LINES_MAX 16 /* how far a block is looked through for labels of ours */

static bool has_digit(const char *s)
{
	return strpbrk(s, "0123456789") != NULL;
}

/* A year and a time stand in it: `2026` and `09.14` or `09:14`. */
static bool has_moment(const char *s)
{
	bool year = false, time = false;

	for (; *s != '\0'; s++) {
		size_t n = strspn(s, "0123456789");

		if (n == 4 && (strncmp(s, "20", 2) == 0))
			year = true;
		if ((n == 1 || n == 2) && (s[n] == '.' || s[n] == ':') &&
		    strspn(s + n + 1, "0123456789") == 2)
			time = true;
		s += n > 0 ? n - 1 : 0;
	}
	return year && time;
}

/* Up to n lines joined by blanks, without the bold marks at the beginning; NULL where too long. */
static const char *joined(const struct lines *lines, size_t i, size_t n, struct arena *arena)
{
	const char *text = line_bare(lines->at[i]);

	for (size_t k = 1; k < n; k++)
		text = arena_printf(arena, "%s %s", text, lines->at[i + k]);
	return strlen(text) <= ATTRIBUTION_LEN_MAX ? text : NULL;
}

/* The text without blanks and bold marks at its end ends so. */
static bool closes(const char *text, const char *words)
{
	size_t n = strlen(text), m = strlen(words);

	while (n > 0 && strchr(" *_", text[n - 1]) != NULL)
		n--;
	return n >= m && strncasecmp(text + n - m, words, m) == 0;
}

/* The text ends in a verb of attribution. */
static bool ends_in_wrote(const char *text)
{
	static const char *const verbs[] = {"menulis", "ditulis", "wrote"};
	static const char *const ends[] = {":", " :", " ----"};
	char word[16];

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
			(void)snprintf(word, sizeof(word), "%s%s", verbs[i], ends[k]);
			if (closes(text, word))
				return true;
		}
	return false;
}

static bool is_attribution(const char *text)
{
	static const char *const openings[] = {"Pada ", "On ", "Tanggal ", "Tgl ", NULL};
	static const char *const running[] = {"> menulis:", "> wrote:", NULL}; /* Yahoo's app lets
	                                                the quoted text follow on the same line */
	static const char *const dated[] = {
	    " menulis pada ", " menulis di ", " wrote on ", " wrote at ", NULL};
	bool opened = line_starts_any(text, openings);

	if (ends_in_wrote(text) &&
	    ((opened && has_digit(text)) || strchr(text, '@') != NULL || has_moment(text)))
		return true;
	if (opened && has_digit(text) && line_has_any(text, running))
		return true;
	if (opened && strchr(text, '@') != NULL &&
	    (closes(text, "menulis") || closes(text, "wrote")))
		return true;
	if (line_has_any(text, dated) && closes(text, ":") && has_digit(text))
		return true;
	return closes(text, ">:") && strchr(text, '@') != NULL && has_moment(text);
}

size_t quotation_attribution(const struct lines *lines, size_t i, struct arena *arena)
{
	static const char *const openings[] = {"Pada ", "On ", NULL};
	const char *first = line_bare(lines->at[i]);
	size_t max = 1;

	/* only what begins like one goes on over several lines */
	if (line_starts_any(first, openings))
		max = ATTRIBUTION_LINES_MAX;
	else if (strchr(first, '@') != NULL || has_moment(first))
		max = 2;
	for (size_t n = 1; n <= max && i + n <= lines->count; n++) {
		const char *line = lines->at[i + n - 1], *text;

		if (line_is_blank(line) || line_is_quoted(line) ||
		    (n > 1 && line_starts_any(line_bare(line), openings)))
			return 0;
		text = joined(lines, i, n, arena);
		if (text == NULL)
			return 0;
		if (is_attribution(text))
			return n;
	}
	return 0;
}

bool quotation_is_forward(const char *line)
{
	static const char *const dashed[] = {"Forwarded message", "Forwarded by", "Forward message",
	    "Pesan terusan", "Pesan diteruskan", "Pesan yang diteruskan",
	    "Pesan yang dikirim ulang", "Diteruskan oleh", NULL};
	static const char *const plain[] = {"Begin forwarded message:", "Awal pesan terusan:",
	    "Awal pesan yang diteruskan:", "Awal pesan diteruskan:", "Mulai pesan terusan:",
	    "Mulai pesan yang diteruskan:", "Mulai pesan diteruskan:", NULL};

	return (strncmp(line, "--", 2) == 0 && line_starts_any(line_bare(line), dashed)) ||
	       line_starts_any(line_bare(line), plain);
}

static bool is_divider(const char *line)
{
	static const char *const words[] = {"Original Message", "Pesan Asli", "Pesan Orisinal",
	    "Pesan Asal", "Original Appointment", "Reply message", "Pesan balasan", "Balas pesan",
	    NULL};
	size_t dashes = strspn(line, "-_ *");

	return dashes >= 2 && strpbrk(line, "-_") != NULL &&
	       line_starts_any(line_bare(line), words);
}

/* What a `Label: value` line of a client's header is; 0 none of them. Weak labels are ours, too. */
enum client_label { LABEL_NONE, LABEL_WEAK, LABEL_STRONG };

/* The label before the colon, bold marks and blanks cut; false: no such line. */
static bool take_label(const char *line, char label[CLIENT_LABEL_LEN_MAX + 1], const char **value_r)
{
	const char *bare = line_bare(line), *colon = strchr(bare, ':');
	size_t n;

	if (colon == NULL || (n = (size_t)(colon - bare)) > CLIENT_LABEL_LEN_MAX)
		return false;
	while (n > 0 && strchr(" *_", bare[n - 1]) != NULL)
		n--;
	memcpy(label, bare, n);
	label[n] = '\0';
	*value_r = colon + 1 + strspn(colon + 1, " *_");
	return n > 0;
}

static enum client_label client_label(const char *label)
{
	static const char *const weak[] = {"Dari", "Tanggal", "Kepada", "Pengirim", NULL};
	static const char *const strong[] = {"From", "Sent", "Date", "To", "Cc", "Bcc", "Subject",
	    "Dikirim", "Terkirim", "Subjek", "Subyek", "Judul", "Ke", "Penerima", "Daripada",
	    "Dihantar", "Perkara", "Dikirim oleh", "Reply-To", "Balas ke", NULL};

	for (const char *const *w = weak; *w != NULL; w++)
		if (strcasecmp(label, *w) == 0)
			return LABEL_WEAK;
	for (const char *const *w = strong; *w != NULL; w++)
		if (strcasecmp(label, *w) == 0)
			return LABEL_STRONG;
	return LABEL_NONE;
}

static bool is_label_line(const struct lines *lines, size_t i)
{
	char label[CLIENT_LABEL_LEN_MAX + 1];
	const char *value;

	return i < lines->count && take_label(lines->at[i], label, &value);
}

/* The block around line i holds a label of nobody's mail program (Nomor, Harap, Hal) and none that
 * only mail programs write: a form filled in by a person. A block ends at an empty line, unless
 * all its lines are set apart so (paragraphs of HTML). */
static bool is_form(const struct lines *lines, size_t i)
{
	char label[CLIENT_LABEL_LEN_MAX + 1];
	const char *value;
	bool foreign = false, spaced = false;
	size_t end;

	if (i + 2 < lines->count && line_is_blank(lines->at[i + 1]))
		spaced = is_label_line(lines, i + 2);
	end = i + HEAD_BLOCK_LINES_MAX;
	for (size_t n = 0; i > 0 && n < HEAD_BLOCK_LINES_MAX; n++, i--)
		if (line_is_blank(lines->at[i - 1]) &&
		    !(spaced && i > 1 && is_label_line(lines, i - 2)))
			break;
	for (; i < end && i < lines->count; i++) {
		if (line_is_blank(lines->at[i])) {
			if (!spaced || !is_label_line(lines, i + 1))
				break;
			continue;
		}
		if (!take_label(lines->at[i], label, &value))
			continue;
		if (client_label(label) == LABEL_STRONG || strchr(value, '@') != NULL)
			return false;
		foreign = foreign || client_label(label) == LABEL_NONE;
	}
	return foreign;
}

static bool is_client_header(const struct lines *lines, size_t i)
{
	char first[CLIENT_LABEL_LEN_MAX + 1], label[CLIENT_LABEL_LEN_MAX + 1];
	const char *value;
	bool two = false;

	if (!take_label(lines->at[i], first, &value) || client_label(first) == LABEL_NONE)
		return false;
	for (size_t k = 1; k < CLIENT_HEADER_WINDOW && i + k < lines->count && !two; k++)
		two = take_label(lines->at[i + k], label, &value) &&
		      client_label(label) != LABEL_NONE && strcasecmp(label, first) != 0;
	return two && !is_form(lines, i);
}

/* An attribution in a form we do not know, right above quoted lines: ends in a colon and holds an
 * address or a moment. Returns the line it begins in, or i. */
static size_t unknown_attribution(
    const struct lines *lines, size_t from, size_t i, struct arena *arena)
{
	size_t last = i;

	while (last > from && line_is_blank(lines->at[last - 1]))
		last--;
	for (size_t n = 1; n <= 3 && last >= from + n; n++) {
		const char *text;

		if (line_is_blank(lines->at[last - n]))
			break;
		text = joined(lines, last - n, n, arena);
		if (text != NULL && closes(text, ":") &&
		    (ends_in_wrote(text) || has_moment(text) ||
		        (strchr(text, '<') != NULL && strchr(text, '@') != NULL)))
			return last - n;
	}
	return i;
}

/* Drawn lines right above belong to it. */
static size_t with_rules(const struct lines *lines, size_t from, size_t i)
{
	size_t k = i;

	while (k > from && (line_is_blank(lines->at[k - 1]) || line_is_rule(lines->at[k - 1])))
		k--;
	return k;
}

static enum start_kind kind_behind(const struct lines *lines, size_t i)
{
	while (i < lines->count && line_is_blank(lines->at[i]))
		i++;
	return i < lines->count && line_is_quoted(lines->at[i]) ? START_MARKED : START_OPEN;
}

struct start quotation_start(const struct lines *lines, size_t from, struct arena *arena)
{
	for (size_t i = from; i < lines->count; i++) {
		const char *line = lines->at[i];
		size_t n;

		if (line_is_blank(line))
			continue;
		if (line_is_quoted(line))
			return (struct start){
			    START_MARKED, unknown_attribution(lines, from, i, arena), false};
		if (quotation_is_forward(line))
			return (struct start){START_OPEN, i, true};
		if (is_divider(line) || is_client_header(lines, i))
			return (struct start){START_OPEN, with_rules(lines, from, i), false};
		if ((n = quotation_attribution(lines, i, arena)) > 0)
			return (struct start){kind_behind(lines, i + n), i, false};
	}
	return (struct start){START_NONE, lines->count, false};
}
