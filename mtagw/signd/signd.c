/*
 * mtagw-signd: the only holder of the DKIM keys and the only client of gpg-agent. It listens on a
 * Unix socket and answers one request after the other; while GnuPG works, everybody waits (a
 * sequential worker, STYLE 34), and an alarm ends the process when that takes too long: the parent
 * starts it again and the letters wait. Who may ask is decided by the kernel's word on the peer's
 * user (SO_PEERCRED): root, ourselves, the router, the clerk; the router may not make keys.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtagw/base/clock.h"
#include "mtagw/base/conn.h"
#include "mtagw/base/ipc.h"
#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/loop.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/role.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/signd/signd_answer.h"

/* Router workers keep one connection each; far more than any node runs. */
#define SIGND_PEERS_MAX 128
/* Descriptors: the peers and some for GnuPG's pipes; low, for GPGME closes all up to it in each
 * child. */
#define SIGND_FILES_MAX 256
/* A peer that asks and never reads its answers. */
#define SIGND_OUTPUT_MAX (2 * IPC_FRAME_MAX)
/* No request takes this long, a list of thousands of keys included. */
#define SIGND_WORK_SECS 60
/* For answers that still have to leave after TERM. */
#define SIGND_DRAIN_MS 5000

struct peer {
	struct signd *signd;
	struct conn *conn;
	long uid;
	bool admin; /* may ask the key.* verbs */
	struct peer *next;
};

struct signd {
	struct role role;
	struct loop *loop;
	struct signd_keys *keys;
	struct listener *listener;
	int fd;
	bool draining;
	struct timer *drain_timer;
	struct peer *peers;
	size_t peer_count;
	struct buf answer;
};

static void stuck(int signo)
{
	static const char line[] =
	    "signd: error: work took too long, ending: GnuPG does not answer\n";
	ssize_t put = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)signo;
	(void)put;
	_exit(1);
}

/* -- who asks -- */

/* A name or a number; -1 where there is no such user. "" is who we are. */
static long user_id(const char *user)
{
	const struct passwd *pw;
	char *end;
	long uid;

	if (!*user)
		return (long)geteuid();
	uid = strtol(user, &end, 10);
	if (*end == '\0' && uid >= 0)
		return uid;
	pw = getpwnam(user);
	return pw ? (long)pw->pw_uid : -1;
}

static bool peer_allowed(const struct signd *signd, long uid, bool *admin_r)
{
	const struct settings *settings = signd->role.settings;

	*admin_r = uid == 0 || uid == (long)geteuid() || uid == user_id(settings->clerk_user);
	return *admin_r || uid == user_id(settings->router_user);
}

/* -- peers -- */

static void peer_close(struct peer *peer, const char *reason)
{
	struct signd *signd = peer->signd;
	struct peer **at = &signd->peers;

	log_debug("peer uid=%ld closed reason=\"%s\"", peer->uid, reason);
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	signd->peer_count--;
	conn_destroy(&peer->conn);
	free(peer);
	if (signd->draining && !signd->peers)
		loop_stop(signd->loop);
}

/* Answers what has come; false when the peer is gone. */
static bool peer_work(struct peer *peer)
{
	struct signd *signd = peer->signd;
	struct range payload;
	struct err err = {""};
	int rc;

	while ((rc = ipc_conn_frame(peer->conn, &payload)) > 0) {
		if (conn_output_len(peer->conn) > SIGND_OUTPUT_MAX) {
			peer_close(peer, "asks and does not read");
			return false;
		}
		buf_reset(&signd->answer);
		alarm(SIGND_WORK_SECS);
		rc = signd_answer(
		    signd->keys, payload, peer->admin, clock_now_ms() / 1000, &signd->answer, &err);
		alarm(0);
		if (rc < 0) {
			log_warn("peer uid=%ld error=\"%s\"", peer->uid, log_safe(err.text));
			peer_close(peer, "malformed request");
			return false;
		}
		ipc_conn_drain(peer->conn);
		ipc_conn_send(peer->conn, buf_range(&signd->answer));
	}
	if (rc < 0) {
		log_warn("peer uid=%ld error=\"frame too long\"", peer->uid);
		peer_close(peer, "frame too long");
		return false;
	}
	return true;
}

