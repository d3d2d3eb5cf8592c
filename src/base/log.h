/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines. warning: an operator should act; info: what happened to a mail;
 * debug: why. Lines of the first and the last begin "warning: " and "debug: ". One
 * line per decision, key=value. Any thread may call, in callbacks and loops too:
 * logging never waits. A line that the log does not take at once is lost, and the
 * next line that it takes says how many. The sink is chosen once, before threads
 * start. Control characters in the finished line are replaced by '?'.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * program  borrowed for ever (a string literal); lines go to facility mail
 * path     the log's socket, borrowed for ever; NULL: /dev/log
 */
void log_to_syslog(const char *program, const char *path);
/* Lines "program: level: text" to standard error; the state at start. */
void log_to_stderr(const char *program);
/* Every line goes to sink(ctx, level, text) instead; for tests. */
void log_to_sink(void (*sink)(void *, enum log_level, const char *), void *ctx);

/* Lines above this level are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

/* log_warn appends ": strerror(errno)"; the others do not. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * At most one line per minute for the same trouble: zero-initialise one (static)
 * struct per trouble and write the line only when log_may() is true.
 * mono_ms     now, milliseconds of a monotonic clock
 * dropped_r   lines left out since the last true; may be NULL
 */
struct log_limit {
	_Atomic int64_t next_ms;
	_Atomic unsigned dropped;
};
bool log_may(struct log_limit *limit, int64_t mono_ms, unsigned *dropped_r);

#endif
