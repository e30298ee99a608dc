/*
 * fuzz_reply_reader: text, HTML or a whole mail as a human's reply. What is read must hold
 * together, and nothing below a quoted line may ever command.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/mail/charset.h"
#include "mtagw/mail/guard.h"
#include "mtagw/office/reply_reader.h"

#define EXCERPT_MAX 40
#define DATE_TEXT_MAX 4096
#define MAIL_MS 1795486800000 /* 2026-11-24 09:20 +0700 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct reply_word verbs[] = {{"OK", "ok", REPLY_ARGUMENT_NONE},
    {"SETUJU", "ok", REPLY_ARGUMENT_NONE}, {"KEMBALI", "return", REPLY_ARGUMENT_REQUIRED},
    {"SELESAI", "done", REPLY_ARGUMENT_OPTIONAL}, {"BATAL", "cancel", REPLY_ARGUMENT_NONE},
    {"BUKAN SURAT", "not_letter", REPLY_ARGUMENT_NONE}};
static const struct reply_word labels[] = {{"Kepada", "to", REPLY_ARGUMENT_NONE},
    {"Kpd", "to", REPLY_ARGUMENT_NONE}, {"Harap", "instruction", REPLY_ARGUMENT_NONE},
    {"Batas", "due", REPLY_ARGUMENT_NONE}, {"Batas waktu", "due", REPLY_ARGUMENT_NONE},
    {"Catatan", "note", REPLY_ARGUMENT_NONE}, {"Hal", "subject", REPLY_ARGUMENT_NONE},
    {"Dari", "from", REPLY_ARGUMENT_NONE}, {"Tanggal", "date", REPLY_ARGUMENT_NONE}};
static const struct reply_words words = {
    verbs, labels, sizeof(verbs) / sizeof(verbs[0]), sizeof(labels) / sizeof(labels[0])};

static void want(int holds)
{
	if (!holds)
		abort();
}

static size_t characters(const char *text)
{
	size_t n = 0, len = strlen(text), step;
	uint32_t code;

	for (size_t i = 0; i < len; i += step, n++) {
		step = charset_utf8_next(text + i, len - i, &code);
		want(step > 0);
	}
	return n;
}

static void check_date(const char *text, struct arena *arena)
{
	int64_t due = 0, again = 0;
	const char *before, *rest;
	bool has_time;

	if (strlen(text) > DATE_TEXT_MAX)
		return;
	if (reply_date(text, MAIL_MS, arena, &due, &has_time, &rest) == 1) {
		want(due >= MAIL_MS && due <= MAIL_MS + 3654 * 86400000LL);
		want(reply_date_in(text, MAIL_MS, arena, &before, &again, &has_time, NULL) == 1);
		want(again == due && before[0] == '\0');
	} else if (reply_date_in(text, MAIL_MS, arena, &before, &due, &has_time, &rest) == 1) {
		want(due >= MAIL_MS && strncmp(text, before, strlen(before)) == 0);
	}
}

static void check(const struct reply_reading *r, struct arena *arena)
{
	int line = 0;

	(void)characters(r->text);
	(void)characters(r->note);
	want((r->shape == REPLY_EMPTY) == (r->text[0] == '\0'));
	want((r->shape == REPLY_VERB) == (r->verb[0] != '\0'));
	want((r->shape == REPLY_NUMBERS) == (r->pick_count > 0));
	want(r->shape != REPLY_FIELDS || r->field_count > 0);
	want(r->shape != REPLY_WORDS || (r->field_count == 0 && strcmp(r->note, r->text) == 0));
	want(strncmp(r->text, r->first_line, strlen(r->first_line)) == 0);
	for (size_t i = 0; i < r->pick_count; i++) {
		bool seen[1000] = {false};

		want(r->picks[i].line > line && r->picks[i].count > 0);
		line = r->picks[i].line;
		for (size_t k = 0; k < r->picks[i].count; k++) {
			want(r->picks[i].numbers[k] >= 1 && r->picks[i].numbers[k] <= 999);
			want(!seen[r->picks[i].numbers[k]]);
			seen[r->picks[i].numbers[k]] = true;
		}
		check_date(r->picks[i].words, arena);
	}
	for (size_t i = 0; i < r->field_count; i++) {
		want(r->fields[i].line >= line); /* several share a line behind slashes */
		line = r->fields[i].line;
		check_date(r->fields[i].value, arena);
	}
	check_date(r->text, arena);
}

static void read_mail(struct range mail, struct arena *arena)
{
	static const struct guard_limits limits = {.message_max = 1 << 20};
	struct reply_reading reading;
	struct mime_part *root;

	if (mail.len == 0 || guard_check(mail, &limits, NULL) < 0 ||
	    mime_parse(mail, arena, &root, NULL) < 0)
		return;
	reply_read(root, &words, arena, &reading);
	check(&reading, arena);
	want(characters(reply_excerpt(root, EXCERPT_MAX, arena)) <= EXCERPT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena;
	struct reply_reading reading;
	struct buf html = {0};
	char *text;

	if (size == 0)
		return 0;
	arena = arena_new();
	text = arena_strndup(arena, (const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		reply_read_text(text, &words, arena, &reading);
		check(&reading, arena);
		break;
	case 1:
		html_reply_text((struct range){(const char *)data + 1, size - 1}, &html);
		reply_read_text(buf_str(&html), &words, arena, &reading);
		check(&reading, arena);
		buf_free(&html);
		break;
	case 2:
		reply_read_text(
		    arena_printf(arena, "> Undangan\n%s", text), &words, arena, &reading);
		check(&reading, arena);
		want(reading.shape == REPLY_EMPTY || reading.shape == REPLY_WORDS);
		break;
	default:
		read_mail((struct range){(const char *)data + 1, size - 1}, arena);
	}
	arena_free(&arena);
	return 0;
}
