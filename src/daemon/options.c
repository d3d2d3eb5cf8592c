/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/version.h"
#include "config/config.h"

#define EXIT_USAGE 2

static int
usage(FILE *file)
{
	fprintf(file,
	    "usage: targreyd [-dTV] [-f file]\n"
	    "  -d  log to standard error, debug lines too\n"
	    "  -f  configuration file (default %s)\n"
	    "  -T  check the configuration, print it, start nothing\n"
	    "  -V, --version  print the version and the commit\n"
	    "  -h, --help     print this\n"
	    "See targreyd(8); targreyctl(8) looks into the running daemon.\n",
	    CONFIG_DEFAULT_PATH);
	return file == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int
options_read(int argc, char **argv, struct options *options_r)
{
	static const struct option long_options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	*options_r = (struct options){.path = CONFIG_DEFAULT_PATH};
	while ((option = getopt_long(argc, argv, "df:hTV", long_options, NULL)) !=
	       -1) {
		switch (option) {
		case 'd':
			options_r->debug = true;
			break;
		case 'f':
			options_r->path = optarg;
			break;
		case 'h':
			return usage(stdout);
		case 'T':
			options_r->check_only = true;
			break;
		case 'V':
			printf("targreyd %s\n", version_text());
			return EXIT_SUCCESS;
		default:
			return usage(stderr);
		}
	}
	return optind == argc ? OPTIONS_GO_ON : usage(stderr);
}
