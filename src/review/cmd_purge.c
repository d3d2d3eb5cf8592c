/* SPDX-License-Identifier: BSD-2-Clause */
/* purge: removes what was discarded long ago. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "review/cmds.h"

struct purging {
	struct admin *admin;
	int64_t until; /* purge what was discarded before this time */
	bool really;
	uint64_t count, octets;
	bool ok;
};

/* Says what errno is about; the rest is purged all the same. */
static void
purge_failed(struct purging *purging, const char *name)
{
	struct error error;

	error_set_errno(&error, "%s", name);
	failed(purging->admin, &error);
	purging->ok = false;
}

/* A file's change time is the time it was moved here. */
static void
purge_file(struct purging *purging, int fd, const char *name)
{
	struct stat stat;

	if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(stat.st_mode) || stat.st_ctim.tv_sec > purging->until ||
	    strcmp(name, "maildirfolder") == 0 || strncmp(name, "dovecot", 7) == 0)
		return;
	if (purging->really && unlinkat(fd, name, 0) != 0) {
		purge_failed(purging, name);
		return;
	}
	purging->count++;
	purging->octets += (uint64_t)stat.st_size;
}

/* No link is followed: root purges the folders of others. */
static int
open_below(const char *path, const char *part)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int top = open(path, flags);

	if (top < 0 || *part == '\0')
		return top;
	int fd = openat(top, part + 1, flags);
	int saved = errno;
	close(top);
	errno = saved;
	return fd;
}

/* part  "", "/cur" or "/new" */
static void
purge_folder(struct purging *purging, const char *path, const char *part)
{
	char name[PATH_MAX + 8];

	snprintf(name, sizeof name, "%s%s", path, part);
	int fd = open_below(path, part);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (dir == NULL && errno != ENOENT && !purging->really)
		purge_failed(purging, name);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			purge_file(purging, dirfd(dir), entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

static bool
purge_word(struct purging *purging, const char *path)
{
	char discarded[PATH_MAX];
	struct folder folder;
	struct error error;

	if (!folder_open(&folder, path, &error)) {
		failed(purging->admin, &error);
		return false;
	}
	if (discarded_folder(folder.path, folder.kind, discarded)) {
		bool maildir = folder.kind == FOLDER_MAILDIR;
		purge_folder(purging, discarded, maildir ? "/cur" : "");
		if (maildir)
			purge_folder(purging, discarded, "/new");
	}
	folder_close(&folder);
	return true;
}

static bool
purge_words(struct purging *purging)
{
	struct admin *admin = purging->admin;

	purging->count = purging->octets = 0;
	for (int i = 0; i < admin->words_count; i++) {
		if (!purge_word(purging, admin->words[i]))
			return false;
	}
	return true;
}

static int
run_purge(struct admin *admin)
{
	const char *span = args_value(admin, "older");
	struct purging purging = {.admin = admin, .ok = true};
	char what[120];
	int64_t older;

	if (span == NULL || !text_duration(span, &older))
		return usage(admin, "--older SPAN is needed, such as --older 30d");
	purging.until = admin_now(admin) - older;
	if (!purge_words(&purging))
		return EXIT_FAILED;
	snprintf(what, sizeof what,
	    "Remove %llu discarded message%s (%.1f MB) for good",
	    (unsigned long long)purging.count, purging.count == 1 ? "" : "s",
	    (double)purging.octets / 1e6);
	if (purging.count == 0 && !purging.ok)
		return EXIT_FAILED;
	if (purging.count == 0) {
		fputs("nothing to remove\n", admin->out);
		return EXIT_OK;
	}
	if (!is_agreed(admin, what))
		return EXIT_FAILED;
	purging.really = true;
	bool ok = purge_words(&purging) && purging.ok;
	fprintf(admin->out, "%llu message%s removed\n",
	    (unsigned long long)purging.count, purging.count == 1 ? "" : "s");
	return ok ? EXIT_OK : EXIT_FAILED;
}

static const struct option_row purge_options[] = {
    {"older", "SPAN", "discarded longer ago than that (30d)", NULL, false},
    {"yes", NULL, "do not ask", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_purge = {
    .name = "purge",
    .args = "--older SPAN FOLDER...",
    .help = "Remove for good what was discarded long ago",
    .manual =
        "Removes nothing but what is in the .discarded folder of each FOLDER.",
    .options = purge_options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_purge,
};
