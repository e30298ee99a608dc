/* worker: one process of mtagw-verify's pool. */
#ifndef VERIFY_WORKER_H
#define VERIFY_WORKER_H

#include "mtagw/base/role.h"

/* Answers questions on the listening socket, one after the other, until TERM or until it has
 * answered enough of them to be replaced; then returns. Everything it links may end it at any
 * time. */
void worker_run(struct role *role, int listen_fd);

#endif
