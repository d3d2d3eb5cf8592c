/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where log lines go. Writing never waits: a line that syslog or a pipe does not
 * take at once is lost and counted, and the next line that is taken says how many.
 * Any thread may write. Private to base/log.c.
 */
#ifndef BASE_LOG_CHANNEL_PRIVATE_H
#define BASE_LOG_CHANNEL_PRIVATE_H

#include <stdint.h>

/*
 * The socket of the system's log, in the form of RFC 3164, facility mail; reopened
 * when the other side has gone. What libraries send with syslog(3) would wait, so
 * it is dropped unless it is an emergency.
 * path  NULL: /dev/log. Both texts are borrowed for ever.
 */
void log_channel_syslog(const char *program, const char *path);

/* Standard error; the state at start. */
void log_channel_stderr(void);

/*
 * priority  LOG_WARNING, LOG_INFO, ... of syslog(3)
 * text      one line without its line end; for standard error with its prefix
 */
void log_channel_write(int priority, const char *text);

#endif
