/* SPDX-License-Identifier: BSD-2-Clause */
/* The reviewer's own folder: index and log. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "review/review.h"

/* Creates it with all its parent folders. */
static bool
make_folders(char *path, struct error *error)
{
	for (char *at = path + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		mkdir(path, 0700);
		*at = '/';
	}
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	error_set_errno(error, "%s", path);
	return false;
}

static bool
own_state(char path[static PATH_MAX], struct error *error)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *account = getpwuid(getuid());

	if (state != NULL && *state == '/')
		snprintf(path, PATH_MAX, "%s/targrey", state);
	else if (home != NULL && *home == '/')
		snprintf(path, PATH_MAX, "%s/.local/state/targrey", home);
	else if (account != NULL)
		snprintf(
		    path, PATH_MAX, "%s/.local/state/targrey", account->pw_dir);
	else {
		error_set(error, "no home folder; give --state FOLDER");
		return false;
	}
	return true;
}

static void
name_reviewer(struct review *review)
{
	const struct passwd *account = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");

	if (*review->who != '\0')
		return;
	if (getuid() == 0 && sudo != NULL)
		snprintf(review->who, sizeof review->who, "%s", sudo);
	else if (account != NULL)
		snprintf(review->who, sizeof review->who, "%s", account->pw_name);
	else
		snprintf(review->who, sizeof review->who, "%ld", (long)getuid());
}

bool
review_open_state(struct review *review, const char *path, struct error *error)
{
	char name[PATH_MAX + 16];

	review->log_fd = -1;
	name_reviewer(review);
	if (path != NULL && *path != '\0')
		text_copy(review->state, sizeof review->state, path);
	else if (!own_state(review->state, error))
		return false;
	if (!make_folders(review->state, error))
		return false;
	snprintf(name, sizeof name, "%s/review.log", review->state);
	review->log_fd = open(
	    name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (review->log_fd < 0) {
		error_set_errno(error, "%s", name);
		return false;
	}
	snprintf(name, sizeof name, "%s/review.db", review->state);
	review->index = index_open(name, error);
	return review->index != NULL;
}

void
review_close(struct review *review)
{
	index_close(&review->index);
	if (review->log_fd >= 0)
		close(review->log_fd);
	review->log_fd = -1;
}
