/* SPDX-License-Identifier: BSD-2-Clause */
/* libmilter starts and ends a thread for nearly every message. */
#include "daemon/memory.h"

#include <malloc.h>
#include <pthread.h>

#define ARENAS 2 /* glibc would keep one for each of libmilter's threads */
/*
 * glibc keeps 40 MB of ended threads' stacks for the next: five of the usual 8 MiB.
 * Of each ThreadSanitizer takes 0.8 MB for itself.
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
