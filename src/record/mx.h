/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of several MXs have seen the attempts of one triplet, in 64 bits: codes
 * of 15 bits in the order of the first attempt at each, from bit 4 on, and in the
 * low bits a mark for each that has had its attempt in the current walk. In a walk
 * a client tries one MX after the other, with less time between the attempts than
 * before a retry. 0: no attempt with a code.
 */
#ifndef RECORD_MX_H
#define RECORD_MX_H

#include <stdbool.h>
#include <stdint.h>

/* At most this many are told apart; others are not noted. */
#define MX_MOST 4

/* The code of a host name, upper and lower case alike: 1..32767. */
uint16_t mx_code(const char *hostname);

/* The MX has had its attempt in the current walk. */
bool mx_is_walked(uint64_t mxs, uint16_t code);
/*
 * Adds an attempt; is_walk: it belongs to the current walk, else it begins another.
 * code 0 changes nothing.
 */
uint64_t mx_add(uint64_t mxs, uint16_t code, bool is_walk);
/* How many different ones: 0..MX_MOST. */
unsigned mx_count(uint64_t mxs);
/* The code of the first; 0: none. */
uint16_t mx_first(uint64_t mxs);

#endif
