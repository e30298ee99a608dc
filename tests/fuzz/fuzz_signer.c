/*
 * Fuzzes both directions of signd's socket: what decodes must encode to the same bytes again, and
 * hold what later code relies on.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mtagw/base/buf.h"
#include "mtagw/crypto/signer_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range payload;
	struct signer_request request;
	struct signer_answer answer;
	struct buf again = {0};
	struct err err;

	if (size < 1)
		return 0;
	payload = (struct range){(const char *)data + 1, size - 1};
	if (*data & 8) {
		enum signer_kind kind = SIGNER_PLAN + (*data & 3);

		if (signer_answer_get(payload, kind, &answer, &err) > 0) {
			signer_answer_put(&again, kind, &answer);
			if (!range_equal(buf_range(&again), payload))
				abort();
		}
	} else if (signer_request_get(payload, &request, &err) > 0) {
		signer_request_put(&again, &request);
		if (!range_equal(buf_range(&again), payload))
			abort();
		if (request.from.len > SIGNER_ADDRESS_MAX ||
		    request.header_block.len > SIGNER_HEADER_MAX)
			abort();
	}
	buf_free(&again);
	return 0;
}
