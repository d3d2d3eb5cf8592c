/* SPDX-License-Identifier: BSD-2-Clause */
/* Made-up clients and senders by number, and a database full of them. */
#ifndef TESTS_BENCH_WORKLOAD_H
#define TESTS_BENCH_WORKLOAD_H

#include <stdint.h>

#include "store/store.h"

#define WORKLOAD_SIZE 64

/* Scatters numbers. */
uint64_t workload_mix(uint64_t number);

/* A sixteenth as many networks as numbers, as from an army of lines. */
struct store_who workload_client(uint64_t number);

/* The sender's digits would be folded away, so it has none. */
struct triplet workload_triplet(uint64_t number, char text[static WORKLOAD_SIZE]);
#define WORKLOAD_RECIPIENT "somebody@example.jp"

/* As the daemon has them, with full durability. */
struct store_settings workload_settings(const char *url);

/*
 * A database with so many waiting triplets, evenly of the last window_s
 * seconds, written in large transactions without a sync.
 */
bool workload_fill(const struct store_settings *settings, uint64_t rows,
    int64_t now, int64_t window_s, struct error *error);

#endif
