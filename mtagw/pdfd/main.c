/*
 * mtagw-pdfd: starts the PDF helpers of the router's render workers. The router may not start
 * programs, and what the helpers run is under another user than the office's: they reach neither
 * its database password nor its key of tokens. It reads nothing from anyone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mtagw/base/listener.h"
#include "mtagw/base/log.h"
#include "mtagw/base/mem.h"
#include "mtagw/base/role.h"
#include "mtagw/base/sandbox.h"
#include "mtagw/pdfd/launch.h"

/* What the parent bound for us, or a socket of our own in runtime_dir, for our own user. */
static int listen_open(const struct settings *settings)
{
	int fd = role_inherited_fd("pdfd");
	struct err err = {""};
	char *address;

	if (fd >= 0)
		return fd;
	address = mem_printf("unix:%s/pdfd.sock", settings->runtime_dir);
	fd = listener_bind(address, &err);
	if (fd < 0)
		log_fatal("start: %s", err.text);
	free(address);
	return fd;
}

int main(int argc, char **argv)
{
	struct role role;
	int fd;

	role_start(&role, "pdfd", argc, argv);
	role_watch_signals_blocking(&role);
	fd = listen_open(role.settings);
	sandbox_enter(role.settings, "pdfd");
	log_info("start: ready");
	launch_run(role.settings, fd, role_draining);
	log_info("stop: done");
	return 0;
}
