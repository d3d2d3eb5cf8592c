/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LD_PRELOAD: while armed, counts the allocations of the process, of whatever
 * library, and refuses those from first on, so many of them. The file named by
 * $FAIL_ALLOCATIONS says so, mapped by both sides.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct order {
	_Atomic int64_t is_armed, first, row, seen, refused;
};
static struct order *order;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAIL_ALLOCATIONS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		_exit(99);
	void *map =
	    mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		_exit(99);
	close(fd);
	order = map;
}

static bool
is_refused(void)
{
	if (order == NULL || !order->is_armed)
		return false;
	int64_t number = ++order->seen;
	if (number < order->first || number >= order->first + order->row)
		return false;
	order->refused++;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	static void *(*next)(size_t);

	if (next == NULL)
		next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	return is_refused() ? NULL : next(size);
}

void *
calloc(size_t count, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (next == NULL)
		next = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	return is_refused() ? NULL : next(count, size);
}

void *
realloc(void *old, size_t size)
{
	static void *(*next)(void *, size_t);

	if (next == NULL)
		next = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	return is_refused() ? NULL : next(old, size);
}

char *
strdup(const char *text)
{
	static char *(*next)(const char *);

	if (next == NULL)
		next = (char *(*)(const char *))dlsym(RTLD_NEXT, "strdup");
	return is_refused() ? NULL : next(text);
}

char *
strndup(const char *text, size_t size)
{
	static char *(*next)(const char *, size_t);

	if (next == NULL)
		next = (char *(*)(const char *, size_t))dlsym(RTLD_NEXT, "strndup");
	return is_refused() ? NULL : next(text, size);
}
