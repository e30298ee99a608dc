/*
 * flood: connections that want nothing, so many a second by schedule, from several addresses of
 * this machine in turn. Each waits for the server's first word or its end, then hangs up. One that
 * is due while OPEN_MAX are open comes late, so that the client is bounded too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/load/load.h"

#define SECOND 1000000000LL
#define OPEN_MAX 2048
#define TURN_MAX 64 /* opened in one turn of the loop */
#define WAIT_NS (10 * SECOND)
#define FIRST_ADDRESS 0x7f010001U /* 127.1.0.1, as in client.c */

struct visit {
	struct source source;
	int64_t begun;
};
static struct {
	bool running;
	int port;
	double rate;
	size_t total, ips;
	size_t made, greeted, refused, dropped, failed, open;
	int64_t begun, last_made;
	int64_t *waits;
	size_t wait_count;
	double cpu;
} flood;
static struct visit visits[OPEN_MAX];
static struct visit *vacant[OPEN_MAX];

static void leave(struct visit *v)
{
	loop_close(&v->source);
	vacant[OPEN_MAX - flood.open--] = v;
}

static void heard(struct source *s, uint32_t what)
{
	struct visit *v = (struct visit *)s;
	char word[256];
	ssize_t n = recv(s->fd, word, sizeof(word), 0);
	int error = errno;

	(void)what;
	if (n < 0 && (error == EAGAIN || error == EINTR))
		return;
	if (n >= 3) {
		flood.waits[flood.wait_count++] = now_ns() - v->begun;
		flood.greeted += memcmp(word, "220", 3) == 0;
		flood.refused += memcmp(word, "421", 3) == 0;
	} else if (n < 0 && error != ECONNRESET) {
		flood.failed++;
	} else {
		flood.dropped++;
	}
	leave(v);
}

static void visit_one(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)flood.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(FIRST_ADDRESS + (uint32_t)(flood.made % flood.ips))};
	struct visit *v = vacant[OPEN_MAX - 1 - flood.open];
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	flood.last_made = now_ns();
	flood.made++;
	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
		if (fd >= 0)
			close(fd);
		flood.failed++;
		return;
	}
	flood.open++;
	*v = (struct visit){.source = {.fd = fd, .ready = heard}, .begun = flood.last_made};
	loop_watch(&v->source, EPOLL_CTL_ADD, EPOLLIN);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void finish(void)
{
	double secs = (double)(flood.last_made - flood.begun) / 1e9;
	size_t n = flood.wait_count;

	for (size_t i = 0; i < OPEN_MAX && flood.open > 0; i++)
		if (visits[i].source.fd >= 0) {
			flood.dropped++;
			leave(&visits[i]);
		}
	flood.running = false;
	loop_wake_at(0);
	qsort(flood.waits, n, sizeof(*flood.waits), compare);
	printf("{\"made\":%zu,\"greeted\":%zu,\"refused\":%zu,\"dropped\":%zu,\"failed\":%zu,"
	       "\"seconds\":%.3f,\"rate\":%.1f,\"cpu\":%.3f",
	    flood.made, flood.greeted, flood.refused, flood.dropped, flood.failed, secs,
	    secs > 0 ? (double)(flood.made - 1) / secs : 0.0, round_cpu() - flood.cpu);
	if (n > 0)
		printf(",\"word_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
		    (double)flood.waits[n / 2] / 1e6, (double)flood.waits[n * 99 / 100] / 1e6,
		    (double)flood.waits[n - 1] / 1e6);
	printf("}\n");
	fflush(stdout);
	free(flood.waits);
	flood.waits = NULL;
}

const char *flood_begin(char *text)
{
	char *save = NULL, *value;
	double seconds = 1;

	memset(&flood, 0, sizeof(flood));
	flood.ips = 1;
	for (char *name = strtok_r(text, " ", &save); name != NULL;
	     name = strtok_r(NULL, " ", &save)) {
		value = strchr(name, '=');
		if (value == NULL)
			return "an option is name=value";
		*value++ = '\0';
		if (strcmp(name, "port") == 0)
			flood.port = atoi(value);
		else if (strcmp(name, "rate") == 0)
			flood.rate = strtod(value, NULL);
		else if (strcmp(name, "seconds") == 0)
			seconds = strtod(value, NULL);
		else if (strcmp(name, "ips") == 0)
			flood.ips = strtoul(value, NULL, 10);
		else
			return "unknown option";
	}
	if (flood.port <= 0 || flood.rate <= 0 || seconds <= 0 || flood.ips == 0)
		return "port= and rate= are needed";
	flood.total = (size_t)(flood.rate * seconds) + 1;
	flood.waits = need(calloc(flood.total, sizeof(*flood.waits)));
	for (size_t i = 0; i < OPEN_MAX; i++) {
		visits[i].source.fd = -1;
		vacant[i] = &visits[i];
	}
	flood.cpu = round_cpu();
	flood.begun = now_ns();
	flood.running = true;
	return "";
}

void flood_tick(void)
{
	int64_t now = now_ns(), due = 0;

	if (!flood.running)
		return;
	for (int i = 0; i < TURN_MAX && flood.made < flood.total && flood.open < OPEN_MAX; i++) {
		due = flood.begun + (int64_t)((double)flood.made * 1e9 / flood.rate);
		if (due > now)
			break;
		visit_one();
	}
	if (flood.made == flood.total && (flood.open == 0 || now > flood.last_made + WAIT_NS))
		finish();
	else if (flood.made == flood.total || flood.open == OPEN_MAX)
		loop_wake_at(now + SECOND / 10);
	else
		loop_wake_at(due > now ? due : now);
}
