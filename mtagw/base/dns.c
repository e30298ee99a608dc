/*
 * dns: opening and reading of answers, and blocking questions with a time limit, over libunbound's
 * asynchronous side: its thread does the waiting, we poll its descriptor, and a question that is
 * late is cancelled. Validation of DNSSEC is libunbound's; an answer it calls bogus is a failure.
 * What libunbound hands over has no compression left, so a record's data is read here with nothing
 * but lengths.
 *
 * With a zone file, the root is a local zone of libunbound's that knows only those records: it
 * answers "no such name" to everything else and never opens a socket. Questions of an event loop
 * are dns_loop.c.
 */
#include "mtagw/base/dns.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/dns_private.h"
#include "mtagw/base/log.h"
#include "mtagw/base/loop.h"

#define NAME_MAX_BYTES 253 /* text form, RFC 1035 2.3.4 */
#define LABEL_MAX_BYTES 63
#define RCODE_NXDOMAIN 3
/* An answer of more records than this is cut: nobody publishes them for mail. */
#define RECORDS_MAX 200

/* Lives until libunbound has answered or the question is cancelled. */
struct question {
	bool done;
	int error;
	struct ub_result *result;
};

/* -- opening -- */

static int zone_line(struct dns *dns, const char *file, int number, char *line, struct err *error_r)
{
	line[strcspn(line, "\r\n")] = '\0';
	while (*line == ' ' || *line == '\t')
		line++;
	if (!*line || *line == '#' || *line == ';')
		return 1;
	/* what it says about a wrong line is "out of memory" */
	if (ub_ctx_data_add(dns->ctx, line) != 0)
		return err_set(
		    error_r, "%s:%d: not a resource record: \"%s\"", file, number, log_safe(line));
	return 1;
}

static int zone_read(struct dns *dns, const char *file, struct err *error_r)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;
	int rc = 1;

	if (!f)
		return err_set(error_r, "%s: %s", file, strerror(errno));
	if (ub_ctx_zone_add(dns->ctx, ".", "static") != 0)
		rc = err_set(error_r, "libunbound takes no local zone");
	for (int number = 1; rc > 0 && getline(&line, &size, f) >= 0; number++)
		rc = zone_line(dns, file, number, line, error_r);
	free(line);
	(void)fclose(f);
	return rc;
}

/* thread: who waits for answers, a thread or a process of its own. */
static struct dns *open_with(
    bool thread, const char *zone_file, int question_ms, struct err *error_r)
{
	struct dns *dns = mem_zalloc(sizeof(*dns));
	int rc;

	dns->question_ms = question_ms;
	dns->deadline = INT64_MAX;
	dns->ctx = ub_ctx_create();
	if (!dns->ctx) {
		(void)err_set(error_r, "libunbound does not start: %s", strerror(errno));
		goto failed;
	}
	(void)ub_ctx_debugout(dns->ctx, NULL); /* errors reach us as errors */
	if ((rc = ub_ctx_async(dns->ctx, thread)) != 0) {
		(void)err_set(error_r, "libunbound: %s", ub_strerror(rc));
		goto failed;
	}
	if (*zone_file) {
		if (zone_read(dns, zone_file, error_r) < 0)
			goto failed;
	} else if ((rc = ub_ctx_resolvconf(dns->ctx, NULL)) != 0 ||
	           (rc = ub_ctx_hosts(dns->ctx, NULL)) != 0) {
		(void)err_set(error_r, "the system's resolvers: %s", ub_strerror(rc));
		goto failed;
	}
	return dns;
failed:
	dns_close(&dns);
	return NULL;
}

void dns_close(struct dns **dnsp)
{
	struct dns *dns = *dnsp;

	*dnsp = NULL;
	if (!dns)
		return;
	watch_free(&dns->watch);
	ub_ctx_delete(dns->ctx);
	free(dns);
}

void dns_budget(struct dns *dns, int ms)
{
	dns->deadline = clock_mono_ms() + ms;
}

/* -- data of records -- */

/* Labels as a name in text; a dot, a control or a byte above 126 inside a label makes it none of
 * ours. */
static int name_read(struct range data, struct arena *arena, struct range *name_r)
{
	char text[NAME_MAX_BYTES + LABEL_MAX_BYTES + 3];
	size_t at = 0, len = 0;

	while (at < data.len && data.p[at] != 0) {
		size_t label = (unsigned char)data.p[at++];

		if (label > LABEL_MAX_BYTES || label > data.len - at ||
		    len + label + 1 > NAME_MAX_BYTES + 1)
			return 0;
		if (len > 0)
			text[len++] = '.';
		for (; label > 0; label--, at++) {
			unsigned char c = (unsigned char)data.p[at];

			if (c <= ' ' || c > 126 || c == '.')
				return 0;
			text[len++] = (char)tolower(c);
		}
	}
	if (at + 1 != data.len)
		return 0;
	*name_r = (struct range){arena_strndup(arena, text, len), len};
	return 1;
}

static int strings_read(struct range data, struct arena *arena, struct range *text_r)
{
	char *text = arena_alloc(arena, data.len + 1);
	size_t at = 0, len = 0;

	while (at < data.len) {
		size_t n = (unsigned char)data.p[at++];

		if (n > data.len - at)
			return 0;
		memcpy(text + len, data.p + at, n);
		len += n;
		at += n;
	}
	*text_r = (struct range){text, len};
	return 1;
}

static int address_read(int family, struct range data, struct arena *arena, struct range *text_r)
{
	char text[INET6_ADDRSTRLEN];

	if (data.len != (family == AF_INET ? 4U : 16U) ||
	    !inet_ntop(family, data.p, text, sizeof(text)))
		return 0;
	*text_r = range_of(arena_strdup(arena, text));
	return 1;
}

