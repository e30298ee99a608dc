/*
 * agent: private-key operations in gpg-agent over its own socket: SIGKEY once per key and
 * connection, then SETHASH and PKSIGN in one write per signature. It starts no process and lists no
 * keys, which makes it fifteen times faster than a signature by gpg; in return the agent applies no
 * policy at all, so that keyring.c must. GPGME's Assuan engine would do the same, but GPGME 1.18
 * reads through wild memory when the agent dies in the middle of a command (its trace of a read
 * that failed), and it has no time limit; so the few lines of the protocol that are needed are
 * spoken here.
 */
#include "mtagw/crypto/agent.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"

/* Assuan's own limit of a line, with its end. */
#define AGENT_LINE_MAX 1002
/* The value of an RSA-4096 signature is 540 bytes; an agent that says more is not ours. */
#define AGENT_DATA_MAX 4096

struct agent {
	char *socket_path;
	int timeout_ms;
	int fd;           /* -1: not connected */
	char keygrip[41]; /* of the last SIGKEY on this connection */
	struct buf input; /* bytes of answers not yet taken */
};

struct agent *agent_new(const char *socket_path, int timeout_ms)
{
	struct agent *agent = mem_zalloc(sizeof(*agent));

	assert(strlen(socket_path) < sizeof(((struct sockaddr_un *)0)->sun_path));
	agent->socket_path = mem_strdup(socket_path);
	agent->timeout_ms = timeout_ms;
	agent->fd = -1;
	return agent;
}

static void agent_disconnect(struct agent *agent)
{
	if (agent->fd >= 0)
		close(agent->fd);
	agent->fd = -1;
	agent->keygrip[0] = '\0';
	buf_reset(&agent->input);
}

void agent_free(struct agent **agentp)
{
	struct agent *agent = *agentp;

	if (!agent)
		return;
	agent_disconnect(agent);
	buf_free(&agent->input);
	free(agent->socket_path);
	free(agent);
	*agentp = NULL;
}

/* -- answers -- */

/* Percent escapes: %25, %0D, %0A and any other byte. */
static bool data_take(struct range line, struct buf *data)
{
	for (size_t i = 0; i < line.len; i++) {
		char c = line.p[i];

		if (c == '%') {
			char hex[3] = {0};

			if (line.len - i < 3)
				return false;
			memcpy(hex, line.p + i + 1, 2);
			if (codec_unhex(hex, &c, 1) < 0)
				return false;
			i += 2;
		}
		buf_putc(data, c);
	}
	return data->len <= AGENT_DATA_MAX;
}

static bool line_word(struct range *line, const char *word)
{
	size_t len = strlen(word);

	if (line->len < len || memcmp(line->p, word, len) != 0 ||
	    (line->len > len && line->p[len] != ' '))
		return false;
	line->p += len;
	line->len -= len;
	if (line->len > 0) {
		line->p++;
		line->len--;
	}
	return true;
}

enum agent_answer agent_answer_take(struct range *input, struct buf *data, struct err *error_r)
{
	const char *end;

	while ((end = input->len ? memchr(input->p, '\n', input->len) : NULL) != NULL) {
		struct range line = {input->p, (size_t)(end - input->p)};

		input->len -= line.len + 1;
		input->p = end + 1;
		if (line.len >= AGENT_LINE_MAX)
			break;
		if (line_word(&line, "OK"))
			return AGENT_OK;
		if (line_word(&line, "ERR")) {
			err_set(error_r, "gpg-agent: %s", log_safe_n(line.p, line.len));
			return AGENT_REFUSED;
		}
		if (line_word(&line, "S") || (line.len > 0 && *line.p == '#'))
			continue; /* status and comments */
		/* INQUIRE too: a passphrase, which nobody is here to give. */
		if (!line_word(&line, "D") || !data_take(line, data)) {
			err_set(error_r, "gpg-agent says: %s", log_safe_n(line.p, line.len));
			return AGENT_BAD;
		}
	}
	if (end || input->len >= AGENT_LINE_MAX) {
		err_set(error_r, "gpg-agent sends a line of more than %d bytes", AGENT_LINE_MAX);
		return AGENT_BAD;
	}
	return AGENT_MORE;
}

