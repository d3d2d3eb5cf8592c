/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_QUEUE 256

struct built {
	struct snapshot snapshot; /* first member, so that a cast converts */
	struct config *config;
};

static struct gatherer *
open_gatherer(
    const struct config *config, const struct clock *clock, struct error *error)
{
	struct gather_settings settings = {
	    .servers = config->dns_servers_text,
	    .timeout_ms = config->dns_timeout_s * 1000,
	    .spf = config->spf,
	    .lists = config->dnsbl_settings,
	    .lists_count = config->dnsbl_count,
	    .workers = DNS_WORKERS,
	    .max_queued = DNS_QUEUE,
	};

	return gatherer_open(&settings, clock, error);
}

static bool
load_rules(
    struct snapshot *snapshot, const struct config *config, struct error *error)
{
	struct config_lists lists;
	bool ok = config_lists_load(config, &lists, error);

	snapshot->s25r = lists.s25r;
	snapshot->allow = lists.allow;
	snapshot->local = lists.local;
	return ok;
}

static void
free_parts(struct built *built)
{
	s25r_free(&built->snapshot.s25r);
	list_free(&built->snapshot.allow);
	local_free(&built->snapshot.local);
	gatherer_close(&built->snapshot.gatherer);
}

struct snapshot *
snapshot_build(
    struct config *config, const struct snapshot_parts *parts, struct error *error)
{
	struct built *built = calloc(1, sizeof *built);

	if (built == NULL) {
		error_set(error, "out of memory");
		return NULL;
	}
	built->snapshot = (struct snapshot){
	    .refs = 1,
	    .unused = parts->unused,
	    .unused_ctx = parts->unused_ctx,
	    .policy = config->policy,
	    .hostname = config->hostname,
	    .mx_ranks = config->mx_ranks,
	    .mx_ranks_count = config->mx_ranks_count,
	    .greylist_text = config->greylist_text,
	    .fail_open = config->on_failure == GATE_ACCEPT,
	    .hash_people = config->hash_people,
	    .received_spf = config->received_spf,
	    .authentication_results = config->authentication_results,
	    .has_dnsbl = config->dnsbl_count != 0,
	    .exempt_networks = config->exempt,
	    .exempt_count = config->exempt_count,
	    .trusted_relays = config->trusted_relays.items,
	    .trusted_count = config->trusted_relays.count,
	    .store = parts->store,
	    .activity = parts->activity,
	    .decide = parts->decide,
	    .decide_ctx = parts->decide_ctx,
	};
	bool wants_dns =
	    config->dns_timeout_s > 0 && (config->spf || config->dnsbl_count != 0);
	bool ok = load_rules(&built->snapshot, config, error);
	if (ok && wants_dns) {
		built->snapshot.gatherer =
		    open_gatherer(config, parts->clock, error);
		ok = built->snapshot.gatherer != NULL;
	}
	if (!ok) {
		free_parts(built);
		free(built);
		return NULL;
	}
	built->config = config;
	return &built->snapshot;
}

void
snapshot_free(struct snapshot **snapshot)
{
	struct built *built = (struct built *)*snapshot;

	if (built == NULL)
		return;
	*snapshot = NULL;
	free_parts(built);
	config_free(&built->config);
	free(built);
}

const struct config *
snapshot_config(const struct snapshot *snapshot)
{
	return ((const struct built *)snapshot)->config;
}

void
config_store_settings(
    const struct config *config, struct store_settings *settings_r)
{
	*settings_r = (struct store_settings){
	    .url = config->store_url,
	    .durable = config->durable,
	    .events_s = config->events_s,
	    .retry_window_s = config->policy.retry_window_s,
	    .max_age_s = config->policy.max_age_s,
	    .half_life_s = config->policy.half_life_s,
	    .max_new_per_net = config->max_new_per_net,
	    .hash_people = config->hash_people,
	    .timeout_ms = config->store_timeout_s * 1000,
	    .waits_at_start = config->store_waits,
	};
}

bool
config_path_beside(const struct config *config, const char *end,
    char path[static CONFIG_STATUS_PATH_SIZE])
{
	const char *beside = NULL;

	if (strncmp(config->listen, "unix:", 5) == 0)
		beside = config->listen + 5;
	else if (strncmp(config->store_url, "sqlite:", 7) == 0)
		beside = config->store_url + 7;
	if (beside == NULL)
		return false;
	int length = snprintf(path, CONFIG_STATUS_PATH_SIZE, "%s%s", beside, end);
	return length > 0 && length < CONFIG_STATUS_PATH_SIZE;
}

bool
config_status_path(
    const struct config *config, char path[static CONFIG_STATUS_PATH_SIZE])
{
	return config_path_beside(config, ".status", path);
}
