/*
 * Packet assembly: the hashed area, MPIs of every length, and signature values that are not ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/crypto/seal.h"

#define FPR "0123456789ABCDEF0123456789ABCDEF01234567"
#define PACKET_HEAD (3 + 35 + 12 + 2)

static const uint8_t digest[SHA256_BYTES] = {0xab, 0xcd, 1, 2, 3};

static void test_plan(void **state)
{
	static const uint8_t wanted[35] = {4, 0, 22, 8, 0, 29, 22, 33, 4, 0x01, 0x23, 0x45, 0x67,
	    0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23,
	    0x45, 0x67, 5, 0x82, 0x6b, 0x06, 0x2c, 0xbb};
	struct seal_plan plan;

	(void)state;
	seal_plan_make(&plan, FPR, FPR, SEAL_EDDSA, 0x6b062cbb);
	assert_int_equal(plan.hashed_len, sizeof(wanted));
	assert_memory_equal(plan.hashed, wanted, sizeof(wanted));
}

static void test_digest(void **state)
{
	struct sha256 *sha = sha256_new();
	struct seal_plan plan;
	struct buf all = {0};
	uint8_t got[SHA256_BYTES], wanted[SHA256_BYTES];

	(void)state;
	seal_plan_make(&plan, FPR, FPR, SEAL_RSA, 7);
	buf_puts(&all, "isi\r\n");
	sha256_add(sha, all.data, all.len);
	buf_append(&all, plan.hashed, plan.hashed_len);
	buf_append(&all, "\x04\xff\0\0\0\x23", 6);
	codec_sha256(all.data, all.len, wanted);
	seal_digest_end(&plan, &sha, got);
	assert_null(sha);
	assert_memory_equal(got, wanted, SHA256_BYTES);
	buf_free(&all);
}

/* The packet inside the armor. */
static void unarmor(const struct buf *armor, struct buf *packet)
{
	const char *p = strstr(armor->data, "\r\n\r\n") + 4, *end;

	for (; *p != '='; p = end + 2) {
		end = strstr(p, "\r\n");
		assert_true(end - p <= 64);
		assert_int_equal(codec_unbase64(packet, p, (size_t)(end - p)), 1);
	}
	assert_string_equal(p + 5, "\r\n-----END PGP SIGNATURE-----\r\n");
}

static void test_integers(void **state)
{
	/* value bytes of r, and what the packet must hold */
	static const struct {
		const char *label;
		size_t len;
		uint8_t value[32];
		size_t bits;
	} cases[] = {
	    {"full", 32, {0xff}, 256},
	    {"255 bits", 32, {0x7f}, 255},
	    {"249 bits", 32, {0x01}, 249},
	    {"one zero in front", 32, {0, 0xff}, 248},
	    {"one zero and a small byte", 32, {0, 0x01}, 241},
	    {"two zeros", 32, {0, 0, 0x80}, 240},
	    {"stripped by the agent", 31, {0x80}, 248},
	    {"one bit", 1, {1}, 1},
	    {"zero", 1, {0}, 0},
	    {"nothing", 0, {0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf sexp = {0}, armor = {0}, packet = {0};
		struct seal_plan plan;
		struct err err;
		const uint8_t *p;
		size_t bytes = (cases[i].bits + 7) / 8;

		seal_plan_make(&plan, FPR, FPR, SEAL_EDDSA, 7);
		buf_printf(&sexp, "(7:sig-val(5:eddsa(1:r%zu:", cases[i].len);
		buf_append(&sexp, cases[i].value, cases[i].len);
		buf_puts(&sexp, ")(1:s1:\x05)))");
		assert_int_equal(seal_armor(&plan, digest, buf_range(&sexp), &armor, &err), 1);
		unarmor(&armor, &packet);
		p = (const uint8_t *)packet.data;
		assert_int_equal(p[0], 0x89);
		assert_int_equal(p[1] << 8 | p[2], packet.len - 3);
		assert_memory_equal(p + PACKET_HEAD - 2, digest, 2);
		if ((size_t)(p[PACKET_HEAD] << 8 | p[PACKET_HEAD + 1]) != cases[i].bits ||
		    packet.len != PACKET_HEAD + 2 + bytes + 3)
			fail_msg("%s", cases[i].label);
		assert_memory_equal(
		    p + PACKET_HEAD + 2, cases[i].value + cases[i].len - bytes, bytes);
		buf_free(&sexp);
		buf_free(&armor);
		buf_free(&packet);
	}
}

static void test_not_values(void **state)
{
	static const struct {
		const char *label, *sexp;
		int algorithm;
	} cases[] = {
	    {"empty", "", SEAL_EDDSA},
	    {"garbage", "hello", SEAL_EDDSA},
	    {"rsa for eddsa", "(7:sig-val(3:rsa(1:s1:a)))", SEAL_EDDSA},
	    {"eddsa for rsa", "(7:sig-val(5:eddsa(1:r1:a)(1:s1:b)))", SEAL_RSA},
	    {"s before r", "(7:sig-val(5:eddsa(1:s1:a)(1:r1:b)))", SEAL_EDDSA},
	    {"no s", "(7:sig-val(5:eddsa(1:r1:a)))", SEAL_EDDSA},
	    {"33 bytes", "(7:sig-val(5:eddsa(1:r33:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)(1:s1:b)))",
	        SEAL_EDDSA},
	    {"length past the end", "(7:sig-val(5:eddsa(1:r32:a)(1:s1:b)))", SEAL_EDDSA},
	    {"huge length", "(7:sig-val(5:eddsa(1:r99999999999999999999999:a)(1:s1:b)))",
	        SEAL_EDDSA},
	    {"no length", "(7:sig-val(5:eddsa(1:r:a)(1:s1:b)))", SEAL_EDDSA},
	    {"not closed", "(7:sig-val(5:eddsa(1:r1:a)(1:s1:b))", SEAL_EDDSA},
	    {"rest", "(7:sig-val(5:eddsa(1:r1:a)(1:s1:b)))x", SEAL_EDDSA},
	    {"third value", "(7:sig-val(5:eddsa(1:r1:a)(1:s1:b)(1:t1:c)))", SEAL_EDDSA},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf armor = {0};
		struct seal_plan plan;
		struct err err = {""};

		seal_plan_make(&plan, FPR, FPR, cases[i].algorithm, 7);
		if (seal_armor(&plan, digest, range_of(cases[i].sexp), &armor, &err) != -1 ||
		    armor.len > 0 || !*err.text)
			fail_msg("%s", cases[i].label);
		buf_free(&armor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plan),
	    cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_not_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
