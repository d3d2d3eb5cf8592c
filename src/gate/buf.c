/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/buf.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 512
#define MOST  ((uint32_t)1 << 31)

static bool
grow(struct buf *buf, size_t wanted)
{
	uint32_t cap = buf->cap == 0 ? LEAST : buf->cap;

	while (cap < wanted && cap <= MOST / 2)
		cap *= 2;
	char *grown = cap < wanted ? NULL : realloc(buf->data, cap);
	if (grown == NULL)
		return false;
	buf->data = grown;
	buf->cap = cap;
	return true;
}

void
buf_append(struct buf *buf, const void *data, size_t len)
{
	if (buf->has_failed || len == 0)
		return;
	if (buf->off + buf->len + len > buf->cap && buf->off > 0) {
		memmove(buf->data, buf->data + buf->off, buf->len);
		buf->off = 0;
	}
	if (buf->len + len > buf->cap && !grow(buf, buf->len + len)) {
		buf->has_failed = true;
		return;
	}
	memcpy(buf->data + buf->off + buf->len, data, len);
	buf->len += (uint32_t)len;
}

const char *
buf_head(const struct buf *buf)
{
	return buf->data + buf->off;
}

void
buf_take(struct buf *buf, size_t len)
{
	buf->off += (uint32_t)len;
	buf->len -= (uint32_t)len;
	if (buf->len == 0)
		buf_clear(buf);
}

void
buf_trim(struct buf *buf)
{
	if (buf->len == 0 || buf->cap == buf->len)
		return;
	memmove(buf->data, buf->data + buf->off, buf->len);
	buf->off = 0;
	char *less = realloc(buf->data, buf->len);
	if (less != NULL) {
		buf->data = less;
		buf->cap = buf->len;
	}
}

void
buf_clear(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.has_failed = buf->has_failed};
}
