/*
 * reply_reader: every case of tests/replies (how to write one: its README.md), read with the words
 * of the law; dates; and what no file can say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/policy_file.h"
#include "mtagw/mail/date.h"
#include "mtagw/office/reply_reader.h"

#define CASES "tests/replies"
#define CASES_MIN 200

static struct arena *arena;
static struct policy *policy;
static struct policy_report report;
static struct reply_words words;

static char *file_text(const char *path)
{
	struct buf text = {0};
	FILE *f = fopen(path, "rb");
	size_t n;
	char *result;

	if (f == NULL)
		fail_msg("%s cannot be read; run from the top of the checkout", path);
	while ((n = fread(buf_room(&text, 4096), 1, 4096, f)) > 0)
		text.len += n;
	(void)fclose(f);
	result = arena_strndup(arena, text.data ? text.data : "", text.len);
	buf_free(&text);
	return result;
}

static int load(void **state)
{
	struct policy_file *files;
	size_t count;
	struct err err;

	(void)state;
	arena = arena_new();
	if (policy_read_dir("policies", "templates", arena, &files, &count, &err) < 0)
		return -1;
	policy = policy_load(files, count, 1, &report);
	if (policy == NULL)
		return -1;
	reply_words_of(policy, arena, &words);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	policy_free(&policy);
	buf_free(&report.text);
	arena_free(&arena);
	return 0;
}

/* A case being checked. */
struct reply_case {
	const char *name;
	int64_t mail_ms;
	const struct mime_part *root;
	struct reply_reading reading;
	size_t fields, picks; /* met in the expectations so far */
	bool argument, corrected, note, forwarded, below;
	bool failed;
};

static void differs(struct reply_case *c, const char *key, const char *wanted, const char *got)
{
	print_message("%s: %s\n    wanted [%s]\n    got    [%s]\n", c->name, key, wanted, got);
	c->failed = true;
}

static void compare(struct reply_case *c, const char *key, const char *wanted, const char *got)
{
	if (strcmp(wanted, got) != 0)
		differs(c, key, wanted, got);
}

static const char *minute(int64_t at_ms)
{
	struct city_date d = clock_city_date(at_ms);

	return arena_printf(
	    arena, "%04d-%02d-%02d %02d:%02d", d.year, d.month, d.day, d.hour, d.minute);
}

static const char *due_of(struct reply_case *c, const char *value)
{
	int64_t due;
	const char *rest;
	bool has_time;

	if (reply_date(value, c->mail_ms, arena, &due, &has_time, &rest) != 1)
		return "none";
	return rest[0] == '\0' ? minute(due) : arena_printf(arena, "%s + %s", minute(due), rest);
}

/* `1,3 = TL besok`, `1,2 ok`, `4 subject = Undangan`. */
static const char *pick_text(const struct reply_pick *pick)
{
	const char *text = "";

	for (size_t i = 0; i < pick->count; i++)
		text = arena_printf(arena, "%s%s%d", text, i > 0 ? "," : "", pick->numbers[i]);
	if (pick->verb[0] != '\0' || pick->label[0] != '\0')
		text = arena_printf(arena, "%s %s%s", text, pick->verb, pick->label);
	return pick->words[0] ? arena_printf(arena, "%s = %s", text, pick->words) : text;
}

/* `TL | 2026-11-25 23:59` of the words of the last pick met. */
static const char *order_text(struct reply_case *c)
{
	const char *before, *rest;
	int64_t due;
	bool has_time;

	if (c->picks == 0 || c->picks > c->reading.pick_count)
		return "no pick";
	if (reply_date_in(c->reading.picks[c->picks - 1].words, c->mail_ms, arena, &before, &due,
	        &has_time, &rest) != 1)
		return "none";
	return arena_printf(arena, "%s | %s%s%s", before, minute(due), rest[0] ? " | " : "", rest);
}

