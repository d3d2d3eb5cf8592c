/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of octets, at most 2^31: appended at the end, taken from the front.
 * Allocates only while it holds octets. Zero-initialise. One owner, no locks.
 *
 * When out of memory an append does nothing, and so do all later ones: octets are
 * missing. The owner must check has_failed before using it.
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
/* The first octet; valid until the next change of buf. */
const char *buf_head(const struct buf *buf);
/* Removes len <= buf->len octets from the front; frees the memory when empty. */
void buf_take(struct buf *buf, size_t len);
/* Frees unused memory. */
void buf_trim(struct buf *buf);
void buf_clear(struct buf *buf); /* has_failed stays */

#endif
