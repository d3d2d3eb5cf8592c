/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log_channel_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <paths.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define FRAME_SIZE 2304 /* a line of log.c and its prefix */

enum kind {
	STDERR_UNKNOWN, /* not examined yet */
	STDERR_SOCKET,  /* send() without waiting */
	STDERR_OWN,     /* our own open file description, non-blocking */
	STDERR_FILE,    /* written once poll() allows it */
	SYSLOG_DATAGRAM,
	SYSLOG_STREAM
};

static struct {
	pthread_mutex_t lock; /* guards everything below */
	enum kind kind;
	int fd; /* -1: not open */
	const char *program, *path;
	uint64_t lost;         /* lines lost and not reported yet */
	char rest[FRAME_SIZE]; /* the unwritten end of a line */
	size_t rest_length;
} channel = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static void
shut(void)
{
	if (channel.fd > STDERR_FILENO)
		close(channel.fd);
	channel.fd = -1;
	channel.rest_length = 0;
}

void
log_channel_syslog(const char *program, const char *path)
{
	pthread_mutex_lock(&channel.lock);
	shut();
	channel.kind = SYSLOG_DATAGRAM;
	channel.program = program;
	channel.path = path == NULL ? _PATH_LOG : path;
	pthread_mutex_unlock(&channel.lock);
	setlogmask(LOG_MASK(LOG_EMERG));
}

void
log_channel_stderr(void)
{
	pthread_mutex_lock(&channel.lock);
	shut();
	channel.kind = STDERR_UNKNOWN;
	pthread_mutex_unlock(&channel.lock);
}

/* A stream where there is no datagram socket: some syslogs have only a stream. */
static void
open_syslog(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int types[] = {SOCK_DGRAM, SOCK_STREAM};

	if (!text_copy(address.sun_path, sizeof address.sun_path, channel.path))
		return;
	for (size_t i = 0; i < 2; i++) {
		int fd =
		    socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return;
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
			channel.fd = fd;
			channel.kind = i == 0 ? SYSLOG_DATAGRAM : SYSLOG_STREAM;
			return;
		}
		close(fd);
		if (errno != EPROTOTYPE)
			return;
	}
}

/*
 * O_NONBLOCK belongs to the open file, which others share with us; so we open a
 * pipe or a terminal again for ourselves.
 */
static void
open_stderr(void)
{
	struct stat status;

	channel.fd = STDERR_FILENO;
	channel.kind = STDERR_FILE;
	if (fstat(STDERR_FILENO, &status) != 0)
		return;
	if (S_ISSOCK(status.st_mode)) {
		channel.kind = STDERR_SOCKET;
	} else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		int fd = open("/proc/self/fd/2",
		    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0) {
			channel.fd = fd;
			channel.kind = STDERR_OWN;
		}
	}
}

static ssize_t
put(const char *frame, size_t length)
{
	struct pollfd ready = {channel.fd, POLLOUT, 0};

	switch (channel.kind) {
	case STDERR_SOCKET:
	case SYSLOG_DATAGRAM:
	case SYSLOG_STREAM:
		return send(channel.fd, frame, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	case STDERR_FILE:
		if (poll(&ready, 1, 0) <= 0 || (ready.revents & POLLOUT) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(channel.fd, frame, length);
	case STDERR_OWN:
	case STDERR_UNKNOWN:
		break;
	}
	return write(channel.fd, frame, length);
}

static bool
put_rest(void)
{
	if (channel.rest_length == 0)
		return true;
	ssize_t done = put(channel.rest, channel.rest_length);
	if (done > 0) {
		channel.rest_length -= (size_t)done;
		memmove(channel.rest, channel.rest + done, channel.rest_length);
	}
	return channel.rest_length == 0;
}

/* Writes the frame; keeps the rest if only part was taken. false: nothing was. */
static bool
put_frame(const char *frame, size_t length)
{
	if (!put_rest())
		return false;
	ssize_t done = put(frame, length);
	if (done < 0)
		return false;
	channel.rest_length = length - (size_t)done;
	memcpy(channel.rest, frame + done, channel.rest_length);
	return true;
}

static bool
is_syslog(void)
{
	return channel.kind == SYSLOG_DATAGRAM || channel.kind == SYSLOG_STREAM;
}

/* "<22>Nov  9 07:05:03 targreyd[42]: text", the time is local (RFC 3164 4.1.2) */
static size_t
make_frame(char frame[static FRAME_SIZE], int priority, const char *text)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm local = {0};
	int length;

	if (!is_syslog()) {
		length = snprintf(frame, FRAME_SIZE, "%s\n", text);
	} else {
		localtime_r(&now, &local);
		length = snprintf(frame, FRAME_SIZE,
		    "<%d>%s %2d %02d:%02d:%02d %s[%ld]: %s%s", LOG_MAIL | priority,
		    months[local.tm_mon % 12], local.tm_mday, local.tm_hour,
		    local.tm_min, local.tm_sec, channel.program, (long)getpid(),
		    text, channel.kind == SYSLOG_STREAM ? "\n" : "");
	}
	return length < FRAME_SIZE ? (size_t)length : FRAME_SIZE - 1;
}

static bool
write_once(int priority, const char *text)
{
	char frame[FRAME_SIZE];

	if (channel.fd < 0 && is_syslog())
		open_syslog();
	else if (channel.fd < 0)
		open_stderr();
	return channel.fd >= 0 &&
	       put_frame(frame, make_frame(frame, priority, text));
}

/* Tries again on a new socket when the peer of the old one has gone. */
static bool
write_line(int priority, const char *text)
{
	if (write_once(priority, text))
		return true;
	if (!is_syslog() || channel.fd < 0 || errno == EAGAIN || errno == ENOBUFS)
		return false;
	shut();
	channel.kind = SYSLOG_DATAGRAM;
	return write_once(priority, text);
}

static bool
say_lost(void)
{
	char text[80];

	if (channel.lost == 0)
		return true;
	snprintf(text, sizeof text,
	    "warning: %" PRIu64 " log lines lost: the log took no more",
	    channel.lost);
	if (!write_line(LOG_WARNING, text))
		return false;
	channel.lost = 0;
	return true;
}

void
log_channel_write(int priority, const char *text)
{
	int saved = errno;

	pthread_mutex_lock(&channel.lock);
	if (!say_lost() || !write_line(priority, text)) {
		channel.lost++;
	}
	pthread_mutex_unlock(&channel.lock);
	errno = saved;
}
