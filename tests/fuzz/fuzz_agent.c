/*
 * Fuzzes what gpg-agent sends: the lines of its answer, and the S-expression in them, which is made
 * into a signature packet of a bounded size or refused.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/crypto/agent.h"
#include "mtagw/crypto/seal.h"

#define FPR "0123456789ABCDEF0123456789ABCDEF01234567"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range input = {(const char *)data, size};
	const uint8_t digest[SHA256_BYTES] = {0};
	struct buf value = {0}, armor = {0};
	struct seal_plan plan;
	struct err err;
	enum agent_answer answer;
	size_t left;

	do {
		buf_reset(&value);
		left = input.len;
		answer = agent_answer_take(&input, &value, &err);
		if (input.len > left)
			abort();
		for (int rsa = 0; rsa < 2 && answer == AGENT_OK; rsa++) {
			buf_reset(&armor);
			seal_plan_make(&plan, FPR, FPR, rsa ? SEAL_RSA : SEAL_EDDSA, 5);
			if (seal_armor(&plan, digest, buf_range(&value), &armor, &err) > 0 &&
			    armor.len > 4096)
				abort();
		}
	} while (answer == AGENT_OK && input.len > 0);
	for (int rsa = 0; rsa < 2; rsa++) {
		buf_reset(&armor);
		seal_plan_make(&plan, FPR, FPR, rsa ? SEAL_RSA : SEAL_EDDSA, 5);
		(void)seal_armor(
		    &plan, digest, (struct range){(const char *)data, size}, &armor, &err);
	}
	buf_free(&value);
	buf_free(&armor);
	return 0;
}