static void peer_cb(struct conn *conn, enum conn_event event, void *ctx)
{
	struct peer *peer = ctx;

	switch (event) {
	case CONN_DATA:
		peer_work(peer);
		break;
	case CONN_DRAINED:
		if (peer->signd->draining)
			peer_close(peer, "drained");
		break;
	case CONN_EOF:
		peer_close(peer, "end");
		break;
	case CONN_ERROR:
	case CONN_TIMEOUT:
		peer_close(peer, conn_error(conn));
		break;
	case CONN_CONNECTED:
	case CONN_TLS:
		break;
	}
}

static void accept_cb(int fd, void *ctx)
{
	struct signd *signd = ctx;
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof(cred);
	struct peer *peer;
	bool admin = false;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    !peer_allowed(signd, (long)cred.uid, &admin)) {
		log_warn("peer uid=%ld refused reason=\"not a user of ours\"", (long)cred.uid);
		close(fd);
		return;
	}
	if (signd->peer_count == SIGND_PEERS_MAX) {
		log_warn("peer uid=%ld refused reason=\"%d peers already\"", (long)cred.uid,
		    SIGND_PEERS_MAX);
		close(fd);
		return;
	}
	peer = mem_zalloc(sizeof(*peer));
	peer->signd = signd;
	peer->uid = (long)cred.uid;
	peer->admin = admin;
	peer->conn = conn_accepted(signd->loop, fd, peer_cb, peer);
	peer->next = signd->peers;
	signd->peers = peer;
	signd->peer_count++;
}

/* -- life -- */

static void drain_late(void *ctx)
{
	struct signd *signd = ctx;

	log_warn("stop: %zu peers did not take their answers", signd->peer_count);
	loop_stop(signd->loop);
}

static void drain(void *ctx)
{
	struct signd *signd = ctx;
	struct peer *next;

	signd->draining = true;
	listener_free(&signd->listener);
	timer_start(signd->drain_timer, SIGND_DRAIN_MS);
	for (struct peer *peer = signd->peers; peer; peer = next) {
		next = peer->next;
		if (peer_work(peer) && conn_output_len(peer->conn) == 0)
			peer_close(peer, "drained");
	}
	if (!signd->peers)
		loop_stop(signd->loop);
}

static void reload(void *ctx)
{
	struct signd *signd = ctx;
	struct err err = {""};

	alarm(SIGND_WORK_SECS);
	if (signd_keys_reload(signd->keys, signd->role.settings, &err) < 0)
		log_error("reload: keys: %s", log_safe(err.text));
	alarm(0);
}

/* What the parent bound for us, or a socket of our own in runtime_dir: any user may connect, few
 * are heard. */
static void listen_open(struct signd *signd)
{
	struct err err = {""};
	char *address;

	signd->fd = role_inherited_fd("signd");
	if (signd->fd < 0) {
		address = mem_printf("unix:%s/signd.sock", signd->role.settings->runtime_dir);
		signd->fd = listener_bind(address, &err);
		if (signd->fd < 0)
			log_fatal("start: %s", err.text);
		if (chmod(address + strlen("unix:"), 0666) < 0)
			log_fatal("start: %s: %s", address, strerror(errno));
		free(address);
	}
	signd->listener = listener_new(signd->loop, signd->fd, accept_cb, signd);
}

int main(int argc, char **argv)
{
	struct signd signd = {.fd = -1};
	const struct rlimit files = {SIGND_FILES_MAX, SIGND_FILES_MAX};
	struct err err = {""};

	role_start(&signd.role, "signd", argc, argv);
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_fatal("start: setrlimit: %s", strerror(errno));
	signal(SIGALRM, stuck);
	alarm(SIGND_WORK_SECS);
	signd.keys = signd_keys_open(signd.role.settings, &err);
	if (!signd.keys)
		log_fatal("start: %s", err.text);
	alarm(0);
	signd.loop = loop_new();
	signd.drain_timer = timer_new(signd.loop, drain_late, &signd);
	role_watch_signals(&signd.role, signd.loop, drain, reload, &signd);
	listen_open(&signd);
	sandbox_enter(signd.role.settings, "signd");
	log_info("start: ready gnupg_home=%s dkim_dir=%s", signd.role.settings->gnupg_home,
	    signd.role.settings->dkim_dir);
	loop_run(signd.loop);
	while (signd.peers) {
		signd.draining = false;
		/* it takes itself out of the list */
		peer_close(signd.peers, "ending"); /* NOLINT(clang-analyzer-unix.Malloc) */
	}
	signd_keys_stop_agent(signd.keys);
	signd_keys_close(&signd.keys);
	timer_free(&signd.drain_timer);
	buf_free(&signd.answer);
	loop_free(&signd.loop);
	log_info("stop: done");
	return 0;
}
