/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4, a keyed 64-bit hash: without the key nobody can choose collisions.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16

/* The hash of length octets of data under the key. */
uint64_t siphash(
    const uint8_t key[static SIPHASH_KEY_SIZE], const void *data, size_t length);

#endif
