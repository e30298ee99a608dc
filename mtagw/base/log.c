/*
 * log: one line per event on standard error, written with one write(2) so that lines of several
 * processes do not mix. The parent passes standard error on; whoever supervises it adds the time
 * where it wants one, we add our own because `make run` has nobody else.
 */
#include "mtagw/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000
#define SAFE_MAX_BYTES 200

static const char *role_name = "mtagw";
static enum log_level level_min = LOG_LEVEL_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_open(const char *role)
{
	role_name = role;
}

void log_set_level(enum log_level level)
{
	level_min = level;
}

__attribute__((format(printf, 2, 0))) static void log_line(
    enum log_level level, const char *format, va_list ap)
{
	char line[LINE_MAX_BYTES];
	struct timespec now;
	struct tm tm;
	size_t n;
	int more;

	if (level < level_min)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n,
	    ".%03ldZ %s[%d]: %s: ", now.tv_nsec / 1000000, role_name, (int)getpid(),
	    level_names[level]);
	more = vsnprintf(line + n, sizeof(line) - n - 1, format, ap);
	if (more > 0)
		n += (size_t)more < sizeof(line) - n - 1 ? (size_t)more : sizeof(line) - n - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say it */
}

#define LOG_BODY(level)                      \
	do {                                 \
		va_list ap;                  \
		va_start(ap, format);        \
		log_line(level, format, ap); \
		va_end(ap);                  \
	} while (0)

void log_debug(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG);
}

void log_info(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_INFO);
}

void log_warn(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_WARN);
}

void log_error(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR);
}

void log_fatal(const char *format, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR);
	exit(1);
}

const char *log_safe_n(const char *text, size_t len)
{
	static char slots[4][SAFE_MAX_BYTES + 8];
	static unsigned next;
	char *out = slots[next++ % 4], *p = out;

	for (size_t i = 0; i < len && p - out < SAFE_MAX_BYTES - 4; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 32 || c > 126 || c == '"' || c == '\\')
			p += sprintf(p, "\\x%02x", c);
		else
			*p++ = (char)c;
	}
	*p = '\0';
	return out;
}

const char *log_safe(const char *text)
{
	return text ? log_safe_n(text, strlen(text)) : "-";
}
