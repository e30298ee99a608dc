/*
 * fuzz_intake: header blocks at the door; what is stored parses again and holds one From at most.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mtagw/mail/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intake in = {.submission = size & 1,
	    .hostname = "mx.dumai.example",
	    .domain = "dumai.example",
	    .peer_ip = "192.0.2.1",
	    .protocol = "ESMTP",
	    .tls = "",
	    .queue_id = "1",
	    .login = "a@dumai.example",
	    .at_ms = 1795482000000};
	struct arena *arena = arena_new();
	struct intake_result result;
	struct header header;
	struct range body;
	const char *enhanced;
	struct buf out = {0};

	in.helo = arena_strndup(arena, (const char *)data, size < 50 ? size : 50);
	if (intake_headers(&in, (struct range){(const char *)data, size}, arena, &out, &result,
	        &enhanced, NULL) == 1) {
		if (header_parse(buf_range(&out), arena, &header, &body, NULL) != 1 ||
		    body.len != 0 || header_count(&header, "From") > 1 ||
		    header_count(&header, "Received") != result.received_count + 1 ||
		    (in.submission &&
		        (header_count(&header, "From") != 1 || header_count(&header, "Bcc") != 0)))
			abort();
	} else if (enhanced[0] != '5') {
		abort();
	}
	buf_free(&out);
	arena_free(&arena);
	return 0;
}