static void check_field(struct reply_case *c, const char *key, const char *wanted)
{
	const struct reply_field *field;

	if (c->fields >= c->reading.field_count) {
		differs(c, key, wanted, "no such field");
		return;
	}
	field = &c->reading.fields[c->fields++];
	if (strcmp(field->label, key) != 0)
		differs(c, "field", key, field->label);
	else
		compare(c, key, wanted,
		    strcmp(key, "due") == 0 ? due_of(c, field->value) : field->value);
}

static void check_flag(struct reply_case *c, const char *key, const char *wanted, bool got)
{
	compare(c, key, wanted, got ? "yes" : "no");
}

static void check_line(struct reply_case *c, const char *key, const char *wanted)
{
	static const char *const shapes[] = {"empty", "verb", "fields", "numbers", "words"};
	const struct reply_reading *r = &c->reading;

	if (strcmp(key, "shape") == 0) {
		compare(c, key, wanted, shapes[r->shape]);
	} else if (strcmp(key, "verb") == 0) {
		compare(c, key, wanted, r->verb);
	} else if (strcmp(key, "argument") == 0) {
		c->argument = true;
		compare(c, key, wanted, r->argument);
	} else if (strcmp(key, "corrected") == 0) {
		c->corrected = true;
		compare(c, key, wanted, r->corrected ? r->corrected : "");
	} else if (strcmp(key, "note") == 0) {
		c->note = true;
		compare(c, key, wanted, r->note);
	} else if (strcmp(key, "text") == 0) {
		compare(c, key, wanted, r->text);
	} else if (strcmp(key, "first") == 0) {
		compare(c, key, wanted, r->first_line);
	} else if (strcmp(key, "quoted") == 0) {
		check_flag(c, key, wanted, r->quoted);
	} else if (strcmp(key, "forwarded") == 0) {
		c->forwarded = true;
		check_flag(c, key, wanted, r->forwarded);
	} else if (strcmp(key, "below") == 0) {
		c->below = true;
		check_flag(c, key, wanted, r->below);
	} else if (strcmp(key, "excerpt") == 0) {
		compare(c, key, wanted, reply_excerpt(c->root, 40, arena));
	} else if (strcmp(key, "pick") == 0) {
		compare(c, key, wanted,
		    c->picks < r->pick_count ? pick_text(&r->picks[c->picks]) : "no more");
		c->picks++;
	} else if (strcmp(key, "order") == 0) {
		compare(c, key, wanted, order_text(c));
	} else {
		check_field(c, strcmp(key, "catatan") == 0 ? "note" : key, wanted);
	}
}

/* What the case does not say is not there. */
static void check_unsaid(struct reply_case *c)
{
	const struct reply_reading *r = &c->reading;

	if (!c->argument)
		compare(c, "argument", "", r->argument);
	if (!c->corrected)
		compare(c, "corrected", "", r->corrected ? r->corrected : "");
	if (!c->note && r->shape != REPLY_WORDS)
		compare(c, "note", "", r->note);
	if (!c->forwarded)
		check_flag(c, "forwarded", "no", r->forwarded);
	if (!c->below)
		check_flag(c, "below", "no", r->below);
	for (size_t i = c->fields; i < r->field_count; i++)
		differs(c, "field", "",
		    arena_printf(arena, "%s: %s", r->fields[i].label, r->fields[i].value));
	for (size_t i = c->picks; i < r->pick_count; i++)
		differs(c, "pick", "", pick_text(&r->picks[i]));
}

/* `\n` of a case's value as a line's end. */
static void unescape(char *value)
{
	char *out = value;

	for (; *value != '\0'; value++)
		if (value[0] == '\\' && value[1] == 'n') {
			*out++ = '\n';
			value++;
		} else {
			*out++ = *value;
		}
	*out = '\0';
}

/* LF as CRLF, as it travels. */
static struct range travelling(const char *mail)
{
	struct buf out = {0};
	char *bytes;
	size_t len;

