/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of the milter protocol as an MTA writes and reads them: the length of
 * what follows in four octets, a command, data. The commands' letters and the
 * bits of a negotiation are named in libmilter's mfapi.h and mfdef.h.
 */
#ifndef TESTS_SUPPORT_FRAME_H
#define TESTS_SUPPORT_FRAME_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_HEAD 5 /* octets of the length and the command */

/* What Postfix offers (its milter8.c). */
#define FRAME_VERSION 6
#define FRAME_ACTIONS 0x1ffU
#define FRAME_STEPS   0x1fffffU

/* Where the filter's steps stand in the data of its reply. */
#define FRAME_STEPS_AT 8

static inline uint32_t
frame_number(const void *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof number);
	return ntohl(number);
}

/* Appends a frame to buf, which has used octets; returns how many there are then.
 */
static inline size_t
frame_put(char *buf, size_t used, char command, const void *data, size_t len)
{
	uint32_t length = htonl((uint32_t)len + 1);

	memcpy(buf + used, &length, sizeof length);
	buf[used + 4] = command;
	if (len > 0)
		memcpy(buf + used + FRAME_HEAD, data, len);
	return used + FRAME_HEAD + len;
}

static inline size_t
frame_put_negotiation(
    char *buf, size_t used, uint32_t version, uint32_t actions, uint32_t steps)
{
	uint32_t words[] = {htonl(version), htonl(actions), htonl(steps)};

	return frame_put(buf, used, 'O', words, sizeof words);
}

#endif