/* -- the connection -- */

static int agent_broken(struct agent *agent, const char *what, struct err *error_r)
{
	int saved = errno;

	agent_disconnect(agent);
	return err_set(error_r, "gpg-agent at %s: %s: %s", agent->socket_path, what,
	    saved == EAGAIN ? "no answer in time"
	    : saved         ? strerror(saved)
	                    : "closed");
}

static int agent_send(struct agent *agent, const char *text, struct err *error_r)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t put = send(agent->fd, text, left, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR)
			return agent_broken(agent, "write", error_r);
		if (put > 0) {
			text += put;
			left -= (size_t)put;
		}
	}
	return 1;
}

static int agent_fill(struct agent *agent, struct err *error_r)
{
	ssize_t got;

	do {
		errno = 0;
		got = recv(agent->fd, buf_room(&agent->input, 4096), 4096, 0);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return agent_broken(agent, "read", error_r);
	agent->input.len += (size_t)got;
	return 1;
}

/* Waits for one command's answer: 1, 0 refused, -1 disconnected. */
static int agent_answer(struct agent *agent, struct buf *data, struct err *error_r)
{
	for (;;) {
		struct range input = buf_range(&agent->input);
		enum agent_answer answer = agent_answer_take(&input, data, error_r);

		if (input.len > 0)
			memmove(agent->input.data, input.p, input.len);
		agent->input.len = input.len;
		switch (answer) {
		case AGENT_OK:
			return 1;
		case AGENT_REFUSED:
			return 0;
		case AGENT_BAD:
			agent_disconnect(agent);
			return -1;
		case AGENT_MORE:
			if (agent_fill(agent, error_r) < 0)
				return -1;
		}
	}
}

static int agent_connect(struct agent *agent, struct err *error_r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {agent->timeout_ms / 1000, agent->timeout_ms % 1000 * 1000};
	struct buf greeting = {0};
	int rc;

	if (agent->fd >= 0)
		return 1;
	strncpy(address.sun_path, agent->socket_path, sizeof(address.sun_path) - 1);
	agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (agent->fd < 0 ||
	    setsockopt(agent->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(agent->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(agent->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return agent_broken(agent, "connect", error_r);
	rc = agent_answer(agent, &greeting, error_r);
	buf_free(&greeting);
	if (rc == 0)
		agent_disconnect(agent);
	return rc > 0 ? 1 : -1;
}

int agent_sign(struct agent *agent, const char *keygrip, const uint8_t digest[SHA256_BYTES],
    struct buf *sexp, struct err *error_r)
{
	char hex[SHA256_HEX_SIZE], commands[160];
	bool new_key;
	int rc = 1;

	if (agent_connect(agent, error_r) < 0)
		return -1;
	buf_reset(sexp);
	new_key = strcmp(agent->keygrip, keygrip) != 0;
	codec_hex(digest, SHA256_BYTES, hex);
	snprintf(commands, sizeof(commands), "%s%.40s%sSETHASH 8 %s\nPKSIGN\n",
	    new_key ? "SIGKEY " : "", new_key ? keygrip : "", new_key ? "\n" : "",
	    hex); /* 8: SHA-256 */
	agent->keygrip[0] = '\0';
	if (agent_send(agent, commands, error_r) < 0)
		return -1;
	/* Every command's answer is read, the last one's data are the value; one refusal voids it
	 * all. */
	for (int left = new_key ? 3 : 2; left > 0; left--) {
		struct err err;
		int one;

		buf_reset(sexp);
		one = agent_answer(agent, sexp, rc > 0 ? error_r : &err);
		if (one < 0) {
			if (rc == 0 && error_r)
				*error_r = err;
			return -1;
		}
		if (one == 0)
			rc = 0;
	}
	if (rc > 0)
		snprintf(agent->keygrip, sizeof(agent->keygrip), "%s", keygrip);
	else
		buf_reset(sexp);
	return rc;
}

void agent_stop(struct agent *agent)
{
	struct buf data = {0};
	struct err err;

	if (agent_connect(agent, &err) > 0 && agent_send(agent, "KILLAGENT\n", &err) > 0)
		agent_answer(agent, &data, &err);
	agent_disconnect(agent);
	buf_free(&data);
}
