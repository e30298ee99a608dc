/* priority: a low weight for a process, beside all others of the machine. */
#ifndef PDFD_PRIORITY_H
#define PDFD_PRIORITY_H

/* Puts this process, and what it starts, behind the other work of the machine, not only of its
 * session: where a core is wanted all the time it gets about a tenth of it beside one other. What
 * the system does not allow is logged and left: others wait longer then. For a child that has not
 * begun its program; it gets a session of its own. May sleep some tenths of a second. */
void priority_last(void);

#endif
