/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *
status_text(const struct status_sources *sources)
{
	struct gate_report gate;
	struct store_status_report store;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL)
		return NULL;
	const struct config *config = sources->config;
	gate_report(sources->gate, &gate);
	store_report(sources->store, false, &store);
	fprintf(file,
	    "version\t%s\nmode\t%s\npid\t%ld\nstarted\t%lld\n"
	    "connections\t%u\nholds\t%u\nholds_peak\t%u\nmax_sessions\t%u\n"
	    "accepted\t%llu\nholds_begun\t%llu\nholds_refused\t%llu\ngone\t%llu\n"
	    "timeouts\t%llu\nstore\t%s\n",
	    TARGREY_VERSION, mode_words[config->policy.mode], (long)getpid(),
	    (long long)sources->started, gate.connections, gate.holds,
	    gate.holds_peak, gate.max_holds, (unsigned long long)gate.accepted,
	    (unsigned long long)gate.holds_begun,
	    (unsigned long long)gate.holds_refused, (unsigned long long)gate.gone,
	    (unsigned long long)gate.timeouts,
	    store.failing ? store.trouble : "ok");
	board_write(sources->board, file);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}
