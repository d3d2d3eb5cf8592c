/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints conf/targrey.conf or the list of keys in docs/man/targrey.conf.5. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sample") == 0) {
		config_dump_default(stdout);
	} else if (argc == 2 && strcmp(argv[1], "manual") == 0) {
		config_dump_manual(stdout);
	} else {
		fprintf(stderr, "usage: config_print sample|manual\n");
		return 2;
	}
	return 0;
}
