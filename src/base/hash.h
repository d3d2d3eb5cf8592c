/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes (FNV-1a) for tables in memory whose keys nobody gains by choosing. Where
 * a stranger would gain, and for what is stored, use siphash.h.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

/* Continues the hash of earlier data; HASH_START to begin with. */
uint64_t hash_add(uint64_t hash, const void *data, size_t length);
/* Mixes it so that any bits can serve as an index; never 0. */
uint64_t hash_finish(uint64_t hash);

#endif
