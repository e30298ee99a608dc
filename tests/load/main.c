/*
 * load: SMTP load and a sink for it in one process, so that the way of a message from the final dot
 * of its submission to the final dot at the sink is measured by one clock.
 *
 * Started without arguments it prints {"sink":PORT} and reads commands from standard input, one a
 * line; each is answered by one line of JSON. It ends with its input.
 *
 *   round port=N total=N [sessions=1] [per=0] [rate=0] [size=4096] [file=0] [tls=0] [sink=0]
 *         [alone=0] [ips=0] [limit=120] people=FILE
 *       per: messages a connection, 0 keeps all open; rate: messages a second by schedule, else
 * each session sends when its last was answered; sink: the round ends when the sink has all of
 * them; alone: the next is sent when the sink has the last; file: size is that of an attached file;
 * people: a line each of login, password, sender and recipients, tabs between, blanks between
 * recipients
 *   hold port=N sessions=N [tls=0] [ips=0] people=FILE: opens idle sessions and keeps them
 *   release: closes them
 *   count: what the sink took since the start
 *   sample FILE: the next message of the sink is written there too
 *   flood port=N rate=N [seconds=1] [ips=1]: so many connections a second that only want the
 *       server's first word, from 127.1.0.1 and the addresses after it in turn
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/load/load.h"

#define EVENTS_MAX 256

static int epoll_fd;
static int64_t wake_at;
static struct epoll_event events[EVENTS_MAX];
static int event_count;

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void *need(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "load: no memory\n");
		exit(1);
	}
	return memory;
}

void loop_watch(struct source *s, int op, uint32_t wanted)
{
	struct epoll_event e = {.events = wanted, .data.ptr = s};

	if (epoll_ctl(epoll_fd, op, s->fd, &e) < 0) {
		fprintf(stderr, "load: epoll_ctl: %s\n", strerror(errno));
		exit(1);
	}
}

void loop_close(struct source *s)
{
	if (s->fd < 0)
		return;
	for (int i = 0; i < event_count; i++)
		if (events[i].data.ptr == s)
			events[i].data.ptr = NULL;
	close(s->fd);
	s->fd = -1;
}

void loop_wake_at(int64_t at)
{
	wake_at = at;
}

static void command(char *line)
{
	char *options = strchr(line, ' ');
	const char *wrong = "";

	if (options != NULL)
		*options++ = '\0';
	else
		options = line + strlen(line);
	if (strcmp(line, "count") == 0) {
		printf("{\"taken\":%llu,\"strange\":%llu,\"doubled\":%llu}\n",
		    (unsigned long long)sink_taken, (unsigned long long)sink_strange,
		    (unsigned long long)sink_doubled);
	} else if (strcmp(line, "sample") == 0) {
		sink_sample(options);
		printf("{}\n");
	} else if (strcmp(line, "release") == 0) {
		clients_end();
		printf("{}\n");
	} else if (strcmp(line, "round") == 0 || strcmp(line, "hold") == 0) {
		wrong = round_begin(options);
	} else if (strcmp(line, "flood") == 0) {
		wrong = flood_begin(options);
	} else {
		wrong = "no such command";
	}
	if (wrong[0] != '\0')
		printf("{\"error\":\"%s\"}\n", wrong);
	fflush(stdout);
}

/* Commands come one at a time: the next is sent when the last was answered. */
static void input_ready(struct source *s, uint32_t what)
{
	static char line[4096];
	static size_t len;
	ssize_t n = read(s->fd, line + len, sizeof(line) - 1 - len);
	char *end;

	(void)what;
	if (n <= 0)
		exit(0);
	len += (size_t)n;
	line[len] = '\0';
	end = strchr(line, '\n');
	if (end == NULL)
		return;
	*end = '\0';
	len = 0;
	command(line);
}

static void loop_run(void)
{
	for (;;) {
		int64_t left = wake_at - now_ns();
		struct timespec t = {0};

		if (left > 0)
			t = (struct timespec){left / 1000000000, left % 1000000000};
		event_count =
		    epoll_pwait2(epoll_fd, events, EVENTS_MAX, wake_at == 0 ? NULL : &t, NULL);
		if (event_count < 0 && errno != EINTR) {
			fprintf(stderr, "load: epoll_pwait2: %s\n", strerror(errno));
			exit(1);
		}
		for (int i = 0; i < event_count; i++) {
			struct source *s = events[i].data.ptr;

			if (s != NULL)
				s->ready(s, events[i].events);
		}
		event_count = 0;
		round_tick();
		flood_tick();
	}
}

int main(void)
{
	struct source input = {.fd = 0, .ready = input_ready};
	struct rlimit files;

	/* Ctrl-C is the caller's; should it die, so do we. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0) {
		perror("load: epoll_create1");
		return 1;
	}
	printf("{\"sink\":%d}\n", sink_listen());
	fflush(stdout);
	loop_watch(&input, EPOLL_CTL_ADD, EPOLLIN);
	loop_run();
}
