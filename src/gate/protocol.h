/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of the milter protocol: one octet each for commands and replies,
 * bits for what is negotiated. Names and values are those of libmilter's own
 * <libmilter/mfdef.h>.
 *
 * A frame is four octets of length (big endian, the command's octet counted),
 * the command, data. A negotiation's data is three numbers of 32 bits, big
 * endian: version, actions, protocol steps (SMFIP_*).
 */
#ifndef GATE_PROTOCOL_H
#define GATE_PROTOCOL_H

#include <stdint.h>

#define FRAME_LENGTH 4 /* octets of the length */
#define FRAME_HEAD   5 /* length and command */

/* Commands of the MTA. */
#define SMFIC_ABORT   'A'
#define SMFIC_BODY    'B'
#define SMFIC_CONNECT 'C'
#define SMFIC_MACRO   'D' /* stage (a command's octet), then name NUL value NUL */
#define SMFIC_BODYEOB 'E'
#define SMFIC_HELO    'H'
#define SMFIC_QUIT_NC 'K'
#define SMFIC_HEADER  'L'
#define SMFIC_MAIL    'M'
#define SMFIC_EOH     'N'
#define SMFIC_OPTNEG  'O'
#define SMFIC_QUIT    'Q'
#define SMFIC_RCPT    'R'
#define SMFIC_DATA    'T'
#define SMFIC_UNKNOWN 'U'

/* Families in CONNECT. */
#define SMFIA_UNKNOWN 'U'
#define SMFIA_INET    '4'
#define SMFIA_INET6   '6'

/* Replies that end a command; any other (an edit, progress) comes before one. */
#define SMFIR_SHUTDOWN  '4'
#define SMFIR_ACCEPT    'a'
#define SMFIR_CONTINUE  'c'
#define SMFIR_DISCARD   'd'
#define SMFIR_CONN_FAIL 'f'
#define SMFIR_REJECT    'r'
#define SMFIR_SKIP      's'
#define SMFIR_TEMPFAIL  't'
#define SMFIR_REPLYCODE 'y'

#define SMFIR_PROGRESS 'p'

/* Steps that the MTA shall leave out. */
#define SMFIP_NOCONNECT 0x00000001L
#define SMFIP_NOHELO    0x00000002L
#define SMFIP_NOMAIL    0x00000004L
#define SMFIP_NORCPT    0x00000008L
#define SMFIP_NOBODY    0x00000010L
#define SMFIP_NOHDRS    0x00000020L
#define SMFIP_NOEOH     0x00000040L
#define SMFIP_NOUNKNOWN 0x00000100L
#define SMFIP_NODATA    0x00000200L

/* Commands that get no reply. */
#define SMFIP_NR_HDR  0x00000080L
#define SMFIP_NR_CONN 0x00001000L
#define SMFIP_NR_HELO 0x00002000L
#define SMFIP_NR_MAIL 0x00004000L
#define SMFIP_NR_RCPT 0x00008000L
#define SMFIP_NR_DATA 0x00010000L
#define SMFIP_NR_UNKN 0x00020000L
#define SMFIP_NR_EOH  0x00040000L
#define SMFIP_NR_BODY 0x00080000L

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