	for (; *mail != '\0'; mail++) {
		if (*mail == '\n')
			buf_putc(&out, '\r');
		buf_putc(&out, *mail);
	}
	len = out.len;
	bytes = arena_strndup(arena, buf_str(&out), len);
	buf_free(&out);
	return (struct range){bytes, len};
}

static bool check_case(const char *name)
{
	char *text = file_text(arena_printf(arena, CASES "/%s", name)), *mail, *save = NULL;
	struct reply_case c = {.name = name};
	struct mime_part *root;

	mail = strstr(text, "\n----\n");
	if (mail == NULL) {
		print_message("%s: no line ---- between expectations and mail\n", name);
		return false;
	}
	*mail = '\0';
	if (mime_parse(travelling(mail + 6), arena, &root, NULL) != 1) {
		print_message("%s: the mail cannot be parsed\n", name);
		return false;
	}
	c.root = root;
	if (date_parse(range_of(header_raw(&root->header, "Date", arena)), &c.mail_ms) != 1) {
		print_message("%s: the mail has no Date\n", name);
		return false;
	}
	reply_read(root, &words, arena, &c.reading);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');

		if (line[0] == '#')
			continue;
		if (colon == NULL) {
			differs(&c, "expectation", "key: value", line);
			continue;
		}
		*colon = '\0';
		unescape(colon + 1);
		check_line(&c, line, colon[1] == ' ' ? colon + 2 : colon + 1);
	}
	check_unsaid(&c);
	return !c.failed;
}

static int is_case(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0;
}

/* How many cases check says no to. */
static int run(bool (*check)(const char *name))
{
	struct dirent **list;
	int count = scandir(CASES, &list, is_case, alphasort), failed = 0;

	if (count < CASES_MIN)
		fail_msg("%d cases in " CASES ", at least %d are wanted", count, CASES_MIN);
	for (int i = 0; i < count; i++) {
		failed += !check(list[i]->d_name);
		free(list[i]);
	}
	free(list);
	print_message("%d reply cases, %d failed\n", count, failed);
	return failed;
}

static void cases_are_read_as_they_say(void **state)
{
	(void)state;
	assert_int_equal(run(check_case), 0);
}

/* The body of the case below a quoted line. */
static bool commands_nothing_below(const char *name)
{
	const char *body = strstr(file_text(arena_printf(arena, CASES "/%s", name)), "\n----\n");
	struct reply_reading reading;

	body = body ? strstr(body, "\n\n") : NULL;
	if (body == NULL)
		return true; /* cases_are_read_as_they_say tells */
	reply_read_text(arena_printf(arena, "> Undangan\n%s", body), &words, arena, &reading);
	if (reading.shape == REPLY_EMPTY || reading.shape == REPLY_WORDS)
		return true;
	print_message("%s: commands below a quotation\n", name);
	return false;
}

static void nothing_commands_below_a_quotation(void **state)
{
	(void)state;
	assert_int_equal(run(commands_nothing_below), 0);
}

static void excerpts_are_short(void **state)
{
	static const struct {
		size_t max;
		const char *wanted;
	} cases[] = {{0, ""}, {1, "\xe2\x80\xa6"}, {4, "\xc3\xa9t\xc3\xa9\xe2\x80\xa6"},
	    {6, "\xc3\xa9t\xc3\xa9 di"}, {99, "\xc3\xa9t\xc3\xa9 di"}};
	struct mime_part *root;

	(void)state;
	assert_int_equal(mime_parse(travelling("Content-Type: text/plain; charset=utf-8\n\n"
	                                       "\xc3\xa9t\xc3\xa9\n\n  di\n\n> kutipan\n"),
	                     arena, &root, NULL),
	    1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(reply_excerpt(root, cases[i].max, arena), cases[i].wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cases_are_read_as_they_say),
	    cmocka_unit_test(nothing_commands_below_a_quotation),
	    cmocka_unit_test(excerpts_are_short),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
