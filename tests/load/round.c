/*
 * round: one measured round: its options, its schedule, what became of each message, and the line
 * of JSON that tells it. A message that was refused or lost counts as failed and is not sent again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/load/load.h"

#define SECOND 1000000000LL
#define NAMED_MAX 20 /* of the messages that are missing, so many are named */

struct round the_round;

double round_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* --- options ---------------------------------------------------------------------------------- */

static void clear(struct round *r)
{
	for (size_t i = 0; i < r->identity_count; i++)
		free(r->identities[i].login); /* the whole line */
	free(r->identities);
	free(r->body);
	free(r->times);
	*r = (struct round){0};
}

/* A line of the file of people; true when it has the four fields. */
static bool person(struct identity *who, char *line)
{
	char *save = NULL, *rcpts;

	*who = (struct identity){.login = line};
	who->password = strchr(line, '\t');
	if (who->password == NULL)
		return false;
	*who->password++ = '\0';
	who->sender = strchr(who->password, '\t');
	if (who->sender == NULL)
		return false;
	*who->sender++ = '\0';
	rcpts = strchr(who->sender, '\t');
	if (rcpts == NULL)
		return false;
	*rcpts++ = '\0';
	for (char *one = strtok_r(rcpts, " \n", &save); one != NULL;
	     one = strtok_r(NULL, " \n", &save)) {
		if (who->rcpt_count == sizeof(who->rcpts) / sizeof(who->rcpts[0]))
			return false;
		who->rcpts[who->rcpt_count++] = one;
	}
	return who->rcpt_count > 0;
}

static const char *people(struct round *r, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	const char *wrong = "";

	if (f == NULL)
		return "cannot read the file of people";
	while (wrong[0] == '\0' && getline(&line, &size, f) > 0) {
		r->identities = need(
		    realloc(r->identities, (r->identity_count + 1) * sizeof(r->identities[0])));
		if (!person(&r->identities[r->identity_count++], need(strdup(line))))
			wrong = "a line of people has login, password, sender, recipients";
	}
	free(line);
	fclose(f);
	return wrong[0] == '\0' && r->identity_count == 0 ? "nobody in the file of people" : wrong;
}

static const char *options(struct round *r, char *text)
{
	char *save = NULL, *value;
	size_t size = 4096;
	bool file = false;
	const char *wrong = "";

	r->sessions = 1;
	r->limit_ns = 120 * SECOND;
	for (char *name = strtok_r(text, " ", &save); name != NULL && wrong[0] == '\0';
	     name = strtok_r(NULL, " ", &save)) {
		value = strchr(name, '=');
		if (value == NULL)
			return "an option is name=value";
		*value++ = '\0';
		if (strcmp(name, "port") == 0)
			r->port = atoi(value);
		else if (strcmp(name, "total") == 0)
			r->total = strtoul(value, NULL, 10);
		else if (strcmp(name, "sessions") == 0)
			r->sessions = strtoul(value, NULL, 10);
		else if (strcmp(name, "per") == 0)
			r->per_connection = strtoul(value, NULL, 10);
		else if (strcmp(name, "rate") == 0)
			r->rate = strtod(value, NULL);
		else if (strcmp(name, "size") == 0)
			size = strtoul(value, NULL, 10);
		else if (strcmp(name, "file") == 0)
			file = value[0] == '1';
		else if (strcmp(name, "tls") == 0)
			r->tls = value[0] == '1';
		else if (strcmp(name, "sink") == 0)
			r->sink_too = value[0] == '1';
		else if (strcmp(name, "alone") == 0)
			r->alone = value[0] == '1';
		else if (strcmp(name, "ips") == 0)
			r->ips = strtoul(value, NULL, 10);
		else if (strcmp(name, "limit") == 0)
			r->limit_ns = strtol(value, NULL, 10) * SECOND;
		else if (strcmp(name, "people") == 0)
			wrong = people(r, value);
		else
			wrong = "unknown option";
	}
	if (wrong[0] == '\0' && (r->port <= 0 || r->sessions == 0 || r->identity_count == 0))
		wrong = "port=, sessions= and people= are needed";
	if (wrong[0] == '\0')
		message_make_body(r, size, file);
	return wrong;
}

const char *round_begin(char *text)
{
	struct round *r = &the_round;
	static uint64_t number;
	const char *wrong;

	clients_end();
	clear(r);
	wrong = options(r, text);
	if (wrong[0] != '\0')
		return wrong;
	/* the sink gets what other generators send too: their rounds are others */
	r->number = (uint64_t)getpid() * 10000 + ++number;
	r->times = need(calloc(r->total + 1, sizeof(r->times[0])));
	r->running = true;
	r->cpu = round_cpu();
	r->begun = now_ns();
	clients_begin();
	return "";
}

/* --- the schedule ----------------------------------------------------------------------------- */

/* Kept-open sessions are opened before the clock starts; those of a few messages are part of what
 * is measured. */
static bool opened;

static int64_t due_at(const struct round *r)
{
	return r->begun + (int64_t)((double)r->started * 1e9 / r->rate);
}

long round_take(void)
{
	struct round *r = &the_round;
	int64_t due = 0;

	if (!r->running || !opened || r->started == r->total)
		return -1;
	if (r->alone && r->arrived + r->failed < r->started)
		return -1;
	if (r->rate > 0) {
		due = due_at(r);
		if (due > now_ns())
			return -1;
	}
	r->times[r->started].due = due;
	return (long)r->started++;
}

