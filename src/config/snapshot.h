/* SPDX-License-Identifier: BSD-2-Clause */
/* From a checked configuration to the snapshot that sessions share. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include "config/config.h"
#include "session/snapshot.h"

/* How many messages may have look-ups running at the same time. */
#define DNS_WORKERS 64

struct snapshot_parts {
	struct store *store;
	struct activity *activity;
	const struct clock *clock;
	/* see struct snapshot */
	void (*decide)(void *ctx, uint64_t ticket, bool other);
	void *decide_ctx;
	void (*unused)(void *ctx, struct snapshot *snapshot);
	void *unused_ctx;
};

/*
 * Loads the rules and lists that the configuration names and starts the DNS
 * workers. Returns the first reference; config belongs to the snapshot from then
 * on. NULL with file, line and remedy; config is then left to the caller.
 */
struct snapshot *snapshot_build(
    struct config *config, const struct snapshot_parts *parts, struct error *error);

/*
 * (blocks) For main.c, once unused() was called with it: stops its DNS workers,
 * frees it and its configuration. Accepts NULL; nulls.
 */
void snapshot_free(struct snapshot **snapshot);

/* The configuration that a snapshot was built from; lives as long as the snapshot.
 */
const struct config *snapshot_config(const struct snapshot *snapshot);

/* The configuration in the form of the lower modules' settings. */
void config_store_settings(
    const struct config *config, struct store_settings *settings_r);

#endif
