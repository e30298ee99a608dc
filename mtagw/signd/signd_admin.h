/* signd_admin: `mtagwctl key ...`. */
#ifndef SIGND_ADMIN_H
#define SIGND_ADMIN_H

#include <stdint.h>

#include "mtagw/base/buf.h"
#include "mtagw/base/err.h"
#include "mtagw/signd/signd_keys.h"

/* Appends one JSON object. Absent arguments are "". 1, 0 (no such key, GnuPG busy) or -1 with
 * error_r. Verbs: key.list                        {"seal": [{address, fingerprint, created,
 * expires, usable, reason}], "dkim": [{selector, algorithm, name, usable, reason}]} key.create-seal
 * ADDRESS NAME    {address, fingerprint} key.create-dkim rsa|ed25519     {selector, algorithm,
 * name} key.show-seal ADDRESS           {address, armor} key.show-dkim {"records": [{name, type,
 * selector, algorithm, value, strings, zone}]} */
int signd_admin(struct signd_keys *keys, const char *verb, const char *const args[3],
    int64_t now_secs, struct buf *json, struct err *error_r);

#endif
