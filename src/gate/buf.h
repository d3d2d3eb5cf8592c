/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Octets in a row, at most 2^31: appended at the end, taken from the front. Holds
 * memory only while it holds octets. Zero-initialise. One owner, no locks.
 *
 * When memory is out an append does nothing, and so do all later ones: the row
 * has a hole. Its owner looks at has_failed before it makes use of it.
 */
#ifndef GATE_BUF_H
#define GATE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	uint32_t off, len, cap; /* data[off .. off + len) is in use */
	bool has_failed;
};

void buf_append(struct buf *buf, const void *data, size_t len);
const char *buf_head(const struct buf *buf);
/* len <= buf->len; frees the memory when nothing is left */
void buf_take(struct buf *buf, size_t len);
/* Gives back what is not in use. */
void buf_trim(struct buf *buf);
void buf_clear(struct buf *buf); /* has_failed stays */

#endif
