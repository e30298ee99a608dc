/* account: people, incumbencies and logins as rows (blocking side, role mtagw_ctl). */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/base/mem.h"
#include "mtagw/store/db.h"
#include "mtagw/store/exchange.h"
#include "mtagw/store/id.h"

/* RFC 5802 section 5.1 asks for 4096 at least, and more makes each AUTH dearer for Dovecot. */
#define ACCOUNT_SCRAM_ROUNDS 4096
#define ACCOUNT_PASSWORD_MIN 8
#define ACCOUNT_PASSWORD_MAX 256

struct account {
	const char *login;    /* whole address, lower case */
	const char *position; /* its local part */
	const char *name, *nip, *rank_title, *pay_grade;
	const char *capacity;      /* substantive, acting_vacant ... */
	const char *password_hash; /* from account_hash */
	struct exchange_actor actor;
	int64_t at_ms;
};

/* `{SCRAM-SHA-256}4096,salt,stored key,server key` with a fresh salt (RFC 5802, RFC 7677), which
 * Dovecot takes for PLAIN too. NULL and error_r on a password that is too short, too long or holds
 * anything but printable ASCII (clients and servers prepare other characters differently). In the
 * arena. Takes some milliseconds. */
const char *account_hash(const char *password, struct arena *arena, struct err *error_r);
/* The same with a given salt, for tests against published vectors. */
const char *account_hash_with(
    const char *password, const void *salt, size_t salt_len, int rounds, struct arena *arena);

/* One transaction: the person (the one with this NIP where there is one), the incumbency from now
 * on, the login, the exchange row. A disabled login is taken over by the new holder, whose
 * predecessor's incumbency ends now. 1; 0 with error_r: the position is unknown or the login is in
 * use; -1. */
int account_add(struct db *db, struct ids *ids, const struct account *account, struct err *error_r);
/* 1, 0 no such login, -1. */
int account_set_password(struct db *db, struct ids *ids, const char *login, const char *hash,
    const struct exchange_actor *actor, int64_t at_ms, struct err *error_r);
/* No login any more; letters, mailbox and incumbency stay. 1, 0 no such active login, -1. */
int account_disable(struct db *db, struct ids *ids, const char *login,
    const struct exchange_actor *actor, int64_t at_ms, struct err *error_r);

extern const struct stmt *const account_statements[];

#endif
