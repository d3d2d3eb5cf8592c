/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/privileges.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static bool
find_group(const char *name, gid_t *gid_r, struct error *error)
{
	*gid_r = (gid_t)-1;
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

static bool
drop(const struct passwd *user, gid_t group, struct error *error)
{
	static gid_t groups[NGROUPS_MAX + 1];
	int count = NGROUPS_MAX;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0) {
		error_set(error, "user %s is in too many groups", user->pw_name);
		return false;
	}
	if (group != (gid_t)-1)
		groups[count++] = group;
	if (setgroups((size_t)count, groups) != 0 || setgid(user->pw_gid) != 0 ||
	    setuid(user->pw_uid) != 0 || setuid(0) == 0) {
		error_set_errno(error, "cannot become user %s", user->pw_name);
		return false;
	}
	/*
	 * The user may not read root's home, where libpq would look for
	 * certificates.
	 */
	setenv("HOME", user->pw_dir, 1);
	return true;
}

static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

bool
privileges_become(
    const char *user, const char *group, gid_t *group_r, struct error *error)
{
	raise_descriptor_limit();
	if (!find_group(group, group_r, error))
		return false;
	if (geteuid() != 0 || *user == '\0')
		return true;
	const struct passwd *found = getpwnam(user);
	if (found == NULL) {
		error_set(error, "user: there is no user \"%s\"", user);
		return false;
	}
	return drop(found, *group_r, error);
}
