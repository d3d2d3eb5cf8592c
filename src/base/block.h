/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "Nothing waits in a callback."
 *
 * In libmilter's worker pool a callback that sleeps makes other sessions queue. So
 * a thread marks itself while it runs a callback, and everything that can block
 * (condition wait, poll, sleep, blocking read, commit) calls block_declare(). A
 * declared block inside a callback is a bug of ours: it aborts when assertions are
 * on, and is logged once otherwise. Logging declares nothing: it never waits
 * (log.h).
 */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include <stdbool.h>

/* Nesting is allowed; each enter needs a leave on the same thread. */
void block_callback_enter(void);
void block_callback_leave(void);

/* what  names the primitive, for the message; a string literal */
void block_declare(const char *what);

#endif
