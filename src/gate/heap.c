/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/heap.h"

#include <stdlib.h>

#include "gate/gate_private.h"

bool
heap_init(struct heap *heap, size_t size)
{
	heap->rows = calloc(size, sizeof(struct conn *));
	heap->size = size;
	heap->count = 0;
	return heap->rows != NULL;
}

void
heap_free(struct heap *heap)
{
	free(heap->rows);
	heap->rows = NULL;
}

static void
put(struct heap *heap, size_t at, struct conn *conn)
{
	heap->rows[at] = conn;
	conn->wait.heap_at = (int32_t)at;
}

static void
sift_up(struct heap *heap, size_t at)
{
	struct conn *conn = heap->rows[at];
	while (at > 0) {
		size_t up = (at - 1) / 2;
		if (heap->rows[up]->wait.timer_ms <= conn->wait.timer_ms)
			break;
		put(heap, at, heap->rows[up]);
		at = up;
	}
	put(heap, at, conn);
}

static void
sift_down(struct heap *heap, size_t at)
{
	struct conn *conn = heap->rows[at];
	for (;;) {
		size_t down = 2 * at + 1;
		if (down >= heap->count)
			break;
		if (down + 1 < heap->count && heap->rows[down + 1]->wait.timer_ms <
		                                  heap->rows[down]->wait.timer_ms)
			down++;
		if (conn->wait.timer_ms <= heap->rows[down]->wait.timer_ms)
			break;
		put(heap, at, heap->rows[down]);
		at = down;
	}
	put(heap, at, conn);
}

void
heap_set(struct heap *heap, struct conn *conn, int64_t at)
{
	if (conn->wait.heap_at < 0) {
		conn->wait.timer_ms = at;
		put(heap, heap->count++, conn);
		sift_up(heap, heap->count - 1);
		return;
	}
	conn->wait.timer_ms = at;
	sift_up(heap, (size_t)conn->wait.heap_at);
	sift_down(heap, (size_t)conn->wait.heap_at);
}

void
heap_remove(struct heap *heap, struct conn *conn)
{
	if (conn->wait.heap_at < 0)
		return;
	size_t at = (size_t)conn->wait.heap_at;
	conn->wait.heap_at = -1;
	struct conn *last = heap->rows[--heap->count];
	if (last == conn)
		return;
	put(heap, at, last);
	sift_up(heap, at);
	sift_down(heap, (size_t)last->wait.heap_at);
}
