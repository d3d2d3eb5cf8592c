/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/buf.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 512

bool
buf_append(struct buf *buf, const void *data, size_t len)
{
	if (buf->off + buf->len + len > buf->cap && buf->off > 0) {
		memmove(buf->data, buf->data + buf->off, buf->len);
		buf->off = 0;
	}
	if (buf->len + len > buf->cap) {
		size_t cap = buf->cap == 0 ? LEAST : buf->cap;
		while (cap < buf->len + len)
			cap *= 2;
		char *grown = realloc(buf->data, cap);
		if (grown == NULL)
			return false;
		buf->data = grown;
		buf->cap = cap;
	}
	memcpy(buf->data + buf->off + buf->len, data, len);
	buf->len += len;
	return true;
}

const char *
buf_head(const struct buf *buf)
{
	return buf->data + buf->off;
}

void
buf_take(struct buf *buf, size_t len)
{
	buf->off += len;
	buf->len -= len;
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
	*buf = (struct buf){0};
}
