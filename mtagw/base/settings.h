/* settings: mtagw.conf, one table of keys (name, type, default, range), an immutable struct (STYLE
 * 41). */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"

/* `next_hop = pelabuhan.example 127.0.0.1:2525 tls=may`: where mail for one domain goes. */
struct next_hop {
	const char *domain;  /* "*" is the default relay */
	const char *address; /* numeric host:port or unix:/path */
	enum { HOP_TLS_NONE, HOP_TLS_MAY, HOP_TLS_ENCRYPT, HOP_TLS_VERIFY } tls;
	const char
	    *tls_name; /* name wanted in the certificate (tls=verify name=...); NULL: the domain */
};

struct settings {
	/* identity */
	const char *domain;   /* the city's mail domain, `dumai.example` */
	const char *hostname; /* our name in EHLO, banner, Received */
	/* places */
	const char *state_dir;   /* secrets/, dkim/, gnupg live here unless said otherwise */
	const char *runtime_dir; /* Unix sockets of roles; a short path */
	const char
	    *secrets_dir; /* one file per database role: its password; `token`: key of tokens */
	const char *policies_dir; /* what `mtagwctl policy check|activate` reads by default */
	const char *templates_dir;
	const char *libexec_dir; /* role executables and mtagw-pdf */
	int restart_max_secs;    /* before a role that died is started again */
	/* listening */
	const char *listen_mx, *listen_submission, *listen_submissions; /* "" = off; address:port */
	const char *proxy_from; /* addresses, one blank between; "" none */
	const char *tls_cert, *tls_key;
	/* neighbours */
	const char *db_host, *db_name; /* db_host: directory of the Unix socket, or a host */
	int db_port;
	const char *dovecot_auth; /* unix:/path of the auth client socket */
	const char *lmtp;         /* unix:/path or address:port of Dovecot's LMTP */
	bool lmtp_duplicate;      /* it throws a second copy of a delivery away */
	const struct next_hop *next_hops;
	size_t next_hop_count;
	const char *tls_ca; /* "" = the system's store; for tls=verify */
	/* users, "" = stay who we are; a name or a number */
	const char *smtpd_user, *router_user, *signd_user, *sender_user, *clerk_user, *verify_user,
	    *pdfd_user;
	/* keys */
	const char *gnupg_home;
	const char *dkim_dir; /* <selector>.pem, made by signd */
	const char *dkim_selector_rsa, *dkim_selector_ed25519;
	/* limits of taking in */
	int64_t message_size_limit; /* bytes */
	int line_length_limit;      /* bytes with CRLF */
	int recipient_limit;        /* >= 100 */
	int smtpd_error_limit, smtpd_sessions_max, smtpd_sessions_per_peer;
	int smtpd_connection_rate_limit;  /* a minute, 0: any */
	int64_t smtpd_data_in_flight_max; /* bytes of all DATA together */
	int smtpd_timeout_secs;
	int smtpd_min_data_rate; /* bytes a second, 0: any */
	int auth_failures_max; /* per session; ten times as many per peer address in ten minutes */
	/* the router */
	int router_workers, render_workers, router_batch;
	int intake_list_secs; /* what comes within it stands in one list to the clerk */
	int lease_secs;
	/* verify: judging mail from outside */
	int verify_workers, verify_timeout_secs;
	const char *dns_zone_file;      /* "" = the system's resolvers */
	const char *correspondent_keys; /* GnuPG home of public keys */
	/* the sender */
	int sender_destination_concurrency, sender_connections_max, sender_messages_per_connection;
	int retry_min_secs, retry_max_secs, expire_secs, sender_timeout_secs;
	int64_t clock_offset_secs; /* tests only */
	bool sandbox;              /* system calls of each role are filtered */
	int mx_port;               /* tests only: where servers found by MX listen */
	bool debug;
};

/* Reads the file. NULL and error_r (`file:line: unknown key "x"; did you mean ...`) on any defect.
 * The result never changes; settings_free ends it. Blocks on the file system. */
const struct settings *settings_load(const char *file, struct err *error_r);
/* The same from bytes; name stands in errors where the file would. Never blocks. */
const struct settings *settings_parse(struct range text, const char *name, struct err *error_r);
void settings_free(const struct settings **settings);
/* The line of the file that gave a key; 0: no line, its default stands (or there is no such key).
 */
int settings_line(const struct settings *settings, const char *key);
/* Every key with its value, for `mtagw -n`, and its help line, for the check against the man page.
 */
void settings_print(const struct settings *settings, struct buf *out);
void settings_print_keys(
    struct buf *out); /* `name<TAB>type<TAB>default<TAB>range<TAB>help` a line */
/* Secret file's first line into a fresh string (caller wipes and frees); NULL and error_r. */
char *settings_secret(const struct settings *settings, const char *name, struct err *error_r);

#endif
