/*
 * sink: an SMTP server that takes everything and keeps nothing but the time at which each message
 * was whole. It is known by the mark in its own header; what its body holds does not count. Replies
 * to pipelined commands leave in one write.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/load/load.h"

#define INPUT_MAX 65536
#define KEPT 64 /* of the bytes before, so that a mark or the end may lie across two reads */

struct guest {
	struct source source;
	bool data, header, marked; /* in a message, in its header; its mark is known */
	FILE *sample;              /* its message is written here too */
	uint64_t round;
	size_t index;
	size_t len;
	char in[INPUT_MAX + KEPT];
	char out[4096];
	size_t out_len;
};
uint64_t sink_taken, sink_strange, sink_doubled;
static char *sample_path; /* where the next message is to be written */

void sink_sample(const char *path)
{
	free(sample_path);
	sample_path = need(strdup(path));
}

static void say(struct guest *g, const char *reply)
{
	size_t n = strlen(reply);

	if (g->out_len + n > sizeof(g->out))
		return; /* nobody pipelines so many commands unread */
	memcpy(g->out + g->out_len, reply, n);
	g->out_len += n;
}

static void whole(struct guest *g)
{
	if (g->sample != NULL)
		fclose(g->sample);
	g->sample = NULL;
	sink_taken++;
	round_arrived(g->marked, g->round, g->index, now_ns());
	g->data = false;
	say(g, "250 2.0.0 taken\r\n");
}

/* Looks for the mark in what is here of the header; the blank line ends it. */
static void look(struct guest *g, const char *at, size_t len)
{
	const char *blank = memmem(at, len, "\r\n\r\n", 4);

	if (!g->header)
		return;
	g->header = blank == NULL;
	if (!g->marked)
		g->marked = message_mark(
		    at, blank != NULL ? (size_t)(blank - at) + 2 : len, &g->round, &g->index);
}

/* What of the message is here; the bytes it used. */
static size_t take_data(struct guest *g, char *at, size_t len, bool *more)
{
	const char *end = memmem(at, len, "\r\n.\r\n", 5);
	size_t part = end != NULL ? (size_t)(end - at) + 2 : len;
	size_t used = end != NULL ? part : len > KEPT ? len - KEPT : 0;

	if (g->sample != NULL)
		(void)fwrite(at, 1, used, g->sample);
	look(g, at, part);
	if (end == NULL) {
		*more = true;
		return used;
	}
	whole(g);
	return used + 3;
}

/* One command; the bytes it used. *room: bytes to be put before what follows. */
static size_t take_command(struct guest *g, char *at, size_t len, bool *more, bool *quit)
{
	char *end = memchr(at, '\n', len);
	size_t used = end != NULL ? (size_t)(end - at) + 1 : 0;

	*more = end == NULL;
	if (end == NULL)
		return 0;
	if (strncasecmp(at, "EHLO", 4) == 0) {
		say(g, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
		       "250 SIZE 100000000\r\n");
	} else if (strncasecmp(at, "DATA", 4) == 0) {
		g->data = g->header = true;
		g->marked = false;
		if (sample_path != NULL)
			g->sample = fopen(sample_path, "w");
		free(sample_path);
		sample_path = NULL;
		say(g, "354 go on\r\n");
		/* the end of the command line may be the line end before the dot */
		return used >= 2 && at[used - 2] == '\r' ? used - 2 : used;
	} else if (strncasecmp(at, "QUIT", 4) == 0) {
		say(g, "221 2.0.0 bye\r\n");
		*quit = true;
	} else {
		say(g, "250 2.0.0 ok\r\n");
	}
	return used;
}

static void end(struct guest *g)
{
	if (g->sample != NULL)
		fclose(g->sample);
	loop_close(&g->source);
	free(g);
}

static void guest_ready(struct source *s, uint32_t what)
{
	struct guest *g = (struct guest *)s;
	ssize_t n = recv(s->fd, g->in + g->len, sizeof(g->in) - g->len, 0);
	bool more = false, quit = false;
	size_t at = 0;

	(void)what;
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			end(g);
		return;
	}
	g->len += (size_t)n;
	while (!more && !quit && at < g->len)
		at += g->data ? take_data(g, g->in + at, g->len - at, &more)
		              : take_command(g, g->in + at, g->len - at, &more, &quit);
	g->len -= at;
	memmove(g->in, g->in + at, g->len);
	if (g->out_len > 0 && send(s->fd, g->out, g->out_len, 0) != (ssize_t)g->out_len)
		quit = true;
	g->out_len = 0;
	if (quit || g->len == sizeof(g->in))
		end(g);
}

static void listener_ready(struct source *s, uint32_t what)
{
	int one = 1, fd;

	(void)what;
	while ((fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct guest *g = need(malloc(sizeof(*g)));

		g->source = (struct source){.fd = fd, .ready = guest_ready};
		g->data = g->header = g->marked = false;
		g->sample = NULL;
		g->len = g->out_len = 0;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		loop_watch(&g->source, EPOLL_CTL_ADD, EPOLLIN);
		(void)!write(fd, "220 sink ESMTP\r\n", 16);
	}
}

int sink_listen(void)
{
	static struct source listener = {.ready = listener_ready};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener.fd < 0 || bind(listener.fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener.fd, 1024) < 0 ||
	    getsockname(listener.fd, (struct sockaddr *)&at, &len) < 0) {
		perror("load: the sink's socket");
		exit(1);
	}
	loop_watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	return ntohs(at.sin_port);
}
