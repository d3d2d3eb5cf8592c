/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LD_PRELOAD: what the owner of the socket's folder could do the moment after
 * bind(): the socket is replaced by a link to $SWAP_FOR.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = (int (*)(
	    int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
	int result = real(fd, address, size);
	const struct sockaddr_un *name = (const struct sockaddr_un *)address;
	const char *target = getenv("SWAP_FOR");

	if (result == 0 && target != NULL && name->sun_family == AF_UNIX &&
	    strstr(name->sun_path, ".private") == NULL) {
		unlink(name->sun_path);
		if (symlink(target, name->sun_path) != 0)
			_exit(99);
	}
	return result;
}
