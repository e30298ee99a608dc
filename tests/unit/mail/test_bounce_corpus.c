/*
 * test_bounce_corpus: reports of real servers. First what is read of each against
 * tests/bounces/expected; then each report re-addressed to a delivery of a test set, and how many
 * find it. Prints tables; no recipient and no link may be wrong.
 */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "mtagw/base/codec.h"
#include "mtagw/mail/automatic.h"
#include "mtagw/mail/bounce.h"

#define EXPECTED "tests/bounces/expected"
#define FILES_MAX 1000
#define DIGEST_CHARS 6

struct entry {
	char name[64], kind[16], digests[256], remark[160];
};

struct corpus {
	struct entry list[FILES_MAX];
	size_t count;
	const char *dir;
};

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		return false;
	do {
		n = fread(buf_room(out, 65536), 1, 65536, f);
		out->len += n;
		out->data[out->len] = '\0';
	} while (n > 0);
	(void)fclose(f);
	return true;
}

/* The list of expectations; skips with a word where the corpus is absent. */
static void load(struct corpus *c)
{
	static char dir[512];
	const char *base = getenv("MTAGW_CORPUS");
	FILE *f = fopen(EXPECTED, "r");
	char line[512];
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "%s/bounces", base ? base : "../shared/corpus");
	c->dir = dir;
	c->count = 0;
	d = opendir(dir);
	if (d == NULL) {
		print_message("no corpus at %s\n", dir);
		if (f != NULL)
			(void)fclose(f);
		skip();
	}
	(void)closedir(d);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL && c->count < FILES_MAX) {
		struct entry *e = &c->list[c->count];

		e->remark[0] = '\0';
		if (line[0] != '#' && sscanf(line, "%63s %15s %255s %159[^\n]", e->name, e->kind,
		                          e->digests, e->remark) >= 3)
			c->count++;
	}
	(void)fclose(f);
}

/* A report as it would arrive: without mbox's `From ` line; the envelope's sender is what its
 * Return-Path tells, null where the file lost that. */
static struct mime_part *parse(struct range bytes, struct arena *arena, const char **sender_r)
{
	struct mime_part *root;
	const char *path;

	if (bytes.len > 5 && memcmp(bytes.p, "From ", 5) == 0) {
		const char *lf = memchr(bytes.p, '\n', bytes.len);

		bytes.len -= (size_t)(lf + 1 - bytes.p);
		bytes.p = lf + 1;
	}
	assert_int_equal(mime_parse(bytes, arena, &root, NULL), 1);
	path = header_raw(&root->header, "Return-Path", arena);
	if (path[0] == '<')
		path++;
	*sender_r = arena_strndup(arena, path, strcspn(path, ">"));
	return root;
}

static struct range read_report(const struct corpus *c, const struct entry *e, struct buf *bytes)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s.eml", c->dir, e->name);
	buf_reset(bytes);
	if (!read_file(path, bytes))
		fail_msg("%s names %s, which the corpus has not", EXPECTED, e->name);
	return buf_range(bytes);
}

static bool is_expected(const struct entry *e, const char *address)
{
	char hex[SHA256_HEX_SIZE], *lower = mem_strdup(address);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	codec_sha256_hex(lower, strlen(lower), hex);
	free(lower);
	hex[DIGEST_CHARS] = '\0';
	return strstr(e->digests, hex) != NULL;
}

struct sums {
	size_t total, bounces, recognised, named, found, wrong, falsely, kinds_wrong;
};

