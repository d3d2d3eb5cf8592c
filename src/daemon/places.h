/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon opens while it runs: the folders and files that Landlock allows.
 */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

#include <stdbool.h>

#include "config/config.h"

#define PLACES_MOST 96

enum place_use {
	PLACE_READ,  /* files and folders in it are read */
	PLACE_WRITE, /* also made, changed and removed */
	PLACE_EMPTY  /* empty folders in it are removed, nothing else */
};

struct place {
	char *path; /* absolute; need not exist */
	enum place_use use;
	int fd; /* the folder, held open with O_PATH; or -1 */
};

struct places {
	struct place items[PLACES_MOST];
	unsigned count;
	bool is_short; /* one is missing: no room for it, or out of memory */
};

/*
 * Collects the places: the folder of each file that the settings name and of its
 * target if it is a symbolic link; libraries, /etc, and what libc and libpq read
 * on this host. back_folder: see back_socket.h.
 */
void places_of(
    const struct config *config, const char *back_folder, struct places *places_r);

/* Opens the folders that are written to, so as to recognise them later. */
void places_hold(struct places *places);

/* The first of those that has been replaced since; NULL: none. */
const struct place *places_replaced(const struct places *places);

void places_free(struct places *places);

#endif