void round_answered(size_t index)
{
	struct round *r = &the_round;

	r->last_ok = r->times[index].ok = now_ns();
	r->answered++;
}

void round_fault(long index, const char *text)
{
	struct round *r = &the_round;

	if (r->faults++ == 0) {
		snprintf(r->fault, sizeof(r->fault), "%s", text);
		for (char *p = r->fault; *p != '\0'; p++)
			if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
				*p = '\'';
	}
	if (index >= 0)
		r->failed++;
}

void round_arrived(bool marked, uint64_t number, size_t index, int64_t at)
{
	struct round *r = &the_round;

	if (!marked || number != r->number || index >= r->started) {
		sink_strange++;
		r->strange++;
		return;
	}
	if (r->times[index].sink != 0) {
		sink_doubled++;
		r->doubled++;
		return;
	}
	r->times[index].sink = r->last_sink = at;
	r->arrived++;
}

/* --- the end ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* {"p50":..} in milliseconds of what lies between two times of each message. */
static void print_spread(const char *name, size_t from, size_t to)
{
	struct round *r = &the_round;
	int64_t *all = need(malloc((r->total + 1) * sizeof(*all)));
	size_t n = 0;

	for (size_t i = 0; i < r->total; i++) {
		const int64_t *a = (const int64_t *)((const char *)&r->times[i] + from),
		              *b = (const int64_t *)((const char *)&r->times[i] + to);

		if (*a != 0 && *b != 0)
			all[n++] = *b - *a;
	}
	qsort(all, n, sizeof(*all), compare);
	printf(",\"%s\":{", name);
	if (n > 0)
		printf("\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f",
		    (double)all[n * 50 / 100] / 1e6, (double)all[n * 90 / 100] / 1e6,
		    (double)all[n * 99 / 100] / 1e6, (double)all[n - 1] / 1e6);
	printf("}");
	free(all);
}

/* Which messages were answered with 250 and are not in the sink, the first of them by name. */
static void print_missing(const struct round *r)
{
	size_t n = 0;

	printf(",\"missing\":[");
	for (size_t i = 0; i < r->started && n < NAMED_MAX; i++)
		if (r->times[i].ok != 0 && r->times[i].sink == 0)
			printf("%s\"XQ%llux%zuZ\"", n++ == 0 ? "" : ",",
			    (unsigned long long)r->number, i);
	printf("]");
}

static void finish(void)
{
	struct round *r = &the_round;
	double accept = (double)(r->last_ok - r->begun) / 1e9,
	       sink = (double)(r->last_sink - r->begun) / 1e9;

	r->running = false;
	opened = false;
	loop_wake_at(0);
	printf("{\"answered\":%zu,\"failed\":%zu,\"arrived\":%zu,\"doubled\":%zu,\"strange\":%zu,"
	       "\"faults\":%zu,\"connections\":%zu,\"fault\":\"%s\",\"begun\":%.6f,\"cpu\":%.4f",
	    r->answered, r->failed, r->arrived, r->doubled, r->strange, r->faults, r->connections,
	    r->fault, (double)r->begun / 1e9, round_cpu() - r->cpu);
	if (r->sink_too)
		print_missing(r);
	if (r->answered > 0)
		printf(",\"seconds\":%.6f,\"rate\":%.3f", accept, (double)r->answered / accept);
	if (r->arrived > 0)
		printf(
		    ",\"sink_seconds\":%.6f,\"sink_rate\":%.3f", sink, (double)r->arrived / sink);
	print_spread("accept_ms", offsetof(struct times, due), offsetof(struct times, ok));
	print_spread("whole_ms", offsetof(struct times, due), offsetof(struct times, sink));
	print_spread("sink_ms", offsetof(struct times, dot), offsetof(struct times, sink));
	printf("}\n");
	fflush(stdout);
	clients_end();
}

static void finish_hold(void)
{
	struct round *r = &the_round;

	r->running = false;
	opened = false;
	loop_wake_at(0);
	printf("{\"held\":%zu,\"faults\":%zu,\"fault\":\"%s\"}\n", clients_alive(), r->faults,
	    r->fault);
	fflush(stdout);
}

void round_tick(void)
{
	struct round *r = &the_round;
	int64_t now;

	if (!r->running)
		return;
	now = now_ns();
	if (now > r->begun + r->limit_ns) {
		round_fault(-1, "the time of the round is over");
		(r->total == 0 ? finish_hold : finish)();
		return;
	}
	if (!opened) {
		opened = r->per_connection > 0 || clients_ready();
		if (!opened) {
			loop_wake_at(r->begun + r->limit_ns + 1);
			return;
		}
		r->begun = now;
		r->cpu = round_cpu();
		if (r->total == 0) {
			finish_hold();
			return;
		}
	}
	clients_feed();
	if ((r->answered + r->failed == r->total &&
	        (!r->sink_too || r->arrived + r->failed >= r->total)) ||
	    (clients_alive() == 0 && r->started < r->total && r->faults > 0)) {
		finish();
		return;
	}
	loop_wake_at(r->begun + r->limit_ns + 1);
	if (r->rate > 0 && r->started < r->total && due_at(r) > now)
		loop_wake_at(due_at(r)); /* one that is due already waits for a session */
}
