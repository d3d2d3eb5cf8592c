/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "review/review.h"

static void
sync_folder_of(const char *path)
{
	char folder[PATH_MAX];

	text_copy(folder, sizeof folder, path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

static bool
copy_octets(int from, int to)
{
	char buf[65536];
	ssize_t got;

	while ((got = read(from, buf, sizeof buf)) > 0) {
		for (ssize_t at = 0; at < got;) {
			ssize_t put = write(to, buf + at, (size_t)(got - at));
			if (put < 0)
				return false;
			at += put;
		}
	}
	return got == 0;
}

/* Copies contents, mode and times, and the owner if permitted. */
static bool
copy_whole(int from, int to)
{
	struct stat stat;

	if (fstat(from, &stat) != 0 || fchmod(to, stat.st_mode & 0777) != 0)
		return false;
	if (fchown(to, stat.st_uid, stat.st_gid) != 0 && errno != EPERM)
		return false;
	struct timespec times[2] = {stat.st_atim, stat.st_mtim};
	return copy_octets(from, to) && futimens(to, times) == 0 && fsync(to) == 0;
}

/* To another file system: removes the original once the copy is synced. */
static bool
copy_file(const char *from, const char *to, struct error *error)
{
	char part[PATH_MAX + 32];
	int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = false;

	snprintf(part, sizeof part, "%s.part%ld", to, (long)getpid());
	int out =
	    in < 0 ? -1 : open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (in < 0 || out < 0) {
		error_set_errno(error, "%s", in < 0 ? from : part);
	} else if (!copy_whole(in, out) || link(part, to) != 0) {
		error_set_errno(error, "%s", to);
	} else {
		sync_folder_of(to);
		ok = unlink(from) == 0 || errno == ENOENT;
		if (!ok)
			error_set_errno(error,
			    "%s: was copied to %s, but cannot be removed", from,
			    to);
	}
	if (out >= 0) {
		unlink(part);
		close(out);
	}
	if (in >= 0)
		close(in);
	return ok;
}

bool
move_file(const char *from, const char *to, struct error *error)
{
	struct stat stat;

	if (lstat(from, &stat) == 0 && !S_ISREG(stat.st_mode)) {
		error_set(error, "%s: not a regular file", from);
		return false;
	}
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
		sync_folder_of(to);
		return true;
	}
	if (errno == EINVAL && link(from, to) == 0) {
		/* a file system without RENAME_NOREPLACE */
		sync_folder_of(to);
		if (unlink(from) == 0 || errno == ENOENT)
			return true;
	}
	if (errno == EXDEV)
		return copy_file(from, to, error);
	if (errno == ENOENT)
		error_set(error,
		    "%s: is gone: another program has moved it; or %s has no "
		    "folder",
		    from, to);
	else
		error_set_errno(error, "%s: cannot be moved to %s", from, to);
	return false;
}

bool
move_find(const char *path, char path_r[static PATH_MAX])
{
	char root[PATH_MAX], name[PLACE_NAME_SIZE];
	struct folder folder;
	struct stat stat;
	struct error error;

	text_copy(path_r, PATH_MAX, path);
	if (lstat(path, &stat) == 0)
		return true;
	/* ROOT/new/NAME and ROOT/cur/NAME:2,FLAGS are the same mail */
	text_copy(root, sizeof root, path);
	char *slash = strrchr(root, '/');
	if (slash == NULL || slash - root < 5 ||
	    (strncmp(slash - 4, "/new", 4) != 0 &&
	        strncmp(slash - 4, "/cur", 4) != 0))
		return false;
	snprintf(name, sizeof name, "%s", slash - 3);
	slash[-4] = '\0';
	if (!folder_open(&folder, root, &error))
		return false;
	int fd = folder_open_mail(&folder, name, &stat, &error);
	folder_close(&folder);
	if (fd < 0)
		return false;
	close(fd);
	return snprintf(path_r, PATH_MAX, "%s/%s", root, name) < PATH_MAX;
}

static bool
make_folder(const char *path, const struct stat *like, struct error *error)
{
	if (mkdir(path, like->st_mode & 0777) == 0) {
		/* root reviews other users' mail: it stays theirs */
		if (lchown(path, like->st_uid, like->st_gid) == 0 || errno == EPERM)
			return true;
	} else if (errno == EEXIST) {
		struct stat stat;
		if (lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode))
			return true;
		errno = ENOTDIR;
	}
	error_set_errno(error, "%s", path);
	return false;
}

bool
make_folder_like(const char *path, const char *like, struct error *error)
{
	struct stat stat;

	if (lstat(like, &stat) == 0)
		return make_folder(path, &stat, error);
	error_set_errno(error, "%s", like);
	return false;
}

bool
make_maildir(const char *path, const char *like, struct error *error)
{
	static const char *const parts[] = {"", "/cur", "/new", "/tmp"};
	char name[PATH_MAX + 8];
	struct stat stat;

	if (lstat(like, &stat) != 0) {
		error_set_errno(error, "%s", like);
		return false;
	}
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "%s%s", path, parts[i]);
		if (!make_folder(name, &stat, error))
			return false;
	}
	/* what Courier and Dovecot look for in a subfolder */
	snprintf(name, sizeof name, "%s/maildirfolder", path);
	int fd = open(
	    name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, stat.st_mode & 0666);
	if (fd >= 0) {
		if (fchown(fd, stat.st_uid, stat.st_gid) != 0 && errno != EPERM)
			error_set_errno(error, "%s", name);
		close(fd);
	}
	return true;
}