int dns_record_read(
    enum dns_type type, struct range data, struct arena *arena, struct dns_record *record_r)
{
	*record_r = (struct dns_record){.preference = 0};
	switch (type) {
	case DNS_A:
		return address_read(AF_INET, data, arena, &record_r->text);
	case DNS_AAAA:
		return address_read(AF_INET6, data, arena, &record_r->text);
	case DNS_TXT:
		return strings_read(data, arena, &record_r->text);
	case DNS_MX:
		if (data.len < 3)
			return 0;
		record_r->preference =
		    (unsigned)(unsigned char)data.p[0] << 8 | (unsigned char)data.p[1];
		data = (struct range){data.p + 2, data.len - 2};
		return name_read(data, arena, &record_r->text);
	case DNS_PTR:
		return name_read(data, arena, &record_r->text);
	}
	return 0;
}

/* -- asking -- */

/* Printable, labels of a length that exists. What libunbound's text form gives a meaning to (\ and
 * ") is kept out: no name we ask for holds it. */
bool dns_name_possible(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || name[i] == '.') {
			if (label == 0 || label > LABEL_MAX_BYTES)
				return false;
			label = 0;
			continue;
		}
		if (name[i] <= ' ' || name[i] > 126 || strchr("\\\"()@;$", name[i]))
			return false;
		label++;
	}
	return true;
}

static void answered(void *ctx, int error, struct ub_result *result)
{
	struct question *question = ctx;

	question->done = true;
	question->error = error;
	question->result = result;
}

/* Waits for the answer until the deadline; false when it did not come. */
static bool wait_answer(struct dns *dns, const struct question *question, int64_t deadline)
{
	while (!question->done) {
		struct pollfd p = {.fd = ub_fd(dns->ctx), .events = POLLIN};
		int64_t left = deadline - clock_mono_ms();
		int n = left > 0 ? poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX) : 0;

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		if (n > 0 && ub_process(dns->ctx) != 0)
			return false;
	}
	return true;
}

struct dns_answer dns_answer_failed(struct arena *arena, const char *name, const char *why)
{
	return (struct dns_answer){
	    .status = DNS_FAILED, .why = arena_printf(arena, "%s: %s", name, why)};
}

struct dns_answer dns_answer_of(int error, const struct ub_result *result, const char *name,
    enum dns_type type, struct arena *arena)
{
	struct dns_answer answer = {.status = DNS_EMPTY, .why = ""};
	struct dns_record *records;
	size_t count = 0;

	if (error != 0 || result == NULL)
		return dns_answer_failed(arena, name, ub_strerror(error));
	if (result->bogus)
		return dns_answer_failed(arena, name, "the answer is forged (DNSSEC)");
	if (result->nxdomain || result->rcode == RCODE_NXDOMAIN) {
		answer.status = DNS_NO_NAME;
		return answer;
	}
	if (result->rcode != 0)
		return dns_answer_failed(arena, name, "the name server failed");
	while (result->havedata && result->data[count] && count < RECORDS_MAX)
		count++;
	records = arena_alloc(arena, (count + 1) * sizeof(*records));
	for (size_t i = 0; i < count; i++) {
		struct range data = {result->data[i], (size_t)result->len[i]};

		answer.count += dns_record_read(type, data, arena, &records[answer.count]) > 0;
	}
	answer.records = records;
	if (answer.count > 0)
		answer.status = DNS_FOUND;
	return answer;
}

struct dns_answer dns_ask(
    struct dns *dns, const char *name, enum dns_type type, struct arena *arena)
{
	int64_t deadline = clock_mono_ms() + dns->question_ms;
	struct question *question;
	struct dns_answer answer;
	int id = 0, rc;

	if (!dns_name_possible(name))
		return (struct dns_answer){.status = DNS_NO_NAME, .why = ""};
	if (deadline > dns->deadline)
		deadline = dns->deadline;
	if (deadline <= clock_mono_ms())
		return dns_answer_failed(arena, name, "the time for questions is used up");
	question = mem_zalloc(sizeof(*question));
	rc = ub_resolve_async(dns->ctx, name, (int)type, DNS_CLASS_IN, question, answered, &id);
	if (rc != 0) {
		answer = dns_answer_failed(arena, name, ub_strerror(rc));
	} else if (!wait_answer(dns, question, deadline)) {
		/* no callback comes any more: the struct may go */
		(void)ub_cancel(dns->ctx, id);
		answer = dns_answer_failed(arena, name, "no answer in time");
	} else {
		answer = dns_answer_of(question->error, question->result, name, type, arena);
	}
	ub_resolve_free(question->result);
	free(question);
	return answer;
}

/* -- who asks -- */

struct dns *dns_open(const char *zone_file, int question_ms, struct err *error_r)
{
	return open_with(true, zone_file, question_ms, error_r);
}

struct dns *dns_open_apart(const char *zone_file, int question_ms, struct err *error_r)
{
	struct dns *dns = open_with(false, zone_file, question_ms, error_r);
	struct arena *arena = arena_new();
	struct dns_answer answer;

	if (dns) {
		/* it forks at the first question; this one libunbound answers out of itself */
		answer = dns_ask(dns, "localhost", DNS_A, arena);
		if (answer.status == DNS_FAILED) {
			(void)err_set(error_r, "the resolver process: %s", answer.why);
			dns_close(&dns);
		}
	}
	arena_free(&arena);
	return dns;
}
