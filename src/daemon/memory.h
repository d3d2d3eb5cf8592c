/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/* What libc keeps for threads; before the first one is started. */
void memory_for_threads(void);

#endif
