/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool
privileges_find_group(const char *name, gid_t *gid_r, struct error *error)
{
	if (*name == '\0')
		return true;
	const struct group *group = getgrnam(name);
	if (group == NULL) {
		error_set(error, "socket_group: there is no group \"%s\"", name);
		return false;
	}
	*gid_r = group->gr_gid;
	return true;
}

const struct passwd *
privileges_find_user(const char *name, struct error *error)
{
	if (geteuid() != 0 || *name == '\0')
		return NULL;
	const struct passwd *user = getpwnam(name);
	if (user == NULL)
		error_set(error, "user: there is no user \"%s\"", name);
	return user;
}

/* It lies in a folder that is the user's: no symbolic link is followed. */
static bool
give_folder(const char *path, const struct passwd *user, struct error *error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 &&
	          (user == NULL || fchown(fd, user->pw_uid, user->pw_gid) == 0) &&
	          fchmod(fd, 0700) == 0;

	if (!ok)
		error_set_errno(error, "%s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
privileges_make_back(struct back_socket *back, const char *listen,
    const struct passwd *user, struct error *error)
{
	int wrote;

	if (strncmp(listen, "unix:", 5) == 0) {
		wrote = snprintf(
		    back->folder, sizeof back->folder, "%s.private", listen + 5);
		if (wrote >= 0 && (size_t)wrote < sizeof back->folder &&
		    mkdir(back->folder, 0700) != 0 && errno != EEXIST) {
			error_set_errno(error, "%s", back->folder);
			return false;
		}
	} else {
		wrote = snprintf(
		    back->folder, sizeof back->folder, "/tmp/targrey.XXXXXX");
		if (mkdtemp(back->folder) == NULL) {
			error_set_errno(error, "%s", back->folder);
			return false;
		}
	}
	if (wrote >= 0)
		wrote = snprintf(back->path, sizeof back->path, "%.*s/m",
		    (int)sizeof back->path - 3, back->folder);
	if (wrote < 0 || (size_t)wrote >= sizeof back->path) {
		error_set(error, "listen: the path of the socket is too long");
		return false;
	}
	return give_folder(back->folder, user, error);
}

bool
privileges_drop(const struct passwd *user, struct error *error)
{
	if (user == NULL)
		return true;
	if (initgroups(user->pw_name, user->pw_gid) != 0 ||
	    setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0 ||
	    setuid(0) == 0) {
		error_set_errno(error, "cannot become user %s", user->pw_name);
		return false;
	}
	return true;
}

void
privileges_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}
