/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds fuzz_spf.c with random inputs where libFuzzer is not: most are records
 * out of tokens, some DNS messages with octets changed.
 *
 * usage: spf_random EVALUATIONS [SEED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/dice.h"

static uint64_t state;

static unsigned
dice(unsigned sides)
{
	return dice_roll(&state, sides);
}

struct buffer {
	uint8_t bytes[20000];
	size_t length;
};

static void
put(struct buffer *b, const void *data, size_t length)
{
	if (b->length + length < sizeof b->bytes)
		memcpy(b->bytes + b->length, data, length);
	else
		length = 0;
	b->length += length;
}

static void
put_octet(struct buffer *b, unsigned octet)
{
	uint8_t one = (uint8_t)octet;

	put(b, &one, 1);
}

static void
put_random(struct buffer *b, unsigned most)
{
	for (unsigned i = dice(most + 1); i > 0; i--)
		put_octet(b, dice(255));
}

/* A whole answer, then a few octets changed. */
static void
put_packet(struct buffer *b)
{
	static const char packet[] =
	    "\x12\x34\x81\x80\0\1\0\2\0\0\0\0"
	    "\1a\7example\0\0\x10\0\1"
	    "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e"
	    "\1b\xc0\x0e\0\x10\0\1\0\0\0\x3c\0\x0d\x0cv=spf1 a -al";
	size_t start = b->length;

	put(b, packet, sizeof packet - 1);
	for (unsigned i = dice(6); i > 0; i--)
		b->bytes[start + dice((unsigned)(b->length - start))] =
		    (uint8_t)dice(255);
}

static void
put_name(struct buffer *b)
{
	static const char *const names[] = {"a.example", "a@a.example",
	    "\"x y\"@b.example", "", "[192.0.2.1]", "friend", "a@b..example",
	    "a-b+c=d@a.example", "a\\b@a.example", "h) x=(y; identity=helo",
	    "%{d}@%{l}.example"};

	const char *name = names[dice(3) != 0 ? 1 : dice(11)];

	if (dice(8) == 0)
		put_random(b, 300);
	else
		put(b, name, strlen(name));
}

static void
put_answer(struct buffer *b)
{
	unsigned kind = dice(10);

	if (kind == 0) {
		put_octet(b, 3);
		put_packet(b);
	} else if (kind == 1) {
		put_octet(b, 2 + 4 * dice(6));
	} else {
		put_octet(b, dice(4) != 0 ? 0 : dice(3));
		put_random(b, dice(20) == 0 ? 3000 : 9);
	}
	put_octet(b, 0xff);
}

int
main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000;
	static struct buffer b;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252;
	for (long i = 0; i < count; i++) {
		b.length = 0;
		put_octet(&b, dice(254));
		put_octet(&b, 0xff);
		put_name(&b);
		put_octet(&b, 0xff);
		put_name(&b);
		put_octet(&b, 0xff);
		for (unsigned n = 1 + dice(30); n > 0; n--)
			put_answer(&b);
		LLVMFuzzerTestOneInput(b.bytes, b.length);
	}
	printf("%ld evaluations\n", count);
	return 0;
}
