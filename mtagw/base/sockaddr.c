/*
 * sockaddr: reads and writes the addresses of settings and logs. Names are not looked up here: a
 * loop may not wait for a resolver, so whoever has a name resolves it before.
 */
#include "mtagw/base/sockaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static int parse_unix(const char *path, struct sockaddr_any *addr_r, struct err *error_r)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&addr_r->sa;
	size_t len = strlen(path);

	if (path[0] != '/')
		return err_set(error_r, "unix:%s: the path of a socket starts with /", path);
	if (len > sizeof(un->sun_path) - 1)
		return err_set(error_r,
		    "unix:%s: a socket path of %zu bytes; the system takes %zu: choose a "
		    "shorter runtime_dir",
		    path, len, sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	addr_r->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 1;
}

static int parse_port(const char *text, in_port_t *port_r)
{
	char *end;
	long port;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	port = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || port > 65535)
		return -1;
	*port_r = htons((in_port_t)port);
	return 1;
}

int sockaddr_parse(const char *text, struct sockaddr_any *addr_r, struct err *error_r)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&addr_r->sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr_r->sa;
	char host[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(text, ':');
	bool is_v6 = text[0] == '[';
	size_t len;

	memset(addr_r, 0, sizeof(*addr_r));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, addr_r, error_r);
	if (colon == NULL || (is_v6 && colon[-1] != ']'))
		return err_set(error_r, "%s: not an address:port or unix:/path", text);
	len = (size_t)(colon - text) - (is_v6 ? 2 : 0);
	if (len >= sizeof(host))
		return err_set(error_r, "%s: not a numeric address", text);
	memcpy(host, text + (is_v6 ? 1 : 0), len);
	host[len] = '\0';
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host,
	        is_v6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr) != 1)
		return err_set(error_r, "%s: not a numeric address", text);
	if (parse_port(colon + 1, is_v6 ? &in6->sin6_port : &in->sin_port) < 0)
		return err_set(error_r, "%s: not a port number", text);
	addr_r->sa.ss_family = is_v6 ? AF_INET6 : AF_INET;
	addr_r->len = is_v6 ? sizeof(*in6) : sizeof(*in);
	return 1;
}

void sockaddr_format(const struct sockaddr_any *addr, bool with_port, char out[SOCKADDR_TEXT_MAX])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
	bool is_v6 = addr->sa.ss_family == AF_INET6;
	char host[INET6_ADDRSTRLEN] = "";

	if (!is_v6 && addr->sa.ss_family != AF_INET) {
		(void)snprintf(out, SOCKADDR_TEXT_MAX, "unix");
		return;
	}
	(void)inet_ntop(addr->sa.ss_family,
	    is_v6 ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, host,
	    sizeof(host));
	if (with_port)
		(void)snprintf(out, SOCKADDR_TEXT_MAX, is_v6 ? "[%s]:%u" : "%s:%u", host,
		    (unsigned)ntohs(is_v6 ? in6->sin6_port : in->sin_port));
	else
		(void)snprintf(out, SOCKADDR_TEXT_MAX, "%s", host);
}
