/* dns_private: shared by dns.c (blocking questions) and dns_loop.c (those of the event loop);
 * nobody else includes it. */
#ifndef BASE_DNS_PRIVATE_H
#define BASE_DNS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <unbound.h>

#include "mtagw/base/dns.h"

#define DNS_CLASS_IN 1

struct dns {
	struct ub_ctx *ctx;
	int question_ms;
	int64_t deadline;    /* clock_mono_ms; INT64_MAX: none */
	struct watch *watch; /* of the event loop, where attached */
	struct loop *loop;
};

/* Printable, labels of a length that exists. */
bool dns_name_possible(const char *name);
struct dns_answer dns_answer_failed(struct arena *arena, const char *name, const char *why);
/* What libunbound handed over; error is ub_strerror's. */
struct dns_answer dns_answer_of(int error, const struct ub_result *result, const char *name,
    enum dns_type type, struct arena *arena);

#endif
