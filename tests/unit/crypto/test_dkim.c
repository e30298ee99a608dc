/*
 * Our DKIM signer against libopendkim: both algorithms, folded and repeated fields, bodies cut
 * anywhere, every signed field changed or added afterwards. Two further judges (dkimpy, Mail::DKIM)
 * where they are installed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mtagw/crypto/dkim.h"

#include "mtagw/base/clock.h"
#include "mtagw/base/mem.h"
#include "tests/unit/crypto/opendkim_oracle.h"

#define AT 1795560699

static char dir[] = "/tmp/mtagw-XXXXXX";
static char *file[2];
static struct dkim_key *key[2];
static struct buf record[2];
static struct oracle_key table[2];

static const char letter[] = "Received: from a (b) by c;\r\n\tTue, 24 Nov 2026 08:00:00 +0700\r\n"
                             "From:  \"Dinas  Kominfo\"\r\n  <surat.diskominfo@dumai.example>\r\n"
                             "To: a@pelabuhan.example,\r\n\tb@pelabuhan.example \r\n"
                             "Subject: Undangan\t rapat\r\n"
                             "Date: Tue, 24 Nov 2026 08:00:00 +0700\r\n"
                             "MESSAGE-ID: <1@dumai.example>\r\n"
                             "Reply-To: surat.diskominfo+abc@dumai.example\r\n"
                             "MIME-Version: 1.0\r\n"
                             "Content-Type: text/plain;\r\n charset=us-ascii\r\n";
static const char body[] = "Dengan hormat, \r\n\r\n  isi \t surat.\r\n\r\n\r\n";

static int setup(void **state)
{
	static const char *const kinds[] = {"rsa", "ed25519"};
	struct err err = {""};

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (int i = 0; i < 2; i++) {
		file[i] = mem_printf("%s/%s.pem", dir, kinds[i]);
		if (dkim_key_create(file[i], kinds[i], &err) != 1)
			fail_msg("%s", err.text);
		key[i] = dkim_key_load(file[i], kinds[i], "dumai.example", &err);
		if (!key[i])
			fail_msg("%s", err.text);
		dkim_key_record(key[i], &record[i]);
		table[i] = (struct oracle_key){kinds[i], buf_str(&record[i])};
	}
	oracle_keys = table;
	oracle_key_count = 2;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		dkim_key_free(&key[i]);
		buf_free(&record[i]);
		unlink(file[i]);
		free(file[i]);
	}
	rmdir(dir);
	return 0;
}

static void body_hash(const char *p, size_t len, size_t cut, uint8_t hash[SHA256_BYTES])
{
	struct dkim_body *running = dkim_body_new();

	for (size_t at = 0; at < len; at += cut)
		dkim_body_add(running, p + at, len - at < cut ? len - at : cut);
	dkim_body_end(&running, hash);
	assert_null(running);
}

/* Both signatures before the block. */
static void sign(const char *block, size_t block_len, const char *text, size_t len, struct buf *out)
{
	uint8_t hash[SHA256_BYTES];
	struct err err = {""};

	body_hash(text, len, 7, hash);
	for (int i = 0; i < 2; i++)
		if (dkim_sign_header(
		        key[i], (struct range){block, block_len}, hash, AT, out, &err) != 1)
			fail_msg("%s", err.text);
	buf_append(out, block, block_len);
}

static int verify(const struct buf *block, const char *text, size_t len)
{
	int total, good = oracle_verify(block->data, block->len, text, len, &total);

	assert_int_equal(total, 2);
	return good;
}

