/* queue: an administrator's hand on deliveries and on work set aside (blocking side, role
 * mtagw_ctl). */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdint.h>

#include "mtagw/base/err.h"
#include "mtagw/store/db.h"
#include "mtagw/store/exchange.h"
#include "mtagw/store/id.h"

enum queue_verb {
	QUEUE_HOLD,    /* waiting -> held */
	QUEUE_RELEASE, /* held -> waiting, tried at once */
	QUEUE_RETRY, /* waiting, held or uncertain -> tried at once; work: also out of quarantine */
	QUEUE_FAIL,  /* ended as failed, the writer or the clerk is told; work: into quarantine */
};
#define QUEUE_SET_ASIDE 2
/* Does it to the delivery or the work with this id, with an exchange row in the same transaction,
 * and wakes who goes on with it. reason: for the trail, may be "". 1; QUEUE_SET_ASIDE: it was work
 * and lies in quarantine now; 0 with error_r: there is no such row or its state does not allow it;
 * -1. */
int queue_change(struct db *db, struct ids *ids, enum queue_verb verb, int64_t id,
    const struct exchange_actor *actor, const char *reason, int64_t at_ms, struct err *error_r);

extern const struct stmt *const queue_statements[];

#endif
