/*
 * arrival: what the register of incoming letters asks of a mail (R3, R36). Outsiders write as they
 * like: a number and a date are taken from lines that say so, all else from the header. Nothing of
 * it is a command.
 */
#include "mtagw/office/arrival.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mtagw/base/clock.h"
#include "mtagw/mail/date.h"
#include "mtagw/office/qualifier.h"
#include "mtagw/office/reply_reader.h"

static void read_sender(const struct mime_part *root, const char *sender,
    const struct policy *policy, struct arena *arena, struct arrival *a)
{
	const struct policy_correspondent *known;
	struct address envelope = {"", ""};
	struct mailbox *list = NULL;
	size_t count = 0, all = 0;
	struct err err;

	for (size_t i = 0; i < header_count(&root->header, "From"); i++) {
		struct mailbox *more;
		size_t n = 0;

		if (address_list(
		        header_get(&root->header, "From", i)->value, arena, &more, &n, &err) != 1)
			continue;
		if (all == 0) {
			list = more;
			count = n;
		}
		all += n;
	}
	a->from_count = all;
	if (count > 0) {
		envelope = list[0].address;
		a->sender_name = list[0].name;
	} else if (sender[0] == '\0' ||
	           address_parse_utf8(range_of(sender), arena, &envelope, &err) != 1) {
		envelope = (struct address){"", ""};
	}
	a->sender_address = address_format(&envelope, arena);
	a->domain = envelope.domain;
	known = policy_correspondent(policy, a->sender_address);
	if (a->sender_name == NULL || a->sender_name[0] == '\0')
		a->sender_name = known ? known->name : a->sender_address;
}

/* --- words that look like a letter number ------------------------------------------------------
 */

static bool number_char(unsigned char c)
{
	return isalnum(c) || c == '/' || c == '.' || c == '-' || c == '_';
}

static bool number_like(const char *p, size_t len)
{
	size_t slashes = 0, digits = 0;

	for (size_t i = 0; i < len; i++) {
		slashes += p[i] == '/';
		digits += isdigit((unsigned char)p[i]) != 0;
		if (p[i] == '/' && (i == 0 || i + 1 == len || p[i + 1] == '/'))
			return false;
	}
	return slashes >= 2 && digits > 0 && len <= 80;
}

size_t arrival_numbers(
    const char *text, size_t max, struct arena *arena, const char *const **list_r)
{
	const char **list = arena_alloc(arena, (max + 1) * sizeof(*list));
	size_t count = 0;

	*list_r = list;
	for (const char *p = text; *p != '\0' && count < max;) {
		size_t len = 0;
		bool again = false;

		while (number_char((unsigned char)p[len]))
			len++;
		if (len == 0) {
			p++;
			continue;
		}
		size_t use = len;
		while (use > 0 && !isalnum((unsigned char)p[use - 1]))
			use--;
		if (number_like(p, use)) {
			const char *word = arena_strndup(arena, p, use);

			for (size_t i = 0; i < count; i++)
				again |= strcmp(list[i], word) == 0;
			if (!again)
				list[count++] = word;
		}
		p += len;
	}
	return count;
}

/* --- lines that say what they are --------------------------------------------------------------
 */

/* The value of the first line `label : value` among the first lines of the text, "" without. */
static const char *line_of(const char *text, const char *const *labels, struct arena *arena)
{
	int lines = 0;

	for (const char *p = text; p != NULL && *p != '\0' && lines < 30; lines++) {
		const char *end = strchr(p, '\n');
		struct range line =
		    range_trim((struct range){p, end ? (size_t)(end - p) : strlen(p)});

		for (size_t i = 0; labels[i] != NULL; i++) {
			size_t n = strlen(labels[i]);
			struct range rest;

			if (line.len <= n || strncasecmp(line.p, labels[i], n) != 0)
				continue;
			rest = range_trim((struct range){line.p + n, line.len - n});
			if (rest.len > 1 && rest.p[0] == ':') {
				rest = range_trim((struct range){rest.p + 1, rest.len - 1});
				return arena_strndup(
				    arena, rest.p, rest.len < 120 ? rest.len : 120);
			}
		}
		p = end ? end + 1 : NULL;
	}
	return "";
}

