/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/back_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* An existing folder must be ours and not a symbolic link. */
static bool
close_to_others(const char *folder, struct error *error)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 && fchmod(fd, 0700) == 0;

	if (!ok)
		error_set_errno(
		    error, "%s: must be a folder of the daemon's user", folder);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
back_socket_make(struct back_socket *back, const char *listen, struct error *error)
{
	bool is_unix = strncmp(listen, "unix:", 5) == 0;
	int folder = is_unix ? snprintf(back->folder, sizeof back->folder,
	                           "%s.private", listen + 5)
	                     : snprintf(back->folder, sizeof back->folder,
	                           "/tmp/targrey.XXXXXX");

	if (folder < 0 || (size_t)folder + sizeof "/m" > sizeof back->path) {
		error_set(error, "listen: the path of the socket is too long");
		back->folder[0] = '\0';
		return false;
	}
	bool made = is_unix ? mkdir(back->folder, 0700) == 0 || errno == EEXIST
	                    : mkdtemp(back->folder) != NULL;
	if (!made) {
		error_set_errno(error, "%s", back->folder);
		back->folder[0] = '\0';
		return false;
	}
	snprintf(back->path, sizeof back->path, "%.*s/m",
	    (int)(sizeof back->path - sizeof "/m"), back->folder);
	return close_to_others(back->folder, error);
}

bool
back_socket_is_there(const struct back_socket *back)
{
	if (access(back->path, F_OK) == 0 || errno != ENOENT)
		return true;
	log_warnx("%s has been removed: exiting, to be restarted by the service "
	          "manager",
	    back->path);
	return false;
}

void
back_socket_remove(const struct back_socket *back)
{
	unlink(back->path);
	rmdir(back->folder);
}
