/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds fuzz_dns.c with random inputs where libFuzzer is not: messages of
 * records that point at each other, some octets of which are changed.
 *
 * usage: dns_random MESSAGES [SEED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/dice.h"

#define LONGEST 65535

static uint64_t state;
static uint8_t message[LONGEST + 1];
static size_t length;

static unsigned
dice(unsigned sides)
{
	return dice_roll(&state, sides);
}

static void
put(const void *data, size_t more)
{
	if (length + more <= sizeof message) {
		memcpy(message + length, data, more);
		length += more;
	}
}

/* Labels, and at the end the root or a pointer to somewhere before. */
static void
put_name(void)
{
	for (unsigned i = dice(4) == 0 ? dice(130) : dice(3); i > 0; i--)
		put("\1a", 2);
	if (dice(4) == 0) {
		put("", 1);
		return;
	}
	unsigned to = dice(3) == 0 ? dice((unsigned)length) : 12;
	uint8_t pointer[2] = {0xc0 | (uint8_t)(to >> 8 & 0x3f), (uint8_t)to};
	put(pointer, 2);
}

static void
put_record(void)
{
	static const uint8_t types[] = {1, 28, 16, 15, 12, 5, 99};
	uint8_t fixed[10] = {0, types[dice(7)], 0, 1, 0, 0, 0, 60, 0, 0};

	put_name();
	size_t at = length;
	put(fixed, sizeof fixed);
	size_t begun = length;
	switch (fixed[1]) {
	case 1:
		put("\300\0\2\1", 4);
		break;
	case 28:
		put("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1", 16);
		break;
	case 16:
		put("\6v=spf1", 7);
		break;
	case 15:
		put("\0\12", 2);
		put_name();
		break;
	default:
		put_name();
	}
	if (length > at + 9)
		message[at + 9] = (uint8_t)(length - begun);
}

int
main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252;
	for (long i = 0; i < count; i++) {
		unsigned records = dice(50) == 0 ? dice(5000) : dice(12);
		const uint8_t head[] = {(uint8_t)dice(256), 0x12, 0x34, 0x81, 0x80,
		    0, 1, (uint8_t)(records >> 8), (uint8_t)records, 0, 0, 0, 0};
		length = 0;
		put(head, sizeof head);
		put("\1a\7example\0\0\1\0\1", 15);
		for (unsigned n = 0; n < records; n++)
			put_record();
		for (unsigned n = dice(4); n > 0; n--)
			message[1 + dice((unsigned)length - 1)] =
			    (uint8_t)dice(256);
		LLVMFuzzerTestOneInput(message, length);
	}
	printf("%ld messages\n", count);
	return 0;
}
