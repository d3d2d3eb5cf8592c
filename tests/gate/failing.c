/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/failing.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	char call[16];
	unsigned nth, row, seen, failed;
	int error;
	enum failing_where where;
} armed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct rlimit *told;
static _Thread_local struct {
	const void *octets;
	size_t length;
} given;

void
failing_arm(const char *call, unsigned nth, unsigned row, int error,
    enum failing_where where)
{
	pthread_mutex_lock(&armed.lock);
	strncpy(armed.call, call, sizeof armed.call - 1);
	armed.nth = nth;
	armed.row = row;
	armed.seen = armed.failed = 0;
	armed.error = error;
	armed.where = where;
	pthread_mutex_unlock(&armed.lock);
}

static unsigned
failed(void)
{
	pthread_mutex_lock(&armed.lock);
	unsigned count = armed.failed;
	pthread_mutex_unlock(&armed.lock);
	return count;
}

unsigned
failing_stop(void)
{
	pthread_mutex_lock(&armed.lock);
	unsigned count = armed.failed;
	armed.failed = 0;
	memset(armed.call, 0, sizeof armed.call);
	pthread_mutex_unlock(&armed.lock);
	return count;
}

void
failing_await(void)
{
	for (int i = 0; i < 60000 && failed() == 0; i++)
		usleep(1000);
}

void
failing_limit(const struct rlimit *limit)
{
	told = limit;
}

void
failing_receive(const void *octets, size_t length)
{
	given.octets = octets;
	given.length = length;
}

static bool
is_in_gate(void)
{
	char name[16] = "";

	pthread_getname_np(pthread_self(), name, sizeof name);
	return strcmp(name, "gate") == 0;
}

static bool
fails(const char *call)
{
	pthread_mutex_lock(&armed.lock);
	bool is_meant = strcmp(armed.call, call) == 0 &&
	                is_in_gate() == (armed.where == FAIL_IN_GATE);
	bool does = is_meant && ++armed.seen >= armed.nth &&
	            armed.seen < armed.nth + armed.row;
	int error = armed.error;
	armed.failed += does;
	pthread_mutex_unlock(&armed.lock);
	if (does)
		errno = error;
	return does;
}

#define WRAP(type, name, failure, taken, passed)                                   \
	type __real_##name taken;                                                  \
	type __wrap_##name taken;                                                  \
	type __wrap_##name taken                                                   \
	{                                                                          \
		return fails(#name) ? failure : __real_##name passed;              \
	}

WRAP(void *, malloc, NULL, (size_t size), (size))
WRAP(void *, calloc, NULL, (size_t count, size_t size), (count, size))
WRAP(char *, strdup, NULL, (const char *text), (text))
WRAP(int, flock, -1, (int fd, int how), (fd, how))
WRAP(
    int, socket, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
WRAP(int, bind, -1, (int fd, const struct sockaddr *to, socklen_t size),
    (fd, to, size))
WRAP(int, connect, -1, (int fd, const struct sockaddr *to, socklen_t size),
    (fd, to, size))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, lstat, -1, (const char *path, struct stat *status_r), (path, status_r))
WRAP(int, lchown, -1, (const char *path, uid_t user, gid_t group),
    (path, user, group))
WRAP(int, setsockopt, -1,
    (int fd, int level, int name, const void *value, socklen_t size),
    (fd, level, name, value, size))
WRAP(int, epoll_create1, -1, (int flags), (flags))
WRAP(int, eventfd, -1, (unsigned value, int flags), (value, flags))
WRAP(int, epoll_ctl, -1, (int epoll, int how, int fd, struct epoll_event *event),
    (epoll, how, fd, event))
WRAP(int, accept4, -1, (int fd, struct sockaddr *from, socklen_t *size, int flags),
    (fd, from, size, flags))
WRAP(int, access, -1, (const char *path, int mode), (path, mode))
WRAP(int, fchmodat, -1, (int at, const char *path, mode_t mode, int flags),
    (at, path, mode, flags))
WRAP(ssize_t, read, -1, (int fd, void *to, size_t size), (fd, to, size))
WRAP(ssize_t, write, -1, (int fd, const void *from, size_t size), (fd, from, size))
WRAP(ssize_t, send, -1, (int fd, const void *from, size_t size, int flags),
    (fd, from, size, flags))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int
__wrap_open(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	mode_t mode = va_arg(more, mode_t);
	va_end(more);
	return fails("open") ? -1 : __real_open(path, flags, mode);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*run)(void *), void *arg);
int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*run)(void *), void *arg)
{
	return fails("pthread_create")
	           ? EAGAIN
	           : __real_pthread_create(thread, attributes, run, arg);
}

int __real_getrlimit(int resource, struct rlimit *limit_r);
int __wrap_getrlimit(int resource, struct rlimit *limit_r);
int
__wrap_getrlimit(int resource, struct rlimit *limit_r)
{
	if (fails("getrlimit"))
		return -1;
	if (told == NULL)
		return __real_getrlimit(resource, limit_r);
	*limit_r = *told;
	return 0;
}

ssize_t __real_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t
__wrap_recv(int fd, void *to, size_t size, int flags)
{
	if (fails("recv"))
		return -1;
	if (given.length == 0)
		return __real_recv(fd, to, size, flags);
	size_t length = given.length < size ? given.length : size;
	memcpy(to, given.octets, length);
	given.length = 0;
	return (ssize_t)length;
}