static void check(const struct entry *e, struct range bytes, struct sums *sums)
{
	struct arena *arena = arena_new();
	const char *sender, *why;
	struct mime_part *root = parse(bytes, arena, &sender);
	const char *kind = automatic_name(automatic_kind(root, sender, arena, &why));
	bool wanted = strcmp(e->kind, "bounce") == 0;
	size_t named = e->digests[0] == '-' ? 0 : (strlen(e->digests) + 1) / (DIGEST_CHARS + 1);
	size_t found = 0;
	struct bounce b;

	sums->total++;
	sums->bounces += wanted;
	sums->named += wanted ? named : 0;
	if (bounce_read(root, sender, arena, &b) == 1) {
		sums->recognised += wanted;
		sums->falsely += !wanted;
		for (size_t i = 0; i < b.recipient_count; i++) {
			bool right = is_expected(e, b.recipients[i].address);

			found += right;
			sums->wrong += !right;
			if (!right)
				print_message("WRONG   %s: %s\n", e->name, b.recipients[i].address);
		}
		sums->found += found;
	}
	if (strcmp(kind, e->kind) != 0 || (wanted && found < named)) {
		print_message("fails   %s: %zu of %zu recipients, taken for %s (%s): %s\n", e->name,
		    found, named, kind, why, e->remark[0] ? e->remark : "no reason known");
		sums->kinds_wrong += e->remark[0] == '\0';
	}
	arena_free(&arena);
}

static void test_reading(void **state)
{
	static struct corpus c;
	struct buf bytes = {0};
	struct sums s = {0};

	(void)state;
	load(&c);
	for (size_t i = 0; i < c.count; i++)
		check(&c.list[i], read_report(&c, &c.list[i], &bytes), &s);
	buf_free(&bytes);
	print_message(
	    "%zu files: %zu of %zu reports recognised, %zu others taken for one; %zu of %zu "
	    "recipients found, %zu wrong\n",
	    s.total, s.recognised, s.bounces, s.falsely, s.found, s.named, s.wrong);
	assert_int_equal(s.wrong, 0);
	assert_int_equal(s.falsely, 0);
	assert_int_equal(s.kinds_wrong, 0);
}

/* Every occurrence of from (ASCII case ignored) in bytes as to. Returns how many. */
static size_t replace(struct buf *bytes, const char *from, const char *to)
{
	struct buf out = {0};
	size_t n = strlen(from), count = 0, i = 0;

	while (i < bytes->len) {
		if (i + n <= bytes->len && strncasecmp(bytes->data + i, from, n) == 0) {
			buf_puts(&out, to);
			i += n;
			count++;
		} else {
			buf_putc(&out, bytes->data[i++]);
		}
	}
	buf_free(bytes);
	*bytes = out;
	return count;
}

/* The test set: letter n went to recipient n and to a neighbour; another letter went to recipient
 * n.
 */
static void delivery_of(size_t n, unsigned which, char *id, char *recipient, size_t size)
{
	(void)snprintf(id, size, "<surat-%zu%s@dumai.example>", n, which == 2 ? "-lain" : "");
	(void)snprintf(
	    recipient, size, "tujuan-%zu%s@luar.example", n, which == 1 ? "-tetangga" : "");
}

enum outcome { SURE, BY_RECIPIENT, AMBIGUOUS, NOWHERE, WRONGLY, NAMES_NOBODY, OUTCOMES };

/* Which delivery the report finds, when nothing but its content is known (no keyed return path).
 * set: 2 without the other letters, 3 with them. */
static enum outcome link_report(
    const struct corpus *c, size_t n, const struct bounce *b, unsigned set)
{
	size_t sure = 0, likely = 0, wrong_sure = 0, wrong_likely = 0;

	for (size_t i = 0; i < c->count; i++) {
		for (unsigned which = 0; which < set; which++) {
			char id[96], recipient[96];
			bool right = i == n && which == 0;
			enum bounce_match m;

			delivery_of(i, which, id, recipient, sizeof(id));
			m = bounce_matches(b, id, recipient);
			sure += m == BOUNCE_SURE && right;
			likely += m == BOUNCE_LIKELY && right;
			wrong_sure += m == BOUNCE_SURE && !right;
			wrong_likely += m == BOUNCE_LIKELY && !right;
		}
	}
	if (wrong_sure > 0)
		return WRONGLY;
	if (sure == 1)
		return SURE;
	if (likely == 1 && wrong_likely == 0)
		return BY_RECIPIENT;
	if (likely == 0)
		return wrong_likely > 1 ? AMBIGUOUS : wrong_likely == 1 ? WRONGLY : NOWHERE;
	return AMBIGUOUS;
}

