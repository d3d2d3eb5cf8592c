/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A layer between SQLite and the system that fails or is slow on request, for
 * every file opened after shim_install(). Any thread may set the requests.
 */
#ifndef TESTS_STORE_SHIM_H
#define TESTS_STORE_SHIM_H

#include <stdint.h>

enum shim_fault {
	SHIM_NONE,
	SHIM_FULL,        /* writes: disk full */
	SHIM_WRITE_ERROR, /* writes: I/O error */
	SHIM_SYNC_ERROR,  /* syncs: I/O error */
	SHIM_READ_ERROR,  /* reads: I/O error */
	SHIM_GARBLED      /* reads of the database past its first pages: nonsense */
};

/* Becomes the default of SQLite. Once a process. */
void shim_install(void);

/*
 * The nth call of that kind from now on fails, n >= 1; count of them in a row,
 * 0 = all from there on. SHIM_NONE: everything works again.
 */
void shim_fail(enum shim_fault fault, unsigned nth, unsigned count);
/* How many calls have failed since shim_fail(). */
unsigned shim_failed(void);

/* Every sync takes so much longer. */
void shim_slow_sync(unsigned microseconds);

/* Since the start of the process. */
uint64_t shim_syncs(void);
uint64_t shim_writes(void);

#endif