/* `24-11-2026`, `24/11/2026`, `24 November 2026`, `Dumai, 24 November 2026` as `2026-11-24`. */
const char *arrival_date(const char *text, struct arena *arena)
{
	static const struct {
		const char *word;
		int month;
	} months[] = {{"jan", 1}, {"feb", 2}, {"peb", 2}, {"mar", 3}, {"apr", 4}, {"mei", 5},
	    {"may", 5}, {"jun", 6}, {"jul", 7}, {"agu", 8}, {"aug", 8}, {"sep", 9}, {"okt", 10},
	    {"oct", 10}, {"nov", 11}, {"nop", 11}, {"des", 12}, {"dec", 12}};
	size_t k;
	const char *p = text;
	char name[16];
	int d, m, y;

	while (*p != '\0' && !isdigit((unsigned char)*p))
		p++;
	if (sscanf(p, "%2d%*1[-/.]%2d%*1[-/.]%4d", &d, &m, &y) != 3) {
		if (sscanf(p, "%2d %15[A-Za-z]%*[., ]%4d", &d, name, &y) != 3)
			return NULL;
		for (k = 0; k < sizeof(months) / sizeof(months[0]); k++)
			if (strncasecmp(name, months[k].word, 3) == 0)
				break;
		if (k == sizeof(months) / sizeof(months[0]))
			return NULL;
		m = months[k].month;
	}
	if (y >= 0 && y < 100)
		y += 2000;
	if (d < 1 || d > 31 || m < 1 || m > 12 || y < 1990 || y > 2200 ||
	    (d > 30 && (m == 4 || m == 6 || m == 9 || m == 11)) ||
	    (m == 2 && (d > 29 || (d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0))))))
		return NULL;
	return arena_printf(arena, "%04d-%02d-%02d", y, m, d);
}

/* `12/PT/2026 tanggal 20 November 2026`: what follows the number is not of it. */
static const char *own_number(const char *value, struct arena *arena)
{
	static const char *const ends[] = {" tanggal", " tgl", " perihal", " hal ", ", "};
	size_t len = strlen(value);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *at = strcasestr(value, ends[i]);

		if (at != NULL && (size_t)(at - value) < len)
			len = (size_t)(at - value);
	}
	return arena_strndup(arena, value, len);
}

