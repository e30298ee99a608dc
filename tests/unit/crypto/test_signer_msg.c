/*
 * The messages of signd's socket: what is put is got, and every cut or bent byte is refused or
 * gives values within bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mtagw/crypto/signer_msg.h"

#include "mtagw/base/ipc.h"

#define FPR "0123456789ABCDEF0123456789ABCDEF01234567"

static struct signer_request request_of(enum signer_kind kind)
{
	struct signer_request request = {.kind = kind};

	if (kind == SIGNER_ADMIN) {
		request.verb = range_of("key.create-seal");
		request.args[0] = range_of("surat@dumai.example");
		request.args[1] = range_of("Dinas \xc3\xa9");
		return request;
	}
	request.from = range_of("surat@dumai.example");
	memset(request.digest, 7, sizeof(request.digest));
	seal_plan_make(&request.plan, FPR, FPR, SEAL_EDDSA, 1795560699);
	if (kind != SIGNER_SIGN)
		request.at_secs = 1795560699;
	if (kind == SIGNER_DKIM)
		request.header_block = range_of("From: surat@dumai.example\r\n");
	return request;
}

static void test_requests(void **state)
{
	(void)state;
	for (int kind = SIGNER_PLAN; kind <= SIGNER_ADMIN; kind++) {
		struct signer_request put = request_of(kind), got;
		struct buf payload = {0};
		struct err err = {""};

		signer_request_put(&payload, &put);
		if (signer_request_get(buf_range(&payload), &got, &err) != 1)
			fail_msg("%d: %s", kind, err.text);
		assert_int_equal(got.kind, kind);
		assert_true(range_equal(got.from, put.from));
		assert_true(range_equal(got.verb, put.verb));
		for (int i = 0; i < SIGNER_ARGS; i++)
			assert_true(range_equal(got.args[i], put.args[i]));
		assert_true(range_equal(got.header_block, put.header_block));
		if (kind == SIGNER_SIGN)
			assert_memory_equal(&got.plan, &put.plan, sizeof(put.plan));
		if (kind == SIGNER_SIGN || kind == SIGNER_DKIM)
			assert_memory_equal(got.digest, put.digest, sizeof(put.digest));
		for (size_t len = 0; len < payload.len; len++)
			assert_int_equal(
			    signer_request_get((struct range){payload.data, len}, &got, &err), -1);
		buf_putc(&payload, 'x');
		assert_int_equal(signer_request_get(buf_range(&payload), &got, &err), -1);
		buf_free(&payload);
	}
}

static void test_bent_requests(void **state)
{
	struct signer_request got;
	char big[SIGNER_ADDRESS_MAX + 2];
	struct err err = {""};
	struct buf payload = {0};

	(void)state;
#define REFUSED(kind_, change)                                                             \
	do {                                                                               \
		struct signer_request bent = request_of(kind_);                            \
                                                                                           \
		change;                                                                    \
		buf_reset(&payload);                                                       \
		signer_request_put(&payload, &bent);                                       \
		assert_int_equal(signer_request_get(buf_range(&payload), &got, &err), -1); \
	} while (0)
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	REFUSED(SIGNER_PLAN, bent.from = range_of(big));
	REFUSED(SIGNER_PLAN, bent.from = range_of("a\r\n@b"));
	REFUSED(SIGNER_PLAN, (bent.from = (struct range){"a\0b", 3}));
	REFUSED(SIGNER_PLAN, bent.at_secs = 4294967296);
	REFUSED(SIGNER_DKIM, bent.at_secs = -1);
	REFUSED(SIGNER_SIGN, bent.plan.algorithm = 17);
	REFUSED(SIGNER_SIGN, bent.plan.fingerprint[0] = 'x');
	REFUSED(SIGNER_SIGN, bent.plan.primary[39] = 'f');
	REFUSED(SIGNER_SIGN, bent.plan.hashed[9] ^= 1);
	REFUSED(SIGNER_SIGN, bent.plan.hashed_len = 34);
	REFUSED(SIGNER_SIGN, bent.plan.at_secs++);
	REFUSED(SIGNER_ADMIN, bent.verb = range_of("a verb that is longer than thirty-two bytes"));
	REFUSED(SIGNER_ADMIN, bent.args[2] = range_of("\x7f"));
	REFUSED(5, (void)bent);
#undef REFUSED
	buf_free(&payload);
}

static void test_answers(void **state)
{
	struct signer_answer got, plan = {.outcome = 1},
	                          text = {.outcome = 1, .text = range_of("a\r\n")},
	                          wait = {.outcome = 0, .text = range_of("key is expired")};
	struct buf payload = {0};
	struct err err;

	(void)state;
	seal_plan_make(&plan.plan, FPR, FPR, SEAL_RSA, 5);
	signer_answer_put(&payload, SIGNER_PLAN, &plan);
	assert_int_equal(signer_answer_get(buf_range(&payload), SIGNER_PLAN, &got, &err), 1);
	assert_memory_equal(&got.plan, &plan.plan, sizeof(plan.plan));
	assert_int_equal(signer_answer_get(buf_range(&payload), SIGNER_DKIM, &got, &err), -1);
	buf_reset(&payload);
	signer_answer_put(&payload, SIGNER_DKIM, &text);
	assert_int_equal(signer_answer_get(buf_range(&payload), SIGNER_DKIM, &got, &err), 1);
	assert_true(range_equal(got.text, text.text));
	for (size_t len = 0; len < payload.len; len++)
		assert_int_equal(
		    signer_answer_get((struct range){payload.data, len}, SIGNER_DKIM, &got, &err),
		    -1);
	for (int outcome = 0; outcome >= -1; outcome--) {
		buf_reset(&payload);
		wait.outcome = outcome;
		signer_answer_put(&payload, SIGNER_PLAN, &wait);
		assert_int_equal(
		    signer_answer_get(buf_range(&payload), SIGNER_PLAN, &got, &err), 1);
		assert_int_equal(got.outcome, outcome);
		assert_true(range_equal(got.text, wait.text));
	}
	buf_free(&payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_bent_requests),
	    cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
