/* dns: questions to the domain name system (base/dns.c is the only libunbound code). */
#ifndef BASE_DNS_H
#define BASE_DNS_H

#include <stddef.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };
enum dns_status {
	DNS_FOUND,   /* records stand in the answer */
	DNS_EMPTY,   /* the name is there, nothing of this type */
	DNS_NO_NAME, /* NXDOMAIN, or a name that cannot be one */
	DNS_FAILED,  /* nobody knows now: no answer in time, SERVFAIL, a forged answer */
};
/* A and AAAA: the numeric address; MX and PTR: the name, lower case, without its last dot ("" is
 * the root: a null MX); TXT: the strings of one record joined (RFC 7208 3.3), any byte, NUL after
 * them. */
struct dns_record {
	struct range text;
	unsigned preference; /* MX */
};
struct dns_answer {
	enum dns_status status;
	const struct dns_record *records;
	size_t count;
	const char *why; /* one line where status is DNS_FAILED, else "" */
};

struct dns;
/* zone_file "": the system's resolvers. Else a file of resource records, one a line
 * (`pelabuhan.example. TXT "v=spf1 -all"`; lines that begin with # or ; are passed over), and
 * nobody outside is ever asked: other names do not exist. Answers are cached for their time to
 * live, by this struct, so it lives as long as its process. question_ms bounds each question. NULL
 * and error_r (file:line) on a bad file. Starts a thread: call it after the last fork. */
struct dns *dns_open(const char *zone_file, int question_ms, struct err *error_r);
/* The same with a process for the thread, which runs when this returns: afterwards ours may give up
 * the right to open connections. */
struct dns *dns_open_apart(const char *zone_file, int question_ms, struct err *error_r);
void dns_close(struct dns **dns);
/* All questions from now on together take at most so long; what comes later is DNS_FAILED at once.
 * One message's budget. */
void dns_budget(struct dns *dns, int ms);
/* Blocks within both bounds. name: text form, printable; CNAMEs are followed (not those of a zone
 * file). The answer lives in the arena. */
struct dns_answer dns_ask(
    struct dns *dns, const char *name, enum dns_type type, struct arena *arena);

/* --- for an event loop: nothing here blocks (dns_loop.c) --- */

struct loop;
struct dns_query;
/* Answers come by this loop from now on. Once, before the first dns_start; dns_ask is then not to
 * be used. */
void dns_attach(struct dns *dns, struct loop *loop);
/* Asks within question_ms. done runs once, from the loop, never inside dns_start; the answer lives
 * until it returns. */
struct dns_query *dns_start(struct dns *dns, const char *name, enum dns_type type,
    void (*done)(const struct dns_answer *answer, void *ctx), void *ctx);
/* done will not run; the pointer is cleared, NULL is fine. All questions end before dns_close. */
void dns_cancel(struct dns_query **query);

/* The data of one record as it travels, names uncompressed: 1, or 0 when it is malformed. For dns.c
 * and its fuzz target. */
int dns_record_read(
    enum dns_type type, struct range data, struct arena *arena, struct dns_record *record_r);

#endif
