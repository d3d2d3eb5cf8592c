/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes for tables in memory (FNV-1a), whose keys a stranger gains nothing by
 * choosing. Where he would, and for what is stored: siphash.h.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

/* Goes on with the hash of what came before; HASH_START at first. */
uint64_t hash_add(uint64_t hash, const void *data, size_t length);
/* Every bit depends on all octets, so that any of them serve as an index; never 0.
 */
uint64_t hash_finish(uint64_t hash);

#endif
