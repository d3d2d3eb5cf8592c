/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4: a keyed 64-bit hash that nobody without the key can aim.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

uint64_t siphash(
    const uint8_t key[static SIPHASH_KEY_SIZE], const void *data, size_t length);

#endif
