/* priority: a process that works while nobody else wants the processor. */
#ifndef PDFD_PRIORITY_H
#define PDFD_PRIORITY_H

/* Puts this process, and what it starts, behind all other work of the machine: not only behind its
 * own session. It still gets about a hundredth of a core that is busy all the time. What the
 * system does not allow is logged and left: it is slower then for others, not wrong. For a child
 * that has not begun its program; it gets a session of its own. May sleep some tenths of a second.
 */
void priority_last(void);

#endif
