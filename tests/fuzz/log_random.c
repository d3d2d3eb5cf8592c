/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds fuzz_log.c with random inputs where libFuzzer is not: texts out of the
 * words that such lines consist of.
 *
 * usage: fuzz_log LINES [SEED]
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

static const char *const words[] = {
    ("x> -> <c@d>, Queue-ID: GOOD, Message-ID: "
     "<m@x>, mail_id: i, Hits: 31, size: 1, 5 ms"),
    "m>, qid: <GOOD>, ip: 1.2.3.4, from: <x>, (default: T (reject): [31.0/15.0] [",
    "x from x[1.2.3.4]; from=<a@b> to=<c@d> proto=ESMTP helo=<x>: 4.7.1 no",
    ", Queue-ID: GOOD",
    ", Message-ID: <m@x>",
    ", Hits: 31",
    ", Hits: -",
    ", size: 1",
    ", 5 ms",
    ", mail_id: i",
    "> -> <",
    "@evil.example>",
    ">, qid: <GOOD>",
    ">, qid: <GOOD",
    ", ip: 1.2.3.4",
    ", from: <",
    ", user: joe",
    "(default: T (reject): [31.0/15.0] [",
    " (default: F (no action): [0.0/15.0] [",
    ", forced: reject",
    "X-Spam-Status: ",
    "milter-header-info: header X-Spam-Status: ",
    "Yes, score=31",
    "No, score=-9",
    ": milter-reject: END-OF-MESSAGE from ",
    "x[1.2.3.4]",
    " from x[1.2.3.4]: ",
    "; from=<a@b> to=<c@d>",
    " proto=ESMTP helo=<x>",
    ": 5.7.1 no",
    ": 4.7.1 no",
    ",mid=<m@x>",
    ",autolearn=no",
    "spamd: result: Y 31 - ",
    "message-id=<m@x>",
    "GOOD: ",
    "\"",
    "\\",
    "\\\"",
    "<",
    ">",
    "@",
    "[",
    "]",
    "(",
    ")",
    ",",
    " ",
    ": ",
    ";",
    "a",
    "4bOwnId7z",
    "\t",
    "\n",
    "\x7f",
    "\xc3\xa9",
};

int
main(int argc, char **argv)
{
	long lines = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
	uint8_t data[900];

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	if (state == 0)
		state = 1;
	for (long i = 0; i < lines; i++) {
		size_t size = 1;
		data[0] = (uint8_t)dice(256);
		for (unsigned part = 0; part < 2; part++) {
			for (unsigned word = dice(9); word > 0; word--) {
				const char *text =
				    words[dice(sizeof words / sizeof *words)];
				memcpy(data + size, text, strlen(text));
				size += strlen(text);
			}
			data[size++] = '\0';
		}
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%ld lines\n", lines);
	return 0;
}
