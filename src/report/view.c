/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/view.h"

#include <stdlib.h>
#include <string.h>

const char *
view_word(const struct event_view *view, enum session_key key)
{
	return view->event->words->value[key];
}

uint32_t
view_number(const struct event_view *view, enum session_key key)
{
	const char *word = view_word(view, key);

	return word[0] == '0' ? 0 : (uint32_t)strtoul(word, NULL, 10);
}

struct event_view
view_of(const struct event *event)
{
	struct event_view view = {.event = event};
	const char *why = view_word(&view, SK_WHY);

	view.is_mail =
	    event->sender != NULL && event->rcpt_accepted + event->rcpt_refused > 0;
	view.is_exempt = event->exempt != NULL && *event->exempt != '\0';
	view.is_warned = !view.is_exempt && strcmp(why, "warn") == 0;
	view.is_suspect = !view.is_exempt && !view.is_warned && *why != '\0' &&
	                  strcmp(why, "none") != 0;
	view.is_held = event->hold_end != HOLD_NONE;
	view.is_gone = event->hold_end == HOLD_GONE;
	view.is_refused = event->reply != NULL && event->reply[0] == '4';
	/* 451: targreyd was stopped, or could not keep the record. */
	view.is_greylisted = !view.is_gone && view.is_refused &&
	                     strcmp(event->reply, "451") != 0 &&
	                     strcmp(view_word(&view, SK_VERDICT), "pass") != 0;
	view.is_delivered = event->delivered;
	view.is_let_through =
	    event->delivered ||
	    (event->reply != NULL && strncmp(event->reply, "others ", 7) == 0);
	if (event->feedback != NULL) {
		view.is_ham = strcmp(event->feedback, "ham") == 0;
		view.is_spam = strcmp(event->feedback, "spam") == 0;
	}
	return view;
}
