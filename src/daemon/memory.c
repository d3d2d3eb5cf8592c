/* SPDX-License-Identifier: BSD-2-Clause */
/* libmilter starts and ends a thread for nearly every message. */
#include "daemon/memory.h"

#include <malloc.h>
#include <pthread.h>

#define ARENAS 2 /* else glibc makes more for libmilter's many threads */
/*
 * glibc caches 40 MB of ended threads' stacks: five of the usual 8 MiB.
 * ThreadSanitizer needs 0.8 MB of each.
 */
#define STACK_SIZE ((size_t)1024 * 1024)

void
memory_for_threads(void)
{
	pthread_attr_t attributes;

	mallopt(M_ARENA_MAX, ARENAS);
	if (pthread_attr_init(&attributes) != 0)
		return;
	if (pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0)
		(void)pthread_setattr_default_np(&attributes);
	pthread_attr_destroy(&attributes);
}
