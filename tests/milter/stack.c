/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/snapshot.h"
#include "gate/gate.h"
#include "milter/milter.h"
#include "session/session.h"

_Atomic int64_t stack_now_ms = (int64_t)1800000000 * 1000;

static char folder[] = "/tmp/targrey-milter-XXXXXX", listen_at[80], back[80];
static struct clock the_clock;
static struct gate *gate;
static struct store *store;
static struct activity *activity;
static struct snapshot *snapshot;
static struct error error = {"out of memory"};

static void
must(bool is_done)
{
	if (is_done)
		return;
	fprintf(stderr, "stack: %s\n", error.text);
	abort();
}

static struct snapshot *
current(void *ctx)
{
	return snapshot_ref(snapshot);
}

static void
unused(void *ctx, struct snapshot *gone)
{
}

static struct config *
read_config(void)
{
	char path[80];

	snprintf(path, sizeof path, "%s/conf", folder);
	FILE *file = fopen(path, "w");
	must(file != NULL);
	fputs("mode = \"rgrey\" hostname = \"mx.example.jp\"\n"
	      "exempt_networks = {}\n"
	      "greylist { text = \"Not now, please come back\" }\n"
	      "allow { files = {} }\n"
	      "suspects { s25r = \"" RULES "\" files = {} }\n"
	      "spf { enabled = no }\n"
	      "store { url = \"memory:\" }\n",
	    file);
	fclose(file);
	struct config *config = config_load(path, &error);
	must(config != NULL);
	unlink(path);
	return config;
}

static void
build_snapshot(void)
{
	struct store_settings settings;
	struct config *config = read_config();

	config_store_settings(config, &settings);
	store = store_open(&settings, &the_clock, &error);
	must(store != NULL);
	activity = activity_new();
	struct snapshot_parts parts = {.store = store,
	    .activity = activity,
	    .clock = &the_clock,
	    .decide = milter_decide,
	    .decide_ctx = gate,
	    .unused = unused};
	snapshot = snapshot_build(config, &parts, &error);
	must(snapshot != NULL);
}

void
stack_start(void)
{
	log_set_level(LOG_LEVEL_WARNING);
	must(mkdtemp(folder) != NULL);
	snprintf(listen_at, sizeof listen_at, "unix:%s/front", folder);
	snprintf(back, sizeof back, "%s/back", folder);
	struct gate_settings settings = {.listen = listen_at,
	    .socket_mode = 0600,
	    .socket_group = (gid_t)-1,
	    .back_path = back,
	    .answer_timeout_ms = 1000000,
	    .max_holds = 50,
	    .headers = session_headers};
	clock_init_manual(&the_clock, &stack_now_ms);
	gate = gate_open(&settings, &the_clock, &error);
	must(gate != NULL);
	build_snapshot();
	struct milter_settings milter = {back, current, NULL};
	must(milter_start(&milter, gate, &error));
	must(gate_start(gate, &error));
}

void
stack_stop(void)
{
	char lock[80];

	gate_stop(gate, 5000);
	gate_free(&gate);
	store_close(&store);
	snapshot_free(&snapshot);
	activity_free(&activity);
	unlink(back);
	snprintf(lock, sizeof lock, "%s/front.lock", folder);
	unlink(lock);
	rmdir(folder);
}

const char *
stack_listen(void)
{
	return listen_at;
}
