/*
 * Fuzzes the reading of one DNS record's data: text within bounds, names of printable letters, and
 * nothing read beyond the data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
	struct arena *arena = arena_new();
	struct dns_record record;
	enum dns_type type;
	char *copy; /* of its exact size, so that a byte too many is seen */

	if (size > 0 && size < 65537) {
		type = types[*data % 5];
		copy = malloc(size);
		memcpy(copy, data + 1, size - 1);
		copy = realloc(copy, size > 1 ? size - 1 : 1);
		if (dns_record_read(type, (struct range){copy, size - 1}, arena, &record)) {
			/* the text of an address is longer than its bytes */
			if (record.text.p[record.text.len] != '\0' || record.text.len > size + 46)
				abort();
			for (size_t i = 0; type != DNS_TXT && i < record.text.len; i++)
				if (record.text.p[i] <= ' ' || record.text.p[i] > 126)
					abort();
		}
		free(copy);
	}
	arena_free(&arena);
	return 0;
}
