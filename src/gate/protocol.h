/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constants of the milter protocol, from libmilter's header for MTAs: commands
 * (SMFIC_), replies (SMFIR_), steps (SMFIP_), families (SMFIA_).
 *
 * A frame is four octets of length (big endian, the command's octet counted),
 * the command, data. A negotiation's data is three numbers of 32 bits, big
 * endian: version, actions, protocol steps. A macro frame's is the octet of its
 * command, then name NUL value NUL, repeated.
 */
#ifndef GATE_PROTOCOL_H
#define GATE_PROTOCOL_H

#include <stdint.h>

#include <libmilter/mfdef.h>

#define FRAME_LENGTH 4 /* octets of the length */
#define FRAME_HEAD   5 /* length and command */

static inline uint32_t
protocol_get32(const char *at)
{
	const unsigned char *octets = (const unsigned char *)at;
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
	       (uint32_t)octets[2] << 8 | octets[3];
}

static inline void
protocol_put32(char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
}

#endif
