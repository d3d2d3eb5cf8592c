/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/unpack_private.h"

#include <unistd.h>

GMimeStream *
unpack_stream(int fd, bool is_gzip, int64_t limit)
{
	int64_t from = lseek(fd, 0, SEEK_CUR);
	GMimeStream *plain = g_mime_stream_fs_new_with_bounds(
	    fd, from, limit > 0 ? from + limit : -1);
	GMimeStream *stream = g_mime_stream_filter_new(plain);

	g_mime_stream_fs_set_owner((GMimeStreamFs *)plain, FALSE);
	if (is_gzip) {
		GMimeFilter *filter =
		    g_mime_filter_gzip_new(GMIME_FILTER_GZIP_MODE_UNZIP, 0);
		g_mime_stream_filter_add((GMimeStreamFilter *)stream, filter);
		g_object_unref(filter);
	}
	g_object_unref(plain);
	return stream;
}