static bool reads(struct range bytes, struct arena *arena, struct bounce *b)
{
	const char *sender;
	struct mime_part *root = parse(bytes, arena, &sender);

	return bounce_read(root, sender, arena, b) == 1;
}

/* A mail of one encoded part as plain bytes, so that addresses in it can be replaced. */
static void unencode(struct buf *bytes)
{
	struct arena *arena = arena_new();
	const char *sender;
	struct mime_part *root = parse(buf_range(bytes), arena, &sender);
	struct buf plain = {0};

	if (root->encoding == MIME_QP || root->encoding == MIME_BASE64) {
		buf_append(&plain, root->headers.p, root->headers.len);
		(void)replace(&plain, "Content-Transfer-Encoding:", "X-Was-Encoded:");
		buf_putc(&plain, '\n');
		(void)mime_decode(root, &plain, NULL);
		buf_free(bytes);
		*bytes = plain;
	}
	arena_free(&arena);
}

/* Puts delivery n in the place of what the report names; more than one recipient: of the first. */
static bool readdress(size_t n, struct buf *bytes, struct arena *arena, struct bounce *b)
{
	char id[96], recipient[96];
	const char *address;

	delivery_of(n, 0, id, recipient, sizeof(id));
	unencode(bytes);
	if (!reads(buf_range(bytes), arena, b) || b->recipient_count == 0)
		return false;
	address = b->recipients[0].address;
	if (b->message_id[0] != '\0' && replace(bytes, b->message_id, id) == 0)
		return false;
	return replace(bytes, address, recipient) > 0 && reads(buf_range(bytes), arena, b);
}

static void print_links(const size_t counts[OUTCOMES], const char *set)
{
	static const char *const names[OUTCOMES] = {"linked for sure (Message-ID and recipient)",
	    "linked by the recipient alone", "left to the clerk, more than one delivery fits",
	    "not linked", "linked WRONGLY", "read as naming nobody"};

	print_message("%s:\n", set);
	for (int i = 0; i < OUTCOMES; i++)
		print_message("%5zu  %s\n", counts[i], names[i]);
}

static void test_linking(void **state)
{
	static struct corpus c;
	size_t alone[OUTCOMES] = {0}, crowded[OUTCOMES] = {0}, named = 0, unread = 0;
	struct buf bytes = {0};

	(void)state;
	load(&c);
	for (size_t i = 0; i < c.count; i++) {
		struct arena *arena = arena_new();
		struct bounce b;

		if (strcmp(c.list[i].kind, "bounce") == 0 && c.list[i].digests[0] != '-') {
			enum outcome one = NAMES_NOBODY, two = NAMES_NOBODY;

			(void)read_report(&c, &c.list[i], &bytes);
			if (readdress(i, &bytes, arena, &b)) {
				one = link_report(&c, i, &b, 2);
				two = link_report(&c, i, &b, 3);
			}
			named++;
			unread += one == NAMES_NOBODY && c.list[i].remark[0] == '\0';
			alone[one]++;
			crowded[two]++;
			if (two != SURE)
				print_message("%-24s %s\n", c.list[i].name,
				    two == NAMES_NOBODY ? "names nobody"
				                        : "shows no Message-ID of the original");
		}
		arena_free(&arena);
	}
	buf_free(&bytes);
	print_message(
	    "%zu reports that name a recipient, each re-addressed to a delivery; no keyed "
	    "return path\n",
	    named);
	print_links(alone, "each recipient got one letter");
	print_links(crowded, "each recipient got two letters");
	assert_int_equal(alone[WRONGLY] + crowded[WRONGLY], 0);
	/* each that names one is linked to it; to the clerk goes only what fits two letters */
	assert_int_equal(alone[NOWHERE] + alone[AMBIGUOUS] + crowded[NOWHERE], 0);
	assert_int_equal(unread, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reading), cmocka_unit_test(test_linking)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
