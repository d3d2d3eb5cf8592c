/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "base/text.h"

#define NS       INT64_C(1000000000)
#define SUB_MOST 2 /* levels below a folder of plain files */

bool
is_maildir(const char *path)
{
	static const char *const parts[] = {"cur", "new", "tmp"};
	char name[PATH_MAX + 8];
	struct stat stat;

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s/%s", path, parts[i]);
		if (lstat(name, &stat) != 0 || !S_ISDIR(stat.st_mode))
			return false;
	}
	return true;
}

static bool
is_mbox(int fd)
{
	char start[5];
	ssize_t got = pread(fd, start, 5, 0);

	return got == 0 || (got == 5 && memcmp(start, "From ", 5) == 0);
}

bool
folder_open(struct folder *folder_r, const char *path, struct error *error)
{
	struct stat stat;

	folder_r->fd = -1;
	if (realpath(path, folder_r->path) == NULL) {
		error_set_errno(error, "%s", path);
		return false;
	}
	folder_r->fd = open(folder_r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (folder_r->fd < 0 || fstat(folder_r->fd, &stat) != 0) {
		error_set_errno(error, "%s", path);
	} else if (S_ISDIR(stat.st_mode)) {
		folder_r->kind =
		    is_maildir(folder_r->path) ? FOLDER_MAILDIR : FOLDER_FILES;
		return true;
	} else if (S_ISREG(stat.st_mode) && is_mbox(folder_r->fd)) {
		folder_r->kind = FOLDER_MBOX;
		return true;
	} else {
		error_set(error,
		    "%s: neither a Maildir, nor an mbox (which begins with \"From "
		    "\"), nor a folder of files",
		    path);
	}
	folder_close(folder_r);
	return false;
}

void
folder_close(struct folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	folder->fd = -1;
}

bool
is_packed(const char *name)
{
	size_t length = strlen(name);

	return length > 3 && strcmp(name + length - 3, ".gz") == 0;
}

size_t
maildir_base(const char *name)
{
	return strcspn(name, ":");
}

int64_t
maildir_time(const char *base)
{
	char digits[16];
	int64_t time;

	snprintf(
	    digits, sizeof digits, "%.*s", (int)strspn(base, "0123456789"), base);
	/* from 1990 to 2100; anything else is not a timestamp */
	if (!text_integer(digits, INT64_C(631152000), INT64_C(4102444800), &time))
		return 0;
	return time;
}

/* ------------------------------------------------------------------ walking */

/* A walk over a folder's directories. */
struct walk {
	folder_each_fn *each;
	void (*skip)(void *ctx, const char *name, const char *reason);
	void *ctx;
	const struct folder *folder;
	uint64_t stamp; /* of the directories visited so far */
	int64_t newest;
	bool only_stamp, ended;
	struct error *error;
};

static void
add_stamp(struct walk *walk, const struct stat *stat)
{
	static const uint8_t key[SIPHASH_KEY_SIZE] = {0};
	int64_t time = stat->st_mtim.tv_sec * NS + stat->st_mtim.tv_nsec;
	uint64_t parts[4] = {walk->stamp, (uint64_t)time, (uint64_t)stat->st_size,
	    (uint64_t)stat->st_ino};

	walk->stamp = siphash(key, parts, sizeof parts);
	if (time > walk->newest)
		walk->newest = time;
}

static bool walk_directory(struct walk *walk, const char *below, int level);

/* Asks the file itself when readdir() does not know the type. */
static unsigned char
type_of(int fd, const struct dirent *entry)
{
	struct stat stat;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return DT_UNKNOWN;
	return S_ISREG(stat.st_mode)   ? DT_REG
	       : S_ISDIR(stat.st_mode) ? DT_DIR
	       : S_ISLNK(stat.st_mode) ? DT_LNK
	                               : DT_FIFO;
}

static bool
visit(struct walk *walk, int fd, const char *below, const struct dirent *entry,
    int level)
{
	char name[PLACE_NAME_SIZE], base[PLACE_NAME_SIZE];
	unsigned char type = type_of(fd, entry);
	bool is_files = walk->folder->kind == FOLDER_FILES;

	if (snprintf(name, sizeof name, "%s%s%s", below, *below == '\0' ? "" : "/",
	        entry->d_name) >= (int)sizeof name) {
		if (walk->skip != NULL)
			walk->skip(
			    walk->ctx, entry->d_name, "its path is too long");
		return true;
	}
	if (type == DT_DIR && is_files && level < SUB_MOST)
		return walk_directory(walk, name, level + 1);
	if (walk->only_stamp || type == DT_UNKNOWN)
		return true;
	if (type != DT_REG) {
		if (walk->skip != NULL)
			walk->skip(walk->ctx, name,
			    type == DT_LNK
			        ? "a symbolic link, which is not followed"
			        : "not a regular file");
		return true;
	}
	snprintf(base, sizeof base, "%.*s",
	    is_files ? (int)strlen(name) : (int)maildir_base(entry->d_name),
	    is_files ? name : entry->d_name);
	walk->ended =
	    !walk->each(walk->ctx, &(struct place){.name = name, .base = base});
	return !walk->ended;
}

static bool
walk_entries(struct walk *walk, DIR *dir, const char *below, int level)
{
	const struct dirent *entry;

	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (!visit(walk, dirfd(dir), below, entry, level))
			return false;
	}
	if (errno != 0)
		error_set_errno(walk->error, "%s/%s", walk->folder->path, below);
	return errno == 0;
}

