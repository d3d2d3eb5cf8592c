/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/check.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/snapshot.h"
#include "daemon/advice.h"
#include "daemon/privileges.h"
#include "store/store.h"

static bool __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("targreyd: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return false;
}

/* key  the setting that names the file to be made in the folder */
static bool
check_folder(const struct config *config, const char *key, const char *file)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof copy, "%s", file);
	const char *folder = dirname(copy);
	if (access(folder, R_OK | W_OK | X_OK) == 0)
		return true;
	return wrong("%s: %s: %s: the daemon's user \"%s\" must be able to write "
	             "there; install -d -o %s -g %s -m 0750 %s",
	    key, folder, strerror(errno), config->user,
	    *config->user != '\0' ? config->user : "root",
	    *config->socket_group != '\0' ? config->socket_group : "root", folder);
}

/* A file left by an earlier start must be usable by the user. */
static bool
check_file(const char *key, const char *path, const char *end, int mode)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof whole, "%s%s", path, end);
	if (access(whole, F_OK) != 0 || access(whole, mode) == 0)
		return true;
	return wrong("%s: %s: %s", key, whole, strerror(errno));
}

/* A password or a certificate: the server may do without, so the start goes on. */
static void
warn_of_unreadable(void *ctx, const char *path, bool is_written)
{
	const struct config *config = ctx;

	if (!is_written && access(path, R_OK) != 0)
		fprintf(stderr,
		    "targreyd: warning: store.url: %s: %s: the daemon's user "
		    "\"%s\" "
		    "must be able to read it\n",
		    path, strerror(errno), config->user);
}

/* May this user do what the daemon does? Prints everything that is wrong. */
static bool
check_files(struct config *config)
{
	bool ok = true;

	if (config->path != NULL && access(config->path, R_OK) != 0)
		ok = wrong("%s: %s: a reload reads it as user \"%s\"", config->path,
		    strerror(errno), config->user);
	if (strncmp(config->listen, "unix:", 5) == 0) {
		const char *path = config->listen + 5;
		ok = check_folder(config, "listen", path) && ok;
		ok = check_file("listen", path, ".lock", R_OK | W_OK) && ok;
		ok = check_file("listen", path, ".private", R_OK | W_OK | X_OK) &&
		     ok;
	}
	if (strncmp(config->store_url, "sqlite:", 7) == 0) {
		const char *path = config->store_url + 7;
		ok = check_folder(config, "store.url", path) && ok;
		ok = check_file("store.url", path, "", R_OK | W_OK) && ok;
	}
	store_each_file(config->store_url, warn_of_unreadable, config);
	return ok;
}

static bool
is_user_of(const struct config *config)
{
	const struct passwd *user =
	    *config->user != '\0' ? getpwnam(config->user) : NULL;

	return user == NULL || user->pw_uid == geteuid();
}

int
check_config(struct config *config)
{
	struct snapshot_parts parts = {.store = NULL};
	struct error error;
	gid_t group;

	config_dump(config, stdout);
	if (!privileges_become(
	        config->user, config->socket_group, &group, &error)) {
		wrong("%s", error.text);
		config_free(&config);
		return EXIT_FAILURE;
	}
	struct postfix_advice advice;
	advice_gather(config, &advice);
	for (size_t i = 0; i < advice.count; i++)
		fprintf(stderr, "targreyd: warning: %s\n", advice.text[i]);
	bool ok = true;
	if (is_user_of(config))
		ok = check_files(config);
	else
		fprintf(stderr,
		    "targreyd: note: whether user \"%s\" may use the files was not "
		    "checked: that takes root, or that user\n",
		    config->user);
	struct snapshot *snapshot = snapshot_build(config, &parts, &error);
	if (snapshot == NULL) {
		wrong("%s", error.text);
		config_free(&config);
		return EXIT_FAILURE;
	}
	snapshot_free(&snapshot);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
