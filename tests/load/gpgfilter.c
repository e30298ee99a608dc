/*
 * gpgfilter: a peer of the bench: an SMTP content filter (Postfix's FILTER_README, "advanced") that
 * keeps GPGME loaded. It makes each message a PGP/MIME one (RFC 3156) signed by one key and hands
 * it back to Postfix; the reply that Postfix gets is the one its own end gave, so that nothing
 * is lost when the filter dies. Each worker is a process with one GPGME context and one kept-open
 * connection back.
 *
 *   gpgfilter LISTEN-PORT NEXT-PORT WORKERS GNUPG-HOME KEY
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gpgme.h>

#define RCPTS_MAX 1000
#define BOUNDARY "=_filter_7f3a91c2"

/* A growing text. */
struct text {
	char *bytes;
	size_t len, size;
};
struct envelope {
	char *mail, *rcpts[RCPTS_MAX];
	size_t count;
};
/* A connection: a stream each way. */
struct wire {
	FILE *in, *out;
};
static gpgme_ctx_t ctx;
static struct wire back; /* to Postfix; in NULL: not connected */
static int next_port;

static void die(const char *what)
{
	fprintf(stderr, "gpgfilter: %s\n", what);
	exit(1);
}

static void add(struct text *t, const char *bytes, size_t n)
{
	if (t->len + n + 1 > t->size) {
		t->size = 2 * (t->len + n + 1);
		t->bytes = realloc(t->bytes, t->size);
		if (t->bytes == NULL)
			die("no memory");
	}
	memcpy(t->bytes + t->len, bytes, n);
	t->len += n;
	t->bytes[t->len] = '\0';
}

static void add_text(struct text *t, const char *text)
{
	add(t, text, strlen(text));
}

/* --- signing ---------------------------------------------------------------------------------- */

static bool sign(const struct text *part, struct text *signature)
{
	gpgme_data_t in = NULL, out = NULL;
	bool good = false;
	size_t n;
	char *armor;

	if (!gpgme_data_new_from_mem(&in, part->bytes, part->len, 0) && !gpgme_data_new(&out) &&
	    !gpgme_op_sign(ctx, in, out, GPGME_SIG_MODE_DETACH)) {
		armor = gpgme_data_release_and_get_mem(out, &n);
		out = NULL;
		add(signature, armor, n);
		gpgme_free(armor);
		good = true;
	}
	gpgme_data_release(in);
	gpgme_data_release(out);
	return good;
}

static void open_keyring(const char *home, const char *name)
{
	gpgme_key_t key;

	gpgme_check_version(NULL);
	if (gpgme_new(&ctx) || gpgme_ctx_set_engine_info(ctx, GPGME_PROTOCOL_OpenPGP, NULL, home) ||
	    gpgme_get_key(ctx, name, &key, 1) || gpgme_signers_add(ctx, key))
		die("the key cannot be used");
	gpgme_set_armor(ctx, 1);
	gpgme_set_offline(ctx, 1);
}

/* Header fields of the content go into the signed part, the others stay outside. */
static void split(const struct text *message, struct text *outer, struct text *part)
{
	const char *at = message->bytes, *end;
	bool inside = false;

	while ((end = strchr(at, '\n')) != NULL && at[0] != '\r') {
		if (at[0] != ' ' && at[0] != '\t')
			inside = strncasecmp(at, "Content-", 8) == 0;
		if (inside || strncasecmp(at, "MIME-Version:", 13) != 0)
			add(inside ? part : outer, at, (size_t)(end + 1 - at));
		at = end + 1;
	}
	add_text(part, at[0] == '\0' ? "\r\n" : at);
	if (part->len >= 2) /* the last line end is the boundary's */
		part->bytes[part->len -= 2] = '\0';
}

/* The signed message, dots doubled, with its final dot. */
static bool make(const struct text *message, struct text *to)
{
	struct text outer = {0}, part = {0}, signature = {0}, whole = {0};
	bool good;

	split(message, &outer, &part);
	good = sign(&part, &signature);
	add(&whole, outer.bytes != NULL ? outer.bytes : "", outer.len);
	add_text(&whole,
	    "MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=pgp-sha512;\r\n"
	    "\tprotocol=\"application/pgp-signature\"; boundary=\"" BOUNDARY "\"\r\n\r\n"
	    "--" BOUNDARY "\r\n");
	add(&whole, part.bytes, part.len);
	add_text(&whole, "\r\n--" BOUNDARY "\r\nContent-Type: application/pgp-signature\r\n\r\n");
	for (char *p = signature.bytes; p != NULL && *p != '\0'; p++)
		add(&whole, *p == '\n' ? "\r\n" : p, *p == '\n' ? 2 : 1);
	add_text(&whole, "--" BOUNDARY "--\r\n");
	for (char *p = whole.bytes, *end; *p != '\0'; p = end) {
		end = strchr(p, '\n') + 1;
		if (*p == '.')
			add_text(to, ".");
		add(to, p, (size_t)(end - p));
	}
	add_text(to, ".\r\n");
	free(outer.bytes);
	free(part.bytes);
	free(signature.bytes);
	free(whole.bytes);
	return good;
}

