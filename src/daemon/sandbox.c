/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/calls.h"
#include "daemon/landlock.h"

static void
confine_files(struct sandbox *sandbox, const struct config *config,
    const char *back_folder, int *version_r)
{
	struct error error;

	*version_r = 0;
	places_of(config, back_folder, &sandbox->places);
	if (sandbox->places.is_short)
		log_warnx("sandbox: the settings name too many files, or memory is "
		          "short: the daemon goes on without Landlock");
	else if (!landlock_enter(&sandbox->places, version_r, &error))
		log_warnx("sandbox: Landlock: %s: the daemon goes on without it",
		    error.text);
	else if (*version_r == 0)
		log_info("sandbox: this kernel has no Landlock: file permissions "
		         "alone keep the daemon to its files");
	if (*version_r > 0)
		places_hold(&sandbox->places);
	else
		places_free(&sandbox->places);
}

void
sandbox_enter(
    struct sandbox *sandbox, const struct config *config, const char *back_folder)
{
	struct error error;
	int version = 0;

	*sandbox = (struct sandbox){.text = "off"};
	if (!config->sandbox)
		return;
	confine_files(sandbox, config, back_folder, &version);
	bool is_limited = calls_limit(&error);
	if (!is_limited)
		log_warnx("sandbox: seccomp: %s: the daemon goes on without it",
		    error.text);
	if (is_limited && version > 0)
		snprintf(sandbox->text, sizeof sandbox->text,
		    "seccomp, Landlock %d", version);
	else if (version > 0)
		snprintf(
		    sandbox->text, sizeof sandbox->text, "Landlock %d", version);
	else
		snprintf(sandbox->text, sizeof sandbox->text, "%s",
		    is_limited ? "seccomp" : "none");
}

bool
sandbox_fits(const struct sandbox *sandbox)
{
	const struct place *place = places_replaced(&sandbox->places);

	if (place != NULL)
		log_warnx("%s has been replaced by another folder: exiting, to be "
		          "restarted by the service manager",
		    place->path);
	return place == NULL;
}

const char *
sandbox_remedy(const struct sandbox *sandbox, const struct error *error)
{
	if (sandbox->places.count == 0 ||
	    strstr(error->text, strerror(EACCES)) == NULL)
		return "";
	return " (if it lies outside of the folders that the settings named at "
	       "the start, restart targreyd: targrey.conf(5), sandbox)";
}

void
sandbox_free(struct sandbox *sandbox)
{
	places_free(&sandbox->places);
}
