/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A database with so many waiting triplets of the last two days.
 *
 * usage: bench_fill URL ROWS
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "workload.h"

int
main(int argc, char **argv)
{
	struct error error;

	if (argc != 3)
		return 2;
	struct store_settings settings = workload_settings(argv[1]);
	if (workload_fill(&settings, strtoull(argv[2], NULL, 10), time(NULL),
	        settings.retry_window_s, &error))
		return 0;
	fprintf(stderr, "bench_fill: %s\n", error.text);
	return 1;
}
