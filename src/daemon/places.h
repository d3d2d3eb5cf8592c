/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon opens while it runs: the folders and files that Landlock leaves
 * to it.
 */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

#include <stdbool.h>

#include "config/config.h"

#define PLACES_MOST 96

enum place_use {
	PLACE_READ,  /* files and folders in it are read */
	PLACE_WRITE, /* they are made, changed and removed, too */
	PLACE_EMPTY  /* empty folders in it are removed, nothing else */
};

struct place {
	char *path; /* absolute; need not be there */
	enum place_use use;
	int fd; /* the folder that it is, held with O_PATH; or -1 */
};

struct places {
	struct place items[PLACES_MOST];
	unsigned count;
	bool is_short; /* one more did not fit, or memory was out */
};

/*
 * By the settings: of whatever they name, and of what that is a symbolic link
 * to, the folder; libraries, /etc, and what of this host libc and PostgreSQL's
 * library look into. back_folder: see back_socket.h.
 */
void places_of(
    const struct config *config, const char *back_folder, struct places *places_r);

/* Holds the folders that are written to, to know them again. */
void places_hold(struct places *places);

/* The first of those that is another one by now; NULL: none is. */
const struct place *places_replaced(const struct places *places);

void places_free(struct places *places);

#endif
