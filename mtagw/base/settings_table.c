/*
 * settings_table: the one table of keys: name, type, place, default, range, help. A key needs a
 * line here, a field in struct settings, a paragraph in mtagw.conf(5) and a line in the sample
 * file; tests/lint/settings-docs holds us to the last two.
 */
#include "mtagw/base/settings_table.h"

#include <limits.h>
#include <string.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
/* A century to both sides: enough for any test of year change. */
#define OFFSET_MAX_SECS (INT64_C(100) * 366 * 86400)
/* Names longer than this are not compared: no key is near them. */
#define NEAR_NAME_MAX 40

#define PLACE(field) offsetof(struct settings, field)
/* clang-format off */
#define TEXT(type, key, wanted, help) {#key, type, PLACE(key), wanted, 0, 0, help}
#define NUMBER(type, key, wanted, min, max, help) {#key, type, PLACE(key), wanted, min, max, help}

const struct settings_key settings_keys[] = {
	TEXT(SETTING_NAME, domain, NULL, "mail domain of the city"),
	TEXT(SETTING_NAME, hostname, NULL, "name of this host in banner, EHLO and Received"),
	TEXT(SETTING_PATH, state_dir, "/var/lib/mtagw", "what must survive a restart"),
	TEXT(SETTING_PATH, runtime_dir, "/run/mtagw", "sockets of the roles"),
	TEXT(SETTING_PATH, secrets_dir, "{state_dir}/secrets", "one file a database role with its password; token: the key of tokens"),
	TEXT(SETTING_PATH, policies_dir, "/etc/mtagw/policies", "what mtagwctl policy reads"),
	TEXT(SETTING_PATH, templates_dir, "/etc/mtagw/templates", "stylesheets, activated with the policy"),
	TEXT(SETTING_PATH, libexec_dir, "/usr/libexec/mtagw", "executables of the roles"),
	NUMBER(SETTING_INT, restart_max_secs, "60", 1, 3600, "longest wait before a role that died is started again"),
	TEXT(SETTING_LISTEN, listen_mx, "0.0.0.0:25", "where mail from outside is taken in"),
	TEXT(SETTING_LISTEN, listen_submission, "0.0.0.0:587", "where clients hand in mail, STARTTLS"),
	TEXT(SETTING_LISTEN, listen_submissions, "0.0.0.0:465", "where clients hand in mail, TLS from the first byte"),
	TEXT(SETTING_ADDRESSES, proxy_from, "", "balancers whose PROXY header (version 2) is wanted and believed"),
	TEXT(SETTING_PATH, tls_cert, "/etc/mtagw/tls/cert.pem", "certificate chain of the listening side"),
	TEXT(SETTING_PATH, tls_key, "/etc/mtagw/tls/key.pem", "its private key"),
	TEXT(SETTING_TEXT, db_host, "/var/run/postgresql", "PostgreSQL: directory of its socket, or a host"),
	TEXT(SETTING_TEXT, db_name, "mtagw", "name of the database"),
	NUMBER(SETTING_INT, db_port, "5432", 1, 65535, "port of PostgreSQL, also in its socket's name"),
	TEXT(SETTING_SOCKET, dovecot_auth, "unix:/run/dovecot/auth-mtagw", "Dovecot's auth client socket"),
	TEXT(SETTING_SOCKET, lmtp, "unix:/run/dovecot/lmtp", "Dovecot's LMTP"),
	TEXT(SETTING_BOOL, lmtp_duplicate, "no", "Dovecot throws away a delivery that comes twice"),
	{"next_hop", SETTING_NEXT_HOP, PLACE(next_hops), "", 0, 0, "domain (or *), address, tls=, name=: where outgoing mail goes"},
	TEXT(SETTING_TEXT, tls_ca, "", "file of trusted certificates for tls=verify; empty: the system's"),
	TEXT(SETTING_USER, smtpd_user, "mtagw-smtpd", "user of smtpd when started as root"),
	TEXT(SETTING_USER, router_user, "mtagw-router", "user of the router when started as root"),
	TEXT(SETTING_USER, signd_user, "mtagw-signd", "user of signd when started as root"),
	TEXT(SETTING_USER, sender_user, "mtagw-sender", "user of the sender when started as root"),
	TEXT(SETTING_USER, clerk_user, "mtagw-clerk", "user of the clerk when started as root"),
	TEXT(SETTING_USER, verify_user, "mtagw-verify", "user of verify when started as root"),
	TEXT(SETTING_USER, pdfd_user, "mtagw-pdfd", "user of pdfd and its PDF helpers when started as root"),
	TEXT(SETTING_BOOL, sandbox, "yes", "filter the system calls of each role"),
	TEXT(SETTING_PATH, gnupg_home, "{state_dir}/gnupg", "home of signd's GnuPG"),
	TEXT(SETTING_PATH, dkim_dir, "{state_dir}/dkim", "DKIM keys, <selector>.pem"),
	TEXT(SETTING_LABEL, dkim_selector_rsa, "rsa1", "selector of the RSA-2048 DKIM key"),
	TEXT(SETTING_LABEL, dkim_selector_ed25519, "ed1", "selector of the Ed25519 DKIM key"),
	NUMBER(SETTING_SIZE, message_size_limit, "25M", 64 * KIB, GIB, "largest message taken in"),
	NUMBER(SETTING_INT, line_length_limit, "2048", 1000, 65536, "longest line of a message, CRLF counted"),
	NUMBER(SETTING_INT, recipient_limit, "1000", 100, 10000, "most recipients of one message"),
	NUMBER(SETTING_INT, smtpd_error_limit, "20", 1, 1000, "errors after which a session is closed"),
	NUMBER(SETTING_INT, smtpd_sessions_max, "2000", 1, 100000, "most sessions at one time"),
	NUMBER(SETTING_INT, smtpd_sessions_per_peer, "100", 1, 100000, "most of them from one address"),
	NUMBER(SETTING_INT, smtpd_connection_rate_limit, "1200", 0, 1000000, "most new connections a minute from one address, 0: any"),
	NUMBER(SETTING_SIZE, smtpd_data_in_flight_max, "256M", MIB, 64 * GIB, "most bytes of all messages being received"),
	NUMBER(SETTING_INT, smtpd_timeout_secs, "300", 5, 3600, "how long a silent session is kept"),
	NUMBER(SETTING_INT, smtpd_min_data_rate, "500", 0, 1000000, "bytes a second at least while a message comes, 0: any"),
	NUMBER(SETTING_INT, auth_failures_max, "5", 1, 1000, "failed logins a session; ten times as many an address in ten minutes"),
	NUMBER(SETTING_INT, router_workers, "2", 1, 64, "workers that take letters through the office"),
	NUMBER(SETTING_INT, render_workers, "3", 1, 64, "workers that make PDF"),
	NUMBER(SETTING_INT, router_batch, "32", 1, 256, "most messages a worker claims at once"),
	NUMBER(SETTING_INT, intake_list_secs, "60", 0, 86400, "mail from outside that comes within it stands in one list to the clerk"),
	NUMBER(SETTING_INT, lease_secs, "30", 5, 3600, "how long claimed work belongs to a silent worker"),
	NUMBER(SETTING_INT, verify_workers, "2", 1, 64, "workers that judge mail from outside"),
	NUMBER(SETTING_INT, verify_timeout_secs, "20", 4, 300, "how long judging one message may take"),
	TEXT(SETTING_TEXT, dns_zone_file, "", "file of DNS records to answer from; empty: the system's resolvers"),
	TEXT(SETTING_PATH, correspondent_keys, "{state_dir}/correspondents", "GnuPG home with the keys of correspondents"),
	NUMBER(SETTING_INT, sender_destination_concurrency, "20", 1, 1000, "most connections to one destination"),
	NUMBER(SETTING_INT, sender_connections_max, "200", 1, 10000, "most connections of the sender"),
	NUMBER(SETTING_INT, sender_messages_per_connection, "100", 1, 10000, "messages after which a connection is closed"),
	NUMBER(SETTING_INT, retry_min_secs, "300", 1, 86400, "wait after the first failed attempt"),
	NUMBER(SETTING_INT, retry_max_secs, "14400", 1, 86400, "longest wait between two attempts"),
	NUMBER(SETTING_INT, expire_secs, "432000", 1, 30 * 86400, "age at which a delivery is given up"),
	NUMBER(SETTING_INT, sender_timeout_secs, "300", 1, 3600, "how long the sender waits for a reply"),
	NUMBER(SETTING_SECS, clock_offset_secs, "0", -OFFSET_MAX_SECS, OFFSET_MAX_SECS, "moves the clock of the office, for tests"),
	NUMBER(SETTING_INT, mx_port, "25", 1, 65535, "port of mail servers found by MX, for tests"),
	TEXT(SETTING_BOOL, debug, "no", "log debug lines"),
};
/* clang-format on */
const size_t settings_key_count = sizeof(settings_keys) / sizeof(settings_keys[0]);

const struct settings_key *settings_key_find(struct range name)
{
	for (size_t i = 0; i < settings_key_count; i++) {
		if (range_equal(name, range_of(settings_keys[i].name)))
			return &settings_keys[i];
	}
	return NULL;
}

static int least(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein distance with one row; both at most NEAR_NAME_MAX long. */
static int distance(struct range a, struct range b)
{
	int row[NEAR_NAME_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= a.len; i++) {
		int diagonal = row[0];

		row[0] = (int)i;
		for (size_t j = 1; j <= b.len; j++) {
			int above = row[j];

			row[j] =
			    least(above + 1, row[j - 1] + 1, diagonal + (a.p[i - 1] != b.p[j - 1]));
			diagonal = above;
		}
	}
	return row[b.len];
}

const struct settings_key *settings_key_near(struct range name)
{
	const struct settings_key *best = NULL;
	int best_distance =
	    1 + (int)name.len / 3; /* a third of its letters wrong is another word */

	if (name.len > NEAR_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < settings_key_count; i++) {
		int d = distance(name, range_of(settings_keys[i].name));

		if (d > best_distance || (best != NULL && d == best_distance))
			continue;
		best = &settings_keys[i];
		best_distance = d;
	}
	return best;
}
