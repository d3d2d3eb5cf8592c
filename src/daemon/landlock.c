/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of versions 2, 3 and 5, which older headers lack: <linux/landlock.h>. */
#define REFER     (1ULL << 13)
#define TRUNCATE  (1ULL << 14)
#define IOCTL_DEV (1ULL << 15)

#define READING  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define EMPTYING (LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define WRITING                                                                    \
	(READING | EMPTYING | LANDLOCK_ACCESS_FS_WRITE_FILE |                      \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |         \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | TRUNCATE)
/* The rights that can be given for something that is not a folder. */
#define OF_A_FILE                                                                  \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE)

/* libc has no functions for these. */
static int
create_ruleset(
    const struct landlock_ruleset_attr *attr, size_t size, uint32_t flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

static uint64_t
known_to(int version)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (version >= 2)
		all |= REFER;
	if (version >= 3)
		all |= TRUNCATE;
	if (version >= 5)
		all |= IOCTL_DEV;
	return all;
}

static uint64_t
rights_of(enum place_use use)
{
	switch (use) {
	case PLACE_READ:
		return READING;
	case PLACE_WRITE:
		return WRITING;
	case PLACE_EMPTY:
		break;
	}
	return EMPTYING;
}

/* EBADFD: a pipe or the like, for which no rule can be made. */
static bool
allow(int ruleset, const struct place *place, uint64_t known, struct error *error)
{
	struct landlock_path_beneath_attr rule = {
	    .allowed_access = rights_of(place->use) & known,
	    .parent_fd = open(place->path, O_PATH | O_CLOEXEC),
	};
	struct stat status;

	if (rule.parent_fd < 0 && (errno == ENOENT || errno == ENOTDIR ||
	                              errno == EACCES || errno == ELOOP))
		return true;
	if (rule.parent_fd < 0) {
		error_set_errno(error, "%s", place->path);
		return false;
	}
	bool ok = fstat(rule.parent_fd, &status) == 0;
	if (ok && !S_ISDIR(status.st_mode))
		rule.allowed_access &= OF_A_FILE;
	ok = ok && (syscall(SYS_landlock_add_rule, ruleset,
	                LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
	               errno == EBADFD);
	if (!ok)
		error_set_errno(error, "%s", place->path);
	close(rule.parent_fd);
	return ok;
}

bool
landlock_enter(const struct places *places, int *version_r, struct error *error)
{
	int version = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*version_r = 0;
	if (version <= 0)
		return true;
	uint64_t known = known_to(version);
	struct landlock_ruleset_attr attr = {.handled_access_fs = known};
	int ruleset = create_ruleset(&attr, sizeof attr.handled_access_fs, 0);
	bool ok = ruleset >= 0;
	for (unsigned i = 0; ok && i < places->count; i++) {
		if (!allow(ruleset, &places->items[i], known, error)) {
			close(ruleset);
			return false;
		}
	}
	ok = ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	     syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	if (!ok)
		error_set_errno(error, "cannot be set");
	else
		*version_r = version;
	if (ruleset >= 0)
		close(ruleset);
	return ok;
}
