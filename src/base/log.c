/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/log_channel_private.h"

#define LINE_SIZE 2048
#define QUIET_MS  60000

static const int priorities[] = {LOG_WARNING, LOG_INFO, LOG_DEBUG};

static void to_stderr(void *ctx, enum log_level level, const char *text);

/* Set before threads start, read-only afterwards; the level may change. */
static const char *program_name = "targrey";
static void (*line_sink)(void *, enum log_level, const char *) = to_stderr;
static void *line_ctx;
static _Atomic int max_level = LOG_LEVEL_INFO;

/* A warning can be found by its word, as those of Postfix. */
static const char *const words[] = {"warning: ", "", "debug: "};

static void
to_stderr(void *ctx, enum log_level level, const char *text)
{
	char line[LINE_SIZE + 64];

	(void)ctx;
	snprintf(line, sizeof line, "%s: %s%s", program_name, words[level], text);
	log_channel_write(priorities[level], line);
}

static void
to_syslog(void *ctx, enum log_level level, const char *text)
{
	char line[LINE_SIZE + 64];

	(void)ctx;
	snprintf(line, sizeof line, "%s%s", words[level], text);
	log_channel_write(priorities[level], line);
}

void
log_to_syslog(const char *program, const char *path)
{
	log_channel_syslog(program, path);
	line_sink = to_syslog;
}

void
log_to_stderr(const char *program)
{
	program_name = program;
	log_channel_stderr();
	line_sink = to_stderr;
}

void
log_to_sink(void (*sink)(void *, enum log_level, const char *), void *ctx)
{
	line_sink = sink;
	line_ctx = ctx;
}

void
log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

bool
log_wants(enum log_level level)
{
	return (int)level <= atomic_load(&max_level);
}

static void __attribute__((format(printf, 3, 0)))
write_line(enum log_level level, const char *tail, const char *format, va_list args)
{
	char line[LINE_SIZE];

	if (!log_wants(level))
		return;
	vsnprintf(line, sizeof line, format, args);
	if (tail != NULL) {
		size_t used = strlen(line);
		snprintf(line + used, sizeof line - used, ": %s", tail);
	}
	for (char *c = line; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	line_sink(line_ctx, level, line);
}

void
log_warn(const char *format, ...)
{
	const char *tail = strerror(errno);
	va_list args;
	va_start(args, format);
	write_line(LOG_LEVEL_WARNING, tail, format, args);
	va_end(args);
}

void
log_warnx(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_LEVEL_WARNING, NULL, format, args);
	va_end(args);
}

void
log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_LEVEL_INFO, NULL, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_LEVEL_DEBUG, NULL, format, args);
	va_end(args);
}

bool
log_may(struct log_limit *limit, int64_t mono_ms, unsigned *dropped_r)
{
	int64_t next = atomic_load(&limit->next_ms);

	if ((next != 0 && mono_ms < next) ||
	    !atomic_compare_exchange_strong(
	        &limit->next_ms, &next, mono_ms + QUIET_MS)) {
		atomic_fetch_add(&limit->dropped, 1);
		return false;
	}
	unsigned dropped = atomic_exchange(&limit->dropped, 0);
	if (dropped_r != NULL)
		*dropped_r = dropped;
	return true;
}
