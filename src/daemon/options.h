/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

/* targreyd(8) */
struct options {
	const char *path; /* of targrey.conf */
	bool check_only, debug;
};

#define OPTIONS_GO_ON (-1)

/* The program's exit status, or OPTIONS_GO_ON. */
int options_read(int argc, char **argv, struct options *options_r);

#endif
