/* SPDX-License-Identifier: BSD-2-Clause */
/* From a checked configuration to the world that sessions share. */
#ifndef CONFIG_WORLD_H
#define CONFIG_WORLD_H

#include "config/config.h"
#include "session/world.h"

struct world_parts {
	struct store *store;
	struct board *board;
	const struct clock *clock;
	/* see struct world */
	void (*decide)(void *ctx, uint64_t ticket, bool other);
	void *decide_ctx;
	void (*unused)(void *ctx, struct world *world);
	void *unused_ctx;
};

/*
 * Loads the rules and lists that the configuration names and starts the DNS
 * workers. Returns the first reference; config belongs to the world from then
 * on. NULL with file, line and remedy; config is then left to the caller.
 */
struct world *world_build(
    struct config *config, const struct world_parts *parts, struct error *error);

/*
 * (blocks) For main.c, when unused() has named it: stops its DNS workers and
 * frees it with its configuration.
 */
void world_destroy(struct world *world);

/* The configuration that a world was built from; lives as long as the world. */
const struct config *world_config(const struct world *world);

/* Settings of the modules below, as the configuration has them. */
void config_store_settings(
    const struct config *config, struct store_settings *settings_r);

#endif