static bool
walk_directory(struct walk *walk, const char *below, int level)
{
	int fd = openat(walk->folder->fd, *below == '\0' ? "." : below,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) != 0) {
		error_set_errno(walk->error, "%s/%s", walk->folder->path, below);
		bool is_gone = errno == ENOENT && level > 0;
		if (fd >= 0)
			close(fd);
		return is_gone;
	}
	add_stamp(walk, &stat);
	/*
	 * A Maildir's stamp covers its two directories only. A link count of two
	 * means no subdirectories (file systems that do not count them say 1).
	 */
	if (walk->only_stamp &&
	    (walk->folder->kind == FOLDER_MAILDIR || stat.st_nlink == 2)) {
		close(fd);
		return true;
	}
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		error_set_errno(walk->error, "%s", walk->folder->path);
		close(fd);
		return false;
	}
	bool ok = walk_entries(walk, dir, below, level);
	closedir(dir);
	return ok;
}

static bool
walk_folder(struct walk *walk)
{
	if (walk->folder->kind == FOLDER_FILES)
		return walk_directory(walk, "", 0);
	return walk_directory(walk, "new", 0) && walk_directory(walk, "cur", 0);
}

bool
folder_stamp(const struct folder *folder, uint64_t *stamp_r, int64_t *newest_r)
{
	struct error error;
	struct walk walk = {.folder = folder, .only_stamp = true, .error = &error};
	struct stat stat;
	bool ok;

	if (folder->kind == FOLDER_MBOX) {
		ok = fstat(folder->fd, &stat) == 0;
		if (ok)
			add_stamp(&walk, &stat);
	} else {
		ok = walk_folder(&walk);
	}
	*stamp_r = walk.stamp;
	*newest_r = walk.newest;
	return ok;
}

bool
folder_each(const struct folder *folder, folder_each_fn *each,
    void (*skip)(void *ctx, const char *name, const char *reason), void *ctx,
    struct error *error)
{
	struct walk walk = {.folder = folder,
	    .each = each,
	    .skip = skip,
	    .ctx = ctx,
	    .error = error};

	if (folder->kind == FOLDER_MBOX)
		return mbox_each(folder, each, ctx, error);
	return walk_folder(&walk) || walk.ended;
}

/* ------------------------------------------------------------------ one mail */

struct search {
	char *name;
	const char *base;
	size_t length;
	bool found;
};

static bool
match(void *ctx, const struct place *place)
{
	struct search *search = ctx;

	if (strlen(place->base) != search->length ||
	    memcmp(place->base, search->base, search->length) != 0)
		return true;
	text_copy(search->name, PLACE_NAME_SIZE, place->name);
	search->found = true;
	return false;
}

/* Another program has marked it as read: only the base name is unchanged. */
static bool
find_renamed(const struct folder *folder, char name[static PLACE_NAME_SIZE])
{
	char old[PLACE_NAME_SIZE];
	struct error error;

	text_copy(old, sizeof old, name);
	const char *slash = strrchr(old, '/');
	const char *base = slash == NULL ? old : slash + 1;
	struct search search = {
	    .name = name, .base = base, .length = maildir_base(base)};
	folder_each(folder, match, NULL, &search, &error);
	return search.found;
}

int
folder_open_mail(const struct folder *folder, char name[static PLACE_NAME_SIZE],
    struct stat *stat_r, struct error *error)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd;

	if (folder->kind == FOLDER_MBOX) {
		fd = open(folder->path, flags);
		if (fd >= 0 && lseek(fd, strtoll(name, NULL, 10), SEEK_SET) < 0) {
			close(fd);
			fd = -1;
		}
	} else {
		fd = openat(folder->fd, name, flags);
		if (fd < 0 && errno == ENOENT && folder->kind == FOLDER_MAILDIR) {
			if (find_renamed(folder, name))
				fd = openat(folder->fd, name, flags);
			else
				errno = ENOENT;
		}
	}
	if (fd >= 0 && fstat(fd, stat_r) == 0 && S_ISREG(stat_r->st_mode))
		return fd;
	if (fd >= 0)
		error_set(error, "%s/%s: not a regular file", folder->path, name);
	else if (errno == ENOENT)
		error_set(error, "%s/%s: is gone: another program has moved it",
		    folder->path, name);
	else if (errno == ELOOP)
		error_set(error, "%s/%s: a symbolic link, which is not followed",
		    folder->path, name);
	else
		error_set_errno(error, "%s/%s", folder->path, name);
	if (fd >= 0)
		close(fd);
	return -1;
}
