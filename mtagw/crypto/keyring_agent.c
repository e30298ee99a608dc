/*
 * keyring_agent: private-key operations in gpg-agent over GPGME's Assuan engine: SIGKEY once per
 * key and connection, then SETHASH and PKSIGN per signature. This does no process start and no key
 * list, which is what makes it fifteen times faster than gpgme_op_sign; in return the agent applies
 * no policy at all, so that keyring.c must. GPGME undoes the percent escapes of D lines and may
 * hand the value over in several pieces.
 */
#include "mtagw/crypto/keyring_agent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <gpgme.h>

#include "mtagw/base/mem.h"

/* The value of an RSA-4096 signature is 540 bytes; an agent that says more is not ours. */
#define AGENT_ANSWER_MAX 4096
#define AGENT_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

struct keyring_agent {
	char *home, *socket;
	gpgme_ctx_t ctx;  /* NULL: not connected */
	char keygrip[41]; /* of the last SIGKEY on this connection */
};

/* `gpgconf --list-dirs agent-socket` for this home: the socket moves to the run directory for some
 * homes. */
static int agent_find_socket(struct keyring_agent *agent, struct err *error_r)
{
	const char *gpgconf = gpgme_get_dirinfo("gpgconf-name");
	const char *argv[] = {
	    "gpgconf", "--homedir", agent->home, "--list-dirs", "agent-socket", NULL};
	gpgme_ctx_t ctx = NULL;
	gpgme_data_t out = NULL;
	gpgme_error_t err;
	char text[512];
	ssize_t got = 0;

	if (!gpgconf)
		return err_set(error_r, "GnuPG's gpgconf was not found");
	err = gpgme_new(&ctx);
	if (!err)
		err = gpgme_set_protocol(ctx, GPGME_PROTOCOL_SPAWN);
	if (!err)
		err = gpgme_data_new(&out);
	if (!err)
		err = gpgme_op_spawn(ctx, gpgconf, argv, NULL, out, NULL, 0);
	if (!err && gpgme_data_seek(out, 0, SEEK_SET) == 0)
		got = gpgme_data_read(out, text, sizeof(text) - 1);
	gpgme_data_release(out);
	gpgme_release(ctx);
	if (err)
		return err_set(error_r, "%s: %s", gpgconf, gpgme_strerror(err));
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (*text != '/')
		return err_set(
		    error_r, "gpgconf does not say where the agent of %s listens", agent->home);
	if (strlen(text) > AGENT_PATH_MAX)
		return err_set(error_r,
		    "%s: a socket path of more than %zu bytes; choose a shorter gnupg_home", text,
		    AGENT_PATH_MAX);
	agent->socket = mem_strdup(text);
	return 1;
}

struct keyring_agent *keyring_agent_new(const char *home, struct err *error_r)
{
	struct keyring_agent *agent = mem_zalloc(sizeof(*agent));

	agent->home = mem_strdup(home);
	if (agent_find_socket(agent, error_r) < 0)
		keyring_agent_free(&agent);
	return agent;
}

static void agent_disconnect(struct keyring_agent *agent)
{
	if (agent->ctx)
		gpgme_release(agent->ctx);
	agent->ctx = NULL;
	agent->keygrip[0] = '\0';
}

void keyring_agent_free(struct keyring_agent **agentp)
{
	struct keyring_agent *agent = *agentp;

	if (!agent)
		return;
	agent_disconnect(agent);
	free(agent->home);
	free(agent->socket);
	free(agent);
	*agentp = NULL;
}

static int agent_connect(struct keyring_agent *agent, struct err *error_r)
{
	gpgme_error_t err;

	if (agent->ctx)
		return 1;
	err = gpgme_new(&agent->ctx);
	if (!err)
		err = gpgme_ctx_set_engine_info(
		    agent->ctx, GPGME_PROTOCOL_ASSUAN, agent->socket, agent->home);
	if (!err)
		err = gpgme_set_protocol(agent->ctx, GPGME_PROTOCOL_ASSUAN);
	if (err) {
		agent_disconnect(agent);
		return err_set(error_r, "gpg-agent at %s: %s", agent->socket, gpgme_strerror(err));
	}
	return 1;
}

static gpgme_error_t answer_cb(void *ctx, const void *data, size_t len)
{
	struct buf *answer = ctx;

	if (answer->len + len > AGENT_ANSWER_MAX)
		return gpgme_error(GPG_ERR_TOO_LARGE);
	buf_append(answer, data, len);
	return 0;
}

/* One command: 1, 0 the agent said no, -1 the connection is no more. */
static int agent_command(
    struct keyring_agent *agent, const char *command, struct buf *answer, struct err *error_r)
{
	gpgme_error_t refused = 0;
	gpgme_error_t err = gpgme_op_assuan_transact_ext(
	    agent->ctx, command, answer_cb, answer, NULL, NULL, NULL, NULL, &refused);

	if (err) {
		agent_disconnect(agent);
		return err_set(error_r, "gpg-agent at %s: %s", agent->socket, gpgme_strerror(err));
	}
	if (refused) {
		err_set(error_r, "gpg-agent: %s", gpgme_strerror(refused));
		return 0;
	}
	return 1;
}

int keyring_agent_sign(struct keyring_agent *agent, const char *keygrip,
    const uint8_t digest[SHA256_BYTES], struct buf *sexp, struct err *error_r)
{
	char hex[SHA256_HEX_SIZE], command[96];
	int rc;

	if (agent_connect(agent, error_r) < 0)
		return -1;
	buf_reset(sexp);
	if (strcmp(agent->keygrip, keygrip) != 0) {
		agent->keygrip[0] = '\0';
		snprintf(command, sizeof(command), "SIGKEY %.40s", keygrip);
		rc = agent_command(agent, command, sexp, error_r);
		if (rc <= 0)
			return rc;
		snprintf(agent->keygrip, sizeof(agent->keygrip), "%s", keygrip);
	}
	codec_hex(digest, SHA256_BYTES, hex);
	snprintf(command, sizeof(command), "SETHASH 8 %s", hex);
	rc = agent_command(agent, command, sexp, error_r);
	if (rc <= 0)
		return rc;
	buf_reset(sexp);
	return agent_command(agent, "PKSIGN", sexp, error_r);
}

void keyring_agent_stop(struct keyring_agent *agent)
{
	struct buf answer = {0};
	struct err err;

	if (agent_connect(agent, &err) > 0)
		agent_command(agent, "KILLAGENT", &answer, &err);
	agent_disconnect(agent);
	buf_free(&answer);
}
