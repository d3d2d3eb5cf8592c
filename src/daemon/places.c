/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/places.h"

#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "postfix/settings.h"
#include "store/store.h"

static void
add(struct places *places, const char *path, enum place_use use)
{
	char *copy = NULL;

	for (unsigned i = 0; i < places->count; i++) {
		if (places->items[i].use == use &&
		    strcmp(places->items[i].path, path) == 0)
			return;
	}
	if (places->count < PLACES_MOST)
		copy = text_dup(path);
	if (copy == NULL)
		places->is_short = true;
	else
		places->items[places->count++] = (struct place){copy, use, -1};
}

static void
add_folder_of(struct places *places, const char *path, enum place_use use)
{
	char copy[PATH_MAX];

	if (text_copy(copy, sizeof copy, path))
		add(places, dirname(copy), use);
}

/* Adds the folder of a file and, for a symbolic link, of its target. */
static void
add_file(struct places *places, const char *path, enum place_use use)
{
	char *real = realpath(path, NULL);

	add_folder_of(places, path, use);
	if (real != NULL)
		add_folder_of(places, real, use);
	free(real);
}

/* "/a/b*"/"c": adds /a and the folders of what is there now. */
static void
add_pattern(struct places *places, const char *pattern)
{
	char start[PATH_MAX];
	glob_t found;

	if (!text_copy(start, sizeof start, pattern))
		return;
	start[strcspn(start, "*?[\\")] = '\0';
	add_folder_of(places, start, PLACE_READ);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		add_file(places, found.gl_pathv[i], PLACE_READ);
	globfree(&found);
}

static void
add_patterns(struct places *places, const struct string_list *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		add_pattern(places, patterns->items[i]);
}

static void
take_store_file(void *ctx, const char *path, bool is_written)
{
	add_file(ctx, path, is_written ? PLACE_WRITE : PLACE_READ);
}

/* For name look-ups by libc and c-ares, which load libraries for them. */
static void
add_system(struct places *places)
{
	static const char *const read[] = {"/etc", "/usr", "/lib", "/lib32",
	    "/lib64", "/dev/null", "/dev/urandom", "/dev/random",
	    "/proc/sys/kernel/random/boot_id"};

	for (size_t i = 0; i < sizeof read / sizeof *read; i++)
		add(places, read[i], PLACE_READ);
	add_file(places, "/etc/resolv.conf", PLACE_READ);
	add_file(places, "/etc/hosts", PLACE_READ);
	add_file(places, "/etc/localtime", PLACE_READ);
	/* The log opens a terminal again. */
	add(places, "/proc/self/fd/2", PLACE_WRITE);
}

void
places_of(
    const struct config *config, const char *back_folder, struct places *places_r)
{
	*places_r = (struct places){.count = 0};
	add_system(places_r);
	add(places_r, postfix_config_folder(), PLACE_READ);
	if (config->path != NULL)
		add_file(places_r, config->path, PLACE_READ);
	add_file(places_r, config->s25r_file, PLACE_READ);
	add_patterns(places_r, &config->allow_files);
	add_patterns(places_r, &config->suspect_files);
	if (strncmp(config->listen, "unix:", 5) == 0)
		add_file(places_r, config->listen + 5, PLACE_WRITE);
	add(places_r, back_folder, PLACE_WRITE);
	add_folder_of(places_r, back_folder, PLACE_EMPTY);
	store_each_file(config->store_url, take_store_file, places_r);
}

void
places_hold(struct places *places)
{
	for (unsigned i = 0; i < places->count; i++) {
		struct place *place = &places->items[i];
		if (place->use == PLACE_WRITE)
			place->fd =
			    open(place->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
}

const struct place *
places_replaced(const struct places *places)
{
	struct stat then, now;

	for (unsigned i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];
		if (place->fd >= 0 && fstat(place->fd, &then) == 0 &&
		    stat(place->path, &now) == 0 &&
		    (then.st_dev != now.st_dev || then.st_ino != now.st_ino))
			return place;
	}
	return NULL;
}

void
places_free(struct places *places)
{
	for (unsigned i = 0; i < places->count; i++) {
		free(places->items[i].path);
		if (places->items[i].fd >= 0)
			close(places->items[i].fd);
	}
	*places = (struct places){.count = 0};
}
