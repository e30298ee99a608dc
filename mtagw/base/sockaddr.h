/* sockaddr: the two forms of address that settings and roles use, as socket addresses. */
#ifndef BASE_SOCKADDR_H
#define BASE_SOCKADDR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "mtagw/base/err.h"

/* Longest text of sockaddr_format: a scoped IPv6 address with brackets and port. */
#define SOCKADDR_TEXT_MAX 72

struct sockaddr_any {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* `unix:/path`, `127.0.0.1:25`, `[::1]:25`; numeric only. 1, or -1 and error_r: names are never
 * resolved, a path over the system's 107 bytes is refused by its length. */
int sockaddr_parse(const char *text, struct sockaddr_any *addr_r, struct err *error_r);
/* `address:port` (brackets for IPv6), or the address alone; `unix` for Unix sockets. */
void sockaddr_format(const struct sockaddr_any *addr, bool with_port, char out[SOCKADDR_TEXT_MAX]);

#endif
