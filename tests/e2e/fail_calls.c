/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LD_PRELOAD: while armed, counts the calls of the chosen kinds that the process
 * makes, from whatever library, and lets those from first on fail, so many of
 * them. The file named by $FAIL_CALLS says so, mapped by both sides.
 *
 * Each call is passed on as six registers, whatever its prototype says: what the
 * ABIs of x86-64 and arm64 allow, and no header's declaration stands in the way.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>

#define ALLOCATION 1
#define FILES      2
#define SOCKETS    4

#define CALLING long a, long b, long c, long d, long e, long f
#define CALLED  a, b, c, d, e, f
typedef long call_fn(CALLING);

struct order {
	_Atomic int64_t is_armed, kinds, first, row, seen, failed;
	char last[16]; /* the call that failed last */
};
static struct order *order;

long syscall(long number, ...);
char *getenv(const char *name);
void _exit(int code);
char *strncpy(char *to, const char *from, size_t size);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAIL_CALLS");
	long fd = path == NULL
	              ? -1
	              : syscall(SYS_openat, AT_FDCWD, path, 2 /* O_RDWR */, 0);
	long map = fd < 0 ? -1
	                  : syscall(SYS_mmap, 0L, sizeof *order,
	                        3L /* read, write */, 1L /* shared */, fd, 0L);

	if (map == -1)
		_exit(99);
	syscall(SYS_close, fd);
	order = (struct order *)map;
}

static bool
must_fail(int kind, int error, const char *name)
{
	if (order == NULL || !order->is_armed || (order->kinds & kind) == 0)
		return false;
	int64_t number = ++order->seen;
	if (number < order->first || number >= order->first + order->row)
		return false;
	order->failed++;
	strncpy(order->last, name, sizeof order->last - 1);
	errno = error;
	return true;
}

/* Neither: a pipe, an eventfd; what reads and writes those does not fail. */
static int
kind_of(long fd)
{
	struct statx found;
	int before = errno;
	long result = syscall(SYS_statx, fd, "", 0x1000L /* AT_EMPTY_PATH */,
	    (long)STATX_TYPE, &found);

	errno = before;
	if (result != 0)
		return 0;
	switch (found.stx_mode & 0170000) {
	case 0140000:
		return SOCKETS;
	case 0100000:
		return FILES;
	default:
		return 0;
	}
}

#define NEXT(name)                                                                 \
	({                                                                         \
		static call_fn *next;                                              \
		if (next == NULL)                                                  \
			next = (call_fn *)dlsym(RTLD_NEXT, #name);                 \
		next;                                                              \
	})

#define FAIL(kind, error, value, name)                                             \
	long name(CALLING)                                                         \
	{                                                                          \
		call_fn *next = NEXT(name);                                        \
		return must_fail(kind, error, #name) ? (value) : next(CALLED);     \
	}

FAIL(ALLOCATION, ENOMEM, 0, malloc)
FAIL(ALLOCATION, ENOMEM, 0, calloc)
FAIL(ALLOCATION, ENOMEM, 0, realloc)
FAIL(ALLOCATION, ENOMEM, 0, strdup)
FAIL(ALLOCATION, ENOMEM, 0, strndup)

FAIL(FILES, EMFILE, -1, open)
FAIL(FILES, EMFILE, -1, open64)
FAIL(FILES, EMFILE, -1, openat)
FAIL(FILES, EMFILE, -1, openat64)
FAIL(FILES, EIO, -1, pread)
FAIL(FILES, EIO, -1, pread64)
FAIL(FILES, ENOSPC, -1, pwrite)
FAIL(FILES, ENOSPC, -1, pwrite64)
FAIL(FILES, EIO, -1, fsync)
FAIL(FILES, EIO, -1, fdatasync)
FAIL(FILES, EIO, -1, ftruncate)
FAIL(FILES, EIO, -1, ftruncate64)
FAIL(FILES, EIO, -1, fstat)
FAIL(FILES, EIO, -1, fstat64)
FAIL(FILES, EACCES, -1, stat)
FAIL(FILES, EACCES, -1, stat64)
FAIL(FILES, EACCES, -1, lstat)
FAIL(FILES, EACCES, -1, lstat64)
FAIL(FILES, EACCES, -1, access)
FAIL(FILES, EIO, -1, unlink)
FAIL(FILES, EIO, -1, rename)
FAIL(FILES, ENOMEM, -1, mmap)
FAIL(FILES, ENOMEM, -1, mmap64)
FAIL(FILES, ENOMEM, -1, mremap)

FAIL(SOCKETS, EMFILE, -1, socket)
FAIL(SOCKETS, EMFILE, -1, accept)
FAIL(SOCKETS, EMFILE, -1, accept4)
FAIL(SOCKETS, ENETUNREACH, -1, connect)
FAIL(SOCKETS, EADDRINUSE, -1, bind)
FAIL(SOCKETS, ENOBUFS, -1, setsockopt)
FAIL(SOCKETS, ENOBUFS, -1, getsockopt)
FAIL(SOCKETS, ENOBUFS, -1, getsockname)
FAIL(SOCKETS, ENOTCONN, -1, getpeername)
FAIL(SOCKETS, ECONNRESET, -1, recv)
FAIL(SOCKETS, ECONNRESET, -1, recvfrom)
FAIL(SOCKETS, ECONNRESET, -1, recvmsg)
FAIL(SOCKETS, EPIPE, -1, send)
FAIL(SOCKETS, EPIPE, -1, sendto)
FAIL(SOCKETS, EPIPE, -1, sendmsg)
FAIL(SOCKETS, ENOMEM, -1, poll)
FAIL(SOCKETS, ENOMEM, -1, ppoll)
FAIL(SOCKETS, ENOMEM, -1, epoll_ctl)
FAIL(SOCKETS, EINTR, -1, epoll_wait)
FAIL(SOCKETS, EMFILE, -1, pipe)
FAIL(SOCKETS, EMFILE, -1, pipe2)
FAIL(SOCKETS, EMFILE, -1, socketpair)
FAIL(SOCKETS, EMFILE, -1, eventfd)

FAIL(SOCKETS, EAGAIN, EAGAIN, pthread_create)

#define FAIL_FD(error, name)                                                       \
	long name(CALLING)                                                         \
	{                                                                          \
		call_fn *next = NEXT(name);                                        \
		return must_fail(kind_of(a), error, #name) ? -1 : next(CALLED);    \
	}

FAIL_FD(EIO, read)
FAIL_FD(EIO, readv)
FAIL_FD(EIO, write)
FAIL_FD(EIO, writev)
FAIL_FD(ENOLCK, fcntl)
FAIL_FD(ENOLCK, fcntl64)
FAIL_FD(EINVAL, ioctl)

/* Closed all the same, as Linux does. */
long
close(CALLING)
{
	call_fn *next = NEXT(close);
	int kind = kind_of(a);
	long result = next(CALLED);

	return must_fail(kind, EIO, "close") ? -1 : result;
}
