/* SPDX-License-Identifier: BSD-2-Clause */
/* Name servers for tests: tests/support/dnsd.py, and one that never answers. */
#ifndef TESTS_DNS_DNSD_H
#define TESTS_DNS_DNSD_H

#include <sys/types.h>

struct dnsd {
	pid_t pid;       /* 0: no process */
	int socket;      /* of the dead one; -1 */
	char text[64];   /* "127.0.0.1:40123" */
	char folder[64]; /* scratch */
};

/* table  JSON, as told in dnsd.py */
void dnsd_start(struct dnsd *dnsd, const char *table);
/* A socket that takes questions and says nothing. */
void dnsd_start_dead(struct dnsd *dnsd);
/* An address where nothing listens. */
void dnsd_start_refused(struct dnsd *dnsd);
/* Questions that the server has seen. */
unsigned dnsd_asked(const struct dnsd *dnsd);
void dnsd_stop(struct dnsd *dnsd);

#endif