/* Subjects that programs write in people's clothes: no sign, but a reason to ask the clerk. */
static bool program_subject(const char *subject)
{
	static const char *const begins[] = {"Automatic reply", "Auto:", "Autoreply", "Auto-reply",
	    "Out of office", "Balasan otomatis", "Jawaban otomatis", "[Ticket", "[#",
	    "Dibaca:", "Read:", "Accepted:", "Declined:", "Diterima:", "Ditolak:", "Tiket "};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncasecmp(subject, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static void read_lines(
    const struct mime_part *root, int64_t received_ms, struct arena *arena, struct arrival *a)
{
	static const char *const number[] = {"Nomor", "No.", "No", "Number", NULL},
	                         *const date[] = {"Tanggal", "Tgl.", "Tgl", "Date", NULL},
	                         *const qualifier[] = {"Sifat", NULL};
	const char *text = mime_main_text(root, arena), *day;
	char own[16];

	a->number = own_number(line_of(text, number, arena), arena);
	a->urgency = "normal";
	a->security_class = "open";
	(void)letter_qualifier(
	    line_of(text, qualifier, arena), &a->security_class, &a->urgency, arena);
	day = arrival_date(line_of(text, date, arena), arena);
	if (day == NULL) {
		clock_iso_day(date_of(&root->header, received_ms), own);
		day = arena_strdup(arena, own);
	}
	a->date = day;
	a->number_count =
	    arrival_numbers(arena_printf(arena, "%s\n%.*s", a->subject, 64 * 1024, text),
	        ARRIVAL_NUMBERS_MAX, arena, &a->numbers);
}

/* --- references --------------------------------------------------------------------------------
 */

static void add_ids(const char *text, struct arena *arena, const char **list, size_t *count)
{
	/* from the end: the nearest relative stands last */
	const char *end = text + strlen(text);

	while (end > text && *count < ARRIVAL_IDS_MAX) {
		const char *close, *open;

		for (close = end - 1; close > text && *close != '>'; close--)
			;
		for (open = close; open > text && *open != '<'; open--)
			;
		if (*close != '>' || *open != '<')
			return;
		list[(*count)++] = arena_strndup(arena, open, (size_t)(close - open) + 1);
		end = open;
	}
}

static void read_enclosures(const struct mime_part *root, struct arena *arena, struct arrival *a)
{
	const struct mime_part **parts;
	size_t count = mime_enclosures(root, arena, &parts);

	a->enclosures = arena_alloc(arena, (count + 1) * sizeof(*a->enclosures));
	for (size_t i = 0; i < count; i++) {
		struct buf bytes = {0};
		struct err
		    ignored; /* what could be decoded is measured; the original travels whole */

		(void)mime_decode(parts[i], &bytes, &ignored);
		a->enclosures[i].filename = parts[i]->filename
		                                ? parts[i]->filename
		                                : arena_printf(arena, "lampiran-%zu", i + 1);
		a->enclosures[i].media_type =
		    arena_printf(arena, "%s/%s", parts[i]->type, parts[i]->subtype);
		a->enclosures[i].size = bytes.len;
		codec_sha256_hex(buf_str(&bytes), bytes.len, a->enclosures[i].sha256);
		buf_free(&bytes);
	}
	a->enclosure_count = count;
}

/* --- a colleague's forward ---------------------------------------------------------------------
 */

/* The sender named by the quoted header of an inline forward: `Dari: Siti <siti@...>`. */
static int quoted_sender(const char *text, struct arena *arena, struct arrival_forward *out)
{
	static const char *const labels[] = {"Dari", "From", "Pengirim", NULL};
	const char *value = line_of(text, labels, arena);
	struct mailbox *list;
	struct err err;
	size_t n = 0;

	if (address_list(range_of(value), arena, &list, &n, &err) != 1 || n != 1)
		return 0;
	out->address = address_format(&list[0].address, arena);
	out->name = list[0].name[0] ? list[0].name : out->address;
	return 1;
}

int arrival_forwarded(
    const struct mime_part *root, struct arena *arena, struct arrival_forward *out)
{
	static const char *const marks[] = {"---------- Forwarded message",
	    "---------- Pesan terusan", "-------- Forwarded Message", "-------- Pesan Terusan",
	    "Begin forwarded message", "-----Original Message-----", "-----Pesan Asli-----"};
	const struct mime_part **list;
	size_t count = mime_enclosures(root, arena, &list), mails = 0;
	const char *text = mime_main_text(root, arena);

	*out = (struct arrival_forward){0};
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i]->type, "message") == 0 && list[i]->child_count == 1) {
			mails++;
			out->part = &list[i]->children[0];
			out->bytes = list[i]->body;
		}
	if (mails == 1)
		return 1;
	*out = (struct arrival_forward){0};
	for (size_t i = 0; mails == 0 && i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *at = strcasestr(text, marks[i]);

		if (at != NULL)
			return quoted_sender(at, arena, out);
	}
	return 0;
}

void arrival_read(const struct mime_part *root, const char *sender, int64_t received_ms,
    const struct policy *policy, struct arena *arena, struct arrival *a)
{
	const char **ids = arena_alloc(arena, (ARRIVAL_IDS_MAX + 1) * sizeof(*ids));

	*a = (struct arrival){.ids = ids};
	read_sender(root, sender, policy, arena, a);
	a->subject = header_text(&root->header, "Subject", arena);
	add_ids(header_raw(&root->header, "In-Reply-To", arena), arena, ids, &a->id_count);
	add_ids(header_raw(&root->header, "References", arena), arena, ids, &a->id_count);
	read_lines(root, received_ms, arena, a);
	a->doubtful = program_subject(a->subject);
	a->excerpt = reply_excerpt(root, ARRIVAL_EXCERPT_MAX, arena);
	read_enclosures(root, arena, a);
}
