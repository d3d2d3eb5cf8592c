/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/world.h"

int
check_config(struct config *config)
{
	struct world_parts parts = {.store = NULL};
	struct error error;

	config_dump(config, stdout);
	struct world *world = world_build(config, &parts, &error);
	if (world == NULL) {
		fprintf(stderr, "targreyd: %s\n", error.text);
		config_free(&config);
		return EXIT_FAILURE;
	}
	world_destroy(world);
	return EXIT_SUCCESS;
}
