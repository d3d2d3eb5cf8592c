/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/event.h"

#include <string.h>

const char *const hold_end_words[HOLD_ENDS] = {HOLD_END_LIST(WORD_TEXT)};

const char *
event_word(const struct event *event, enum session_key key)
{
	const char *packed = event->packed_words;

	if (event->words != NULL)
		return event->words->value[key];
	for (unsigned i = 0; packed != NULL && i < (unsigned)key; i++)
		packed += strlen(packed) + 1;
	return packed;
}
