/* log: one line per event on standard error: `role[pid]: level: event key=value ...` */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Names the role that stands before each line (kept by pointer). */
void log_open(const char *role);
void log_set_level(enum log_level level);

/* info: the peer's doings; warn: the surroundings failed; error: our own fault (STYLE 24).
 * Peer text goes through log_safe first. */
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
/* Logs and exits with status 1: start-up only (STYLE 25). */
__attribute__((format(printf, 1, 2), noreturn)) void log_fatal(const char *format, ...);

/* Peer text as log text: controls, quotes and bytes above 126 as \xNN, cut at 200 bytes. The
 * result lives in one of four rotating buffers: use it in the same statement. */
const char *log_safe(const char *text);
const char *log_safe_n(const char *text, size_t len);

#endif
