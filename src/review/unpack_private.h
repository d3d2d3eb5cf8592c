/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REVIEW_UNPACK_PRIVATE_H
#define REVIEW_UNPACK_PRIVATE_H

#include <gmime/gmime.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a mail from fd's position, unpacking if needed. fd stays the caller's.
 *
 * limit    octets of the packed file, for an mbox; 0 = to its end
 * Returns  a reference, for g_object_unref()
 */
GMimeStream *unpack_stream(int fd, bool is_gzip, int64_t limit);

#endif