static void test_header_forms(void **state)
{
	static const struct {
		const char *label, *block;
	} cases[] = {
	    {"letter", letter},
	    {"only From", "From: a@dumai.example\r\n"},
	    {"no blank after colon", "From:a@dumai.example\r\nSubject:x\r\n"},
	    {"empty subject", "From: a@dumai.example\r\nSubject:\r\nTo: \r\n"},
	    {"folded to nothing", "From: a@dumai.example\r\nSubject:\r\n \t\r\n x\r\n"},
	    {"two To", "To: a@x.example\r\nFrom: a@dumai.example\r\nTo: b@x.example\r\nTo: "
	               "c@x.example\r\n"},
	    {"8-bit", "From: a@dumai.example\r\nSubject: \xc3\xa9 \xc3\xa9\r\n"},
	    {"other signature stands",
	        "DKIM-Signature: v=1; a=rsa-sha256; bogus\r\nFrom: a@dumai.example\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out = {0};
		int total;

		sign(cases[i].block, strlen(cases[i].block), body, strlen(body), &out);
		if (oracle_verify(out.data, out.len, body, strlen(body), &total) != 2)
			fail_msg("%s:\n%s", cases[i].label, out.data);
		buf_free(&out);
	}
}

static void test_body_forms(void **state)
{
	static const struct {
		const char *label, *text;
	} cases[] = {
	    {"empty", ""},
	    {"one line end", "\r\n"},
	    {"line ends only", "\r\n\r\n\r\n"},
	    {"blank line only", " \t \r\n"},
	    {"blanks in runs", "a \t b\t\tc  \r\n\t\r\n  d\r\n"},
	    {"leading lines", "\r\n\r\nabc\r\n"},
	    {"blank lines at the end", "abc\r\n  \r\n\t\r\n\r\n"},
	    {"dots", ".\r\n..\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out = {0};

		sign(letter, strlen(letter), cases[i].text, strlen(cases[i].text), &out);
		if (verify(&out, cases[i].text, strlen(cases[i].text)) != 2)
			fail_msg("%s", cases[i].label);
		buf_free(&out);
	}
}

/* RFC 6376 3.4.4 adds the missing line end; libopendkim does not, so it cannot judge. */
static void test_body_without_line_end(void **state)
{
	static const char *const same[] = {"abc\r\n", "abc", "abc ", "abc \t\r\n\r\n"};
	uint8_t first[SHA256_BYTES], hash[SHA256_BYTES];

	(void)state;
	body_hash(same[0], strlen(same[0]), 1, first);
	for (size_t i = 1; i < sizeof(same) / sizeof(*same); i++) {
		body_hash(same[i], strlen(same[i]), 2, hash);
		assert_memory_equal(first, hash, SHA256_BYTES);
	}
}

static void test_body_cuts(void **state)
{
	static const char alphabet[] = "a \t\r\n\r\nb\r\n";
	uint32_t seed = 4711;
	char text[3000];

	(void)state;
	for (int round = 0; round < 50; round++) {
		uint8_t whole[SHA256_BYTES], cut[SHA256_BYTES];
		size_t len = (size_t)(round * 61) % sizeof(text);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		body_hash(text, len, sizeof(text), whole);
		for (size_t n = 1; n < 40; n++) {
			body_hash(text, len, n, cut);
			assert_memory_equal(whole, cut, SHA256_BYTES);
		}
	}
}

/* What happens to a signed message on its way, and whether it may pass. */
static void test_changes(void **state)
{
	static const struct {
		const char *label, *add, *from, *to;
		int good;
	} cases[] = {
	    {"nothing", "", NULL, NULL, 2},
	    {"refolded", "", "Undangan\t rapat", "Undangan\r\n\trapat", 2},
	    {"trace added", "Received: from x by y\r\n", NULL, NULL, 2},
	    {"subject changed", "", "Undangan", "Undanpan", 0},
	    {"From added", "From: evil@x.example\r\n", NULL, NULL, 0},
	    {"To added", "To: evil@x.example\r\n", NULL, NULL, 0},
	    {"Cc added where none was", "Cc: evil@x.example\r\n", NULL, NULL, 0},
	    {"Subject added", "Subject: x\r\n", NULL, NULL, 0},
	    {"Date added", "Date: Tue, 24 Nov 2026 09:00:00 +0700\r\n", NULL, NULL, 0},
	    {"Message-ID added", "Message-ID: <2@x.example>\r\n", NULL, NULL, 0},
	    {"Reply-To added", "Reply-To: evil@x.example\r\n", NULL, NULL, 0},
	    {"Content-Type added", "Content-Type: text/html\r\n", NULL, NULL, 0},
	    {"content type changed", "", "us-ascii", "utf-8", 0},
	    {"t= changed", "", "t=1795560699", "t=1795560698", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out = {0}, changed = {0};
		const char *p;
		int good, total;

		sign(letter, strlen(letter), body, strlen(body), &out);
		buf_puts(&changed, cases[i].add);
		for (p = out.data; *p;) {
			size_t n = cases[i].from ? strlen(cases[i].from) : 0;

			if (n && strncmp(p, cases[i].from, n) == 0) {
				buf_puts(&changed, cases[i].to);
				p += n;
			} else {
				buf_putc(&changed, *p++);
			}
		}
		good = oracle_verify(changed.data, changed.len, body, strlen(body), &total);
		if (good != cases[i].good)
			fail_msg("%s: %d good", cases[i].label, good);
		buf_free(&out);
		buf_free(&changed);
	}
	{
		struct buf out = {0};

		sign(letter, strlen(letter), body, strlen(body), &out);
		assert_int_equal(verify(&out, "other\r\n", 7), 0);
		buf_free(&out);
	}
}

static void test_form(void **state)
{
	struct buf out = {0}, many = {0};
	size_t line = 0;

	(void)state;
	buf_puts(&many, letter);
	for (int i = 0; i < 7; i++)
		buf_puts(&many, "References: <x@dumai.example>\r\n");
	sign(many.data, many.len, body, strlen(body), &out);
	assert_int_equal(verify(&out, body, strlen(body)), 2);
	for (size_t i = 0; i < out.len - many.len; i++) {
		line = out.data[i] == '\n' ? 0 : line + 1;
		assert_true(line < 79); /* 77 and the CR */
		assert_true((unsigned char)out.data[i] < 127);
	}
	assert_null(strstr(out.data, " l="));
	assert_null(strstr(out.data, "i="));
	assert_non_null(strstr(out.data, "t=1795560699;"));
	assert_non_null(strstr(out.data, "h=From:From:To:To:Cc:Subject:Subject:"));
	buf_free(&out);
	buf_free(&many);
}

static void test_refused(void **state)
{
	static const struct {
		const char *label, *block;
		size_t len;
	} cases[] = {
#define CASE(label, text) {label, text, sizeof(text) - 1}
	    CASE("empty", ""),
	    CASE("no From", "To: a@x.example\r\n"),
	    CASE("two From", "From: a@x.example\r\nFrom: b@x.example\r\n"),
	    CASE("bare LF", "From: a@x.example\nTo: b@x.example\r\n"),
	    CASE("bare CR", "From: a@x.example\rTo: b@x.example\r\n"),
	    CASE("NUL", "From: a\0@x.example\r\n"),
	    CASE("no last line end", "From: a@x.example"),
	    CASE("ends in CR", "From: a@x.example\r"),
	    CASE("empty line", "From: a@x.example\r\n\r\nTo: b@x.example\r\n"),
	    CASE("empty line at the end", "From: a@x.example\r\n\r\n"),
	    CASE("no field", "From: a@x.example\r\nhello\r\n"),
	    CASE("continuation first", " x\r\nFrom: a@x.example\r\n"),
	    CASE("nine subjects",
	        "From: a@x.example\r\nSubject: 1\r\nSubject: 2\r\nSubject: 3\r\nSubject: 4\r\n"
	        "Subject: 5\r\nSubject: 6\r\nSubject: 7\r\nSubject: 8\r\nSubject: 9\r\n"),
#undef CASE
	};
	uint8_t hash[SHA256_BYTES] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out = {0};
		struct err err = {""};

		if (dkim_sign_header(key[0], (struct range){cases[i].block, cases[i].len}, hash, AT,
		        &out, &err) != -1 ||
		    out.len > 0 || !*err.text)
			fail_msg("%s", cases[i].label);
		buf_free(&out);
	}
}

static void test_key_files(void **state)
{
	struct err err = {""};
	char *bad = mem_printf("%s/bad.pem", dir);
	struct stat st;
	FILE *f;

	(void)state;
	assert_int_equal(stat(file[0], &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	assert_int_equal(dkim_key_create(file[0], "rsa", &err), -1);
	assert_non_null(strstr(err.text, "exists already"));
	assert_int_equal(dkim_key_create(bad, "dsa", &err), -1);
	assert_null(dkim_key_load(bad, "s", "d", &err));
	assert_non_null(strstr(err.text, "No such file"));
	f = fopen(bad, "w");
	assert_non_null(f);
	fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", f);
	fclose(f);
	chmod(bad, 0644);
	assert_null(dkim_key_load(bad, "s", "d", &err));
	assert_non_null(strstr(err.text, "other users"));
	chmod(bad, 0600);
	assert_null(dkim_key_load(bad, "s", "d", &err));
	assert_non_null(strstr(err.text, bad));
	unlink(bad);
	free(bad);
	assert_memory_equal(record[0].data, "v=DKIM1; k=rsa; p=MIIB", 22);
	assert_int_equal(record[1].len, strlen("v=DKIM1; k=ed25519; p=") + 44);
}

/* Two judges that share no code with us or libopendkim; absent ones are said aloud. */
static void test_other_judges(void **state)
{
	char *mail = mem_printf("%s/mail", dir);
	char *command;
	struct buf out = {0};
	FILE *f = fopen(mail, "w");

	(void)state;
	assert_non_null(f);
	sign(letter, strlen(letter), body, strlen(body), &out);
	fprintf(f, "%s\r\n%s", out.data, body);
	fclose(f);
	command = mem_printf("sh tests/unit/crypto/dkim_judges.sh %s '%s' '%s'", mail,
	    record[0].data, record[1].data);
	assert_int_equal(system(command), 0);
	free(command);
	unlink(mail);
	free(mail);
	buf_free(&out);
}

static void test_rate(void **state)
{
	uint8_t hash[SHA256_BYTES];
	static const char *const names[] = {"rsa", "ed25519"};
	static const int rounds[] = {200, 1000};

	(void)state;
	body_hash(body, strlen(body), 100, hash);
	for (int i = 0; i < 2; i++) {
		int64_t begin = clock_mono_ms();
		struct err err;

		for (int n = 0; n < rounds[i]; n++) {
			struct buf out = {0};

			assert_int_equal(
			    dkim_sign_header(key[i], range_of(letter), hash, AT, &out, &err), 1);
			buf_free(&out);
		}
		print_message("dkim %s: %d signatures in %lld ms\n", names[i], rounds[i],
		    (long long)(clock_mono_ms() - begin));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header_forms),
	    cmocka_unit_test(test_body_forms),
	    cmocka_unit_test(test_body_without_line_end),
	    cmocka_unit_test(test_body_cuts),
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_form),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_key_files),
	    cmocka_unit_test(test_other_judges),
	    cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
