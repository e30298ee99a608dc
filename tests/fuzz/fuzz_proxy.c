/*
 * fuzz_proxy: the header of a balancer: whole and cut come to the same, what is told are addresses,
 * and no more is asked for than a header may have.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const char *text)
{
	uint8_t bytes[16];

	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes) != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_ends ends, again;
	struct err err;
	size_t need = 0, more;
	int rc = proxy_parse(data, size, &need, &ends, &err);

	if (rc < 0) {
		if (ends.told)
			abort();
		return 0;
	}
	if (need < PROXY_HEAD_BYTES || need > PROXY_HEAD_BYTES + PROXY_REST_MAX)
		abort();
	if (ends.told) {
		check_address(ends.peer_ip);
		check_address(ends.local_ip);
	}
	if (size < need)
		return ends.told ? (abort(), 0) : 0;
	/* cut anywhere it wants more; what stands behind it changes nothing */
	for (size_t len = 0; len < need; len++)
		if (proxy_parse(data, len, &more, &again, &err) != 1 || more <= len || again.told)
			abort();
	if (proxy_parse(data, need, &more, &again, &err) != 1 || more != need ||
	    memcmp(&again, &ends, sizeof(ends)) != 0)
		abort();
	return 0;
}
