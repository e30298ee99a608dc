/* load: the load generator of `make bench` (see main.c). One process, one thread, one clock. */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the loop (main.c) ------------------------------------------------------------------------ */

/* A descriptor on the loop: the first member of what owns it. */
struct source {
	int fd;
	void (*ready)(struct source *s, uint32_t events); /* EPOLLIN, EPOLLOUT ... */
};
/* op: EPOLL_CTL_ADD or EPOLL_CTL_MOD. Ends the process when the kernel refuses. */
void loop_watch(struct source *s, int op, uint32_t events);
/* Closes the descriptor; events of it that were already fetched are not told any more. */
void loop_close(struct source *s);
/* When the round wants to be called again (round_tick), nanoseconds of now_ns; 0: not. */
void loop_wake_at(int64_t at);
int64_t now_ns(void);     /* CLOCK_MONOTONIC */
void *need(void *memory); /* ends the process for want of memory */

/* --- one round (round.c) ---------------------------------------------------------------------- */

/* Who writes to whom. */
struct identity {
	char *login, *password; /* "" without AUTH */
	char *sender;
	char *rcpts[1000];
	size_t rcpt_count;
};
/* What a message went through, nanoseconds; 0: not yet. */
struct times {
	int64_t due;  /* when MAIL was to be sent: the schedule's time, else when it was */
	int64_t dot;  /* final dot given to the kernel */
	int64_t ok;   /* 250 after it */
	int64_t sink; /* final dot at the sink */
};
struct round {
	uint64_t number; /* in every message's mark; of another process others */
	/* what was asked for */
	int port;
	bool tls, sink_too, alone;
	size_t sessions,
	    per_connection; /* 0: kept open to the end, opened before the clock starts */
	size_t total, ips;
	double rate; /* messages a second, 0: as fast as answers come */
	int64_t limit_ns;
	struct identity *identities;
	size_t identity_count;
	char *body; /* what follows the fields that differ, without the final dot */
	size_t body_len;
	const char *type_fields; /* MIME-Version and Content-Type */
	/* what came of it */
	struct times *times;
	size_t started, answered, failed, arrived, doubled, strange, faults, connections;
	char fault[256]; /* the first */
	int64_t begun, last_ok, last_sink;
	double cpu; /* of this process before the round, then in it */
	bool running;
};
extern struct round the_round;

/* options: "name=value ..."; "" or what is wrong. */
const char *round_begin(char *options);
/* Whether a message is due, and which: its index, else -1. */
long round_take(void);
void round_answered(size_t index);
/* index -1: no message was in flight. */
void round_fault(long index, const char *text);
/* A message is whole in the sink. marked: it has a mark (else number and index mean nothing). */
void round_arrived(bool marked, uint64_t number, size_t index, int64_t at);
/* Looks whether something is due or all is done; called after each turn of the loop. */
void round_tick(void);
double round_cpu(void); /* seconds of processor that this process has used */

/* --- message text (message.c) ----------------------------------------------------------------- */

/* Body of the round: text of size bytes, or a short text with a file of about that size. */
void message_make_body(struct round *r, size_t size, bool file);
/* Header of one message into buf; its length. */
size_t message_head(
    const struct round *r, const struct identity *who, size_t index, char *buf, size_t size);
#define MESSAGE_HEAD_MAX (128 * 1024)
/*
 * Finds the mark (round and index) in bytes of a header; false when there is no whole one. A mark
 * is one only where message_head puts it, as the last word of Subject: a signature's base64 may
 * hold the same letters. What is looked at must begin with the line end before its first field.
 */
bool message_mark(const char *bytes, size_t len, uint64_t *round, size_t *index);

/* --- client sessions (client.c) --------------------------------------------------------------- */

/* Makes the sessions of the round; kept-open ones connect. "" or what is wrong. */
void clients_begin(void);
/* Whether each has got as far as it gets without a message (or is gone). */
bool clients_ready(void);
/* Gives due messages to idle sessions. */
void clients_feed(void);
void clients_end(void); /* closes all */
size_t clients_alive(void);

/* --- connections that want nothing (flood.c) -------------------------------------------------- */

/* options: "name=value ..."; "" or what is wrong. Its end is a line of JSON. */
const char *flood_begin(char *options);
void flood_tick(void); /* after each turn of the loop */

/* --- the sink (sink.c) ------------------------------------------------------------------------ */

int sink_listen(void); /* its port on 127.0.0.1 */
/* The next message is written to this file as well. */
void sink_sample(const char *path);
/* Messages; of these without a mark of the round that ran; with one that was there already. */
extern uint64_t sink_taken, sink_strange, sink_doubled;

#endif
