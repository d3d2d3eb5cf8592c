/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/* Limits what libc keeps for threads; call before the first one is started. */
void memory_for_threads(void);

#endif
