/* SPDX-License-Identifier: BSD-2-Clause */
/* The next thing to do, by time: a binary heap of connections. Loop's own. */
#ifndef GATE_HEAP_H
#define GATE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

struct heap {
	struct conn **rows; /* rows[0] is the earliest */
	size_t count, size;
};

bool heap_init(struct heap *heap, size_t size);
void heap_free(struct heap *heap);
/* Puts the connection in, or moves it, to time at. */
void heap_set(struct heap *heap, struct conn *conn, int64_t at);
void heap_remove(struct heap *heap, struct conn *conn);

#endif