/* --- back to Postfix -------------------------------------------------------------------------- */

static struct wire wire_of(int fd)
{
	int one = 1;
	struct wire w = {.in = fdopen(fd, "r"), .out = fdopen(dup(fd), "w")};

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (w.in == NULL || w.out == NULL)
		die("no descriptor");
	return w;
}

static void wire_close(struct wire *w)
{
	if (w->in != NULL) {
		fclose(w->in);
		fclose(w->out);
	}
	*w = (struct wire){0};
}

/* The last line of a reply, into line. */
static bool hear(FILE *f, char *line, int size, const char *code)
{
	do {
		if (fgets(line, size, f) == NULL)
			return false;
	} while (line[3] == '-');
	return strncmp(line, code, 3) == 0;
}

static bool connect_back(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)next_port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[1024];

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return false;
	}
	back = wire_of(fd);
	if (hear(back.in, line, sizeof(line), "220")) {
		fputs("EHLO filter.example\r\n", back.out);
		fflush(back.out);
		if (hear(back.in, line, sizeof(line), "250"))
			return true;
	}
	wire_close(&back);
	return false;
}

/* Its reply to the final dot in line; false: the connection is of no use any more. */
static bool hand_on(const struct envelope *e, const struct text *message, char *line, int size)
{
	bool good;

	fprintf(back.out, "%s", e->mail);
	for (size_t i = 0; i < e->count; i++)
		fprintf(back.out, "%s", e->rcpts[i]);
	fputs("DATA\r\n", back.out);
	fflush(back.out);
	good = hear(back.in, line, size, "250");
	for (size_t i = 0; i < e->count; i++)
		good = hear(back.in, line, size, "250") && good;
	if (!hear(back.in, line, size, "354") || !good)
		return false;
	if (fwrite(message->bytes, 1, message->len, back.out) != message->len ||
	    fflush(back.out) != 0)
		return false;
	return hear(back.in, line, size, "250");
}

/* --- from Postfix ----------------------------------------------------------------------------- */

static void answer(struct wire *w, const char *text)
{
	fputs(text, w->out);
	fflush(w->out);
}

static void forget(struct envelope *e)
{
	free(e->mail);
	for (size_t i = 0; i < e->count; i++)
		free(e->rcpts[i]);
	*e = (struct envelope){0};
}

static bool read_message(FILE *f, struct text *message)
{
	static char line[65536];

	while (fgets(line, sizeof(line), f) != NULL) {
		if (strcmp(line, ".\r\n") == 0)
			return true;
		add_text(message, line[0] == '.' ? line + 1 : line);
	}
	return false;
}

static bool take_message(struct wire *w, const struct envelope *e)
{
	struct text message = {0}, made = {0};
	char line[1024];
	bool good;

	answer(w, "354 go on\r\n");
	good = read_message(w->in, &message) && message.len > 0;
	if (good) {
		bool done = make(&message, &made) && (back.in != NULL || connect_back()) &&
		            hand_on(e, &made, line, sizeof(line));

		if (!done)
			wire_close(&back);
		answer(w, done ? line : "451 4.3.0 not signed or not handed on\r\n");
	}
	free(message.bytes);
	free(made.bytes);
	return good;
}

static void serve(struct wire *w)
{
	struct envelope e = {0};
	char line[2048];

	answer(w, "220 filter ESMTP\r\n");
	while (fgets(line, sizeof(line), w->in) != NULL && strncasecmp(line, "QUIT", 4) != 0) {
		if (strncasecmp(line, "MAIL", 4) == 0 || strncasecmp(line, "RSET", 4) == 0)
			forget(&e);
		if (strncasecmp(line, "DATA", 4) == 0) {
			if (!take_message(w, &e))
				break;
			forget(&e);
			continue;
		}
		if (strncasecmp(line, "MAIL", 4) == 0)
			e.mail = strdup(line);
		else if (strncasecmp(line, "RCPT", 4) == 0 && e.count < RCPTS_MAX)
			e.rcpts[e.count++] = strdup(line);
		answer(w, strncasecmp(line, "EHLO", 4) == 0 ? "250-filter\r\n250 8BITMIME\r\n"
		                                            : "250 2.0.0 ok\r\n");
	}
	forget(&e);
	wire_close(w);
}

/* --- processes -------------------------------------------------------------------------------- */

static void worker(int listener, const char *home, const char *key)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	open_keyring(home, key);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			struct wire w = wire_of(fd);

			serve(&w);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* the caller's unshare asked for the same, which the change of user took back */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 6)
		die("usage: gpgfilter LISTEN-PORT NEXT-PORT WORKERS GNUPG-HOME KEY");
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	next_port = atoi(argv[2]);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 128) < 0)
		die("cannot listen");
	for (int i = 0; i < atoi(argv[3]); i++)
		if (fork() == 0)
			worker(listener, argv[4], argv[5]);
	/* The agent that gpg starts becomes a child of ours in a process namespace: reap it too. */
	while (wait(NULL) > 0)
		continue;
	return 1; /* no worker is left */
}
