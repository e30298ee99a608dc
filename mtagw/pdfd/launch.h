/* launch: one PDF helper for each connection. */
#ifndef PDFD_LAUNCH_H
#define PDFD_LAUNCH_H

#include "mtagw/base/settings.h"

/* Whoever connects to listen_fd gets a frame with the process id of a helper of his own
 * (libexec_dir/mtagw-pdf), and from then on its connection is the helper's standard input and
 * output (office/pdf.c is the other side). A helper whose client hangs up is killed, a helper that
 * ends hangs up; its temporary folder goes with it. Runs until draining() says so and the last
 * client is gone, at most 20 s more. Signals interrupt its wait only: call it with handlers
 * installed. */
void launch_run(const struct settings *settings, int listen_fd, int (*draining)(void));

#endif
