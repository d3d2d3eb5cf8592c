/* SPDX-License-Identifier: BSD-2-Clause */
/* Who else reads the database; private to this folder. */
#ifndef STORE_SQLITE_READERS_PRIVATE_H
#define STORE_SQLITE_READERS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Names the other processes that hold a read lock on the shared memory of the
 * write-ahead log, "process 4711 (sqlite3), process 4712": only those in the same
 * PID name space. Returns buf, "" if there are none.
 * Source  sqlite.org/walformat.html 2.3 (the bytes of the locks), proc(5)
 */
const char *sqlite_readers(const char *path, char *buf, size_t size);

#endif
