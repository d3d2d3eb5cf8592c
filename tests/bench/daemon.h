/* SPDX-License-Identifier: BSD-2-Clause */
/* targreyd, or another filter, as a child; and what its sessions say. */
#ifndef TESTS_BENCH_DAEMON_H
#define TESTS_BENCH_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "load.h"

/* A DNS server that knows no name, in a thread; its port on 127.0.0.1. */
uint16_t dns_start(void);

struct filter {
	char socket[108];
	pid_t pid;
	double ready_ms; /* from exec to the first connection */
};

/* Ends the program when the filter does not listen within 30 s. */
void filter_start(struct filter *filter, const char *log, char *const *arguments);
/* By SIGTERM; how long it took, in ms. */
double filter_stop(struct filter *filter);

struct filter_config {
	const char *socket, *rules, *url;
	uint16_t dns_port;
	bool spf;
	bool is_counted; /* by callgrind, which writes a file at the end: no sandbox
	                  */
};
/* Suspects are greylisted at once and pass at their second try. */
void filter_config(const char *path, const struct filter_config *config);

/* Session number n of a new suspect, and of one of LOAD_KNOWN clients. */
#define LOAD_KNOWN 256
void load_suspect(uint64_t number, struct load_session *session_r);
void load_known(uint64_t number, struct load_session *session_r);
/* A suspect of an organisation of its own; a client that nobody suspects. */
void load_stranger(uint64_t number, struct load_session *session_r);
void load_innocent(uint64_t number, struct load_session *session_r);
/* Makes all of these known, in a database that is there. */
bool load_make_known(const char *url, struct error *error);

#endif
