/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists of src/words: "key NAME [WORD...]" and "flag NAME", a line each. */
#include <stdio.h>

#include "record/words.h"

int
main(void)
{
	for (enum session_key key = 0; key < SESSION_KEYS; key++) {
		const char *const *word = session_keys[key].words;
		printf("key %s", session_keys[key].name);
		for (; word != NULL && *word != NULL; word++)
			printf(" %s", *word);
		putchar('\n');
	}
	for (enum flag flag = 0; flag < FLAGS; flag++)
		printf("flag %s\n", flag_words[flag]);
	return 0;
}
